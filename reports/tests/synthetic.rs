//! The synthetic records are the same every time.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

use record::Run;

#[test]
fn a_synthetic_record_is_read_back_and_is_the_same_every_time() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let left = reports::synthetic::write(first.path()).unwrap();
    let right = reports::synthetic::write(second.path()).unwrap();
    for (left, right) in left.iter().zip(&right) {
        for name in
            ["plan.toml", "machine.json", "timeline.json", "events.jsonl", "bins.csv", "intervals.hlog"]
        {
            assert_eq!(
                std::fs::read(left.join(name)).unwrap(),
                std::fs::read(right.join(name)).unwrap(),
                "{name}"
            );
        }
        let run = Run::open(left).unwrap();
        assert!(run.gaps.is_empty(), "{:?}", run.gaps);
        assert_eq!(run.bins.iter().map(|bin| bin.counts.due()).sum::<u64>(), 85 * 40);
    }
}
