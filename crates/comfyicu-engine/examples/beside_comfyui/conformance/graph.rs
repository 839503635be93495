//! A prompt in the making: nodes that give images and masks of all sorts, and nodes that save.

use comfyicu_model::json::{Object, Value};
use fastrand::Rng;

use super::FOLDER;
use super::files::Files;

/// Nodes, and the files that they may load.
#[derive(Debug)]
pub(super) struct Graph<'a> {
    nodes: Object,
    files: &'a Files,
    prefix: String,
}

impl<'a> Graph<'a> {
    pub(super) fn new(files: &'a Files, prefix: String) -> Self {
        Self { nodes: Object::new(), files, prefix }
    }

    /// What names of this prompt's files begin with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn into_nodes(self) -> Object {
        self.nodes
    }

    /// Adds a node and gives its id.
    pub(super) fn insert(&mut self, class: &str, inputs: Object) -> String {
        let id = (self.nodes.len() + 1).to_string();
        let node = Object::from_iter([("class_type", Value::from(class)), ("inputs", inputs.into())]);
        self.nodes.insert(id.clone(), node);
        id
    }

    /// Saves or shows a result.
    pub(super) fn save(&mut self, kind: &str, node: &str, slot: usize) {
        let value = link(node, slot);
        let images = match kind {
            "IMAGE" => value,
            "MASK" => link(&self.insert("MaskToImage", Object::from_iter([("mask", value)])), 0),
            _ => {
                self.insert("PreviewAny", Object::from_iter([("source", value)]));
                return;
            }
        };
        let prefix = format!("{}/{}", self.prefix, self.nodes.len());
        self.insert("SaveImage", Object::from_iter([("images", images), ("filename_prefix", prefix.into())]));
    }

    /// Some file, and what kind it is of.
    pub(super) fn any_file(&self, rng: &mut Rng) -> (&'a str, String) {
        let (kind, name) = self.files.any(rng);
        (kind, format!("{FOLDER}/{name}"))
    }

    /// An image of some sort: of bytes or of numbers between them, opaque or not, one or several.
    pub(super) fn image(&mut self, rng: &mut Rng) -> Value {
        let image = self.plain_image(rng);
        match rng.u8(..10) {
            0..=4 => image,
            5 => {
                let (width, height) = (rng.i64(1..150), rng.i64(1..150));
                let method = ["bicubic", "bilinear", "area"][rng.usize(..3)];
                self.scale(image, method, width, height)
            }
            6 | 7 => {
                let alpha = self.plain_mask(rng);
                let joined = Object::from_iter([("image", image), ("alpha", alpha)]);
                link(&self.insert("JoinImageWithAlpha", joined), 0)
            }
            8 => {
                let both = Object::from_iter([("image1", image), ("image2", self.plain_image(rng))]);
                link(&self.insert("ImageBatch", both), 0)
            }
            _ => {
                let amount = Value::from(rng.i64(2..4));
                let repeated = Object::from_iter([("image", image), ("amount", amount)]);
                link(&self.insert("RepeatImageBatch", repeated), 0)
            }
        }
    }

    fn scale(&mut self, image: Value, method: &str, width: i64, height: i64) -> Value {
        let inputs = Object::from_iter([
            ("image", image),
            ("upscale_method", method.into()),
            ("width", width.into()),
            ("height", height.into()),
            ("crop", "disabled".into()),
        ]);
        link(&self.insert("ImageScale", inputs), 0)
    }

    fn plain_image(&mut self, rng: &mut Rng) -> Value {
        let file = format!("{FOLDER}/{}", self.files.plain(rng));
        link(&self.insert("LoadImage", Object::from_iter([("image", file)])), 0)
    }

    /// A mask of some sort: of a file, of one value, one or several.
    pub(super) fn mask(&mut self, rng: &mut Rng) -> Value {
        match rng.u8(..8) {
            0 => {
                let image = self.image(rng);
                let channel = ["red", "green", "blue"][rng.usize(..3)];
                let taken = Object::from_iter([("image", image), ("channel", channel.into())]);
                link(&self.insert("ImageToMask", taken), 0)
            }
            1 => {
                let inputs = Object::from_iter([
                    ("value", Value::from(f64::from(rng.u8(..=100)) / 100.0)),
                    ("width", rng.i64(1..90).into()),
                    ("height", rng.i64(1..90).into()),
                ]);
                link(&self.insert("SolidMask", inputs), 0)
            }
            _ => self.plain_mask(rng),
        }
    }

    fn plain_mask(&mut self, rng: &mut Rng) -> Value {
        let file = format!("{FOLDER}/{}", self.files.plain(rng));
        if rng.bool() {
            let node = self.insert("LoadImage", Object::from_iter([("image", file)]));
            return link(&node, 1);
        }
        let channel = ["alpha", "red", "green", "blue"][rng.usize(..4)];
        let inputs = Object::from_iter([("image", Value::from(file)), ("channel", channel.into())]);
        link(&self.insert("LoadImageMask", inputs), 0)
    }
}

fn link(node: &str, slot: usize) -> Value {
    Value::Array(vec![node.into(), i64::try_from(slot).unwrap().into()])
}
