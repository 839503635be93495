//! Whether a request is ready to be sent: its prompt, and the files that it needs.

use super::RunRequest;
use crate::check::{self, Readiness};
use crate::finding::Finding;
use crate::object_info::ObjectInfo;

impl RunRequest {
    /// Finds what is wrong with the request as far as that can be told without node definitions: all that
    /// [`Prompt::check`](crate::Prompt::check) and [`check_files`](Self::check_files) find.
    pub fn check(&self) -> Vec<Finding> {
        let mut findings = self.prompt().check();
        findings.extend(self.check_files(None));
        findings
    }

    /// Finds all that is wrong with the request where these are the node definitions of the server: what
    /// [`Prompt::check_with`](crate::Prompt::check_with) finds, with the request's files taken for there, and
    /// files that are sent in vain.
    ///
    /// ```
    /// use comfyicu_model::{Files, ObjectInfo, Prompt, RunRequest};
    ///
    /// let object_info = ObjectInfo::parse(br#"{
    ///     "LoadImage": {"input": {"required": {"image": [["example.png"], {"image_upload": true}]}}, "output": ["IMAGE", "MASK"]},
    ///     "SaveImage": {"input": {"required": {"images": ["IMAGE"]}}, "output": [], "output_node": true}
    /// }"#)?;
    /// let request = RunRequest::new(Prompt::parse(br#"{
    ///     "1": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
    ///     "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}
    /// }"#)?);
    /// assert_eq!(request.check_with(&object_info)[0].code, "custom_validation_failed");
    ///
    /// let photo = ("/input/photo.png".parse()?, "https://example.com/photo.png".parse()?);
    /// let request = request.files(Files::from_iter([photo]));
    /// assert!(request.check_with(&object_info).is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check_with(&self, object_info: &ObjectInfo) -> Vec<Finding> {
        let files: Vec<_> = self.requested_files().paths().collect();
        check::check_request_with(self.prompt(), &files, object_info)
    }

    /// Whether the request can run where these are the node definitions: which of its outputs will, and all
    /// that is wrong; see [`Readiness`].
    pub fn readiness(&self, object_info: &ObjectInfo) -> Readiness {
        self.prompt().readiness(object_info, &self.requested_files().paths().collect::<Vec<_>>())
    }

    /// Finds what is wrong with the files alone: those that inputs name, and that are neither sent along nor
    /// on the server; and those that are sent along, and that no node uses, or looks for elsewhere.
    ///
    /// What is on the server, the node definitions list. Without them a file that is not sent may be there all
    /// the same: it is only warned of.
    pub fn check_files(&self, object_info: Option<&ObjectInfo>) -> Vec<Finding> {
        check::check_files(self.prompt(), self.requested_files(), object_info)
    }
}

#[cfg(test)]
mod tests;
