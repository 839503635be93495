//! Changing a prompt in place: everything untouched stays as it was.

use super::Prompt;
use crate::json::{Object, Value};
use crate::nearest::nearest;

/// Why an input cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The path is not `NODE.INPUT`.
    #[error("`{path}` is not NODE.INPUT, such as 6.text")]
    Path {
        /// The path as it was given.
        path: String,
    },
    /// There is no such node.
    #[error("no node has the id `{id}`; the prompt has: {nodes}")]
    NoNode {
        /// The id that was looked for.
        id: String,
        /// The nodes of the prompt, with their classes.
        nodes: String,
    },
}

/// What setting an input did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Edited {
    /// The input was there; this was its value.
    Replaced(Value),
    /// The input was not there, and is now. Where its name is like that of another, that one may have been meant.
    Added {
        /// The input with a name like it.
        similar: Option<String>,
    },
}

impl Prompt {
    /// Sets the input that `path` names: the node's id, a dot, the input's name.
    ///
    /// # Errors
    /// When the path has another form, or no node has that id.
    ///
    /// ```
    /// # use comfyicu_model::Prompt;
    /// let mut prompt = Prompt::parse(br#"{"3": {"class_type": "KSampler", "inputs": {"steps": 20}}}"#)?;
    /// prompt.set("3.steps", 8_u64)?;
    /// assert_eq!(prompt.to_json(), r#"{"3":{"class_type":"KSampler","inputs":{"steps":8}}}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set(&mut self, path: &str, value: impl Into<Value>) -> Result<Edited, EditError> {
        let (id, input) = self.split_path(path)?;
        let (id, input) = (id.to_owned(), input.to_owned());
        let Some(inputs) = self.inputs_mut(&id) else { return Err(self.no_node(&id)) };
        let similar = nearest(&input, inputs.keys()).map(str::to_owned);
        Ok(match inputs.insert(input, value) {
            Some(previous) => Edited::Replaced(previous),
            None => Edited::Added { similar },
        })
    }

    /// Splits at the dot behind a node's id. Ids and names may hold dots themselves, so the longest id
    /// that the prompt has wins.
    fn split_path<'p>(&self, path: &'p str) -> Result<(&'p str, &'p str), EditError> {
        let splits = path.match_indices('.').map(|(at, _)| (&path[..at], &path[at + 1..]));
        let mut splits = splits.filter(|(id, input)| !id.is_empty() && !input.is_empty()).collect::<Vec<_>>();
        let first = splits.first().copied().ok_or_else(|| EditError::Path { path: path.to_owned() })?;
        splits.retain(|(id, _)| self.node(id).is_some());
        splits.pop().ok_or_else(|| self.no_node(first.0))
    }

    fn inputs_mut(&mut self, id: &str) -> Option<&mut Object> {
        let node = self.0.get_mut(id)?.as_object_mut()?;
        if node.get("inputs").is_none_or(|inputs| inputs.as_object().is_none()) {
            node.insert("inputs", Object::new());
        }
        node.get_mut("inputs")?.as_object_mut()
    }

    fn no_node(&self, id: &str) -> EditError {
        let describe =
            |node: super::Node<'_>| format!("{} ({})", node.id(), node.class_type().unwrap_or("no class"));
        let nodes = self.nodes().map(describe).collect::<Vec<_>>().join(", ");
        EditError::NoNode { id: id.to_owned(), nodes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMPT: &str = r#"{"3":{"inputs":{"seed":1,"images.a":2},"class_type":"K"},"7.0":{"class_type":"M","inputs":{"x":0}},"9":{"class_type":"N"}}"#;

    fn set(path: &str, value: &str) -> Result<String, EditError> {
        let mut prompt = Prompt::parse(PROMPT.as_bytes()).unwrap();
        prompt.set(path, Value::from_argument(value)).map(|_| prompt.to_json())
    }

    #[test]
    fn only_the_input_changes() {
        assert_eq!(
            set("3.seed", "18446744073709551616").unwrap(),
            PROMPT.replace("\"seed\":1", "\"seed\":18446744073709551616")
        );
        assert_eq!(set("3.images.a", "[1]").unwrap(), PROMPT.replace("\"images.a\":2", "\"images.a\":[1]"));
        assert_eq!(set("7.0.x", "5").unwrap(), PROMPT.replace("\"x\":0", "\"x\":5"));
        assert_eq!(
            set("9.new", "true").unwrap(),
            PROMPT.replace(r#""class_type":"N""#, r#""class_type":"N","inputs":{"new":true}"#)
        );
    }

    #[test]
    fn an_added_input_is_told_from_a_replaced_one() {
        let mut prompt = Prompt::parse(PROMPT.as_bytes()).unwrap();
        assert_eq!(prompt.set("3.seed", 2_u64), Ok(Edited::Replaced(Value::from(1_u64))));
        assert_eq!(prompt.set("3.sede", 2_u64), Ok(Edited::Added { similar: None }));
        assert_eq!(prompt.set("3.sead2", 2_u64).unwrap(), Edited::Added { similar: None });
        assert_eq!(
            prompt.set("3.imagesa", 2_u64),
            Ok(Edited::Added { similar: Some("images.a".to_owned()) })
        );
    }

    #[test]
    fn errors_say_what_there_is() {
        insta::assert_snapshot!(set("4.seed", "1").unwrap_err(), @"no node has the id `4`; the prompt has: 3 (K), 7.0 (M), 9 (N)");
        for bad in ["seed", "", ".", "3.", ".seed"] {
            assert!(matches!(set(bad, "1"), Err(EditError::Path { .. })), "{bad:?}");
        }
    }
}
