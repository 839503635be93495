//! `--file DEST=URL|PATH`.

use std::path::PathBuf;
use std::str::FromStr;

use comfyicu_model::{DestPath, InvalidPath};
use url::Url;

/// Where a file goes, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileArgument {
    pub(crate) path: DestPath,
    pub(crate) source: FileSource,
}

/// Where a file comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FileSource {
    Url(Url),
    Local(PathBuf),
}

/// Why a text is not `DEST=URL|PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum InvalidFileArgument {
    Form,
    Path(InvalidPath),
    Url,
}

impl FromStr for FileArgument {
    type Err = InvalidFileArgument;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (path, source) = text.split_once('=').ok_or(InvalidFileArgument::Form)?;
        if source.is_empty() {
            return Err(InvalidFileArgument::Form);
        }
        let path = destination(path);
        let source = if is_url(source) {
            let url = Url::parse(source).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            FileSource::Url(url.ok_or(InvalidFileArgument::Url)?)
        } else {
            FileSource::Local(PathBuf::from(source))
        };
        Ok(Self { path: path.map_err(InvalidFileArgument::Path)?, source })
    }
}

/// Where a file goes, with or without where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination(pub(crate) DestPath);

impl FromStr for Destination {
    type Err = InvalidFileArgument;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains('=') {
            return text.parse().map(|file: FileArgument| Self(file.path));
        }
        destination(text).map(Self).map_err(InvalidFileArgument::Path)
    }
}

/// A destination as people write it: `input/photo.png` for `/input/photo.png` too.
fn destination(path: &str) -> Result<DestPath, InvalidPath> {
    path.strip_prefix("input/").map_or_else(|| DestPath::parse(path), DestPath::input)
}

/// Whether a text begins like a URL; a path may hold `://` further on.
pub(super) fn is_url(text: &str) -> bool {
    let is_scheme =
        |scheme: &str| !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme))
}

impl std::fmt::Display for InvalidFileArgument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Form => f.write_str("it is not DEST=URL or DEST=PATH, such as /input/photo.jpg=photo.jpg"),
            // clap shows no sources, so the whole of it stands here.
            Self::Path(error) => write!(f, "{error}"),
            Self::Url => f.write_str("the source is neither an http or https URL nor a path"),
        }
    }
}

impl std::error::Error for InvalidFileArgument {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(String, FileSource), InvalidFileArgument> {
        text.parse().map(|FileArgument { path, source }| (path.to_string(), source))
    }

    #[test]
    fn urls_and_paths_are_told_apart() {
        let url = |text: &str| FileSource::Url(Url::parse(text).unwrap());
        let local = |text: &str| FileSource::Local(PathBuf::from(text));
        for (text, path, source) in [
            ("/input/a.png=https://example.com/a?b=c", "/input/a.png", url("https://example.com/a?b=c")),
            ("/input/a.png=HTTP://example.com/a", "/input/a.png", url("http://example.com/a")),
            ("input/a.png=b.png", "/input/a.png", local("b.png")),
            ("/models/loras/x=../x y", "/models/loras/x", local("../x y")),
            ("/input/a=./odd://name", "/input/a", local("./odd://name")),
        ] {
            assert_eq!(parse(text), Ok((path.to_owned(), source)));
        }
    }

    #[test]
    fn a_destination_needs_no_source() {
        let path = |text: &str| text.parse().map(|Destination(path)| path.to_string());
        for text in ["/input/a.png", "input/a.png", "/input/a.png=b.png", "input/a.png=https://example.com/a"]
        {
            assert_eq!(path(text), Ok("/input/a.png".to_owned()), "{text}");
        }
        assert!(matches!(path("a.png"), Err(InvalidFileArgument::Path(_))));
        assert_eq!(path("/input/a.png="), Err(InvalidFileArgument::Form));
    }

    #[test]
    fn what_is_no_file_is_refused() {
        assert_eq!(parse("/input/a.png"), Err(InvalidFileArgument::Form));
        assert_eq!(parse("/input/a.png="), Err(InvalidFileArgument::Form));
        assert_eq!(parse("/input/a.png=ftp://example.com/a"), Err(InvalidFileArgument::Url));
        assert!(matches!(parse("a.png=b.png"), Err(InvalidFileArgument::Path(_))));
        assert!(matches!(parse("input/../a.png=b.png"), Err(InvalidFileArgument::Path(_))));
    }
}
