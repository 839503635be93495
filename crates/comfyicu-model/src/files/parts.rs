//! What the parts of a path may be, wherever the path came from.

/// The most bytes a path may have.
const MAX_LENGTH: usize = 1024;
/// The most bytes a part of a path may have: what common file systems take.
const MAX_PART_LENGTH: usize = 255;

/// Why a text is not a path that can be used; names the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` cannot be {role}: {problem}")]
pub struct InvalidPath {
    role: &'static str,
    text: String,
    problem: PathProblem,
}

impl InvalidPath {
    pub(super) fn new(role: &'static str, text: &str, problem: PathProblem) -> Self {
        Self { role, text: text.escape_debug().take(200).collect(), problem }
    }

    /// What is wrong with the path.
    pub const fn problem(&self) -> PathProblem {
        self.problem
    }
}

/// What is wrong with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathProblem {
    /// Nothing, or too much.
    #[error("a path has 1 to {MAX_LENGTH} bytes, each part of it at most {MAX_PART_LENGTH}")]
    Length,
    /// It does not start where it must.
    #[error("it must start with /input/ or /models/FOLDER/")]
    Root,
    /// An absolute path where a relative one belongs.
    #[error("it must be relative")]
    Absolute,
    /// `..`, `.` or nothing between two slashes.
    #[error("`.`, `..` and empty parts are not allowed")]
    Traversal,
    /// A character that means something else on some system.
    #[error("backslashes, colons and control characters are not allowed")]
    Character,
    /// A part that ends in a dot or in a space, or starts with a space.
    #[error("a part must not end in a dot or a space, nor start with a space")]
    Edge,
}

/// Checks what stands between the slashes of a path that is relative to some folder.
pub(super) fn check(relative: &str) -> Result<(), PathProblem> {
    if relative.is_empty() || relative.len() > MAX_LENGTH {
        return Err(PathProblem::Length);
    }
    relative.split('/').try_for_each(check_part)
}

fn check_part(part: &str) -> Result<(), PathProblem> {
    if matches!(part, "" | "." | "..") {
        return Err(PathProblem::Traversal);
    }
    if part.len() > MAX_PART_LENGTH {
        return Err(PathProblem::Length);
    }
    if part.chars().any(|c| c.is_control() || matches!(c, '\\' | ':')) {
        return Err(PathProblem::Character);
    }
    // Some systems drop these, so that two names would meet in one file.
    if part.ends_with(['.', ' ']) || part.starts_with(' ') {
        return Err(PathProblem::Edge);
    }
    Ok(())
}
