//! Converts every UI workflow `*.ui.json` of a folder: `convert_folder OBJECT_INFO FOLDER OUT`.
#![expect(clippy::print_stdout, reason = "it is a program for the shell")]

use std::error::Error;
use std::path::Path;

use comfyicu_model::json::{self, Limits, Value};
use comfyicu_model::{ConvertOptions, ObjectInfo, UiWorkflow};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [object_info, folder, out] = arguments.as_slice() else {
        return Err("three paths are needed".into());
    };
    let Value::Object(definitions) = json::read(&std::fs::read(object_info)?, Limits::default())? else {
        return Err("object_info is an object".into());
    };
    let object_info = ObjectInfo::new(definitions);
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(base) = name.strip_suffix(".ui.json") else { continue };
        let converted = UiWorkflow::parse(&std::fs::read(&path)?)
            .map_err(Box::<dyn Error>::from)
            .and_then(|workflow| Ok(workflow.to_prompt(&object_info, &ConvertOptions::default())?));
        match converted {
            Ok(conversion) => std::fs::write(
                Path::new(out).join(format!("{base}.json")),
                conversion.prompt.to_json_pretty(),
            )?,
            Err(error) => println!("{base}: {error}"),
        }
    }
    Ok(())
}
