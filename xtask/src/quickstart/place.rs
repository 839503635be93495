//! The folder that quickstart works in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Where quickstart reads and writes.
#[derive(Debug)]
pub(crate) struct Place {
    folder: PathBuf,
    examples: PathBuf,
}

impl Place {
    /// Makes the folder.
    pub(crate) fn prepare(folder: &Path, root: &Path) -> Result<Self, Failure> {
        let place = Self { folder: folder.to_path_buf(), examples: root.join("docs").join("examples") };
        fs::create_dir_all(folder).map_err(|error| cannot("make", folder, &error))?;
        let own = place.own_prompt();
        if !own.exists() {
            fs::copy(place.prompt(), &own).map_err(|error| cannot("write", &own, &error))?;
        }
        Ok(place)
    }

    /// Takes away the images of an earlier quickstart, and nothing else that is beside them.
    pub(crate) fn remove_earlier_images(&self) -> Result<(), Failure> {
        let earlier = self.images().join("quickstart");
        match fs::remove_dir_all(&earlier) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(cannot("remove the earlier images in", &earlier, &error))
            }
            _ => Ok(()),
        }
    }

    /// The server's data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// What the server says beside its first line.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// Where the outputs are downloaded to.
    pub(crate) fn images(&self) -> PathBuf {
        self.folder.join("images")
    }

    /// The prompt that is run.
    pub(crate) fn prompt(&self) -> PathBuf {
        self.examples.join("negative.json")
    }

    /// A copy of the prompt, to be replaced by the user's own.
    pub(crate) fn own_prompt(&self) -> PathBuf {
        self.folder.join("workflow_api.json")
    }

    /// The `files` entry of the photo: where ComfyUI expects it, and where it is.
    pub(crate) fn photo_entry(&self) -> String {
        format!("/input/photo.jpg={}", self.examples.join("photo.jpg").display())
    }

    /// The images that were downloaded, in order.
    pub(crate) fn found_images(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut found = Vec::new();
        collect(&self.images(), &mut found).map_err(|error| cannot("look into", &self.images(), &error))?;
        found.sort();
        if found.is_empty() {
            return Err(Failure::new(format!("no image came out into {}", self.images().display())));
        }
        Ok(found)
    }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// A failure at a path.
pub(crate) fn cannot(verb: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot {verb} {}: {error}", path.display()))
}
