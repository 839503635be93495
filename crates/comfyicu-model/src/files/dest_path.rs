//! Destination paths: the keys of `files`.

use std::fmt;

use super::parts::{self, InvalidPath, PathProblem};

/// Where a file goes: an absolute path below ComfyUI's folder, such as `/input/photo.jpg` or
/// `/models/loras/thickline_fp16.safetensors`.
///
/// It cannot leave its folder: no `..`, no backslash, no control character. Nor can it be another file on
/// another system: no name of a device, no invisible character, none that only looks like a dot or a slash.
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
        parts::check_strictly(relative).map_err(fail)?;
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
    use PathProblem::{Character, Disguised, Edge, Length, Reserved, Root, Traversal};

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
    fn names_of_all_languages_are_accepted() {
        for name in [
            "写真 1.png",
            "фото.jpg",
            "صورة.webp",
            "e\u{301}te\u{301}.png",
            "👨\u{200d}👩\u{200d}👧.png",
            "100%.png",
            "a…b.png",
            "console.png",
            "com10.txt",
            "nul_.bin",
            "v1.5-pruned~emaonly.safetensors",
            "-rf",
            "$HOME",
            "a;b&c.png",
        ] {
            assert!(DestPath::input(name).is_ok(), "{name}");
        }
    }

    /// Ways out of a folder, or to another file than the one that is named, that are known from elsewhere.
    const TRICKS: &[(&str, PathProblem)] = &[
        ("", Root),
        ("/", Root),
        ("input/a.png", Root),
        ("/input", Root),
        ("/models/a.safetensors", Root),
        ("/models", Root),
        ("/output/a.png", Root),
        ("/temp/a.png", Root),
        ("/custom_nodes/evil/__init__.py", Root),
        ("/inputs/a.png", Root),
        ("/Input/a.png", Root),
        ("/INPUT/a.png", Root),
        ("//input/a.png", Root),
        ("/./input/a.png", Root),
        ("/../input/a.png", Root),
        ("/etc/passwd", Root),
        ("C:\\input\\a.png", Root),
        ("\\input\\a.png", Root),
        ("file:///input/a.png", Root),
        ("~/input/a.png", Root),
        ("/\u{ff49}nput/a.png", Root),
        ("/input/", Traversal),
        ("/input//etc/passwd", Traversal),
        ("/input/../models/x", Traversal),
        ("/input/..", Traversal),
        ("/input/a/../../../etc/passwd", Traversal),
        ("/input/a/./b", Traversal),
        ("/input/a/", Traversal),
        ("/models/../input/a", Traversal),
        ("/models/loras/../../x", Traversal),
        ("/models//x", Traversal),
        ("/models/./x/y", Traversal),
        ("/input/..\\a", Character),
        ("/input/a\\..\\..\\b", Character),
        ("/input/\\\\host\\share\\a", Character),
        ("/input/C:a", Character),
        ("/input/a.png:stream", Character),
        ("/input/a.png::$DATA", Character),
        ("/input/a\0b", Character),
        ("/input/a.png\0.jpg", Character),
        ("/input/a\nb", Character),
        ("/input/a\rb", Character),
        ("/input/a\tb", Character),
        ("/input/a\u{1b}[2J", Character),
        ("/input/a\u{7f}", Character),
        ("/input/a\u{85}b", Character),
        ("/input/a*", Character),
        ("/input/a?.png", Character),
        ("/input/\"a\"", Character),
        ("/input/<a>", Character),
        ("/input/a|b", Character),
        ("/input/a.", Edge),
        ("/input/a...", Edge),
        ("/input/...", Edge),
        ("/input/a ", Edge),
        ("/input/a /b", Edge),
        ("/input/ a", Edge),
        ("/input/ /a", Edge),
        ("/input/.. /a", Edge),
        ("/input/a\u{1680}", Edge),
        ("/input/\u{1680}/a", Edge),
        ("/input/CON", Reserved),
        ("/input/con", Reserved),
        ("/input/Nul.txt", Reserved),
        ("/input/aux.tar.gz", Reserved),
        ("/input/prn .png", Reserved),
        ("/input/COM1", Reserved),
        ("/input/com9.png", Reserved),
        ("/input/lpt1/a.png", Reserved),
        ("/input/COM\u{b9}.png", Reserved),
        ("/input/\u{ff23}\u{ff2f}\u{ff2e}", Reserved),
        ("/input/CONIN$", Reserved),
        ("/models/loras/nul.safetensors", Reserved),
        ("/input/\u{ff0e}\u{ff0e}/a", Disguised),
        ("/input/\u{2024}\u{2024}/a", Disguised),
        ("/input/\u{2025}/a", Disguised),
        ("/input/\u{2026}", Disguised),
        ("/input/..\u{ff0f}a", Disguised),
        ("/input/..\u{ff3c}a", Disguised),
        ("/input/a\u{ff0f}b", Disguised),
        ("/input/C\u{ff1a}a", Disguised),
        ("/input/a\u{a0}", Disguised),
        ("/input/\u{3000}a", Disguised),
        ("/input/%2e%2e/a", Disguised),
        ("/input/..%2Fa", Disguised),
        ("/input/a%5C..%5Cb", Disguised),
        ("/input/a.png%00.jpg", Disguised),
        ("/input/a\u{202e}gnp.exe", Disguised),
        ("/input/a\u{200b}.png", Disguised),
        ("/input/\u{feff}a.png", Disguised),
        ("/input/a\u{ad}b.png", Disguised),
        ("/input/a\u{2066}b", Disguised),
        ("/input/a\u{2028}b", Disguised),
        ("/input/.\u{200b}./a", Edge),
        ("/input/a\u{e0041}b", Disguised),
        ("/input/a\u{fffe}", Disguised),
    ];

    #[test]
    fn nothing_leaves_the_folder() {
        for (text, problem) in TRICKS {
            assert_eq!(DestPath::parse(text).map_err(|error| error.problem()), Err(*problem), "{text:?}");
        }
    }

    #[test]
    fn what_no_file_system_takes_is_too_long() {
        for text in [
            format!("/input/{}", "a".repeat(256)),
            format!("/input/{}", "\u{e9}".repeat(128)),
            format!("/input/{}a", "a/".repeat(600)),
        ] {
            assert_eq!(DestPath::parse(&text).map_err(|error| error.problem()), Err(Length), "{text}");
        }
    }
}
