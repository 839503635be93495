//! Saving a batch as one animated file.

use jiff::ZonedDateTime;

use crate::OutputKind;
use crate::native::call::{Call, Failure, File, Yield};
use crate::native::codec::{Pixels, WebpOptions, encode_apng, encode_webp};
use crate::native::definition::{Definition, Float, Input, Int, METADATA, Role};
use crate::native::image::Image;
use crate::native::number::{floor, to_f32};
use crate::native::prefix::Prefix;

const BASE: Definition = Definition {
    category: "image/animation",
    python_module: "comfy_extras.nodes_images",
    role: Role::Output,
    hidden: METADATA,
    ..Definition::BASE
};

const IMAGES: Input = Input::image("images", "The pictures, in their order.");
const PREFIX: Input =
    Input::text("filename_prefix", "ComfyUI", "How the file's name begins; a / makes a folder.");
const FPS: Input = Input::float("fps", Float::new(6.0, 0.01, 1000.0, 0.01), "How many pictures a second.");

pub(in crate::native) static SAVE_ANIMATED_PNG: Definition = Definition {
    class_type: "SaveAnimatedPNG",
    description: "Saves a batch as one animated PNG file among the run's outputs, with the prompt inside.",
    inputs: &[
        IMAGES,
        PREFIX,
        FPS,
        Input::int(
            "compress_level",
            Int::new(4, 0, 9),
            "How hard to try for a small file: 0 does not, 9 takes longest.",
        ),
    ],
    run: save_png,
    ..BASE
};

pub(in crate::native) static SAVE_ANIMATED_WEBP: Definition = Definition {
    class_type: "SaveAnimatedWEBP",
    description: "Saves a batch as one animated WebP file among the run's outputs, with the prompt inside.",
    inputs: &[
        IMAGES,
        PREFIX,
        FPS,
        Input::boolean("lossless", true, "Whether every pixel comes back as it was."),
        Input::int(
            "quality",
            Int::new(80, 0, 100),
            "How good it looks; where it is lossless, how hard to try for a small file.",
        ),
        Input::choice("method", &["default", "fastest", "slowest"], "How long to try for a small file."),
    ],
    run: save_webp,
    ..BASE
};

fn save_png(mut call: Call) -> Result<Yield, Failure> {
    let animation = Animation::take(&mut call)?;
    let level = u8::try_from(call.within("compress_level", 0..=9)?).unwrap_or(u8::MAX);
    let work = &call.context.work;
    let (bytes, _lease) = animation.images.to_bytes(work)?;
    let frames = animation.frames(&bytes);
    let content = encode_apng(&frames, animation.duration_ms, level, &call.context.texts, work)?;
    animation.file(&call, content, "png", "image/png")
}

fn save_webp(mut call: Call) -> Result<Yield, Failure> {
    let animation = Animation::take(&mut call)?;
    let lossless = call.boolean("lossless")?;
    let quality = to_f32(call.within("quality", 0..=100)?);
    let method = call.choice("method", |name| match name {
        "default" => Some(4),
        "fastest" => Some(0),
        "slowest" => Some(6),
        _ => None,
    })?;
    let options = WebpOptions { lossless, quality, method };
    let work = &call.context.work;
    let (bytes, _lease) = animation.images.to_bytes(work)?;
    let frames = animation.frames(&bytes);
    let content = encode_webp(&frames, animation.duration_ms, options, &call.context.texts, work)?;
    animation.file(&call, content, "webp", "image/webp")
}

/// What both kinds of animation have in common.
struct Animation {
    images: Image,
    prefix: String,
    duration_ms: u64,
}

impl Animation {
    fn take(call: &mut Call) -> Result<Self, Failure> {
        let duration_ms = floor(1000.0 / call.float("fps")?);
        Ok(Self {
            images: call.image("images")?,
            prefix: call.text("filename_prefix")?,
            duration_ms: u64::try_from(duration_ms).unwrap_or(u64::MAX),
        })
    }

    fn frames<'b>(&self, bytes: &'b [u8]) -> Vec<Pixels<'b>> {
        let shape = self.images.shape();
        let pixels =
            |bytes| Pixels { width: shape.width, height: shape.height, channels: shape.channels, bytes };
        bytes.chunks_exact(shape.frame()).map(pixels).collect()
    }

    fn file(
        &self,
        call: &Call,
        content: Vec<u8>,
        extension: &str,
        content_type: &'static str,
    ) -> Result<Yield, Failure> {
        let prefix = Prefix::new(&self.prefix, self.images.shape(), &ZonedDateTime::now())?;
        let number = call.context.next_number(prefix.as_str());
        let path = prefix.file(None, number, extension)?;
        let file = File { kind: OutputKind::Output, path, content_type, content: content.into() };
        Ok(Yield::files(vec![file]))
    }
}
