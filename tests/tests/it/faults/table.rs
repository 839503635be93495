//! One fault, and what the caller sees.

use std::time::{Duration, Instant};

use comfyicu_client::{ErrorKind, IfUnknown, WaitBound, WaitError};
use comfyicu_model::RunStatus;
use comfyicu_tests::{Fault, PATIENCE};

use super::{Bench, Mode, SEARCH, assert_once_or_unknown, first, is_look, is_submit, prompt};

const MODES: [Mode; 2] = [Mode::Own, Mode::Hosted];
const BUSY: Fault = Fault::Answer(429, &[("retry-after", "1")], "");
const UNAVAILABLE: Fault = Fault::Answer(503, &[], "");
const BAD_GATEWAY: Fault =
    Fault::Answer(502, &[("content-type", "text/html")], "<html><title>Bad gateway</title></html>");

#[tokio::test(flavor = "multi_thread")]
async fn a_delay() {
    for mode in MODES {
        let bench = Bench::new(mode, |_, _| Fault::Delay(Duration::from_millis(100)));
        bench.run().await;
        assert_eq!(bench.runs(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submit_that_is_dropped_on_its_way() {
    for mode in MODES {
        let bench = Bench::new(mode, first(is_submit, [Fault::DropBefore]));
        assert_once_or_unknown(&bench, false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submit_that_is_dropped_on_its_way_is_repeated_where_that_is_asked_for() {
    let bench = Bench::new(Mode::Hosted, first(is_submit, [Fault::DropBefore]));
    let submit = bench.workflow().run(prompt()).search_time(SEARCH).if_unknown(IfUnknown::Resubmit);
    submit.await.unwrap().wait().max_wait(PATIENCE).await.unwrap();
    assert_eq!(bench.runs(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submit_whose_answer_is_lost() {
    for mode in MODES {
        let bench = Bench::new(mode, first(is_submit, [Fault::DropAfter]));
        assert_once_or_unknown(&bench, true).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submit_whose_answer_breaks_off() {
    for mode in MODES {
        let bench = Bench::new(mode, first(is_submit, [Fault::Truncate]));
        assert_once_or_unknown(&bench, true).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submit_that_is_answered_by_an_error_page_although_it_was_received() {
    for mode in MODES {
        let bench = Bench::new(mode, first(is_submit, [Fault::ErrorPageAfter]));
        assert_once_or_unknown(&bench, true).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submit_that_is_turned_away_with_429() {
    for mode in MODES {
        let bench = Bench::new(mode, first(is_submit, [BUSY]));
        let begun = Instant::now();
        bench.run().await;
        assert!(begun.elapsed() >= Duration::from_secs(1), "Retry-After is obeyed");
        assert_eq!(bench.runs(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_that_fail_in_every_way() {
    for mode in MODES {
        let faults = [
            UNAVAILABLE,
            BAD_GATEWAY,
            Fault::DropBefore,
            Fault::DropAfter,
            Fault::Truncate,
            BUSY,
            Fault::Answer(500, &[], "{}"),
        ];
        let bench = Bench::new(mode, first(is_look, faults));
        bench.run().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_slowly() {
    for mode in MODES {
        let bench = Bench::new(mode, first(is_look, [Fault::Slow(Duration::from_millis(50))]));
        bench.run().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_another_content_type() {
    for mode in MODES {
        let bench = Bench::new(mode, |_, _| Fault::WrongType);
        bench.run().await;
        assert_eq!(bench.runs(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_in_place_of_the_service() {
    for mode in MODES {
        let page =
            Fault::Answer(200, &[("content-type", "text/html")], "<html><title>Sign in</title></html>");
        let bench = Bench::new(mode, move |_, _| page.clone());
        let error = bench.submit().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("an HTML page, “Sign in”"), "{source}");
        assert_eq!(bench.runs(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_stays_away() {
    for mode in MODES {
        let bench = Bench::new(mode, |request, _| if is_look(request) { UNAVAILABLE } else { Fault::None });
        let run = bench.submit().await.unwrap();
        let wait = run.wait().poll_only().tolerance(Duration::from_secs(2)).max_wait(PATIENCE);
        let error = wait.await.unwrap_err();
        assert!(
            matches!(&error, WaitError::Request(error) if error.kind() == ErrorKind::Server),
            "{error:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_nobody_answers_for() {
    let bench = Bench::new(Mode::Own, |_, _| Fault::None);
    bench.proxy.lead_to("127.0.0.1:1");
    let error = bench.submit().await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert_eq!(bench.runs(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stuck_in_started() {
    for mode in MODES {
        let stuck = Fault::Replace("\"COMPLETED\"", "\"STARTED\"");
        let bench =
            Bench::new(mode, move |request, _| if is_look(request) { stuck.clone() } else { Fault::None });
        let run = bench.submit().await.unwrap();
        let limit = Duration::from_secs(2);
        let wait = run.wait().poll_only().max_in_status(RunStatus::Started, limit).max_wait(PATIENCE);
        let WaitError::GaveUp(gave_up) = wait.await.unwrap_err() else { panic!("it gives up") };
        assert_eq!(gave_up.bound, WaitBound::InStatus(RunStatus::Started, limit));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_breaks_off() {
    for mode in MODES {
        let is_output = |request: &comfyicu_tests::Received| {
            request.path.contains("/output/") || request.path.contains("made")
        };
        let bench = Bench::new(mode, first(is_output, [Fault::Truncate, Fault::DropBefore]));
        let run = bench.run().await;
        let folder = tempfile::tempdir().unwrap();
        let saved = run.download(folder.path()).await.unwrap();
        assert_eq!(saved.len(), 1);
        let bytes = std::fs::read(&saved[0].path).unwrap();
        assert!(
            bytes.starts_with(b"\x89PNG") && bytes.ends_with(b"IEND\xAE\x42\x60\x82"),
            "{} bytes",
            bytes.len()
        );
    }
}
