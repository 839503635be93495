//! Changing values in a JSON text: what does not change keeps its letters.

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::scan::{self, Entry};
use super::{JsonError, JsonPath, Limits, Object, Value};

/// Writes a value in place of the one that a text holds. Where the two are the same, the text stays as it is:
/// spaces, line ends, the spelling of numbers and strings. What is added looks like what is beside it.
///
/// # Errors
/// When the text is not JSON within the limits, as for [`read`](super::read).
///
/// ```
/// use comfyicu_model::json::{self, Limits};
///
/// let text = "{\n  \"steps\": 20,\n  \"cfg\": 8.50\n}\n";
/// let mut value = json::read(text.as_bytes(), Limits::default())?;
/// value.as_object_mut().expect("an object").insert("steps", 8_u64);
/// assert_eq!(json::rewrite(text, &value, Limits::default())?, "{\n  \"steps\": 8,\n  \"cfg\": 8.50\n}\n");
/// # Ok::<(), json::JsonError>(())
/// ```
pub fn rewrite(text: &str, new: &Value, limits: Limits) -> Result<String, JsonError> {
    Ok(replaced(text, &super::read(text.as_bytes(), limits)?, new))
}

/// Writes a value in place of `old`, which is what the text holds.
pub(crate) fn replaced(text: &str, old: &Value, new: &Value) -> String {
    let mut rewriter = Rewriter { text, patches: Vec::new() };
    if let Some(span) = scan::span_at(text.as_bytes(), &JsonPath::default()) {
        rewriter.value(span, old, new);
    }
    rewriter.finish()
}

/// What is put in place of a stretch of the text.
struct Patch {
    span: Range<usize>,
    text: String,
}

struct Rewriter<'a> {
    text: &'a str,
    patches: Vec<Patch>,
}

impl Rewriter<'_> {
    fn value(&mut self, span: Range<usize>, old: &Value, new: &Value) {
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => self.object(span, old, new),
            (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
                let text = self.text;
                for (span, (old, new)) in scan::items(text.as_bytes(), span.start).zip(old.iter().zip(new)) {
                    self.value(span, old, new);
                }
            }
            _ if old == new => {}
            _ => self.replace(span, new.to_json()),
        }
    }

    fn object(&mut self, span: Range<usize>, old: &Object, new: &Object) {
        let text = self.text;
        let entries: Vec<Entry<'_>> = scan::entries(text.as_bytes(), span.start).collect();
        let is_kept = |entry: &&Entry<'_>| new.contains_key(&entry.key);
        let kept = entries.iter().filter(is_kept).map(|entry| &*entry.key);
        let is_same_order = kept.eq(new.keys().filter(|key| old.contains_key(key)));
        // A key that stands twice cannot be told from the other, and what has no entry left has no style.
        if entries.len() != old.len() || !is_same_order || !entries.iter().any(|entry| is_kept(&entry)) {
            let new = Value::Object(new.clone()).to_json();
            if Value::Object(old.clone()).to_json() != new {
                self.replace(span, new);
            }
            return;
        }
        for entry in &entries {
            if let (Some(old), Some(new)) = (old.get(&entry.key), new.get(&entry.key)) {
                self.value(entry.value_span.clone(), old, new);
            }
        }
        self.remove(&entries, new);
        self.add(&span, &entries, new);
    }

    /// Takes entries out, each with the comma that parts it from one that stays.
    fn remove(&mut self, entries: &[Entry<'_>], new: &Object) {
        let mut kept_end = None;
        for (at, entry) in entries.iter().enumerate() {
            let end = entry.value_span.end;
            if new.contains_key(&entry.key) {
                kept_end = Some(end);
                continue;
            }
            match (kept_end, entries.get(at + 1)) {
                (Some(kept_end), _) => self.replace(kept_end..end, String::new()),
                (None, Some(next)) => self.replace(entry.key_span.start..next.key_span.start, String::new()),
                (None, None) => {}
            }
            kept_end = kept_end.map(|_| end);
        }
    }

    /// Puts entries in, each behind the one that it follows.
    fn add(&mut self, span: &Range<usize>, entries: &[Entry<'_>], new: &Object) {
        let style = Style::of(self.text, span, entries);
        let added = |key: &str, value: &Value| {
            format!("{}{}{}", Value::from(key).to_json(), style.colon, value.to_json())
        };
        // Those that stay are in the same order here and there.
        let mut kept = entries.iter().filter(|entry| new.contains_key(&entry.key)).peekable();
        let mut end = None;
        let mut first = String::new();
        for (key, value) in new.iter() {
            if let Some(entry) = kept.next_if(|entry| entry.key == key) {
                let start = entry.key_span.start;
                self.replace(start..start, std::mem::take(&mut first));
                end = Some(entry.value_span.end);
            } else if let Some(end) = end {
                self.replace(end..end, format!("{}{}", style.comma, added(key, value)));
            } else {
                first = first + &added(key, value) + &style.comma;
            }
        }
    }

    fn replace(&mut self, span: Range<usize>, text: String) {
        if !(span.is_empty() && text.is_empty()) {
            self.patches.push(Patch { span, text });
        }
    }

    fn finish(mut self) -> String {
        // Stable: what is put in at one place stays in its order, and before what is taken out from there on.
        self.patches.sort_by_key(|patch| (patch.span.start, patch.span.end));
        let mut out = String::with_capacity(self.text.len());
        let mut at = 0;
        for patch in &self.patches {
            out += self.text.get(at..patch.span.start).unwrap_or_default();
            out += &patch.text;
            at = patch.span.end;
        }
        out + self.text.get(at..).unwrap_or_default()
    }
}

/// How the entries of an object are written: what stands between them, and between key and value.
struct Style<'a> {
    comma: String,
    colon: &'a str,
}

impl<'a> Style<'a> {
    fn of(text: &'a str, span: &Range<usize>, entries: &[Entry<'_>]) -> Self {
        let between = |range: Range<usize>| text.get(range).unwrap_or_default();
        let Some(first) = entries.first() else { return Self { comma: ",".to_owned(), colon: ":" } };
        let colon = between(first.key_span.end..first.value_span.start);
        let comma = match entries.get(1) {
            Some(second) => between(first.value_span.end..second.key_span.start).to_owned(),
            None => match between(span.start + 1..first.key_span.start) {
                // `{"a": 1}` goes on with `, `.
                "" => format!(",{}", colon.trim_start_matches(':')),
                lead => format!(",{lead}"),
            },
        };
        Self { comma, colon }
    }
}
