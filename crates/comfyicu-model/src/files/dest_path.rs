//! Destination paths: the keys of `files`.

use std::fmt;

use super::parts::{self, InvalidPath, PathProblem};

/// Where a file goes: an absolute path below ComfyUI's folder, such as `/input/photo.jpg` or
/// `/models/loras/thickline_fp16.safetensors`.
///
/// It cannot leave its folder: no `..`, no backslash, no control character.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DestPath(Box<str>);

impl DestPath {
    /// Takes a text as a destination.
    ///
    /// # Errors
    /// When it does not start with `/input/` or `/models/FOLDER/`, or has a part that is not allowed.
    pub fn parse(text: &str) -> Result<Self, InvalidPath> {
        let fail = |problem| InvalidPath::new("a destination", text, problem);
        let relative = text.strip_prefix('/').ok_or_else(|| fail(PathProblem::Root))?;
        let mut steps = relative.splitn(3, '/');
        let rooted = match (steps.next(), steps.next(), steps.next()) {
            (Some("input"), Some(_), _) => true,
            (Some("models"), Some(_), rest) => rest.is_some(),
            _ => false,
        };
        if !rooted {
            return Err(fail(PathProblem::Root));
        }
        parts::check(relative).map_err(fail)?;
        Ok(Self(text.into()))
    }

    /// The destination of an input file that nodes call `name`.
    ///
    /// # Errors
    /// When the name has a part that is not allowed.
    pub fn input(name: &str) -> Result<Self, InvalidPath> {
        Self::parse(&format!("/input/{name}"))
    }

    /// The path as text, with its leading slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name that a node uses for the file: the part after `/input/`; `None` for a model.
    pub fn input_name(&self) -> Option<&str> {
        self.0.strip_prefix("/input/")
    }
}

impl fmt::Display for DestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DestPath({})", self.0)
    }
}

impl std::borrow::Borrow<str> for DestPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for DestPath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_of_the_documentation_are_accepted() {
        for text in [
            "/input/image1.jpg",
            "/input/sub/video.mp4",
            "/models/loras/thickline_fp16.safetensors",
            "/models/checkpoints/custom_model.safetensors",
            "/models/embeddings/custom_embedding.pt",
            "/input/ünïcode (1).png",
            "/input/.hidden",
        ] {
            assert_eq!(DestPath::parse(text).map(|path| path.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn nothing_leaves_the_folder() {
        for (text, problem) in [
            ("", PathProblem::Root),
            ("input/a.png", PathProblem::Root),
            ("/input", PathProblem::Root),
            ("/models/a.safetensors", PathProblem::Root),
            ("/output/a.png", PathProblem::Root),
            ("/inputs/a.png", PathProblem::Root),
            ("/input/", PathProblem::Traversal),
            ("/input//etc/passwd", PathProblem::Traversal),
            ("/input/../models/x", PathProblem::Traversal),
            ("/input/a/./b", PathProblem::Traversal),
            ("/input/..\\a", PathProblem::Character),
            ("/input/C:a", PathProblem::Character),
            ("/input/a\0b", PathProblem::Character),
            ("/input/a\nb", PathProblem::Character),
            ("/input/a.", PathProblem::Edge),
            ("/input/a /b", PathProblem::Edge),
        ] {
            assert_eq!(DestPath::parse(text).map_err(|error| error.problem()), Err(problem), "{text:?}");
        }
        assert!(DestPath::parse(&format!("/input/{}", "a".repeat(256))).is_err());
        assert!(DestPath::parse(&format!("/input/{}a", "a/".repeat(600))).is_err());
    }
}
