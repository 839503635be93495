//! Any bounded sequence of faults: the wait ends within its bound with the truth, and a submit makes no second run
//! on a server that knows it again.

use std::time::Duration;

use comfyicu_client::ErrorKind;
use comfyicu_model::RunStatus;
use comfyicu_tests::{Fault, PATIENCE};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{Bench, Mode, SEARCH, prompt};

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::None),
        Just(Fault::Delay(Duration::from_millis(20))),
        Just(Fault::DropBefore),
        Just(Fault::DropAfter),
        Just(Fault::Truncate),
        Just(Fault::Slow(Duration::from_millis(5))),
        Just(Fault::Answer(429, &[], "")),
        Just(Fault::Answer(500, &[], "{}")),
        Just(Fault::Answer(503, &[("retry-after", "0")], "")),
        Just(Fault::ErrorPageAfter),
        Just(Fault::WrongType),
    ]
}

/// Runs a prompt through these faults: the first request gets the first of them, whatever it asks for.
async fn check(mode: Mode, faults: Vec<Fault>) -> Result<(), TestCaseError> {
    let shown = format!("{mode:?} {faults:?}");
    let bench = Bench::new(mode, move |_, n| faults.get(n).cloned().unwrap_or(Fault::None));
    // A server that knows a submit again has to be well again by then; a search may find nothing.
    let search_time = if mode == Mode::Own { SEARCH * 4 } else { SEARCH };
    let submitted = bench.workflow().run(prompt()).search_time(search_time).await;
    let knows_keys = bench.knows_keys().await;
    let run = match submitted {
        Ok(run) => run,
        Err(error) => {
            // It says what it knows: nothing was made, or that is not known.
            let is_unknown = error.kind() == ErrorKind::OutcomeUnknown || error.may_have_been_applied();
            prop_assert!(!knows_keys || !is_unknown, "{shown}: {error:?}");
            prop_assert!(is_unknown || bench.runs() == 0, "{shown}: {error:?}");
            prop_assert!(bench.runs() <= 1, "{shown}");
            return Ok(());
        }
    };
    let ended = run.wait().max_wait(PATIENCE).await;
    let ended = ended.map_err(|error| TestCaseError::fail(format!("{shown}: {error:?}")))?;
    prop_assert_eq!(ended.status(), Some(RunStatus::Completed), "{}", &shown);
    prop_assert_eq!(bench.runs(), 1, "{}", &shown);
    Ok(())
}

fn check_all(mode: Mode, cases: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20, ..Config::default() };
    let faults = prop::collection::vec(fault(), 0..7);
    TestRunner::new(config).run(&faults, |faults| runtime.block_on(check(mode, faults))).unwrap();
}

#[test]
fn a_server_of_ones_own_makes_one_run_and_the_wait_sees_its_end() {
    check_all(Mode::Own, 12);
}

#[test]
fn without_extensions_there_is_one_run_or_the_caller_knows_that_it_is_not_known() {
    check_all(Mode::Hosted, 8);
}
