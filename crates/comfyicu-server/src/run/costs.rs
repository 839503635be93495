//! What a run cost: time and bytes. An extension, under the key `x` of a run.

use comfyicu_model::json::{Number, Object, Value};

/// What a run cost so far; times in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Costs {
    pub(crate) queue_ms: Option<u64>,
    pub(crate) download_ms: Option<u64>,
    pub(crate) execution_ms: Option<u64>,
    /// How many bytes its outputs have.
    pub(crate) output_bytes: Option<u64>,
    pub(crate) files: Vec<(String, FileCost)>,
    /// What was not executed, though the run completed: outputs that are not in order, nodes that were blocked.
    pub(crate) warnings: Vec<Object>,
}

/// What one file of a run cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileCost {
    pub(crate) bytes: u64,
    /// How long it took to get; not known of runs of early versions.
    pub(crate) ms: Option<u64>,
    /// Whether the bytes were there already.
    pub(crate) cache_hit: bool,
}

impl Costs {
    pub(crate) fn to_object(&self) -> Object {
        let files: Object = self.files.iter().map(|(path, cost)| (path.as_str(), cost.to_object())).collect();
        let mut costs = Object::from_iter([
            ("queue_ms", Value::from(self.queue_ms)),
            ("download_ms", Value::from(self.download_ms)),
            ("execution_ms", Value::from(self.execution_ms)),
            ("output_bytes", Value::from(self.output_bytes)),
            ("files", Value::from(files)),
        ]);
        if !self.warnings.is_empty() {
            costs.insert("warnings", self.warnings.clone());
        }
        costs
    }

    pub(crate) fn from_object(object: &Object) -> Self {
        let number = |key| object.get(key).and_then(Value::as_number)?.as_u64();
        let files = object.get("files").and_then(Value::as_object);
        let cost = |(path, value): (&str, &Value)| {
            Some((path.to_owned(), FileCost::from_object(value.as_object()?)?))
        };
        Self {
            queue_ms: number("queue_ms"),
            download_ms: number("download_ms"),
            execution_ms: number("execution_ms"),
            output_bytes: number("output_bytes"),
            files: files.into_iter().flat_map(Object::iter).filter_map(cost).collect(),
            warnings: object
                .get("warnings")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|warning| warning.as_object().cloned())
                .collect(),
        }
    }
}

impl FileCost {
    fn to_object(self) -> Object {
        Object::from_iter([
            ("bytes", Value::from(self.bytes)),
            ("ms", self.ms.into()),
            ("cache_hit", self.cache_hit.into()),
        ])
    }

    fn from_object(object: &Object) -> Option<Self> {
        let bytes = object.get("bytes")?.as_number()?.as_u64()?;
        let ms = object.get("ms").and_then(Value::as_number).and_then(Number::as_u64);
        Some(Self { bytes, ms, cache_hit: object.get("cache_hit")?.as_bool()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_read_back_as_they_were_written() {
        let file = ("/input/a.png".to_owned(), FileCost { bytes: 5, ms: Some(3), cache_hit: true });
        let warning = Object::from_iter([("code", "node_blocked")]);
        let costs = Costs {
            queue_ms: Some(1),
            download_ms: Some(2),
            execution_ms: None,
            output_bytes: Some(4),
            files: vec![file],
            warnings: vec![warning],
        };
        assert_eq!(Costs::from_object(&costs.to_object()), costs);
    }
}
