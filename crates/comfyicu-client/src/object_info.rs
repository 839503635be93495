//! Node definitions: those of the service, or of any ComfyUI.

use std::sync::Arc;
use std::time::Duration;

use comfyicu_model::ObjectInfo;
use comfyicu_model::json::{Object, Value};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::client::Client;
use crate::endpoint::Call;
use crate::error::{Error, ErrorKind};

/// The name of the node definitions on every server.
const NAME: &str = "object_info";
/// Where they stand below a ComfyUI.
const COMFYUI: &[&str] = &[NAME];
/// Where they stand below a server that speaks the service's API.
const EXTENSION: &[&str] = &["api", "v1", NAME];

/// How long definitions that were got once are good: they change when a server is given other nodes or models.
pub const OBJECT_INFO_AGE: Duration = Duration::from_secs(10 * 60);

/// The node definitions that were got last, and when.
pub(crate) type Cached = Mutex<Option<(Instant, Arc<ObjectInfo>)>>;

impl Client {
    /// The node definitions of the service as [`object_info`](Self::object_info) gives them, but got once in
    /// [`OBJECT_INFO_AGE`] and shared by all clones of the client: for
    /// [`SubmitRun::check`](crate::SubmitRun::check). Who asks meanwhile waits for the same answer. An extension of
    /// the self-hosted server.
    ///
    /// # Errors
    /// As [`object_info`](Self::object_info). A failure is not remembered.
    ///
    /// # Cancel safety
    /// Safe: whoever asks next asks anew.
    pub async fn cached_object_info(&self) -> Result<Arc<ObjectInfo>, Error> {
        let mut cached = self.inner.definitions.lock().await;
        if let Some((at, known)) = &*cached
            && at.elapsed() < OBJECT_INFO_AGE
        {
            return Ok(Arc::clone(known));
        }
        let got = Arc::new(self.object_info().await?);
        *cached = Some((Instant::now(), Arc::clone(&got)));
        Ok(got)
    }

    /// The node definitions of the service, to check prompts against. An extension of the self-hosted server.
    ///
    /// # Errors
    /// - [`Unsupported`](ErrorKind::Unsupported): the service does not tell them, as the hosted one does not;
    /// - [`Protocol`](ErrorKind::Protocol): the answer is something else, or has more than 64 MiB;
    /// - what any call may end in.
    ///
    /// # Cancel safety
    /// Safe: nothing is kept.
    pub async fn object_info(&self) -> Result<ObjectInfo, Error> {
        self.object_info_of(self.base_url()).await
    }

    /// The node definitions of a server that need not be the client's own: a ComfyUI (`http://host:8188`), a
    /// server that speaks the service's API, or the full address of the definitions (`…/object_info`).
    ///
    /// The API key is sent only where it belongs: to the client's own service.
    ///
    /// # Errors
    /// - [`Setup`](ErrorKind::Setup): the address is not `http(s)`, or holds a user name or a password;
    /// - [`Unsupported`](ErrorKind::Unsupported): it is the client's own service, and that does not tell them;
    /// - [`NotFound`](ErrorKind::NotFound): another server has none there;
    /// - [`Protocol`](ErrorKind::Protocol): the answer is something else, or has more than 64 MiB;
    /// - what any call may end in.
    ///
    /// # Cancel safety
    /// Safe: nothing is kept.
    pub async fn object_info_of(&self, server: &Url) -> Result<ObjectInfo, Error> {
        let places = places(server, self.base_url())?;
        let is_own = server.origin() == self.base_url().origin();
        if is_own && self.is_hosted() {
            let text = "the hosted service does not tell its node definitions: take those of a ComfyUI";
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        let missing = missing(&places);
        let mut first_failure = None;
        for place in places {
            match self.definitions(&Call::object_info(place, missing.clone())).await {
                // A web page in place of a 404 is as common as the 404.
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Protocol) => {
                    first_failure.get_or_insert(error);
                }
                other => return other,
            }
        }
        match first_failure {
            Some(error) if error.kind() == ErrorKind::Protocol => Err(error),
            _ if is_own => Err(Error::new(ErrorKind::Unsupported, missing)),
            error => Err(error.unwrap_or_else(|| Error::new(ErrorKind::NotFound, missing))),
        }
    }

    async fn definitions(&self, call: &Call) -> Result<ObjectInfo, Error> {
        let answer = self.exchange(call).await?;
        let text = "no node definitions are at this address: it should be that of a ComfyUI or of a server";
        let unexpected = answer.unexpected_at(text, "node definitions");
        let definitions = answer.into_object().ok().filter(holds_definitions);
        definitions.map(ObjectInfo::new).ok_or(unexpected)
    }
}

/// Where the definitions may stand, the likelier place first.
fn places(server: &Url, base: &Url) -> Result<Vec<Url>, Error> {
    let is_usable = matches!(server.scheme(), "http" | "https")
        && server.username().is_empty()
        && server.password().is_none();
    if !is_usable {
        let text = "the address of the node definitions must start with http:// or https:// and hold no user \
                    name and no password";
        return Err(Error::new(ErrorKind::Setup, text));
    }
    let last = server.path_segments().into_iter().flatten().rfind(|segment| !segment.is_empty());
    if last == Some(NAME) {
        return Ok(vec![server.clone()]);
    }
    let is_own = server.origin() == base.origin() && is_same_path(server, base);
    let order = if is_own { [EXTENSION, COMFYUI] } else { [COMFYUI, EXTENSION] };
    Ok(order.iter().map(|segments| below(server, segments)).collect())
}

fn is_same_path(one: &Url, other: &Url) -> bool {
    one.path().trim_end_matches('/') == other.path().trim_end_matches('/')
}

fn below(server: &Url, segments: &[&str]) -> Url {
    let mut url = server.clone();
    // It fails for URLs without a host only, which `http` does not have.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

fn missing(places: &[Url]) -> String {
    let shown = places.iter().map(|place| {
        let mut place = place.clone();
        place.set_query(None);
        place.to_string()
    });
    format!("there are no node definitions at {}", shown.collect::<Vec<_>>().join(" or "))
}

/// Whether an object looks like class → definition, and not like some other answer.
fn holds_definitions(object: &Object) -> bool {
    let is_definition = |value: &Value| value.as_object().is_some_and(|value| value.contains_key("input"));
    object.iter().any(|(_, value)| is_definition(value))
}

#[cfg(test)]
mod tests;
