use std::sync::{Arc, Mutex};

use super::*;

/// A fault that writes down its steps and fails where it is told to.
struct Diary {
    steps: Arc<Mutex<Vec<&'static str>>>,
    fails: Vec<&'static str>,
}

impl Diary {
    fn step(&mut self, name: &'static str) -> Result<(), FaultError> {
        self.steps.lock().unwrap().push(name);
        match self.fails.iter().position(|step| *step == name) {
            Some(at) => {
                self.fails.remove(at);
                Err(FaultError::NoEffect(format!("{name} failed")))
            }
            None => Ok(()),
        }
    }
}

impl Harm for Diary {
    fn arm(&mut self) -> Result<(), FaultError> {
        self.step("arm")
    }
    fn apply(&mut self) -> Result<(), FaultError> {
        self.step("apply")
    }
    fn verify(&mut self) -> Result<String, FaultError> {
        self.step("verify").map(|()| "seen".into())
    }
    fn undo(&mut self) -> Result<(), FaultError> {
        self.step("undo")
    }
    fn verify_undone(&mut self) -> Result<Aftermath, FaultError> {
        self.step("verify undone").map(|()| Aftermath::default())
    }
    fn remedy(&self) -> String {
        "close the diary".into()
    }
}

fn diary(fails: &[&'static str]) -> (Box<Diary>, Arc<Mutex<Vec<&'static str>>>) {
    let steps = Arc::new(Mutex::new(Vec::new()));
    (Box::new(Diary { steps: Arc::clone(&steps), fails: fails.to_vec() }), steps)
}

const WHOLE_LIFE: [&str; 5] = ["arm", "apply", "verify", "undo", "verify undone"];

#[test]
fn a_fault_lives_one_life_in_order() {
    let (harm, steps) = diary(&[]);
    let guard = Guard::inject(harm).unwrap();
    assert_eq!(guard.effect(), "seen");
    assert_eq!(*steps.lock().unwrap(), WHOLE_LIFE[..3]);
    guard.heal().unwrap();
    assert_eq!(*steps.lock().unwrap(), WHOLE_LIFE);
}

#[test]
fn a_guard_that_is_dropped_heals() {
    let (harm, steps) = diary(&[]);
    drop(Guard::inject(harm).unwrap());
    assert_eq!(*steps.lock().unwrap(), WHOLE_LIFE);
}

#[test]
fn a_panic_heals() {
    let (harm, steps) = diary(&[]);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _guard = Guard::inject(harm).unwrap();
        panic!("while the fault is in force");
    }));
    assert!(panicked.is_err());
    assert_eq!(*steps.lock().unwrap(), WHOLE_LIFE);
}

#[test]
fn wherever_the_beginning_fails_everything_is_undone() {
    for (fails, begun) in [("arm", 1), ("apply", 2), ("verify", 3)] {
        let (harm, steps) = diary(&[fails]);
        let error = Guard::inject(harm).err().unwrap();
        assert_eq!(error.to_string(), format!("no effect: {fails} failed"));
        assert_eq!(error.unhealed, None);
        let expected: Vec<&str> = WHOLE_LIFE[..begun].iter().chain(&WHOLE_LIFE[3..]).copied().collect();
        assert_eq!(*steps.lock().unwrap(), expected);
    }
}

#[test]
fn an_undo_that_is_refused_is_tried_again() {
    let (harm, steps) = diary(&["undo", "undo"]);
    assert_eq!(Guard::inject(harm).unwrap().heal(), Ok(Aftermath::default()));
    assert_eq!(*steps.lock().unwrap(), ["arm", "apply", "verify", "undo", "undo", "undo", "verify undone"]);
}

#[test]
fn what_cannot_be_undone_is_told_with_its_remedy() {
    let (harm, _) = diary(&["undo", "undo", "undo", "verify undone"]);
    let error = Guard::inject(harm).unwrap().heal().unwrap_err();
    assert_eq!(error.remedy, "close the diary");
    assert!(error.left.contains("verify undone failed") && error.left.contains("undo failed"), "{error}");
}

#[test]
fn a_beginning_that_fails_and_cannot_be_taken_back_tells_both() {
    let (harm, _) = diary(&["verify", "verify undone"]);
    let error = Guard::inject(harm).err().unwrap();
    assert!(error.to_string().contains("verify failed"), "{error}");
    assert!(error.unhealed.unwrap().left.contains("verify undone failed"));
}
