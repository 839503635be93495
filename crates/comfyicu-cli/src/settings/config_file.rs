//! The config file: profiles of settings, in TOML. Comments and order in it are kept.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use toml_edit::{DocumentMut, Item, Table, value};

use super::SettingKey;
use crate::failure::Failure;

/// The longest config file that is read.
const MAX_BYTES: u64 = 1024 * 1024;
/// The table of the profiles.
const PROFILES: &str = "profiles";

/// The config file.
#[derive(Clone, Debug)]
pub(crate) struct ConfigFile {
    path: Option<PathBuf>,
    document: DocumentMut,
}

impl ConfigFile {
    /// Reads it; one that is not there is empty.
    pub(crate) fn read(path: Option<PathBuf>) -> Result<Self, Failure> {
        let text = match path.as_deref().map(text_of) {
            Some(Ok(text)) => text,
            Some(Err(error)) if is_missing(&error) => String::new(),
            Some(Err(error)) => return Err(unusable(path.as_deref(), "cannot be read", &error)),
            None => String::new(),
        };
        let document = text.parse::<DocumentMut>();
        let document = document.map_err(|error| unusable(path.as_deref(), "is not valid TOML", &error))?;
        Ok(Self { path, document })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> Result<&Path, Failure> {
        self.path.as_deref().ok_or_else(|| {
            Failure::usage("there is no place for the config file: no home folder is known")
                .hint("set HOME, or COMFYICU_CONFIG to the path of a file")
        })
    }

    /// A setting of a profile.
    pub(crate) fn get(&self, profile: &str, key: SettingKey) -> Result<Option<String>, Failure> {
        let Some(item) = self.profile(profile).and_then(|table| table.get(key.as_str())) else {
            return Ok(None);
        };
        let text = item.as_str().map(str::trim);
        let text = text.ok_or_else(|| {
            let (name, path) = (key.as_str(), self.path.as_deref().unwrap_or(Path::new("")));
            Failure::usage(format!("`{name}` of the profile `{profile}` in `{}` is no text", path.display()))
                .hint(format!(
                    "put quotes around it, or type: comfyicu config set {name} VALUE --profile {profile}"
                ))
        })?;
        Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
    }

    fn profile(&self, name: &str) -> Option<&dyn toml_edit::TableLike> {
        self.document.get(PROFILES)?.as_table_like()?.get(name)?.as_table_like()
    }

    pub(crate) fn has_profile(&self, name: &str) -> bool {
        self.profile(name).is_some()
    }

    /// The names of the profiles.
    pub(crate) fn profiles(&self) -> Vec<String> {
        let table = self.document.get(PROFILES).and_then(Item::as_table_like);
        table.into_iter().flat_map(|table| table.iter()).map(|(name, _)| name.to_owned()).collect()
    }

    /// Sets a setting of a profile, or takes it out.
    pub(crate) fn set(&mut self, profile: &str, key: SettingKey, text: Option<&str>) -> Result<(), Failure> {
        let profiles = self.document.entry(PROFILES).or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        let table =
            profiles.as_table_like_mut().map(|table| table.entry(profile).or_insert_with(toml_edit::table));
        let Some(table) = table.and_then(Item::as_table_like_mut) else {
            return Err(Failure::usage(format!("`{PROFILES}.{profile}` in the config file is no table"))
                .hint("correct the file; `comfyicu config path` says where it is"));
        };
        match text {
            Some(text) => drop(table.insert(key.as_str(), value(text))),
            None => drop(table.remove(key.as_str())),
        }
        Ok(())
    }

    /// Writes it, whole or not at all, for its owner's eyes only: it may hold keys.
    pub(crate) fn write(&self) -> Result<(), Failure> {
        let path = self.path()?;
        write(path, self.document.to_string().as_bytes())
            .map_err(|error| unusable(Some(path), "cannot be written", &error))
    }

    /// Whether others than its owner may read it.
    #[cfg(unix)]
    pub(crate) fn is_open_to_others(&self) -> bool {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = self.path.as_deref().and_then(|path| fs::metadata(path).ok());
        metadata.is_some_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
    }

    /// Whether others than its owner may read it.
    #[cfg(not(unix))]
    pub(crate) const fn is_open_to_others(&self) -> bool {
        false
    }
}

fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    // Where it is a link, what it leads to is written.
    let path = if path.exists() { fs::canonicalize(path)? } else { path.to_owned() };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    // Such a file is made with 0600.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text)?;
    file.as_file().sync_all()?;
    file.persist(&path).map(drop).map_err(|error| error.error)
}

fn unusable(path: Option<&Path>, what: &str, error: &(dyn std::error::Error + 'static)) -> Failure {
    let path = path.unwrap_or(Path::new("")).display();
    Failure::usage(format!("the config file `{path}` {what}"))
        .because(error)
        .hint("correct it, or name another one: COMFYICU_CONFIG=FILE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_kept_with_comments_and_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a").join("config.toml");
        let mut file = ConfigFile::read(Some(path.clone())).unwrap();
        file.set("home", SettingKey::BaseUrl, Some("http://127.0.0.1:8288")).unwrap();
        file.write().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "[profiles.home]\nbase_url = \"http://127.0.0.1:8288\"\n");
        fs::write(&path, format!("# mine\n{text}# its workflow\nworkflow = \"w\"\n")).unwrap();
        let mut file = ConfigFile::read(Some(path.clone())).unwrap();
        file.set("home", SettingKey::Workflow, Some("fox")).unwrap();
        file.set("default", SettingKey::Accelerator, Some("L4")).unwrap();
        file.set("home", SettingKey::BaseUrl, None).unwrap();
        file.write().unwrap();
        insta::assert_snapshot!(fs::read_to_string(&path).unwrap(), @r#"
        # mine
        [profiles.home]
        workflow = "fox"

        [profiles.default]
        accelerator = "L4"
        "#);
        assert_eq!(file.profiles(), ["home", "default"]);
        assert_eq!(file.get("home", SettingKey::Workflow).unwrap().as_deref(), Some("fox"));
        assert!(!file.is_open_to_others());
    }

    #[test]
    fn what_cannot_be_used_is_said_and_nothing_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, "profiles = 7\n").unwrap();
        let mut file = ConfigFile::read(Some(path.clone())).unwrap();
        assert_eq!(file.set("a", SettingKey::Workflow, Some("w")).unwrap_err().status().code(), 2);
        fs::write(&path, "[profiles.a]\nworkflow = 7\n").unwrap();
        let file = ConfigFile::read(Some(path.clone())).unwrap();
        assert_eq!(file.get("a", SettingKey::Workflow).unwrap_err().status().code(), 2);
        fs::write(&path, "[profiles").unwrap();
        assert_eq!(ConfigFile::read(Some(path)).unwrap_err().status().code(), 2);
        assert!(ConfigFile::read(None).unwrap().path().is_err());
    }
}
