//! Which requests a fault is about: those of a call of the API by its name, of a route, or all.

use http::Method;

/// The calls that have names, and what they are on the wire.
pub(super) const CALLS: &[(&str, &[&str])] = &[
    ("any", &["* /{*path}"]),
    ("submit", &["POST /api/v1/workflows/{workflow_id}/runs"]),
    ("get", &["GET /api/v1/workflows/{workflow_id}/runs/{run_id}"]),
    ("list", &["GET /api/v1/workflows/{workflow_id}/runs"]),
    ("cancel", &["POST /api/v1/workflows/{workflow_id}/runs/{run_id}/cancel"]),
    (
        "watch",
        &[
            "GET /api/v1/workflows/{workflow_id}/runs/{run_id}/events",
            "GET /api/v1/workflows/{workflow_id}/events",
        ],
    ),
    ("upload", &["POST /api/v1/uploads", "HEAD /api/v1/uploads/{sha256}"]),
    ("download", &["GET /api/v1/view/workflows/{workflow_id}/output/{run_id}/{*path}"]),
    ("capabilities", &["GET /api/v1/capabilities"]),
    ("object_info", &["GET /api/v1/object_info"]),
    (
        "deliveries",
        &[
            "GET /api/v1/workflows/{workflow_id}/runs/{run_id}/deliveries",
            "POST /api/v1/workflows/{workflow_id}/runs/{run_id}/deliveries/{delivery_id}/resend",
        ],
    ),
];

/// The requests of a method, or of each, to paths of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    method: Option<Method>,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// This text.
    Text(String),
    /// `{name}`: any one segment.
    One,
    /// `{*name}`: all that is left.
    Rest,
}

impl Route {
    /// Reads `METHOD /path`; `*` is every method.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (method, path) = text.split_once(' ')?;
        let method = match method {
            "*" => None,
            name => Some(name.parse().ok().filter(|_| name.bytes().all(|byte| byte.is_ascii_uppercase()))?),
        };
        let segments = path.strip_prefix('/')?.split('/').map(|segment| {
            match segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
                Some(inner) if inner.starts_with('*') => Segment::Rest,
                Some(_) => Segment::One,
                None => Segment::Text(segment.to_owned()),
            }
        });
        Some(Self { method, segments: segments.collect() })
    }

    /// The routes of a call that has a name.
    pub(super) fn of_call(name: &str) -> Option<Vec<Self>> {
        let (_, routes) = CALLS.iter().find(|(call, _)| *call == name)?;
        routes.iter().map(|route| Self::parse(route)).collect()
    }

    pub(super) fn matches(&self, method: &Method, path: &str) -> bool {
        if self.method.as_ref().is_some_and(|wanted| wanted != method) {
            return false;
        }
        let mut given = path.trim_start_matches('/').split('/');
        for segment in &self.segments {
            let next = given.next();
            let fits = match segment {
                Segment::Rest => return next.is_some(),
                Segment::One => next.is_some_and(|given| !given.is_empty()),
                Segment::Text(text) => next == Some(text.as_str()),
            };
            if !fits {
                return false;
            }
        }
        given.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls_of(method: &Method, path: &str) -> Vec<&'static str> {
        let fits = |name: &str| Route::of_call(name).unwrap().iter().any(|route| route.matches(method, path));
        CALLS.iter().map(|(name, _)| *name).filter(|name| fits(name)).collect()
    }

    #[test]
    fn each_request_is_of_the_call_that_it_is() {
        for (method, path, call) in [
            (Method::POST, "/api/v1/workflows/w/runs", "submit"),
            (Method::GET, "/api/v1/workflows/w/runs", "list"),
            (Method::GET, "/api/v1/workflows/w/runs/r", "get"),
            (Method::POST, "/api/v1/workflows/w/runs/r/cancel", "cancel"),
            (Method::GET, "/api/v1/workflows/w/runs/r/events", "watch"),
            (Method::GET, "/api/v1/workflows/w/events", "watch"),
            (Method::HEAD, "/api/v1/uploads/0a", "upload"),
            (Method::GET, "/api/v1/view/workflows/w/output/r/a/b_00001_.png", "download"),
        ] {
            assert_eq!(calls_of(&method, path), ["any", call], "{path}");
        }
        assert_eq!(calls_of(&Method::GET, "/"), ["any"]);
        assert_eq!(calls_of(&Method::GET, "/api/v1/workflows//runs"), ["any"]);
    }

    #[test]
    fn what_is_no_route_is_none() {
        for text in ["", "submit", "GET", "GET runs", "get /runs", "G T /runs"] {
            assert_eq!(Route::parse(text), None, "{text}");
        }
        assert!(Route::parse("* /a/{b}").unwrap().matches(&Method::PUT, "/a/c"));
        assert!(!Route::parse("PUT /a/{b}").unwrap().matches(&Method::PUT, "/a/c/d"));
    }
}
