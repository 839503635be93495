//! The address of a service, and the addresses below it.

use std::fmt;

use url::Url;

/// The host of the hosted service.
const HOSTED_HOST: &str = "comfy.icu";

/// Where a service is: scheme, host, port, and the path in front of `/api/v1` when there is one.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl(Url);

/// Why a text is not the address of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidBaseUrl {
    #[error("it must start with http:// or https:// and name a host, such as http://127.0.0.1:8288")]
    Form,
    #[error("it must hold no user name and no password: give the key as the API key")]
    UserInfo,
    #[error("the hosted service is called by https only, so that nobody reads the key on its way")]
    Plain,
    #[error("it must end before any `?` or `#`")]
    Query,
}

impl BaseUrl {
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidBaseUrl> {
        let url = Url::parse(text.trim()).map_err(|_| InvalidBaseUrl::Form)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidBaseUrl::Form);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidBaseUrl::UserInfo);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidBaseUrl::Query);
        }
        let base = Self(url);
        if base.is_hosted() && base.0.scheme() != "https" {
            return Err(InvalidBaseUrl::Plain);
        }
        Ok(base)
    }

    pub(crate) const fn as_url(&self) -> &Url {
        &self.0
    }

    /// Whether this is the hosted service, which wants a key and has none of the extensions.
    pub(crate) fn is_hosted(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        host == HOSTED_HOST || host.strip_suffix(HOSTED_HOST).is_some_and(|rest| rest.ends_with('.'))
    }

    /// The address of something below `/api/v1`. The segments are escaped where they need it.
    pub(crate) fn endpoint(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        // `path_segments_mut` fails for URLs without a host only, which `parse` refuses.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", "v1"]).extend(segments);
        }
        url
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_stand_below_the_base() {
        for (base, endpoint) in [
            ("https://comfy.icu", "https://comfy.icu/api/v1/workflows/w"),
            ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/api/v1/workflows/w"),
            ("http://gateway/comfy/", "http://gateway/comfy/api/v1/workflows/w"),
            ("http://[::1]:8000/comfy", "http://[::1]:8000/comfy/api/v1/workflows/w"),
        ] {
            assert_eq!(BaseUrl::parse(base).unwrap().endpoint(&["workflows", "w"]).as_str(), endpoint);
        }
    }

    #[test]
    fn only_the_hosted_service_is_hosted() {
        let is_hosted = |text| BaseUrl::parse(text).unwrap().is_hosted();
        assert!(is_hosted("https://comfy.icu"));
        assert!(is_hosted("https://www.comfy.icu/"));
        assert!(!is_hosted("https://notcomfy.icu"));
        assert!(!is_hosted("http://comfy.icu.example.com"));
        assert!(!is_hosted("http://127.0.0.1:8000"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let error = |text| BaseUrl::parse(text).unwrap_err();
        assert_eq!(error("localhost:8000"), InvalidBaseUrl::Form);
        assert_eq!(error("127.0.0.1:8000"), InvalidBaseUrl::Form);
        assert_eq!(error("file:///tmp"), InvalidBaseUrl::Form);
        assert_eq!(error("https://me:secret@comfy.icu"), InvalidBaseUrl::UserInfo);
        assert_eq!(error("http://comfy.icu"), InvalidBaseUrl::Plain);
        assert_eq!(error("https://comfy.icu/?key=secret"), InvalidBaseUrl::Query);
    }
}
