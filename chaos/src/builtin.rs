//! The schedules that come with the program.

macro_rules! schedules {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../schedules/", $name, ".toml")))),*]
    };
}

static BUILTIN: [(&str, &str); 11] = schedules![
    "noop",
    "kill-database",
    "kill-web",
    "kill-application",
    "restart-primary",
    "drop-replication",
    "drop-web",
    "drop-database",
    "pause-database",
    "demo",
    "thorough",
];

/// The text of the schedule of this name, for [`parse_schedule`](crate::parse_schedule).
#[must_use]
pub fn builtin(name: &str) -> Option<&'static str> {
    BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Every schedule that comes with the program: its name and its text.
pub fn builtins() -> impl Iterator<Item = (&'static str, &'static str)> {
    BUILTIN.iter().copied()
}
