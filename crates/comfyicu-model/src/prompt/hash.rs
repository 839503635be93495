//! Fingerprints of prompts: the same for the same content, however it is written.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::order::{Strictness, walk};
use super::{Graph, Link, Node, Prompt};
use crate::json::{Number, Object, Value};

/// The fingerprint of a prompt: the SHA-256 of a canonical form, written as 64 hexadecimal digits.
///
/// There are three, by what counts: see [`Prompt::content_hash`], [`Prompt::graph_hash`] and
/// [`Prompt::document_hash`]. They stay the same in later versions and on all machines. What they hash is,
/// after a line that says which of them it is (`comfyicu:content:1`, `comfyicu:graph:1`,
/// `comfyicu:document:1`), the canonical form of a JSON value:
///
/// | value | its form |
/// |---|---|
/// | `null`, `true`, `false` | `n`, `t`, `f` |
/// | an integer | `i`, its digits, `;` |
/// | a float | `d`, the 16 hexadecimal digits of the double's bits, `;`; every NaN as `7ff8000000000000` |
/// | a string | `s`, its length in bytes, `:`, its UTF-8 bytes |
/// | a string with half of a surrogate pair in it | `u`, the number of its UTF-16 code units, `:`, each as two bytes, the high one first |
/// | an array | `a`, the number of its items, `:`, their forms |
/// | an object | `o`, the number of its keys, `:`, key and value in turn, sorted by the bytes of the keys |
///
/// So the order of keys does not count, nor how a float is spelled: `1.50`, `1.5` and `15e-1` are the same.
/// `1` and `1.0` are not: Python tells an int from a float, and only the node that gets it can say whether
/// that matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PromptHash([u8; 32]);

/// Why a text is not the hash of a prompt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not the hash of a prompt: it has 64 hexadecimal digits")]
pub struct InvalidHash {
    text: String,
}

impl Prompt {
    /// The hash of what a run executes: the nodes by their ids, each with its class and its inputs. Two
    /// prompts that have the same one make the same run, and its outputs stand under the same ids.
    ///
    /// Seeds count, titles and the rest of `_meta` do not, nor what a node has beside its class and its inputs,
    /// nor top-level entries that are no nodes. All nodes count, needed by an output or not: take the
    /// [`subprompt`](Self::subprompt) where only some matter.
    ///
    /// It is the hash (see [`PromptHash`]) of an object of id → `{"class_type": …, "inputs": …}`, where `null`
    /// stands for a missing class and `{}` for missing inputs.
    ///
    /// ```
    /// use comfyicu_model::Prompt;
    ///
    /// let hash = |json: &str| Prompt::parse(json.as_bytes()).map(|prompt| prompt.content_hash());
    /// let a = hash(r#"{"3": {"class_type": "KSampler", "inputs": {"seed": 7, "cfg": 1.50}}}"#)?;
    /// let b = hash(r#"{"3": {"inputs": {"cfg": 15e-1, "seed": 7}, "class_type": "KSampler", "_meta": {"title": "x"}}}"#)?;
    /// let c = hash(r#"{"3": {"class_type": "KSampler", "inputs": {"seed": 8, "cfg": 1.50}}}"#)?;
    /// assert_eq!(a, b);
    /// assert_ne!(a, c);
    /// assert_eq!(a.to_string(), "1ea6f92d763e3e42dcd15c639b0f8402a5d8112780c0afc49dd8a134f7978574");
    /// assert_eq!(a.to_string().parse(), Ok(a));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn content_hash(&self) -> PromptHash {
        let mut nodes: Vec<_> = self.nodes().collect();
        nodes.sort_unstable_by_key(Node::id);
        let mut hasher = Canonical::new("content");
        hasher.open('o', nodes.len());
        for node in nodes {
            hasher.string(node.id());
            hasher.open('o', 2);
            hasher.string("class_type");
            hasher.value(class_type(node));
            hasher.string("inputs");
            match node.as_object().get("inputs") {
                Some(inputs) => hasher.value(inputs),
                None => hasher.object(&Object::new()),
            }
        }
        hasher.finish()
    }

    /// The hash of all that the file holds, titles and unknown keys included. Only the order of keys and the
    /// spelling of numbers and strings do not count.
    pub fn document_hash(&self) -> PromptHash {
        let mut hasher = Canonical::new("document");
        hasher.object(self.as_object());
        hasher.finish()
    }

    /// The hash of the same as [`content_hash`](Self::content_hash), but for the ids: it stays the same when
    /// nodes are given other ids, and links follow.
    ///
    /// Each node is hashed (`comfyicu:node:1`) as an array of its class and an array of `[name, value]`, sorted
    /// by name; the value of a link is an array of its slot and the bytes of the hash of the node that it leads
    /// to, of `null` when it leads nowhere, of that node without its links when the two need each other. The
    /// hash of the prompt is that of the array of these hashes, sorted.
    pub fn graph_hash(&self) -> PromptHash {
        let mut nodes = self.graph().node_hashes();
        nodes.sort_unstable();
        let mut hasher = Canonical::new("graph");
        hasher.open('a', nodes.len());
        for node in nodes {
            hasher.bytes(&node.0);
        }
        hasher.finish()
    }
}

