//! `NODE.INPUT=VALUE`.

use std::path::PathBuf;
use std::str::FromStr;

/// An input, and what it is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) path: String,
    pub(crate) value: String,
}

/// An input, and the file with the text that it is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileEdit {
    pub(crate) path: String,
    pub(crate) file: PathBuf,
}

impl FromStr for Edit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (path, value) = text.split_once('=').ok_or("it is not NODE.INPUT=VALUE, such as 3.seed=42")?;
        Ok(Self { path: path.to_owned(), value: value.to_owned() })
    }
}

impl FromStr for FileEdit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "it is not NODE.INPUT=@PATH, such as 6.text=@prompt.txt";
        let (path, file) = text.split_once("=@").ok_or(expected)?;
        if file.is_empty() {
            return Err(expected);
        }
        Ok(Self { path: path.to_owned(), file: PathBuf::from(file) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_hold_anything() {
        let edit: Edit = "6.text=a=b, c".parse().unwrap();
        assert_eq!((edit.path.as_str(), edit.value.as_str()), ("6.text", "a=b, c"));
        assert_eq!("6.text=".parse::<Edit>().unwrap().value, "");
        assert!("6.text".parse::<Edit>().is_err());
    }

    #[test]
    fn a_file_is_told_by_its_at_sign() {
        let edit: FileEdit = "@My title.text=@a b.txt".parse().unwrap();
        assert_eq!((edit.path.as_str(), edit.file.to_str().unwrap()), ("@My title.text", "a b.txt"));
        for bad in ["6.text=a.txt", "6.text=@", "6.text"] {
            assert!(bad.parse::<FileEdit>().is_err(), "{bad}");
        }
    }
}
