//! Saving images as PNG files.

use comfyicu_model::OutputPath;
use jiff::ZonedDateTime;
use rayon::iter::{IndexedParallelIterator as _, IntoParallelIterator as _, ParallelIterator as _};
use sha2::{Digest as _, Sha256};

mod animated;

pub(in crate::native) use animated::{SAVE_ANIMATED_PNG, SAVE_ANIMATED_WEBP};

use crate::OutputKind;
use crate::native::call::{Call, Failure, File, Yield};
use crate::native::codec::{EncodeError, Rows, encode_png};
use crate::native::definition::{Definition, Input, METADATA, Role};
use crate::native::image::{Image, Shape};
use crate::native::number::to_byte;
use crate::native::prefix::Prefix;

pub(in crate::native) static SAVE_IMAGE: Definition = Definition {
    class_type: "SaveImage",
    display_name: Some("Save Image"),
    description: "Saves images as PNG files among the run's outputs, with the prompt inside.",
    category: "image",
    inputs: &[
        Input::image("images", "The images to save."),
        Input::text(
            "filename_prefix",
            "ComfyUI",
            "How the files' names begin; a / makes a folder. %width%, %height%, %batch_num%, %year%, %month%, %day%, %hour%, %minute% and %second% are filled in.",
        ),
    ],
    role: Role::Output,
    hidden: METADATA,
    run: save,
    ..Definition::BASE
};

pub(in crate::native) static PREVIEW_IMAGE: Definition = Definition {
    class_type: "PreviewImage",
    display_name: Some("Preview Image"),
    description: "Saves images as temporary PNG files, to be looked at while a run goes on.",
    category: "image",
    inputs: &[Input::image("images", "The images to look at.")],
    role: Role::Output,
    hidden: METADATA,
    run: preview,
    ..Definition::BASE
};

pub(in crate::native) static MASK_PREVIEW: Definition = Definition {
    class_type: "MaskPreview",
    description: "Saves masks as temporary grey PNG files, to be looked at while a run goes on.",
    category: "mask",
    python_module: "comfy_extras.nodes_mask",
    inputs: &[Input::mask("mask", "The masks to look at.")],
    role: Role::Output,
    hidden: METADATA,
    run: preview_mask,
    ..Definition::BASE
};

fn save(mut call: Call) -> Result<Yield, Failure> {
    let prefix = call.text("filename_prefix")?;
    let images = call.image("images")?;
    save_all(&call, &images, OutputKind::Output, &prefix)
}

fn preview(mut call: Call) -> Result<Yield, Failure> {
    let images = call.image("images")?;
    preview_all(&call, &images)
}

fn preview_mask(mut call: Call) -> Result<Yield, Failure> {
    let mask = call.mask("mask")?;
    let shape = Shape { channels: 3, ..mask.shape() };
    let images = Image::by_rows(shape, &call.context.work, |frame, y, row| {
        for (pixel, value) in row.as_chunks_mut::<3>().0.iter_mut().zip(mask.as_image().row(frame, y)) {
            pixel.fill(*value);
        }
    })?;
    preview_all(&call, &images)
}

fn preview_all(call: &Call, images: &Image) -> Result<Yield, Failure> {
    let prefix = format!("ComfyUI_temp_{}", letters(call.context.run_id.as_str(), call.node_id.as_str()));
    save_all(call, images, OutputKind::Temp, &prefix)
}

/// Five letters, where ComfyUI draws them by lot: the same run has the same previews.
fn letters(run_id: &str, node_id: &str) -> String {
    let hash = Sha256::new().chain_update(run_id).chain_update([0]).chain_update(node_id).finalize();
    hash.iter().take(5).map(|byte| char::from(b'a' + byte % 26)).collect()
}

fn save_all(call: &Call, images: &Image, kind: OutputKind, prefix: &str) -> Result<Yield, Failure> {
    let prefix = Prefix::new(prefix, images.shape(), &ZonedDateTime::now())?;
    let shape = images.shape();
    let paths = (0..shape.batch).map(|at| {
        let number = call.context.next_number(prefix.as_str());
        prefix.file(Some(at), number, "png")
    });
    let paths: Vec<OutputPath> = paths.collect::<Result<_, Failure>>()?;
    // Pictures of a batch are written side by side.
    let files = paths.into_par_iter().enumerate().map(|(frame, path)| {
        let content = encode_png(&Picture { images, frame }, &call.context.texts, &call.context.work)?.into();
        Ok(File { kind, path, content_type: "image/png", content })
    });
    Ok(Yield::files(files.collect::<Result<_, Failure>>()?))
}

/// An image of a batch.
struct Picture<'a> {
    images: &'a Image,
    frame: usize,
}

impl Rows for Picture<'_> {
    fn size(&self) -> [usize; 3] {
        let shape = self.images.shape();
        [shape.width, shape.height, shape.channels]
    }

    fn fill(&self, y: usize, row: &mut [u8]) {
        let values = self.images.row(self.frame, y);
        row.iter_mut().zip(values).for_each(|(byte, value)| *byte = to_byte(*value));
    }
}

impl From<EncodeError> for Failure {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::Text { .. } => Self::new("UnicodeEncodeError", error.to_string()),
            EncodeError::Channels { .. } => Self::new("TypeError", error.to_string()),
            EncodeError::Delay { .. } => Self::new("error", error.to_string()),
            EncodeError::Cancelled(cancelled) => cancelled.into(),
            EncodeError::Webp(_) => Self::new("OSError", error.to_string()),
            EncodeError::Encoder(source) => Self::new("OSError", source.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previews_of_a_run_have_names_of_their_own() {
        let [a, b, c] = [("r1", "7"), ("r1", "8"), ("r2", "7")].map(|(run, node)| letters(run, node));
        assert!(a != b && a != c && a == letters("r1", "7"));
        assert!(a.len() == 5 && a.bytes().all(|byte| byte.is_ascii_lowercase()));
    }
}
