//! Whether a request may be sent again: a property of the request and of what came of it. Pure.

use crate::{Outcome, Repeat, TransportErrorKind};

/// Whether sending a request again may help, and does no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// It is the answer, or it would not change, or the request must not be sent again.
    Final,
    /// It may be sent again.
    Again,
}

/// Judges what came of sending a request once.
///
/// What may be sent [`Freely`](Repeat::Freely) is sent again after no connection, a time-out, a connection or
/// a body that broke, and 408, 425, 429, 500, 502, 503 and 504. What may be sent only while the server has not
/// acted on it ([`Unsent`](Repeat::Unsent)) is sent again after no connection, and 425 and 429, with which a
/// server turns a request away.
///
/// ```
/// use comfyicu_transport::{Outcome, Repeat, TransportErrorKind, Verdict, classify};
///
/// let reset = Outcome::Failed(TransportErrorKind::Interrupted);
/// assert_eq!(classify(Repeat::Freely, reset), Verdict::Again);
/// assert_eq!(classify(Repeat::Unsent, reset), Verdict::Final);
/// ```
pub fn classify(repeat: Repeat, outcome: Outcome) -> Verdict {
    let may_be_sent_again = match (repeat, outcome) {
        (Repeat::Never, _) => false,
        (_, Outcome::Failed(TransportErrorKind::Connect)) => true,
        (_, Outcome::Status(status)) if matches!(status.as_u16(), 425 | 429) => true,
        (Repeat::Unsent, _) => false,
        (Repeat::Freely, Outcome::Status(status)) => matches!(status.as_u16(), 408 | 500 | 502 | 503 | 504),
        (Repeat::Freely, Outcome::Failed(kind)) => matches!(
            kind,
            TransportErrorKind::Timeout | TransportErrorKind::Interrupted | TransportErrorKind::Body
        ),
    };
    if may_be_sent_again { Verdict::Again } else { Verdict::Final }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    const KINDS: [TransportErrorKind; 8] = [
        TransportErrorKind::Request,
        TransportErrorKind::Connect,
        TransportErrorKind::Blocked,
        TransportErrorKind::Timeout,
        TransportErrorKind::Interrupted,
        TransportErrorKind::Redirect,
        TransportErrorKind::Body,
        TransportErrorKind::Other,
    ];

    #[test]
    fn all_statuses_and_failures_in_one_table() {
        let statuses = (100..=999).map(|code| Outcome::Status(StatusCode::from_u16(code).unwrap()));
        let outcomes: Vec<Outcome> = statuses.chain(KINDS.map(Outcome::Failed)).collect();
        let mut lines = Vec::new();
        for repeat in [Repeat::Freely, Repeat::Unsent, Repeat::Never] {
            let again = outcomes.iter().filter(|outcome| classify(repeat, **outcome) == Verdict::Again);
            let again: Vec<String> = again.map(ToString::to_string).collect();
            lines.push(format!("{repeat:?}: {}", again.join(", ")));
        }
        insta::assert_snapshot!(lines.join("\n"), @"
        Freely: 408 Request Timeout, 425 Too Early, 429 Too Many Requests, 500 Internal Server Error, 502 Bad Gateway, 503 Service Unavailable, 504 Gateway Timeout, no connection, no answer in time, the connection broke, the response cannot be read
        Unsent: 425 Too Early, 429 Too Many Requests, no connection
        Never:
        ");
    }
}
