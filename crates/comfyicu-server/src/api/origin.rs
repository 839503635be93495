//! Without keys, whoever reaches the server may use it, and a browser on this machine does: pages of
//! other sites are kept out by the headers that it sends.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, header};
use url::Url;

use super::error::ApiError;

/// The names by which a server without keys may be called.
#[derive(Clone, Debug)]
pub(crate) struct TrustedHosts(Arc<str>);

impl TrustedHosts {
    /// Trusts this machine's own names, and that of the public URL.
    pub(crate) fn new(public_url: &Url) -> Self {
        Self(public_url.host_str().unwrap_or_default().into())
    }

    fn trusts(&self, authority: &str) -> bool {
        let Some(url) = Url::parse(&format!("http://{authority}")).ok() else { return false };
        let host = url.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let loopback = bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        loopback || host == "localhost" || host.ends_with(".localhost") || *host == *self.0
    }
}

/// Refuses what a page of another site makes a browser send: a foreign `origin`, or a name that was made
/// to lead here.
pub(super) async fn refuse_foreign(
    hosts: TrustedHosts,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    check(&hosts, request.headers())?;
    Ok(next.run(request).await)
}

fn check(hosts: &TrustedHosts, headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(host) = text(header::HOST.as_str())
        && !hosts.trusts(host)
    {
        return Err(ApiError::forbidden(format!(
            "`{host}` is not a name of this server; give it --public-url, or use keys"
        )));
    }
    let foreign = text("origin").is_some_and(|origin| {
        let authority = origin.split_once("://").map_or("?", |(_, authority)| authority);
        !hosts.trusts(authority)
    });
    if foreign || text("sec-fetch-site") == Some("cross-site") {
        return Err(ApiError::forbidden("pages of other sites may not use a server without keys"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(entries: &[(&'static str, &'static str)]) -> bool {
        let hosts = TrustedHosts::new(&"https://comfy.example.com/".parse().unwrap());
        let headers =
            entries.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        check(&hosts, &headers).is_ok()
    }

    #[test]
    fn this_machine_and_the_public_name_are_trusted() {
        for host in ["127.0.0.1:8288", "localhost", "[::1]:8288", "comfy.example.com"] {
            assert!(allowed(&[("host", host)]), "{host}");
        }
        assert!(allowed(&[("host", "localhost:1"), ("origin", "http://localhost:3000")]));
    }

    #[test]
    fn other_sites_are_not() {
        for host in ["evil.example", "127.0.0.1.evil.example", "", "192.168.0.1"] {
            assert!(!allowed(&[("host", host)]), "{host}");
        }
        assert!(!allowed(&[("host", "localhost"), ("origin", "https://evil.example")]));
        assert!(!allowed(&[("host", "localhost"), ("origin", "null")]));
        assert!(!allowed(&[("host", "localhost"), ("sec-fetch-site", "cross-site")]));
    }
}
