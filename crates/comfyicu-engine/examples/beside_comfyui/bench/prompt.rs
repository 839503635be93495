//! The prompts that are measured.

use png::{ColorType, Encoder};

use crate::Failure;

/// The file that is loaded.
pub(super) const FILE: &str = "bench.png";

/// How many images of its size a node reads and writes at least, where that is what bounds it.
type Moves = Option<f64>;

/// Nodes with what stands at their inputs, between the image `["1", 0]` and the result of node 2.
const NODES: [(&str, &str, Moves); 28] = [
    ("(none)", "", None),
    ("ImageInvert", r#""image": ["1", 0]"#, Some(2.0)),
    (
        "ImageScale area",
        r#""image": ["1", 0], "upscale_method": "area", "width": HALF, "height": HALF, "crop": "disabled""#,
        Some(1.25),
    ),
    (
        "ImageScale bilinear",
        r#""image": ["1", 0], "upscale_method": "bilinear", "width": HALF, "height": HALF, "crop": "disabled""#,
        Some(1.25),
    ),
    (
        "ImageScale bicubic",
        r#""image": ["1", 0], "upscale_method": "bicubic", "width": HALF, "height": HALF, "crop": "disabled""#,
        Some(1.25),
    ),
    (
        "ImageScale lanczos",
        r#""image": ["1", 0], "upscale_method": "lanczos", "width": HALF, "height": HALF, "crop": "disabled""#,
        Some(1.25),
    ),
    (
        "ImageScale nearest",
        r#""image": ["1", 0], "upscale_method": "nearest-exact", "width": HALF, "height": HALF, "crop": "disabled""#,
        None,
    ),
    ("ImageBlur", r#""image": ["1", 0], "blur_radius": 5, "sigma": 2.0"#, None),
    ("ImageSharpen", r#""image": ["1", 0], "sharpen_radius": 2, "sigma": 1.0, "alpha": 1.0"#, None),
    (
        "ImageBlend overlay",
        r#""image1": ["1", 0], "image2": ["1", 0], "blend_factor": 0.5, "blend_mode": "overlay""#,
        Some(3.0),
    ),
    (
        "ImageBlend soft_light",
        r#""image1": ["1", 0], "image2": ["1", 0], "blend_factor": 0.5, "blend_mode": "soft_light""#,
        None,
    ),
    (
        "ImageCompositeMasked",
        r#""destination": ["1", 0], "source": ["1", 0], "x": 9, "y": 9, "resize_source": false"#,
        Some(3.0),
    ),
    ("ImageFlip", r#""image": ["1", 0], "flip_method": "y-axis: horizontally""#, Some(2.0)),
    ("ImageRotate", r#""image": ["1", 0], "rotation": "90 degrees""#, Some(2.0)),
    ("ImageCrop", r#""image": ["1", 0], "x": 8, "y": 8, "width": HALF, "height": HALF"#, Some(0.5)),
    ("ImageBatch", r#""image1": ["1", 0], "image2": ["1", 0]"#, None),
    ("RepeatImageBatch", r#""image": ["1", 0], "amount": 2"#, Some(3.0)),
    (
        "ImagePadForOutpaint",
        r#""image": ["1", 0], "left": 8, "top": 8, "right": 8, "bottom": 8, "feathering": 40"#,
        None,
    ),
    (
        "ImageStitch",
        r#""image1": ["1", 0], "image2": ["1", 0], "direction": "right", "match_image_size": false, "spacing_width": 0, "spacing_color": "white""#,
        None,
    ),
    ("ImageQuantize", r#""image": ["1", 0], "colors": 16, "dither": "none""#, None),
    ("ImageQuantize dithered", r#""image": ["1", 0], "colors": 16, "dither": "floyd-steinberg""#, None),
    ("ImageRGBToYUV", r#""image": ["1", 0]"#, None),
    ("Canny", r#""image": ["1", 0], "low_threshold": 0.2, "high_threshold": 0.5"#, None),
    ("Morphology", r#""image": ["1", 0], "operation": "dilate", "kernel_size": 5"#, None),
    ("ImageScaleBy lanczos", r#""image": ["1", 0], "upscale_method": "lanczos", "scale_by": 0.75"#, None),
    ("SplitImageWithAlpha", r#""image": ["1", 0]"#, None),
    ("AdjustContrast", r#""images": ["1", 0], "factor": 1.5"#, Some(2.0)),
    ("ImageAddNoise", r#""image": ["1", 0], "seed": 7, "strength": 0.3"#, None),
];

/// What a prompt measures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum What {
    Node(&'static str, &'static str, Moves),
    /// Ten nodes one after the other.
    Pipeline,
    /// Writing PNG.
    Save,
    /// Reading PNG.
    Load,
}

impl What {
    /// Nothing between the image and its preview.
    pub(super) const NONE: Self = Self::Node("(none)", "", None);

    /// The nodes that take longest, with a side at which they do.
    pub(super) const LONG: [(Self, u32); 6] = [
        (Self::Node("ImageBlur", r#""image": ["1", 0], "blur_radius": 31, "sigma": 9.0"#, None), 2048),
        (
            Self::Node(
                "ImageQuantize",
                r#""image": ["1", 0], "colors": 256, "dither": "floyd-steinberg""#,
                None,
            ),
            4096,
        ),
        (
            Self::Node("Canny", r#""image": ["1", 0], "low_threshold": 0.2, "high_threshold": 0.5"#, None),
            4096,
        ),
        (
            Self::Node(
                "ImageScale lanczos",
                r#""image": ["1", 0], "upscale_method": "lanczos", "width": 6000, "height": 6000, "crop": "disabled""#,
                None,
            ),
            4096,
        ),
        (
            Self::Node("Morphology", r#""image": ["1", 0], "operation": "close", "kernel_size": 99"#, None),
            4096,
        ),
        (Self::Save, 8192),
    ];

    pub(super) fn all() -> impl Iterator<Item = Self> {
        let nodes = NODES.into_iter().map(|(name, inputs, moves)| Self::Node(name, inputs, moves));
        nodes.chain([Self::Pipeline, Self::Save, Self::Load])
    }

    pub(super) const fn is_node(self) -> bool {
        matches!(self, Self::Node(_, inputs, _) if !inputs.is_empty())
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Node(name, ..) => name,
            Self::Pipeline => "ten nodes",
            Self::Save => "PNG encode",
            Self::Load => "PNG decode",
        }
    }

    /// The bytes that have to be moved.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive whole number")]
    pub(super) fn bytes(self, side: u32, batch: u32) -> Option<u64> {
        let Self::Node(_, _, Some(moves)) = self else { return None };
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
        let node = |id: usize, class: &str, inputs: &str| {
            let inputs = inputs.replace("HALF", &(side / 2).max(1).to_string());
            format!(r#", "{id}": {{"class_type": "{class}", "inputs": {{{inputs}}}}}"#)
        };
        let (nodes, last) = match self {
            Self::Node(_, "", _) | Self::Save | Self::Load => (String::new(), 1),
            Self::Node(name, inputs, _) => (node(2, class(name), inputs), 2),
            Self::Pipeline => (pipeline(node), 11),
        };
        let part = r#""width": 1, "height": 1, "x": 0, "y": 0"#;
        let end = match self {
            Self::Save => node(90, "PreviewImage", r#""images": ["1", 0]"#),
            _ => {
                node(90, "ImageCrop", &format!(r#""image": ["{last}", 0], {part}"#))
                    + &node(91, "PreviewImage", r#""images": ["90", 0]"#)
            }
        };
        format!("{{{image}{nodes}{end}}}")
    }
}

fn class(name: &str) -> &str {
    name.split(' ').next().unwrap_or(name)
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
    let inputs =
        |step: &str| NODES.iter().find(|(name, ..)| *name == step).map_or("", |(_, inputs, _)| *inputs);
    let steps = STEPS.iter().enumerate().map(|(at, step)| {
        let source = format!(r#"["{}", 0]"#, at + 1);
        node(at + 2, class(step), &inputs(step).replace(r#"["1", 0]"#, &source))
    });
    steps.collect()
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
