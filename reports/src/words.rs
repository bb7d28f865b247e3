//! Numbers and lists as people write them.

/// "12.7 s", "0.3 s".
pub(crate) fn seconds(value: f64) -> String {
    format!("{value:.1} s")
}

/// "after 0.6 s", or "at once" for less than a bin, which is no time that could be told.
pub(crate) fn after(value: f64) -> String {
    if value < 0.1 { "at once".to_owned() } else { format!("after {}", seconds(value)) }
}

/// Microseconds with three digits at most: "850 µs", "4.1 ms", "1.2 s".
pub(crate) fn latency(us: u64) -> String {
    let us = us as f64;
    let (value, unit) = match us {
        ..1e3 => (us, "µs"),
        ..1e6 => (us / 1e3, "ms"),
        _ => (us / 1e6, "s"),
    };
    let digits = usize::from(unit != "µs" && value < 99.95);
    format!("{value:.digits$} {unit}")
}

/// A latency as it stands at an axis: "5 ms", "50 ms", "1 s".
pub(crate) fn latency_tick(us: f64) -> String {
    match us {
        ..1e3 => format!("{us:.0} µs"),
        ..1e6 => format!("{:.0} ms", us / 1e3),
        _ => format!("{:.0} s", us / 1e6),
    }
}

/// "40.0/s".
pub(crate) fn rate(hz: f64) -> String {
    format!(
        "{}/s",
        if hz < 1e3 { format!("{hz:.1}") } else { count(crate::findings::grid::whole(hz) as u64) }
    )
}

/// "1,234".
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "1 request", "457 requests".
pub(crate) fn requests(value: u64) -> String {
    format!("{} request{}", count(value), if value == 1 { "" } else { "s" })
}

/// A share as a percentage that never rounds up to 100: "99.98 %", "54.3 %", "100 %".
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        100.0.. => "100 %".to_owned(),
        99.0.. => format!("{:.2} %", (percent * 100.0).floor() / 100.0),
        _ => format!("{percent:.1} %"),
    }
}

/// Whole seconds as people say them: "5 s", "10 min", "1 h", "1 d".
pub(crate) fn duration(seconds: u32) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "min")];
    let whole = units.into_iter().find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    whole.map_or(format!("{seconds} s"), |(unit, name)| format!("{} {name}", seconds / unit))
}

/// "a", "a and b", "a, b and c".
pub(crate) fn list<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", most.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_write_them() {
        assert_eq!([0, 7, 999, 1_000, 1_234_567].map(count), ["0", "7", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [850, 4_089, 19_583, 180_000, 1_250_000].map(latency),
            ["850 µs", "4.1 ms", "19.6 ms", "180 ms", "1.2 s"]
        );
        assert_eq!([1.0, 0.99999, 0.5432].map(percent), ["100 %", "99.99 %", "54.3 %"]);
        assert_eq!(rate(40.0), "40.0/s");
        assert_eq!([5, 90, 600, 3_600, 86_400].map(duration), ["5 s", "90 s", "10 min", "1 h", "1 d"]);
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }
}
