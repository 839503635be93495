//! The crash test, in its short form; `cargo xtask chaos` is the long one.

use std::time::Duration;

use comfyicu_tests::chaos;

use crate::PROGRAMS;

#[test]
fn a_server_that_is_killed_without_end_keeps_every_promise() {
    let report = chaos(PROGRAMS, Duration::from_secs(20), 7);
    println!("{report:?}");
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
    assert!(report.kills >= 5 && report.accepted >= 20 && report.completed >= 10, "too little: {report:?}");
}
