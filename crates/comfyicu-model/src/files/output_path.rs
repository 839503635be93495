//! Where an output stands below the output folder.

use std::fmt;

use super::parts::{self, InvalidPath, PathProblem};

/// The path of an output below the output folder: `ComfyUI_00001_.png`, `portraits/anna_00001_.png`.
///
/// It is relative and cannot leave the folder it is joined to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputPath(Box<str>);

impl OutputPath {
    /// Takes a text as the path of an output.
    ///
    /// # Errors
    /// When it is absolute, or has a part that is not allowed (`..`, a backslash, a control character).
    pub fn parse(text: &str) -> Result<Self, InvalidPath> {
        let fail = |problem| InvalidPath::new("the path of an output", text, problem);
        if text.starts_with('/') {
            return Err(fail(PathProblem::Absolute));
        }
        parts::check(text).map_err(fail)?;
        Ok(Self(text.into()))
    }

    /// The path as text, with `/` between its parts.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder, without the file's name; empty when there is none.
    pub fn subfolder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The file's name, without the folder.
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&*self.0, |(_, name)| name)
    }
}

impl fmt::Display for OutputPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for OutputPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OutputPath({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_and_name_are_told_apart() {
        let path = OutputPath::parse("a/b/c_00001_.png").unwrap();
        assert_eq!((path.subfolder(), path.file_name()), ("a/b", "c_00001_.png"));
        let path = OutputPath::parse("c.png").unwrap();
        assert_eq!((path.subfolder(), path.file_name()), ("", "c.png"));
    }

    #[test]
    fn nothing_leaves_the_folder() {
        for bad in ["", "/etc/passwd", "../a", "a/../../b", "a//b", "a\\b", "C:/a"] {
            assert!(OutputPath::parse(bad).is_err(), "{bad:?}");
        }
    }
}
