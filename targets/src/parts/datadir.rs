//! A fresh MariaDB data directory, made once.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::cache::{Cache, cache_dir};
use super::error::says_disk_full;
use super::lines::last_line;
use super::package::fnv;
use super::{ON_PATH, PartsError, PartsRoot};

/// How it is made. The log is small so that a copy is: 8 MiB still holds many seconds of a lab's writes.
const RECIPE: [&str; 8] = [
    "--no-defaults",
    "--basedir=/usr",
    // Inside the sandbox there is no other user.
    "--user=root",
    "--auth-root-authentication-method=normal",
    "--skip-test-db",
    "--skip-name-resolve",
    "--innodb-log-file-size=8M",
    "--innodb-data-file-path=ibdata1:12M:autoextend",
];

/// A fresh data directory to be copied: `root` without a password, no test database. Made on the first call, which must
/// be made where the parts are visible in `/usr` and this process is root, as in the sandbox; found later.
///
/// # Errors
///
/// When MariaDB's tool fails or the cache cannot be written.
pub fn mariadb_datadir(parts: &PartsRoot) -> Result<PathBuf, PartsError> {
    let cache = Cache::at(cache_dir().ok_or(PartsError::NoCacheFolder)?);
    let version = parts.versions.get("mariadb-server").map_or(ON_PATH, String::as_str);
    let name = format!("datadir-{}", fnv(format!("{version}\n{}", RECIPE.join("\n")).as_bytes()));
    let finished = cache.parts().join(&name);
    if finished.is_dir() {
        return Ok(finished);
    }
    let _lock = cache.lock("datadir.lock", || ())?;
    if finished.is_dir() {
        return Ok(finished);
    }
    let unfinished = cache.parts().join(format!("making-{name}"));
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(PartsError::io("remove", &unfinished))?;
    }
    cache.make(&unfinished)?;
    let made = Command::new("mariadb-install-db")
        .args(RECIPE)
        .arg(format!("--datadir={}", unfinished.display()))
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| PartsError::DataDirectory { detail: format!("mariadb-install-db: {error}") })?;
    if !made.status.success() {
        let said = String::from_utf8_lossy(&made.stdout) + String::from_utf8_lossy(&made.stderr);
        // Leaves nothing half made; what went wrong is in the error.
        let _ = fs::remove_dir_all(&unfinished);
        return Err(match says_disk_full(&said) {
            true => PartsError::DiskFull { path: unfinished },
            false => PartsError::DataDirectory { detail: reason(&said) },
        });
    }
    fs::rename(&unfinished, &finished).map_err(PartsError::io("create", &finished))?;
    Ok(finished)
}

/// The server's own error, rather than the tool's advice after it.
fn reason(said: &str) -> String {
    let error = said.lines().find(|line| line.contains("[ERROR]") || line.starts_with("FATAL ERROR"));
    error.unwrap_or_else(|| last_line(said)).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_own_error_is_shown_rather_than_the_tools_advice() {
        let said = "Installing...\n2024 0 [ERROR] Can't create file\nThe problem could be\nPlease consult the manual";
        assert_eq!(reason(said), "2024 0 [ERROR] Can't create file");
        assert_eq!(reason("one\ntwo\n\n"), "two");
    }
}
