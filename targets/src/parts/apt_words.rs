//! What apt says, understood.

use super::Progress;
use super::lines::last_line;

/// Reads `dlstatus:3:1.3738:Retrieving file 3 of 42`.
pub(super) fn download_step(line: &str) -> Option<Progress> {
    let mut fields = line.strip_prefix("dlstatus:")?.splitn(3, ':').skip(1);
    let percent = fields.next()?.split('.').next()?.parse().ok()?;
    let files = fields.next()?.trim_start_matches("Retrieving file ");
    // Near the end it tells the time left as well.
    let files = files.split(" (").next().unwrap_or(files).to_owned();
    Some(Progress::Downloading { percent, files })
}

pub(super) fn unknown_package(line: &str) -> Option<String> {
    let name = line
        .strip_prefix("E: Unable to locate package ")
        .or_else(|| line.strip_prefix("E: Package '")?.strip_suffix("' has no installation candidate"))?;
    Some(name.to_owned())
}

/// The first line that tells of a network that does not work.
pub(super) fn network_complaint(output: &str) -> Option<String> {
    const WORDS: [&str; 7] = [
        "Temporary failure resolving",
        "Could not resolve",
        "Could not connect",
        "Cannot initiate the connection",
        "Unable to connect",
        "Connection failed",
        "timed out",
    ];
    let line = output.lines().find(|line| WORDS.iter().any(|words| line.contains(words)))?;
    Some(line.trim_start_matches(['E', 'W', ':', ' ']).trim().to_owned())
}

/// apt's errors, else its last words.
pub(super) fn complaints(output: &str) -> String {
    let errors: Vec<&str> = output.lines().filter_map(|line| line.strip_prefix("E: ")).collect();
    if errors.is_empty() { last_line(output).to_owned() } else { errors.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn download_progress_is_read_from_apt_status_lines() {
        let step = download_step("dlstatus:3:41.3738:Retrieving file 3 of 42 (1s remaining)").unwrap();
        assert_eq!(step, Progress::Downloading { percent: 41, files: "3 of 42".into() });
        assert_eq!(download_step("Get:1 somewhere"), None);
    }
}
