//! Runs of any shape: nothing is lost, and no accessor is surprised.

use proptest::prelude::*;

use super::*;
use crate::timestamp::Timestamp;

const KEYS: [&str; 34] = [
    "created_at",
    "updated_at",
    "deleted_at",
    "started_at",
    "completed_at",
    "run_time",
    "status",
    "kind",
    "data",
    "workflow",
    "workflow_api",
    "workflow_id",
    "output",
    "error",
    "files",
    "name",
    "tags",
    "view_count",
    "download_count",
    "is_nsfw",
    "user_id",
    "device",
    "accelerator",
    "visibility",
    "parent_workflow_id",
    "parent_run_id",
    "api_key_id",
    "retry_count",
    "client_agent",
    "webhook",
    "project_id",
    "user",
    "metadata",
    "x",
];

/// Keys that mean something somewhere within a run.
const INNER_KEYS: &str = "error|output|details|node_errors|extra_info|node_id|errors|message|exception_message|prompt|extra_data|extra_pnginfo|workflow|files|bytes|queue_ms|notes|text|url|filename|traceback";

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(Value::from("2025-05-23T15:08:18.297Z")),
        Just(Value::from("Node ID '#7'")),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((INNER_KEYS, inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Calls every accessor that looks further than a field.
fn ask(run: &Run) -> usize {
    let now = Timestamp::from_unix_millis(1_748_012_898_297);
    let durations = [
        run.queue_time(),
        run.queue_time_at(now),
        run.execution_time(),
        run.execution_time_at(now),
        run.total_time(),
    ];
    let failure = run.failure();
    let told = failure.as_ref().map_or(0, |failure| {
        let texts = [
            Some(failure.message()),
            failure.exception_type(),
            failure.node_id(),
            failure.node_type(),
            failure.details(),
        ];
        texts.iter().flatten().count()
            + failure.traceback().count()
            + failure.refusals().count()
            + failure.executed().count()
    });
    let costs = run.costs().map_or(0, |costs| costs.files().count() + costs.cache_hits());
    let metadata = run.metadata().map_or(0, |metadata| metadata.notes().count() + metadata.nodes().count());
    let outputs = run.output().files().iter().filter_map(OutputFile::path).count();
    let parts = [
        run.prompt().is_ok(),
        run.files().is_ok(),
        run.ui_workflow().is_some(),
        run.failing_node().is_some(),
    ];
    let parts = parts.iter().filter(|part| **part).count();
    durations.iter().flatten().count() + told + costs + metadata + outputs + parts + run.tags().count()
}

proptest! {
    #[test]
    fn a_run_of_any_shape_is_kept_and_asked(
        fields in prop::collection::vec((prop::sample::select(&KEYS[..]), any_value()), 0..12),
    ) {
        let mut object: Object = fields.into_iter().collect();
        object.insert("id", "r");
        let run = Run::from_value(object.clone().into()).unwrap();
        let _told = ask(&run);
        prop_assert_eq!(run.as_object(), &object);
        prop_assert_eq!(Value::from(run.into_object()).to_json(), Value::from(object).to_json());
    }

    #[test]
    fn outputs_are_written_as_they_were_read(items in prop::collection::vec(any_value(), 0..4)) {
        if let RunOutput::Files(files) = RunOutput::of(&Value::Array(items.clone())) {
            let read_again: Vec<Value> = files.iter().map(|file| file.to_object().into()).collect();
            prop_assert_eq!(RunOutput::of(&Value::Array(read_again)), RunOutput::Files(files));
        }
    }
}
