//! The prompts that are measured.

mod nodes;

use png::{ColorType, Encoder};

use crate::Failure;
use nodes::{Gives, NODES, Node, image};

/// The file that is loaded.
pub(super) const FILE: &str = "bench.png";

/// What a prompt measures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum What {
    Node(Node),
    /// Ten nodes one after the other.
    Pipeline,
    /// Writing PNG.
    Save,
    /// Reading PNG.
    Load,
}

impl What {
    /// Nothing between the image and its preview.
    pub(super) const NONE: Self = Self::Node(image("(none)", ""));

    /// The nodes that take longest, with a side at which they do.
    pub(super) const LONG: [(Self, u32); 6] = [
        (Self::Node(image("ImageBlur", r#""image": ["1", 0], "blur_radius": 31, "sigma": 9.0"#)), 2048),
        (
            Self::Node(image(
                "ImageQuantize",
                r#""image": ["1", 0], "colors": 256, "dither": "floyd-steinberg""#,
            )),
            4096,
        ),
        (
            Self::Node(image("Canny", r#""image": ["1", 0], "low_threshold": 0.2, "high_threshold": 0.5"#)),
            4096,
        ),
        (
            Self::Node(image(
                "ImageScale lanczos",
                r#""image": ["1", 0], "upscale_method": "lanczos", "width": 6000, "height": 6000, "crop": "disabled""#,
            )),
            4096,
        ),
        (
            Self::Node(image("Morphology", r#""image": ["1", 0], "operation": "close", "kernel_size": 99"#)),
            4096,
        ),
        (Self::Save, 8192),
    ];

    pub(super) fn all() -> impl Iterator<Item = Self> {
        let nodes = NODES.into_iter().map(Self::Node);
        [Self::NONE].into_iter().chain(nodes).chain([Self::Pipeline, Self::Save, Self::Load])
    }

    pub(super) fn is_node(self) -> bool {
        matches!(self, Self::Node(_)) && self != Self::NONE
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Node(node) => node.name,
            Self::Pipeline => "ten nodes",
            Self::Save => "PNG encode",
            Self::Load => "PNG decode",
        }
    }

    /// Whether it reads [`FILE`], which is one picture whatever the batch.
    pub(super) fn reads_file(self) -> bool {
        match self {
            Self::Node(node) => node.inputs.contains(FILE),
            Self::Load => true,
            Self::Pipeline | Self::Save => false,
        }
    }

    /// The bytes that have to be moved.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive whole number")]
    pub(super) fn bytes(self, side: u32, batch: u32) -> Option<u64> {
        let Self::Node(Node { moves: Some(moves), .. }) = self else { return None };
        let image = f64::from(side) * f64::from(side) * f64::from(batch) * 3.0 * 4.0;
        Some((image * moves) as u64)
    }

    /// The prompt for an image of a side, of a batch and a colour.
    pub(super) fn prompt(self, side: u32, batch: u32, colour: u32) -> String {
        let image = match self {
            Self::Load => format!(r#""1": {{"class_type": "LoadImage", "inputs": {{"image": "{FILE}"}}}}"#),
            _ => format!(
                r#""1": {{"class_type": "EmptyImage", "inputs": {{"width": {side}, "height": {side}, "batch_size": {batch}, "color": {colour}}}}}"#
            ),
        };
        let values = [
            ("SIDE", side.to_string()),
            ("HALF", (side / 2).max(1).to_string()),
            ("PART", format!("0.{colour:06}")),
        ];
        let node = |id: usize, class: &str, inputs: &str| {
            let inputs =
                values.iter().fold(inputs.to_owned(), |inputs, (name, value)| inputs.replace(name, value));
            format!(r#", "{id}": {{"class_type": "{class}", "inputs": {{{inputs}}}}}"#)
        };
        let nodes = match self {
            Self::Save => node(90, "PreviewImage", r#""images": ["1", 0]"#),
            Self::NONE | Self::Load => end(1, Gives::Image, node),
            Self::Node(measured) => {
                // Nobody asks for the mask and the list where they stand at no input.
                node(5, "ImageToMask", r#""image": ["1", 0], "channel": "red""#)
                    + &node(6, "RebatchImages", r#""images": ["1", 0], "batch_size": 1"#)
                    + &node(2, measured.class(), measured.inputs)
                    + &end(2, measured.gives, node)
            }
            Self::Pipeline => pipeline(node) + &end(11, Gives::Image, node),
        };
        format!("{{{image}{nodes}}}")
    }
}

/// What looks at one pixel of what node `last` gives.
fn end(last: usize, gives: Gives, node: impl Fn(usize, &str, &str) -> String) -> String {
    const PIXEL: &str = r#""width": 1, "height": 1, "x": 0, "y": 0"#;
    let seen = match gives {
        Gives::File => return String::new(),
        Gives::Image => node(90, "ImageCrop", &format!(r#""image": ["{last}", 0], {PIXEL}"#)),
        Gives::Mask => {
            node(80, "CropMask", &format!(r#""mask": ["{last}", 0], {PIXEL}"#))
                + &node(90, "MaskToImage", r#""mask": ["80", 0]"#)
        }
    };
    seen + &node(91, "PreviewImage", r#""images": ["90", 0]"#)
}

/// Ten nodes, each of which reads the one before it.
fn pipeline(node: impl Fn(usize, &str, &str) -> String) -> String {
    const STEPS: [&str; 10] = [
        "ImageInvert",
        "ImageScale bicubic",
        "ImageBlur",
        "ImageBlend overlay",
        "ImageCompositeMasked",
        "ImageFlip",
        "ImageRotate",
        "ImageSharpen",
        "Morphology",
        "ImageScaleBy lanczos",
    ];
    let steps = STEPS.iter().filter_map(|step| NODES.iter().find(|node| node.name == *step));
    let nodes = steps.enumerate().map(|(at, step)| {
        let source = format!(r#"["{}", 0]"#, at + 1);
        node(at + 2, step.class(), &step.inputs.replace(r#"["1", 0]"#, &source))
    });
    nodes.collect()
}

/// A PNG file with something to see: waves of colour, and some noise.
pub(super) fn picture(side: u32) -> Result<Vec<u8>, Failure> {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut bytes = Vec::with_capacity(3 * usize::try_from(side)?.pow(2));
    for y in 0..side {
        for x in 0..side {
            let [red, green] = [x, y].map(|place| ((place * 255) / side).to_le_bytes()[0]);
            bytes.extend([red & !3 | rng.u8(..4), green, (red / 2).wrapping_add(green / 2)]);
        }
    }
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, side, side);
    encoder.set_color(ColorType::Rgb);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&bytes)?;
    writer.finish()?;
    Ok(file)
}
