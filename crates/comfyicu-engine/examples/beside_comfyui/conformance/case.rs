//! One case: a node of a class with drawn inputs, what it reads, and what saves its results.

use comfyicu_model::ObjectInfo;
use comfyicu_model::json::{Number, Object, Value};
use fastrand::Rng;

use super::files::Files;
use super::graph::Graph;

/// What is compared.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// The row of the table that it counts for: its class, and for a loader the kind of file.
    pub(super) row: String,
    pub(super) nodes: Object,
}

/// Texts for inputs that take any.
const TEXTS: [&str; 9] =
    ["", "a", "The quick brown fox", "ÄÖÜ straße ǆ ﬁ", "  spaces \n", "aXbXc", "x", "日本語 text", "1.5"];

/// Patterns for the texts above, some of which are none.
const PATTERNS: [&str; 16] = [
    "x*",
    "|a",
    r"(\w+)",
    r"(a)|(b)",
    r"(?P<first>\w)(\w*)",
    r"\s+$",
    r"^.",
    r"[[:&~\]]",
    "(",
    r"(?<=a)X(?=b)",
    r"(\w)\1",
    r"[^a-z ]+",
    r"\d+\.\d",
    "quick|BROWN",
    r"\bfox\Z",
    "ß",
];

/// What takes the place of finds.
const REPLACEMENTS: [&str; 8] = ["", "-", r"[\1]", r"<\g<0>>", r"\g<first>\2", r"\n\\", r"\q", r"\101\0"];

/// How names of files begin, behind what makes them the case's own.
const PREFIXES: [&str; 7] =
    ["x", "%width%x%height%", "a_%batch_num%_b", "sub/y", "./z//w/../v", "ünï %", "%nothing%_%date%"];

impl Case {
    pub(super) fn draw(class: &str, number: u64, info: &ObjectInfo, files: &Files, rng: &mut Rng) -> Self {
        let prefix = format!("conformance/{:x}/{class}/{number}", std::process::id());
        let mut drawing =
            Drawing { graph: Graph::new(files, prefix), rng, row: class.to_owned(), before: None };
        drawing.node(class, info);
        Self { row: drawing.row, nodes: drawing.graph.into_nodes() }
    }
}

struct Drawing<'a> {
    graph: Graph<'a>,
    rng: &'a mut Rng,
    row: String,
    /// The last image or mask.
    before: Option<(String, Value)>,
}

impl Drawing<'_> {
    fn node(&mut self, class: &str, info: &ObjectInfo) {
        let definition = info.get(class).expect("a class of the executor");
        let group = |name| definition.get("input")?.as_object()?.get(name)?.as_object();
        let mut inputs = Object::new();
        for (name, specification) in group("required").into_iter().flat_map(Object::iter) {
            inputs.insert(name, self.input(name, specification.as_array().unwrap()));
        }
        for (name, specification) in group("optional").into_iter().flat_map(Object::iter) {
            if self.rng.u8(..4) > 0 {
                inputs.insert(name, self.input(name, specification.as_array().unwrap()));
            }
        }
        let node = self.graph.insert(class, inputs);
        let kinds = definition.get("output").and_then(Value::as_array).unwrap();
        for (slot, kind) in kinds.iter().enumerate() {
            self.graph.save(kind.as_str().unwrap(), &node, slot);
        }
    }

    fn input(&mut self, name: &str, specification: &[Value]) -> Value {
        let (kind, rest) = specification.split_first().expect("a type");
        let options = rest.first().and_then(Value::as_object);
        let option = |name: &str| options.and_then(|options| options.get(name));
        if option("image_upload").is_some() {
            let (kind, file) = self.graph.any_file(self.rng);
            self.row = format!("{} {kind}", self.row);
            return file.into();
        }
        if let Some(names) = kind.as_array().or_else(|| option("options").and_then(Value::as_array)) {
            return names[self.rng.usize(..names.len())].clone();
        }
        let number = |name: &str| option(name).and_then(Value::as_number);
        match kind.as_str().unwrap() {
            "INT" => {
                let bound =
                    |name: &str, otherwise: i64| number(name).and_then(Number::as_i64).unwrap_or(otherwise);
                int(name, bound("min", -50), bound("max", 50), self.rng).into()
            }
            "FLOAT" => {
                let bound = |name: &str, otherwise: f64| number(name).map_or(otherwise, Number::as_f64);
                let step = number("step").map_or(0.01, Number::as_f64);
                float(name, bound("min", -9.0), bound("max", 9.0), step, self.rng).into()
            }
            "BOOLEAN" => self.rng.bool().into(),
            "STRING" if name == "filename_prefix" => {
                let prefix = PREFIXES[self.rng.usize(..PREFIXES.len())];
                format!("{}/{prefix}", self.graph.prefix()).into()
            }
            "STRING" if name == "regex_pattern" => PATTERNS[self.rng.usize(..PATTERNS.len())].into(),
            "STRING" if name == "replace" => REPLACEMENTS[self.rng.usize(..REPLACEMENTS.len())].into(),
            "STRING" => TEXTS[self.rng.usize(..TEXTS.len())].into(),
            // Many nodes want images of one size, so now and then they get the same.
            kind @ ("IMAGE" | "MASK") => match &self.before {
                Some((before, link)) if before == kind && self.rng.bool() => link.clone(),
                _ => {
                    let images = kind == "IMAGE";
                    let link = if images { self.graph.image(self.rng) } else { self.graph.mask(self.rng) };
                    self.before = Some((kind.to_owned(), link.clone()));
                    link
                }
            },
            _ => [Value::from(3_i64), 0.1.into(), true.into(), "text".into(), Value::Null]
                [self.rng.usize(..5)]
            .clone(),
        }
    }
}

/// An integer: mostly small ones and the bounds, now and then one beyond them.
fn int(name: &str, min: i64, max: i64, rng: &mut Rng) -> i64 {
    let many = ["batch_size", "amount", "length", "batch_index"].contains(&name);
    let span = if many {
        4
    } else if name == "kernel_size" {
        24
    } else if max >= 0xff_ffff {
        max.saturating_sub(min)
    } else {
        160
    };
    let near = max.min(min.max(-40).saturating_add(span));
    match rng.u8(..40) {
        0 => min.saturating_sub(1),
        1 => max.saturating_add(1),
        2 | 3 => min.max(-40),
        4 | 5 if max <= 4096 && !many => max,
        6..=8 if max >= 0xff_ffff => [0, 0xff_ffff, 0x80_8080][rng.usize(..3)],
        _ => rng.i64(min.max(-40)..=near),
    }
}

/// A number: mostly on the steps of the editor.
fn float(name: &str, min: f64, max: f64, step: f64, rng: &mut Rng) -> f64 {
    let max = match name {
        "scale_by" => 4.0,
        "megapixels" => 0.2,
        _ => max,
    };
    let part = match rng.u8(..40) {
        0 => return min - step,
        1 => return max + 1000.0,
        2 => return min,
        3 | 4 => return max,
        5..=10 => return min + (max - min) * rng.f64(),
        // Small numbers are what differs most.
        11..=15 => rng.f64() / 10.0,
        _ => rng.f64(),
    };
    let steps = ((max - min) * part / step).floor();
    (min + steps * step).clamp(min, max)
}
