//! Compares the node definitions with those of a real ComfyUI, where a recording lies beside the repository.

use comfyicu_engine::{Executor as _, NativeExecutor};
use comfyicu_model::json::{self, Object, Value};

const RECORDED: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/comfyui/versions/0.3.75/object_info.json");

/// Of a later version, for the classes that are not in that one.
const LATER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/comfyui/object_info.json");

/// Drops what is worded by each project for itself, and the files that a server happens to have.
fn comparable(mut definition: Object) -> String {
    definition.remove("description");
    definition.remove("output_tooltips");
    let groups = definition.get_mut("input").and_then(Value::as_object_mut);
    if let Some(groups) = groups {
        for group in ["required", "optional"] {
            if let Some(Value::Object(inputs)) = groups.get_mut(group) {
                without_wording(inputs);
            }
        }
    }
    Value::from(definition).to_json_pretty()
}

fn without_wording(inputs: &mut Object) {
    let names: Vec<String> = inputs.keys().map(str::to_owned).collect();
    for name in names {
        let Some(Value::Array(parts)) = inputs.get_mut(&name) else { continue };
        let [kind, Value::Object(options)] = parts.as_mut_slice() else { continue };
        options.remove("tooltip");
        if options.contains_key("image_upload") {
            *kind = Value::Null;
        }
        if options.is_empty() {
            parts.pop();
        }
    }
}

#[tokio::test]
async fn definitions_are_those_of_comfyui() {
    let (Ok(bytes), Ok(later)) = (std::fs::read(RECORDED), std::fs::read(LATER)) else {
        println!("skipped: there are no recordings beside the repository");
        return;
    };
    let [recorded, later] = [bytes, later].map(|bytes| json::read(&bytes, json::Limits::default()).unwrap());
    let [recorded, later] = [&recorded, &later].map(|all| all.as_object().unwrap());
    let ours = NativeExecutor::new().object_info().await.unwrap();
    for class_type in ours.class_types() {
        let own = ours.get(class_type).unwrap().clone();
        let theirs = recorded.get(class_type).and_then(Value::as_object).cloned().unwrap_or_else(|| {
            let later = later.get(class_type).and_then(Value::as_object).unwrap();
            // Later versions say more about each class.
            let known = later.iter().filter(|(field, _)| own.contains_key(field));
            known.map(|(field, value)| (field.to_owned(), value.clone())).collect()
        });
        assert_eq!(comparable(own), comparable(theirs));
    }
}
