//! The id of a request: in its log lines, in its errors, and in its answer.

use http::HeaderValue;

use crate::random;

tokio::task_local! {
    static CURRENT: RequestId;
}

/// The most characters of an id that came with a request.
const MAX_LENGTH: usize = 64;

/// The id of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(String);

impl RequestId {
    /// The id that a request came with, where it is plain and short; a new one otherwise.
    pub(crate) fn of(sent: Option<&HeaderValue>) -> Self {
        let is_plain = |text: &&str| {
            let fits = (1..=MAX_LENGTH).contains(&text.len());
            fits && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        let sent = sent.and_then(|value| value.to_str().ok()).filter(is_plain);
        Self(sent.map_or_else(random::nanoid, str::to_owned))
    }

    /// The id of the request that is being answered; a new one where there is none.
    pub(crate) fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_else(|_| Self(random::nanoid()))
    }

    /// Does something under this id.
    pub(crate) async fn scope<T>(self, doing: impl Future<Output = T>) -> T {
        CURRENT.scope(self, doing).await
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_id_is_taken_over_when_it_is_plain() {
        let sent = |text: &str| RequestId::of(Some(&HeaderValue::from_str(text).unwrap()));
        assert_eq!(sent("abc-1").as_str(), "abc-1");
        for strange in ["", "a b", "a\tb", &"x".repeat(65)] {
            assert_eq!(sent(strange).as_str().len(), 21, "{strange:?}");
        }
        let seen = sent("abc-1").scope(async { RequestId::current() }).await;
        assert_eq!(seen.as_str(), "abc-1");
        assert_ne!(RequestId::current(), seen);
    }
}
