//! Texts by patterns, as Python's `re` reads them.

mod pattern;
mod template;

use super::{BASE, MAX_TEXT, STRING, boolean, text};
use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Input, Int, Output};
use crate::native::value::{Literal, Value};
use pattern::{Flags, Matches, Pattern};
use template::Template;

const PATTERN: Input = Input::any_text("regex_pattern", true, "The pattern, in Python's syntax.");
const CASE: Input =
    Input::boolean("case_insensitive", true, "Whether large and small letters count as the same.");
const MULTILINE: Input = Input::boolean(
    "multiline",
    false,
    "Whether ^ and $ stand for the ends of each line, or of the whole text.",
);
const DOTALL: Input = Input::boolean("dotall", false, "Whether a dot stands for line ends too.");

pub(in crate::native) static REGEX_EXTRACT: Definition = Definition {
    class_type: "RegexExtract",
    display_name: Some("Regex Extract"),
    description: "Takes what a pattern finds out of a text; several finds stand on lines of their own.",
    inputs: &[
        STRING,
        PATTERN,
        Input::choice(
            "mode",
            &["First Match", "All Matches", "First Group", "All Groups"],
            "Whether the first find counts or all, and of each the whole or one group.",
        ),
        CASE,
        MULTILINE,
        DOTALL,
        Input::int("group_index", Int::new(1, 0, 100), "Which group; 0 is the whole find."),
    ],
    run: extract,
    ..BASE
};

pub(in crate::native) static REGEX_MATCH: Definition = Definition {
    class_type: "RegexMatch",
    display_name: Some("Regex Match"),
    description: "Tells whether a pattern finds something in a text.",
    inputs: &[STRING, PATTERN, CASE, MULTILINE, DOTALL],
    outputs: &[Output::BOOL.named("matches")],
    run: matches,
    ..BASE
};

pub(in crate::native) static REGEX_REPLACE: Definition = Definition {
    class_type: "RegexReplace",
    display_name: Some("Regex Replace"),
    description: "Puts a text in the place of what a pattern finds.",
    inputs: &[
        STRING,
        PATTERN,
        Input::any_text("replace", true, "What takes its place; \\1 and \\g<name> stand for groups."),
        CASE.optional(),
        MULTILINE.optional(),
        DOTALL.optional(),
        Input::int("count", Int::new(0, 0, 100), "How many finds are replaced; 0 is all.").optional(),
    ],
    run: replace,
    ..BASE
};

/// Takes the three flags; those that are left out have their defaults.
fn flags(call: &mut Call) -> Result<Flags, Failure> {
    Ok(Flags {
        case_insensitive: call.optional_boolean("case_insensitive")?.unwrap_or(true),
        multiline: call.optional_boolean("multiline")?.unwrap_or_default(),
        dotall: call.optional_boolean("dotall")?.unwrap_or_default(),
    })
}

fn matches(mut call: Call) -> Result<Yield, Failure> {
    let string = call.text("string")?;
    // A pattern that is none finds nothing.
    let Ok(pattern) = Pattern::new(&call.text("regex_pattern")?, flags(&mut call)?) else {
        return Ok(boolean(false));
    };
    Ok(boolean(Matches::new(&pattern, &string).next().transpose()?.is_some()))
}

fn extract(mut call: Call) -> Result<Yield, Failure> {
    let string = call.text("string")?;
    let (mode, group) = (call.text("mode")?, call.size("group_index")?);
    let Ok(pattern) = Pattern::new(&call.text("regex_pattern")?, flags(&mut call)?) else {
        return Ok(text(""));
    };
    let groups = pattern.groups();
    let mut finds = Matches::new(&pattern, &string);
    let found = match mode.as_str() {
        "First Match" => finds.next().transpose()?.and_then(|find| Some(find.get(0)?.as_str().to_owned())),
        "All Matches" => {
            // Where there are groups, the first one counts.
            let group = groups.min(1);
            Some(joined(finds.map(|find| Ok(find?.get(group).map_or("", |part| part.as_str()).to_owned())))?)
        }
        "First Group" if group <= groups => match finds.next().transpose()? {
            Some(find) => match find.get(group) {
                Some(part) => Some(part.as_str().to_owned()),
                // A group that took no part in the find is Python's `None`.
                None => {
                    return Ok(Yield::values([Value::Scalar(Literal::Json(
                        comfyicu_model::json::Value::Null,
                    ))]));
                }
            },
            None => None,
        },
        "All Groups" if group <= groups && groups > 0 => {
            let part = |find: Result<pattern::Find<'_>, Failure>| {
                let find = find?;
                let part = find.get(group).map(|part| part.as_str().to_owned());
                part.ok_or_else(|| Failure::new("TypeError", format!("group {group} took no part in a find")))
            };
            Some(joined(finds.map(part))?)
        }
        _ => None,
    };
    Ok(text(found.unwrap_or_default()))
}

fn joined(parts: impl Iterator<Item = Result<String, Failure>>) -> Result<String, Failure> {
    Ok(parts.collect::<Result<Vec<_>, _>>()?.join("\n"))
}

fn replace(mut call: Call) -> Result<Yield, Failure> {
    let string = call.text("string")?;
    let count = match call.optional_int("count")?.map(usize::try_from) {
        Some(Ok(count)) if count > 0 => count,
        _ => usize::MAX,
    };
    let pattern = Pattern::new(&call.text("regex_pattern")?, flags(&mut call)?)
        .map_err(|reason| Failure::new("re.error", reason))?;
    let template = Template::parse(&call.text("replace")?, &pattern)?;
    let mut replaced = String::new();
    let mut behind = 0;
    for find in Matches::new(&pattern, &string).take(count) {
        let find = find?;
        let Some(whole) = find.get(0) else { continue };
        replaced.push_str(string.get(behind..whole.start()).unwrap_or_default());
        template.fill(&find, &mut replaced);
        behind = whole.end();
        if replaced.len() > MAX_TEXT {
            let message = format!("the text would have more than {MAX_TEXT} bytes");
            return Err(Failure::new("MemoryError", message));
        }
    }
    replaced.push_str(string.get(behind..).unwrap_or_default());
    Ok(text(replaced))
}
