//! Where a file of a run comes from: a URL, and the digest that is pinned behind its `#`.

use url::Url;

use crate::hash::Sha256Hex;

/// How a pin begins.
const PIN: &str = "sha256=";

/// A source, as it stands in the `files` of a run: `https://example.com/a.safetensors#sha256=…`. The pin is an
/// extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// Without its fragment, which is not the source's business.
    pub(crate) url: Url,
    pub(crate) pin: Option<Sha256Hex>,
}

/// Why a pin is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`#{PIN}` has to be followed by the 64 hexadecimal digits of a SHA-256")]
pub(crate) struct InvalidPin;

impl Source {
    /// Takes a URL apart. A fragment that is no pin means nothing.
    pub(crate) fn parse(url: &Url) -> Result<Self, InvalidPin> {
        let digest = url.fragment().and_then(|fragment| fragment.strip_prefix(PIN));
        let pin = digest.map(|text| Sha256Hex::parse(text).ok_or(InvalidPin)).transpose()?;
        let mut url = url.clone();
        url.set_fragment(None);
        Ok(Self { url, pin })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_a_digest_or_an_error() {
        let parse = |text: &str| Source::parse(&Url::parse(text).unwrap());
        let digest = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
        let source = parse(&format!("https://x/a?b=c#sha256={digest}")).unwrap();
        assert_eq!((source.url.as_str(), source.pin), ("https://x/a?b=c", Some(Sha256Hex::of(b""))));
        assert_eq!(parse("https://x/a#top").unwrap(), parse("https://x/a").unwrap());
        for bad in ["", "abc", "../../etc/passwd", &digest[1..], &format!("{digest}0")] {
            assert_eq!(parse(&format!("https://x/a#sha256={bad}")), Err(InvalidPin), "{bad}");
        }
    }
}