impl Graph<'_> {
    /// For each node the hash of what it computes: itself and all that it needs, ids left out.
    pub(super) fn node_hashes(&self) -> Vec<PromptHash> {
        let groups = self.groups();
        let mut hashes = vec![PromptHash([0; 32]); self.len()];
        // Without strictness there is no error, and what a node needs comes before it but in a cycle.
        for at in walk(self, 0..self.len(), Strictness::Nothing).unwrap_or_default() {
            let Some(node) = self.at(at) else { continue };
            let source = |link: Link<'_>| {
                let source = self.index_of(link.node_id)?;
                let needs_each_other = groups.get(source) == groups.get(at);
                if needs_each_other { self.at(source).map(alone) } else { hashes.get(source).copied() }
            };
            let hash = hash_node(node, source);
            if let Some(place) = hashes.get_mut(at) {
                *place = hash;
            }
        }
        hashes
    }
}

/// The hash of a node without its links.
fn alone(node: Node<'_>) -> PromptHash {
    hash_node(node, |_| None)
}

fn hash_node(node: Node<'_>, source: impl Fn(Link<'_>) -> Option<PromptHash>) -> PromptHash {
    let mut inputs: Vec<_> = node.inputs().map(|(name, _)| (name, node.value(name))).collect();
    inputs.sort_unstable_by_key(|(name, _)| *name);
    let mut hasher = Canonical::new("node");
    hasher.open('a', 2);
    hasher.value(class_type(node));
    hasher.open('a', inputs.len());
    for (name, value) in inputs {
        let Some(value) = value else { continue };
        hasher.open('a', 2);
        hasher.string(name);
        let (Some(link), Some([_, slot])) = (Link::of(value), value.as_array()) else {
            hasher.value(value);
            continue;
        };
        hasher.open('a', 2);
        hasher.value(slot);
        match source(link) {
            Some(hash) => hasher.bytes(&hash.0),
            None => hasher.value(&Value::Null),
        }
    }
    hasher.finish()
}

fn class_type(node: Node<'_>) -> &Value {
    node.as_object().get("class_type").unwrap_or(&Value::Null)
}

/// Hashes the canonical form of values.
struct Canonical(Sha256);

impl Canonical {
    fn new(kind: &str) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(format!("comfyicu:{kind}:1\n"));
        Self(hasher)
    }

    fn finish(self) -> PromptHash {
        PromptHash(self.0.finalize().into())
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.0.update("n"),
            Value::Bool(true) => self.0.update("t"),
            Value::Bool(false) => self.0.update("f"),
            Value::Number(number) => self.number(number),
            Value::String(text) => self.string(text),
            Value::IllFormed(text) => {
                self.open('u', text.code_units().len());
                for unit in text.code_units() {
                    self.0.update(unit.to_be_bytes());
                }
            }
            Value::Array(items) => {
                self.open('a', items.len());
                for item in items {
                    self.value(item);
                }
            }
            Value::Object(object) => self.object(object),
        }
    }

    fn object(&mut self, object: &Object) {
        let mut entries: Vec<_> = object.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        self.open('o', entries.len());
        for (key, value) in entries {
            self.string(key);
            self.value(value);
        }
    }

    fn number(&mut self, number: &Number) {
        if number.is_integer() {
            self.0.update(format!("i{number};"));
        } else {
            self.0.update(format!("d{:016x};", number.as_f64().to_bits()));
        }
    }

    fn string(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.open('s', bytes.len());
        self.0.update(bytes);
    }

    fn open(&mut self, kind: char, count: usize) {
        self.0.update(format!("{kind}{count}:"));
    }
}

impl PromptHash {
    /// The hash as bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for PromptHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PromptHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PromptHash({self})")
    }
}

impl FromStr for PromptHash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || InvalidHash { text: text.chars().take(65).collect() };
        let mut bytes = [0; 32];
        if text.len() != 2 * bytes.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(error());
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(2 * at..2 * at + 2).ok_or_else(error)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| error())?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for PromptHash {
    type Error = InvalidHash;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PromptHash> for String {
    fn from(hash: PromptHash) -> Self {
        hash.to_string()
    }
}
