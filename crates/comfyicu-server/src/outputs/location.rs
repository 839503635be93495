//! Where outputs are kept when they are not kept in the data directory.

use std::fmt;
use std::str::FromStr;

use object_store::path::Path;
use url::Url;

/// A bucket, and the part of it that is ours: `s3://BUCKET/PREFIX`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct OutputsLocation {
    pub(super) bucket: String,
    pub(super) prefix: Path,
}

impl FromStr for OutputsLocation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let example = "s3://BUCKET or s3://BUCKET/PREFIX is needed";
        let url = Url::parse(text).map_err(|error| format!("{error}: {example}"))?;
        let is_bare = url.query().is_none() && url.fragment().is_none() && url.port().is_none();
        let is_open = url.username().is_empty() && url.password().is_none();
        let bucket = url.host_str().filter(|bucket| !bucket.is_empty());
        let (Some(bucket), "s3", true) = (bucket, url.scheme(), is_bare && is_open) else {
            return Err(format!("{example}; keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"));
        };
        let prefix = Path::from_url_path(url.path()).map_err(|error| format!("{error}: {example}"))?;
        Ok(Self { bucket: bucket.to_owned(), prefix })
    }
}

impl fmt::Display for OutputsLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

impl fmt::Debug for OutputsLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_and_a_prefix_are_read() {
        for (text, shown) in [
            ("s3://bucket", "s3://bucket/"),
            ("s3://bucket/", "s3://bucket/"),
            ("s3://my.bucket/a/b%20c/", "s3://my.bucket/a/b c"),
        ] {
            assert_eq!(text.parse::<OutputsLocation>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn anything_else_is_refused_and_a_secret_in_it_is_not_repeated() {
        for text in ["bucket", "s3:///a", "https://bucket/a", "s3://b?x", "s3://b#x", "s3://b/a//b"] {
            assert!(text.parse::<OutputsLocation>().is_err(), "{text}");
        }
        let error = "s3://KEY:SECRET@bucket".parse::<OutputsLocation>().unwrap_err();
        assert!(error.contains("AWS_ACCESS_KEY_ID") && !error.contains("SECRET@"), "{error}");
    }
}
