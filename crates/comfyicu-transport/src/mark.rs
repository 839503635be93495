//! What a request says of itself to the layers, among its extensions.

use http::{Method, Request};

/// How often a request may be sent, as far as its effect goes. A request says so with
/// `request.extensions_mut().insert(repeat)`; one that does not is judged by its method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Repeat {
    /// Sent again, it has the effect of once: a GET, or a POST with a key by which the server knows it.
    Freely,
    /// Only while the server has certainly not acted on it: nothing was sent, or it was turned away.
    Unsent,
    /// Not at all: whoever sent it repeats it on its own terms.
    Never,
}

impl Repeat {
    /// What a request says, or else what its method does: POST and PATCH are [`Unsent`](Self::Unsent), and so is
    /// a method that nobody knows.
    pub fn of<B>(request: &Request<B>) -> Self {
        request.extensions().get().copied().unwrap_or_else(|| match *request.method() {
            Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE | Method::TRACE => {
                Self::Freely
            }
            _ => Self::Unsent,
        })
    }
}

/// What kind of request it is, for logs: the path with names in place of ids, such as
/// `/workflows/{workflow_id}/runs`. A request that does not say is logged without its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Route(pub &'static str);

/// The body of the response is wanted whole, of at most so many bytes, and a body that breaks off counts as an
/// exchange that failed. [`Retry`](crate::Retry) reads such a body before it is content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WholeBody(pub usize);

/// Which attempt this is, from 1.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "trace"), expect(dead_code, reason = "only traces tell it"))]
pub(crate) struct AttemptNumber(pub(crate) u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_says_what_a_request_does_not() {
        let of = |method: &str| Repeat::of(&Request::builder().method(method).body(()).unwrap());
        assert_eq!(["GET", "HEAD", "PUT", "DELETE"].map(of), [Repeat::Freely; 4]);
        assert_eq!(["POST", "PATCH", "BREW"].map(of), [Repeat::Unsent; 3]);
        let mut request = Request::post("/").body(()).unwrap();
        request.extensions_mut().insert(Repeat::Freely);
        assert_eq!(Repeat::of(&request), Repeat::Freely);
    }
}
