//! The one place that reads the environment.

use crate::builder::ClientBuilder;

/// The variable that holds the API key.
pub const API_KEY_VARIABLE: &str = "COMFYICU_API_KEY";
/// The variable that says where the service is.
pub const BASE_URL_VARIABLE: &str = "COMFYICU_BASE_URL";

impl ClientBuilder {
    /// Starts with what the environment says: [`API_KEY_VARIABLE`] and [`BASE_URL_VARIABLE`].
    pub fn from_env() -> Self {
        Self::from_variables(|name| {
            #[expect(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
            let value = std::env::var_os(name);
            value.map(|value| value.to_string_lossy().into_owned())
        })
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| variable(name).filter(|value| !value.trim().is_empty());
        let mut builder = Self::default();
        if let Some(key) = set(API_KEY_VARIABLE) {
            builder = builder.api_key(key);
        }
        if let Some(url) = set(BASE_URL_VARIABLE) {
            builder = builder.base_url(url);
        }
        builder
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comfyicu_transport::MockHttpTransport;

    use super::*;

    #[test]
    fn empty_variables_leave_the_default() {
        let builder = ClientBuilder::from_variables(|_| Some(String::new()));
        let client = builder.transport(Arc::new(MockHttpTransport::new())).build().unwrap();
        assert!(client.is_hosted());
        assert_eq!(format!("{client:?}"), "Client { base_url: BaseUrl(https://comfy.icu), key: None, .. }");
    }

    #[test]
    fn variables_set_key_and_address() {
        let builder = ClientBuilder::from_variables(|name| {
            Some(if name == API_KEY_VARIABLE { "sekrit" } else { "http://127.0.0.1:8000" }.to_owned())
        });
        assert!(!format!("{builder:?}").contains("sekrit"));
        let client = builder.transport(Arc::new(MockHttpTransport::new())).build().unwrap();
        assert_eq!(client.base_url().as_str(), "http://127.0.0.1:8000/");
        assert_eq!(
            format!("{client:?}"),
            "Client { base_url: BaseUrl(http://127.0.0.1:8000), key: Some(ApiKey(..)), .. }"
        );
    }
}
