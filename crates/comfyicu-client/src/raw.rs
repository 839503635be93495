//! Calls that this version has no words for: any method and path of the service.

use bytes::Bytes;
use comfyicu_transport::RequestBody;
use http::Method;

use crate::client::Client;
use crate::endpoint::Call;
use crate::error::{Error, ErrorKind};

impl Client {
    /// Sends a request to the service, with the key, and gives whatever it answers: a status that is no success is
    /// no error here. `path` is below `/api/v1`, which may stand in front of it, with its query; `body` is JSON.
    ///
    /// # Errors
    /// - [`Setup`](ErrorKind::Setup): the path leads elsewhere;
    /// - [`KeyMissing`](ErrorKind::KeyMissing): the hosted service wants a key;
    /// - [`Transport`](ErrorKind::Transport): there was no whole answer within the client's time-out.
    ///
    /// # Cancel safety
    /// When the future is dropped, the service may have acted on the request.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<http::Response<Bytes>, Error> {
        let call =
            Call::raw(self.url_of(path)?, method, body.map_or_else(RequestBody::empty, RequestBody::from));
        self.exchange_raw(&call).await
    }

    /// The address of a path; it stays below the API of the service.
    fn url_of(&self, path: &str) -> Result<url::Url, Error> {
        let root = self.inner.base.endpoint(&[""]);
        let below = path.trim_start_matches('/');
        let below = below.strip_prefix("api/v1/").unwrap_or(below);
        let url = root.join(&format!("./{below}")).ok();
        let is_below = |url: &url::Url| url.origin() == root.origin() && url.path().starts_with(root.path());
        url.filter(is_below).ok_or_else(|| {
            Error::new(
                ErrorKind::Setup,
                format!("`{path}` is no path below {root}: it looks like workflows/ID/runs"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::fake::{self, json};

    use super::*;

    #[tokio::test]
    async fn any_path_of_the_service_can_be_asked() {
        let (client, seen) = fake::client(|_| json(418, "teapot"));
        for path in ["/api/v1/workflows?limit=1", "workflows/w/runs", "/workflows"] {
            let answer = client.request(Method::GET, path, None).await.unwrap();
            assert_eq!((answer.status().as_u16(), &answer.body()[..]), (418, b"teapot".as_slice()));
        }
        client.request(Method::POST, "x", Some(Bytes::from_static(b"{}"))).await.unwrap();
        insta::assert_snapshot!(seen.lines().join("\n"), @"
        GET http://server:8000/api/v1/workflows?limit=1 [key]
        GET http://server:8000/api/v1/workflows/w/runs [key]
        GET http://server:8000/api/v1/workflows [key]
        POST http://server:8000/api/v1/x [key] {}
        ");
    }

    #[tokio::test]
    async fn the_key_goes_nowhere_else() {
        let (client, seen) = fake::client(|_| json(200, ""));
        for path in ["../../admin", "/../x", "workflows/../../../x"] {
            let error = client.request(Method::GET, path, None).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Setup, "{path}");
        }
        client.request(Method::GET, "//evil.example.com/x", None).await.unwrap();
        client.request(Method::GET, "https://evil.example.com/x", None).await.unwrap();
        assert!(
            seen.lines().iter().all(|line| line.starts_with("GET http://server:8000/api/v1/")),
            "{:?}",
            seen.lines()
        );
    }
}
