//! Which packages there are to get, and what each is for.

use std::path::Path;

/// A group of parts that is got together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// What the designs run on.
    Stack,
    /// Headless Chromium and its fonts, for the test that looks at reports.
    Browser,
}

/// A package and how its presence is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The distribution's package.
    pub package: &'static str,
    /// A file of it, from the root; a program when it lies in a `bin` or `sbin`.
    pub file: &'static str,
    /// What is missing without it.
    pub needed_for: &'static str,
}

const fn wanted(package: &'static str, file: &'static str, needed_for: &'static str) -> Wanted {
    Wanted { package, file, needed_for }
}

const STACK: &[Wanted] = &[
    wanted("nginx", "usr/sbin/nginx", "the web server of every design"),
    wanted("haproxy", "usr/sbin/haproxy", "load balancers"),
    wanted("mariadb-server", "usr/sbin/mariadbd", "the database of every design"),
    wanted("galera-4", "usr/lib/galera/libgalera_smm.so", "databases as a Galera cluster"),
    wanted("mariadb-backup", "usr/bin/mariadb-backup", "the copy for a new member of a Galera cluster"),
    wanted("socat", "usr/bin/socat", "sending that copy"),
    wanted("gunicorn", "usr/bin/gunicorn", "the application server of every design"),
    wanted(
        "python3-pymysql",
        "usr/lib/python3/dist-packages/pymysql/__init__.py",
        "the application's way to MariaDB",
    ),
    wanted("nodejs", "usr/bin/node", "the application on Node.js"),
    wanted("bind9", "usr/sbin/named", "the DNS server of every design"),
    wanted("keepalived", "usr/sbin/keepalived", "an address shared by two load balancers"),
    wanted("prometheus", "usr/bin/prometheus", "monitoring"),
    wanted("prometheus-alertmanager", "usr/bin/prometheus-alertmanager", "alerts"),
    wanted("prometheus-node-exporter", "usr/bin/prometheus-node-exporter", "monitoring of every server"),
    wanted("prometheus-nginx-exporter", "usr/bin/prometheus-nginx-exporter", "monitoring of nginx"),
    wanted("prometheus-mysqld-exporter", "usr/bin/prometheus-mysqld-exporter", "monitoring of MariaDB"),
    wanted(
        "prometheus-blackbox-exporter",
        "usr/bin/prometheus-blackbox-exporter",
        "monitoring of the name servers",
    ),
    wanted("nftables", "usr/sbin/nft", "firewalls, and the faults that drop packets"),
    wanted("iproute2", "usr/sbin/ip", "the network of every lab"),
];

const BROWSER: &[Wanted] = &[
    wanted("chromium", "usr/bin/chromium", "the test that looks at reports"),
    wanted("fonts-dejavu-core", "usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "text in Chromium"),
    wanted("fonts-liberation", "usr/share/fonts/truetype/liberation", "text in Chromium"),
];

impl Set {
    /// Every part of the set.
    #[must_use]
    pub fn wanted(self) -> &'static [Wanted] {
        match self {
            Self::Stack => STACK,
            Self::Browser => BROWSER,
        }
    }

    /// "stack", "browser": the name of its manifest.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stack => "stack",
            Self::Browser => "browser",
        }
    }

    pub(super) fn packages(self) -> impl Iterator<Item = &'static str> {
        self.wanted().iter().map(|wanted| wanted.package)
    }
}

impl Wanted {
    /// The program's name, when it is one: "nginx".
    #[must_use]
    pub fn program(&self) -> Option<&'static str> {
        let (folder, name) = self.file.rsplit_once('/')?;
        folder.ends_with("bin").then_some(name)
    }

    pub(super) fn is_in(&self, root: &Path) -> bool {
        root.join(self.file).symlink_metadata().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_in_a_bin_folder_is_a_program() {
        let names: Vec<_> = STACK.iter().filter_map(Wanted::program).collect();
        assert!(names.contains(&"mariadbd") && names.contains(&"gunicorn"), "{names:?}");
        assert!(!names.iter().any(|name| name.contains(".py")), "{names:?}");
    }
}
