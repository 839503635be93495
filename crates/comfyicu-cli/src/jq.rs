//! `--jq`: what a jq expression makes of the JSON.

use comfyicu_model::json::Value;
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, data, unwrap_valr};
use jaq_json::{Val, read};

use crate::failure::Failure;

/// What leads on from an expression that fails on this JSON.
const RESULT_HINT: &str = "--json in place of --jq shows what the expression is used on";

type Lut = data::JustLut<Val>;

/// A jq expression, ready to be used.
pub(crate) struct Filter(jaq_core::compile::Filter<jaq_core::Native<Lut>>);

impl Filter {
    /// Reads an expression.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let functions = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
        let arena = Arena::default();
        let program = File { code: text, path: () };
        let modules = Loader::new(definitions).load(&arena, program).map_err(|errors| {
            let place = errors.iter().find_map(|(file, error)| place(file.code, error));
            invalid(place.as_deref())
        })?;
        let filter = Compiler::default().with_funs(functions).compile(modules).map_err(|errors| {
            let unknown = errors.iter().flat_map(|(_, errors)| errors).next();
            invalid(
                unknown
                    .map(|(name, undefined)| format!("there is no {} `{name}`", undefined.as_str()))
                    .as_deref(),
            )
        })?;
        Ok(Self(filter))
    }

    /// What it makes of a value, a text for each result: texts as they are, all else as JSON.
    pub(crate) fn run(&self, value: &Value) -> Result<Vec<String>, Failure> {
        let failed = |text: String| Failure::usage(format!("--jq: {text}")).hint(RESULT_HINT);
        let input =
            read::parse_single(value.to_json().as_bytes()).map_err(|error| failed(error.to_string()))?;
        let context = Ctx::<Lut>::new(&self.0.lut, Vars::new([]));
        let results = self.0.id.run((context, input)).map(unwrap_valr);
        results
            .map(|result| result.map(|value| shown(&value)).map_err(|error| failed(error.to_string())))
            .collect()
    }
}

fn shown(value: &Val) -> String {
    match value {
        Val::TStr(bytes) | Val::BStr(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => other.to_string(),
    }
}

/// Before what the expression could not be read on.
fn place(code: &str, error: &jaq_core::load::Error<&str>) -> Option<String> {
    let rest = match error {
        jaq_core::load::Error::Lex(errors) => errors.first().map(|(_, rest)| *rest),
        jaq_core::load::Error::Parse(errors) => errors.first().map(|(_, rest)| *rest),
        jaq_core::load::Error::Io(_) => None,
    }?;
    Some(if rest.is_empty() {
        format!("`{code}` ends too early")
    } else {
        format!("it cannot be read from `{rest}` on")
    })
}

fn invalid(why: Option<&str>) -> Failure {
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    Failure::usage(format!("--jq is no jq expression{why}"))
        .hint("an expression looks like .run.id, or .run.output[].url; put it in single quotes")
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Filter(..)")
    }
}

#[cfg(test)]
mod tests {
    use comfyicu_model::json::{Limits, read};

    use super::*;

    fn run(expression: &str, json: &str) -> Result<Vec<String>, Failure> {
        Filter::parse(expression)?.run(&read(json.as_bytes(), Limits::default()).unwrap())
    }

    #[test]
    fn texts_are_plain_and_numbers_exact() {
        let json = r#"{"id": "a\"b", "seed": 18446744073709551616, "list": [1, 2.0, "x"]}"#;
        assert_eq!(
            run(".id, .seed, .list[], .none", json).unwrap().join(" "),
            "a\"b 18446744073709551616 1 2.0 x null"
        );
        assert_eq!(run(r#".list | map(select(type == "number") | . * 2) | add"#, json).unwrap(), ["6.0"]);
        assert_eq!(run("empty", json).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_is_wrong_with_an_expression_is_said() {
        let words = |expression| {
            anstream::adapter::strip_str(&run(expression, "{}").unwrap_err().to_string()).to_string()
        };
        insta::assert_snapshot!([".a | ", ".a ] ", "nosuch(1)", "error(\"boom\")", "\"a"].map(words).concat(), @r#"
        error: --jq is no jq expression: `.a | ` ends too early
        hint: an expression looks like .run.id, or .run.output[].url; put it in single quotes
        error: --jq is no jq expression: it cannot be read from `] ` on
        hint: an expression looks like .run.id, or .run.output[].url; put it in single quotes
        error: --jq is no jq expression: there is no filter `nosuch`
        hint: an expression looks like .run.id, or .run.output[].url; put it in single quotes
        error: --jq: "boom"
        hint: --json in place of --jq shows what the expression is used on
        error: --jq is no jq expression: `"a` ends too early
        hint: an expression looks like .run.id, or .run.output[].url; put it in single quotes
        "#);
    }
}
