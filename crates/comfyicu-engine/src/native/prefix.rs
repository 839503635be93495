//! Names of saved files: what a `filename_prefix` makes of them.

use std::borrow::Cow;

use comfyicu_model::OutputPath;
use jiff::ZonedDateTime;

use super::call::Failure;
use super::image::Shape;

/// What files of one node begin with, folders included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    /// The path without `.` and `..` parts; in its last part `%batch_num%` is not filled in yet.
    path: String,
}

impl Prefix {
    /// Reads a prefix as ComfyUI does: fills the size and the time in, and tidies the path.
    pub(super) fn new(prefix: &str, shape: Shape, now: &ZonedDateTime) -> Result<Self, Failure> {
        let two = |number: i8| format!("{number:02}");
        let prefix = prefix
            .replace("%width%", &shape.width.to_string())
            .replace("%height%", &shape.height.to_string())
            .replace("%year%", &now.year().to_string())
            .replace("%month%", &two(now.month()))
            .replace("%day%", &two(now.day()))
            .replace("%hour%", &two(now.hour()))
            .replace("%minute%", &two(now.minute()))
            .replace("%second%", &two(now.second()));
        let outside = || {
            let message = "the filename_prefix `{}` leads out of the output folder: let it start with a name";
            Failure::new("Exception", message.replace("{}", &prefix))
        };
        if prefix.starts_with('/') {
            return Err(outside());
        }
        let mut parts = Vec::new();
        for part in prefix.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop().ok_or_else(outside)?),
                name => parts.push(name),
            }
        }
        // Python's name for nothing.
        let path = if parts.is_empty() { ".".to_owned() } else { parts.join("/") };
        Ok(Self { path })
    }

    /// The prefix as it is counted.
    pub(super) fn as_str(&self) -> &str {
        &self.path
    }

    /// The path of a file: which image of the batch it is, if it is one image, its number, and how its name ends.
    pub(super) fn file(
        &self,
        batch_index: Option<usize>,
        number: u32,
        extension: &str,
    ) -> Result<OutputPath, Failure> {
        let (folder, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let name = match batch_index {
            Some(index) => Cow::Owned(name.replace("%batch_num%", &index.to_string())),
            None => Cow::Borrowed(name),
        };
        let slash = if folder.is_empty() { "" } else { "/" };
        OutputPath::parse(&format!("{folder}{slash}{name}_{number:05}_.{extension}"))
            .map_err(|error| Failure::new("OSError", error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(prefix: &str) -> Result<String, String> {
        let shape = Shape { batch: 1, height: 30, width: 40, channels: 3 };
        let now: ZonedDateTime = "2026-03-04T05:06:07+00:00[UTC]".parse().unwrap();
        let path = Prefix::new(prefix, shape, &now).and_then(|prefix| prefix.file(Some(0), 1, "png"));
        path.map(|path| path.as_str().to_owned()).map_err(|failure| failure.message)
    }

    #[test]
    fn names_are_those_of_comfyui() {
        for (prefix, expected) in [
            ("ComfyUI", "ComfyUI_00001_.png"),
            ("a/b/c", "a/b/c_00001_.png"),
            ("a/b/", "a/b_00001_.png"),
            ("./a//b/../c", "a/c_00001_.png"),
            ("", "._00001_.png"),
            ("%width%x%height%_%batch_num%_%foo%", "40x30_0_%foo%_00001_.png"),
            ("%year%/%month%-%day%/%hour%%minute%%second%_%date%", "2026/03-04/050607_%date%_00001_.png"),
            ("%batch_num%/x", "%batch_num%/x_00001_.png"),
            ("ünï %", "ünï %_00001_.png"),
        ] {
            assert_eq!(file(prefix).unwrap(), expected);
        }
    }

    #[test]
    fn nothing_leaves_the_folder() {
        for prefix in ["../x", "a/../../x", "/tmp/x", "..", "../../escape/x"] {
            assert!(file(prefix).unwrap_err().contains("leads out of the output folder"), "{prefix}");
        }
        assert!(file("a\\b").is_err() && file("a:b").is_err());
    }
}
