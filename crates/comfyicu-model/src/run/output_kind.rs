//! What an output is: an image, a video, a sound.

use std::fmt;

/// What an output is, by its file extension or its content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OutputKind {
    /// An image, animations in image formats included.
    Image,
    /// A video.
    Video,
    /// Sound.
    Audio,
    /// Something else, such as text or a 3D model.
    Other,
}

impl OutputKind {
    /// The kind of a file, by what stands behind the last point of its name.
    ///
    /// ```
    /// use comfyicu_model::OutputKind;
    ///
    /// assert_eq!(OutputKind::of_file_name("ComfyUI_00001_.PNG"), OutputKind::Image);
    /// assert_eq!(OutputKind::of_file_name("mesh/ComfyUI_00001_.glb"), OutputKind::Other);
    /// ```
    pub fn of_file_name(name: &str) -> Self {
        let extension = name.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, end)| end);
        match extension.unwrap_or_default().to_ascii_lowercase().as_str() {
            "png" | "apng" | "jpg" | "jpeg" | "jfif" | "webp" | "gif" | "bmp" | "tif" | "tiff" | "avif"
            | "heic" | "heif" | "jxl" | "svg" | "exr" | "hdr" | "tga" | "psd" | "ico" => Self::Image,
            "mp4" | "m4v" | "webm" | "mov" | "mkv" | "avi" | "mpg" | "mpeg" | "ogv" | "wmv" | "flv" => {
                Self::Video
            }
            "wav" | "mp3" | "flac" | "ogg" | "oga" | "opus" | "m4a" | "aac" | "aif" | "aiff" | "wma" => {
                Self::Audio
            }
            _ => Self::Other,
        }
    }

    /// The kind of a content type, such as `image/png`.
    pub fn of_content_type(content_type: &str) -> Self {
        let kind = content_type.trim_start().split('/').next().unwrap_or_default();
        match kind.to_ascii_lowercase().as_str() {
            "image" => Self::Image,
            "video" => Self::Video,
            "audio" => Self::Audio,
            _ => Self::Other,
        }
    }

    /// The kind as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for OutputKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::OutputKind::{Audio, Image, Other, Video};
    use super::*;

    #[test]
    fn kinds_are_told_by_name_or_type() {
        let by_name = ["a.webp", "video/b_00001_.mp4", "c.FLAC", "d.latent", "e", "f.png/g", ""]
            .map(OutputKind::of_file_name);
        assert_eq!(by_name, [Image, Video, Audio, Other, Other, Other, Other]);
        let by_type = ["image/png", " Video/mp4; codecs=h264", "audio/flac", "text/plain", ""];
        assert_eq!(by_type.map(OutputKind::of_content_type), [Image, Video, Audio, Other, Other]);
    }
}
