//! A generator that cannot do what was asked says so, and does not blame the target.

use testserver::{Pace, SteadyServer};

use crate::throttle::{Neighbour, Quota, Throttle};
use crate::tool::{Said, Tool, run};

/// 20,000/s take a fifth of a core or more; a few hundredths of one are there.
fn is_unknown(throttle: &dyn Throttle) {
    let server = SteadyServer::start(Pace::default());
    let words = Tool::of_environment()
        .words(server.address(), "--rate 20000 --duration 5s --connections 16 --timeout 500ms");
    let said = Said::of(&run(&throttle.around(&words)));
    println!("{} of {} sent, {}", said.count("sent"), said.count("due"), said.summary["reasons"]);
    assert_eq!(said.code, Some(4), "{said:#?}");
    assert_eq!(said.summary["verdict"], "unknown", "{said:#?}");
    assert!(said.limited(), "{said:#?}");
}

/// Where no cgroup can be had, as without privileges, a busy neighbour takes the CPU away; the other test has it always.
#[test]
fn with_a_twentieth_of_a_core_the_result_is_unknown() {
    match Quota::make() {
        Ok(quota) => is_unknown(&quota),
        Err(reason) => {
            println!("a busy neighbour in place of a quota: {reason}");
            is_unknown(&Neighbour::move_in());
        }
    }
}

#[test]
fn beside_a_busy_neighbour_the_result_is_unknown() {
    is_unknown(&Neighbour::move_in());
}
