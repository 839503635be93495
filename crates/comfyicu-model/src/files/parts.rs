//! What the parts of a path may be, wherever the path came from.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;

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
    /// The name of a device, which no file can have on Windows.
    #[error("`CON`, `NUL`, `COM1` and their like are devices on some systems")]
    Reserved,
    /// A part that is shown, or read by some system, as another one.
    #[error(
        "invisible characters, percent-encoded separators, and characters that stand for a dot, a slash or a colon are not allowed"
    )]
    Disguised,
}

/// What Windows keeps for devices, alone or with something behind a dot.
const DEVICES: &[&str] = &["con", "prn", "aux", "nul", "clock$", "conin$", "conout$"];
/// Those of which there are several, with a digit behind.
const NUMBERED_DEVICES: &[&str] = &["com", "lpt"];
/// What a program that decodes once too often makes a separator, a dot or an end of.
const ENCODED: &[&str] = &["%2e", "%2f", "%5c", "%00"];

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

/// Checks a relative path that a stranger chose, and that has to be one and the same file on every system.
pub(super) fn check_strictly(relative: &str) -> Result<(), PathProblem> {
    check(relative)?;
    relative.split('/').try_for_each(check_disguise)
}

fn check_disguise(part: &str) -> Result<(), PathProblem> {
    if part.contains(['<', '>', '"', '|', '?', '*']) {
        return Err(PathProblem::Character);
    }
    let lower = part.to_ascii_lowercase();
    if part.chars().any(is_invisible) || ENCODED.iter().any(|encoded| lower.contains(encoded)) {
        return Err(PathProblem::Disguised);
    }
    let plain = compatible(part);
    if plain.split('/').count() != 1 || check_part(&plain).is_err() {
        return Err(PathProblem::Disguised);
    }
    // Not all blanks are forms of the usual one.
    if plain.trim() != plain {
        return Err(PathProblem::Edge);
    }
    if is_device(&plain) { Err(PathProblem::Reserved) } else { Ok(()) }
}

/// Characters that leave no trace, but for those that join emoji and letters.
fn is_invisible(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let joins = matches!(c, '\u{200c}' | '\u{200d}');
    match category {
        GeneralCategory::Format => !joins,
        GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator => true,
        // The last two of each plane are no characters.
        _ => u32::from(c) & 0xfffe == 0xfffe,
    }
}

fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).trim_end().to_lowercase();
    let is_numbered = |name: &str| match stem.strip_prefix(name).map(str::as_bytes) {
        Some([digit]) => digit.is_ascii_digit(),
        _ => false,
    };
    DEVICES.contains(&stem.as_str()) || NUMBERED_DEVICES.iter().any(|name| is_numbered(name))
}

/// A text without the differences that are only of form: full-width letters, ligatures, accents apart.
fn compatible(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfkc().normalize(text)
}

/// The same text for all paths that a file system which does not tell case or form apart takes for one.
pub(super) fn folded(path: &str) -> String {
    // Up and down again: some letters have two small forms, and some become several.
    let folded = compatible(path).to_uppercase().to_lowercase();
    compatible(&folded).into_owned()
}
