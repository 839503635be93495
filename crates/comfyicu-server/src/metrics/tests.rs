//! What the metrics say after something happened.

use comfyicu_engine::Device;
use comfyicu_model::{Accelerator, OutputPath, RunStatus};

use super::*;
use crate::run::tests::accepted;
use crate::run::{Costs, FileCost, Outcome};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

/// The lines of the metrics that have these words, without those of buckets.
fn lines(metrics: &Metrics, words: &str) -> Vec<String> {
    let text = metrics.to_text().unwrap();
    let about = |line: &&str| !line.starts_with('#') && line.contains(words) && !line.contains("_bucket");
    text.lines().filter(about).map(str::to_owned).collect()
}

#[test]
fn a_run_that_ends_is_counted_with_what_it_took() {
    let metrics = Metrics::default();
    let file = |bytes, cache_hit| (String::new(), FileCost { bytes, ms: None, cache_hit });
    let costs = Costs {
        queue_ms: Some(1_500),
        download_ms: Some(0),
        execution_ms: Some(250),
        files: vec![file(7, false), file(9, true)],
        ..Costs::default()
    };
    let started = accepted().start("CPU", at(0), Duration::ZERO).unwrap();
    let path = OutputPath::parse("a.png").unwrap();
    metrics.run_ended(&started.finish(Outcome::Files(vec![path]), costs, at(1)).unwrap());
    assert_eq!(
        lines(&metrics, "runs_ended"),
        [r#"comfyicu_runs_ended_total{status="COMPLETED",accelerator="CPU"} 1"#]
    );
    assert_eq!(
        lines(&metrics, "run_queue"),
        [
            r#"comfyicu_run_queue_seconds_sum{accelerator="CPU"} 1.5"#,
            r#"comfyicu_run_queue_seconds_count{accelerator="CPU"} 1"#,
        ]
    );
    assert_eq!(lines(&metrics, "fetched"), ["comfyicu_fetched_bytes_total 7"]);
    assert_eq!(lines(&metrics, r#"cache_hit="true""#).len(), 1);
}

#[test]
fn what_waits_is_as_it_is_now() {
    let metrics = Metrics::default();
    let waiting =
        RunCount { status: RunStatus::Queued, accelerator: "L4".to_owned(), count: 3, oldest: at(1_000) };
    metrics.set_runs(&[waiting], &[], at(4_500));
    assert_eq!(lines(&metrics, "comfyicu_runs{"), [r#"comfyicu_runs{status="QUEUED",accelerator="L4"} 3"#]);
    assert_eq!(lines(&metrics, "queue_age"), [r#"comfyicu_queue_age_seconds{accelerator="L4"} 3.5"#]);
    metrics.set_runs(&[], &[], at(5_000));
    assert_eq!(lines(&metrics, "queue_age"), [""; 0], "nothing waits any more");
    metrics.set_executor(0, &Device::new("NVIDIA L4", Accelerator::L4), false);
    assert_eq!(
        lines(&metrics, "executor_up"),
        [r#"comfyicu_executor_up{executor="0",device="NVIDIA L4",accelerator="L4"} 0"#]
    );
}

#[test]
fn there_is_no_end_of_classes_and_an_end_of_labels() {
    let metrics = Metrics::default();
    for number in 0..MAX_CLASSES + 5 {
        metrics.node_ended(&format!("Class{number}"), "CPU", Duration::from_millis(1));
    }
    let counts = lines(&metrics, "node_seconds_count");
    assert_eq!(counts.len(), MAX_CLASSES + 1);
    assert!(
        counts.contains(&r#"comfyicu_node_seconds_count{class_type="other",accelerator="CPU"} 5"#.to_owned())
    );
}
