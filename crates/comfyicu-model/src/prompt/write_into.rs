//! Putting a prompt back into the file that it came from.

use super::{ParsePromptError, Prompt, ReadOptions};
use crate::json::{self, Limits, PathStep, Value};

impl Prompt {
    /// Writes this prompt in place of the one that a file holds. What is around the prompt stays as it is,
    /// and in the prompt what is the same: spaces, line ends, the spelling of numbers.
    ///
    /// # Errors
    /// When the file holds no prompt; see [`read`](Self::read).
    ///
    /// ```
    /// use comfyicu_model::{Prompt, ReadOptions};
    ///
    /// let file = "{\"prompt\": {\n  \"3\": {\"class_type\": \"KSampler\", \"inputs\": {\"seed\": 1, \"cfg\": 7.50}}\n}}\n";
    /// let mut prompt = Prompt::read(file.as_bytes(), ReadOptions::default())?.prompt;
    /// prompt.set("3.seed", 42_u64)?;
    /// assert_eq!(prompt.write_into(file)?, file.replace("\"seed\": 1", "\"seed\": 42"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_into(&self, file: &str) -> Result<String, ParsePromptError> {
        let read = Self::read(file.as_bytes(), ReadOptions::default())?;
        let path = read.wrapper.as_ref().map(super::Wrapper::path);
        let steps: Vec<_> = path.into_iter().flat_map(json::JsonPath::steps).collect();
        put(file, &steps, Value::Object(self.0.clone()))
    }
}

/// Puts a value where steps lead to in a text; where they lead into a string, into the text in it.
fn put(text: &str, steps: &[PathStep<'_>], new: Value) -> Result<String, ParsePromptError> {
    let old = json::read(text.as_bytes(), Limits::default()).map_err(ParsePromptError::Json)?;
    let mut document = old.clone();
    let (mut at, mut steps) = (&mut document, steps);
    loop {
        match (at, steps.split_first()) {
            (Value::String(inner), _) => {
                *inner = put(inner, steps, new)?;
                break;
            }
            (at, None) => {
                *at = new;
                break;
            }
            (value, Some((step, rest))) => {
                at = value.step_mut(*step).ok_or(ParsePromptError::NoNodes)?;
                steps = rest;
            }
        }
    }
    Ok(json::replaced(text, &old, &document))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_around_a_prompt_stays() {
        let inside = r#"{"1": {"class_type": "A", "inputs": {"x": 1.50}}}"#;
        let in_string = Value::from(inside).to_json();
        for file in [
            inside.to_owned(),
            format!("{{\"prompt\" : {inside}, \"files\": {{}}, \"n\": 1e3}}"),
            format!("{{\"id\": \"r\", \"data\": {{\"prompt\": {inside}}}}}"),
            format!("{{\"data\": {{\"prompt\": {in_string}}}}}"),
            in_string.clone(),
        ] {
            let mut prompt = Prompt::read(file.as_bytes(), ReadOptions::default()).unwrap().prompt;
            assert_eq!(prompt.write_into(&file).unwrap(), file);
            prompt.set("1.x", 2_u64).unwrap();
            assert_eq!(prompt.write_into(&file).unwrap(), file.replace("1.50", "2"));
        }
    }

    #[test]
    fn a_file_without_a_prompt_is_refused() {
        let prompt = Prompt::parse(br#"{"1": {"class_type": "A"}}"#).unwrap();
        assert!(prompt.write_into("{\"prompt\": 1}").is_err());
    }
}
