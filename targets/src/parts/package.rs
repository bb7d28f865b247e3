//! Packages that are to be fetched.

/// A package that is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) architecture: String,
}

impl Package {
    /// The name that apt gives the archive: an epoch's colon is escaped.
    pub(super) fn archive(&self) -> String {
        format!("{}_{}_{}.deb", self.name, self.version.replace(':', "%3a"), self.architecture)
    }
}

/// Stands for names and versions of all packages: a root with another set of packages has another name.
pub(super) fn fingerprint(plan: &[Package]) -> String {
    let mut archives: Vec<String> = plan.iter().map(Package::archive).collect();
    archives.sort();
    fnv(archives.join("\n").as_bytes())
}

/// 64-bit FNV-1a (draft-eastlake-fnv) in hexadecimal: the same on every machine and with every compiler.
pub(super) fn fnv(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// Reads `Inst nftables [1.0.5] (1.0.6-2 Debian:12.15/oldstable [amd64])`.
pub(super) fn planned(line: &str) -> Option<Package> {
    let rest = line.strip_prefix("Inst ")?;
    let (name, _) = rest.split_once(' ')?;
    let (origin, _) = rest.split_once('(')?.1.split_once(')')?;
    let (version, _) = origin.split_once(' ')?;
    let architecture = origin.rsplit_once('[')?.1.trim_end_matches(']');
    // A package of another architecture is called `name:arch`.
    let name = name.split(':').next()?;
    Some(Package {
        name: name.to_owned(),
        version: version.to_owned(),
        architecture: architecture.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_from_what_would_be_installed() {
        let fresh = planned("Inst bind9 (1:9.18.49-1~deb12u3 Debian-Security:12/oldstable-security [amd64])")
            .unwrap();
        assert_eq!(fresh.archive(), "bind9_1%3a9.18.49-1~deb12u3_amd64.deb");
        let again = planned("Inst iproute2 [6.0.0-1] (6.1.0-3 Debian:12.15/oldstable [amd64])").unwrap();
        assert_eq!(again.archive(), "iproute2_6.1.0-3_amd64.deb");
        let several =
            planned("Inst pci.ids (0.0-1 Debian:12/oldstable, Debian-Security:12/x [all]) []").unwrap();
        assert_eq!(several.archive(), "pci.ids_0.0-1_all.deb");
        assert_eq!(planned("Conf nginx (1.22.1-9 Debian:12.15/oldstable [amd64])"), None);
        assert_eq!(planned("Remv mysql-server [8.0]"), None);
    }

    #[test]
    fn the_fingerprint_depends_on_versions_and_not_on_order() {
        let package = |name: &str, version: &str| Package {
            name: name.into(),
            version: version.into(),
            architecture: "amd64".into(),
        };
        let (a, b) = (package("nginx", "1"), package("bind9", "2"));
        assert_eq!(fingerprint(&[a.clone(), b.clone()]), fingerprint(&[b.clone(), a.clone()]));
        assert_ne!(fingerprint(&[a, b.clone()]), fingerprint(&[package("nginx", "2"), b]));
    }

    #[test]
    fn the_hash_is_the_published_one() {
        // Test vectors of the FNV draft, 64-bit FNV-1a.
        assert_eq!(fnv(b""), "cbf29ce484222325");
        assert_eq!(fnv(b"foobar"), "85944171f73967e8");
    }
}
