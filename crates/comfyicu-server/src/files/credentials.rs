//! What hosts want to know before they give files: tokens, each for the hosts it is meant for and for no others.
//!
//! They are read from a file and from the environment, again when the server is told to. Nothing prints them, and nothing writes them down: what
//! is kept of a fetched file is the URL as it stands in the run.

mod pattern;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comfyicu_transport::Request;
use http::{HeaderName, HeaderValue, Uri, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use pattern::{HostPattern, InvalidPattern};

/// The sites whose tokens are known by their variables: variable, host.
const PRESETS: &[(&str, &str)] = &[("HF_TOKEN", "huggingface.co"), ("CIVITAI_API_TOKEN", "civitai.com")];

/// The credentials of hosts. Clones share them, also when they are replaced.
#[derive(Clone, Debug, Default)]
pub(crate) struct Credentials(Arc<RwLock<Vec<Credential>>>);

#[derive(Debug)]
struct Credential {
    hosts: HostPattern,
    shown: Shown,
}

/// How a host is shown who asks.
enum Shown {
    Header(HeaderName, HeaderValue),
    Query(String, SecretString),
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name, _) => write!(f, "Header({name}, ..)"),
            Self::Query(name, _) => write!(f, "Query({name}, ..)"),
        }
    }
}

/// A credentials file: `[[credentials]]`, once for each host.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CredentialsFile {
    #[serde(default)]
    credentials: Vec<CredentialRule>,
}

/// One credential as it is configured: a host, and one way to show who asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CredentialRule {
    host: String,
    bearer: Option<SecretSource>,
    basic: Option<BasicRule>,
    header: Option<NamedRule>,
    query: Option<NamedRule>,
}

/// A user and a password.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BasicRule {
    user: String,
    password: SecretSource,
}

/// A header or a parameter of the query, and its value.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedRule {
    name: String,
    value: SecretSource,
}

/// Where a secret is: in the text itself, in a variable of the environment, or in a file.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a secret is a text, { env = \"VARIABLE\" } or { file = \"PATH\" }")]
pub(crate) enum SecretSource {
    Text(SecretString),
    Env { env: String },
    File { file: PathBuf },
}

/// Why credentials cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CredentialsError {
    /// The file cannot be read.
    #[error("{} cannot be read", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file is no such file. What TOML says of it would show a line of it.
    #[error("{}, line {line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// The host is none.
    #[error(transparent)]
    Host(#[from] InvalidPattern),
    /// None, or several ways to show who asks.
    #[error("the credential for {host} needs exactly one of bearer, basic, header and query")]
    Kind {
        /// The host.
        host: String,
    },
    /// The variable is not set.
    #[error("the credential for {host} is in the variable {variable}, which is not set")]
    Unset {
        /// The host.
        host: String,
        /// The variable.
        variable: String,
    },
    /// What it is cannot stand in a header.
    #[error("the credential for {host} cannot stand in a header")]
    Header {
        /// The host.
        host: String,
    },
}

impl Credentials {
    /// Reads a file, if there is one, and the variables of well-known sites. What the file says of a host comes
    /// first.
    pub(crate) fn read(
        file: Option<&Path>,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, CredentialsError> {
        let rules = file.map(read_file).transpose()?.unwrap_or_default().credentials;
        Self::new(rules, env)
    }

    /// Makes credentials of rules, and of the variables of well-known sites.
    pub(crate) fn new(
        rules: Vec<CredentialRule>,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, CredentialsError> {
        let presets =
            PRESETS.iter().filter(|(variable, _)| env(variable).is_some_and(|token| !token.is_empty()));
        let presets = presets.map(|(variable, host)| CredentialRule {
            host: (*host).to_owned(),
            bearer: Some(SecretSource::Env { env: (*variable).to_owned() }),
            basic: None,
            header: None,
            query: None,
        });
        let all = rules.into_iter().chain(presets).map(|rule| rule.resolve(&env));
        Ok(Self(Arc::new(RwLock::new(all.collect::<Result<_, _>>()?))))
    }

    /// Shows hosts these from now on.
    pub(crate) fn replace(&self, others: &Self) {
        let others = std::mem::take(&mut *others.0.write().unwrap_or_else(PoisonError::into_inner));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = others;
    }

    /// Adds to a request what its host wants to know, unless the URL says it itself.
    pub(super) fn add(&self, url: &Url, mut request: Request) -> Request {
        let own = !url.username().is_empty() || url.password().is_some();
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some(credential) = all.iter().find(|credential| !own && credential.hosts.matches(url)) else {
            return request;
        };
        match &credential.shown {
            Shown::Header(name, value) => {
                request.headers_mut().insert(name.clone(), value.clone());
            }
            Shown::Query(name, value) => {
                if url.query_pairs().any(|(other, _)| other == name.as_str()) {
                    return request;
                }
                let mut url = url.clone();
                url.query_pairs_mut().append_pair(name, value.expose_secret());
                *request.uri_mut() = url.as_str().parse::<Uri>().unwrap_or_default();
            }
        }
        request
    }
}

fn read_file(path: &Path) -> Result<CredentialsFile, CredentialsError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| CredentialsError::Io { path: path.to_owned(), source })?;
    warn_if_open(path);
    toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        CredentialsError::Syntax {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            message: error.message().to_owned(),
        }
    })
}

/// Says that others can read the file.
fn warn_if_open(path: &Path) {
    #[cfg(unix)]
    if let Ok(metadata) = std::fs::metadata(path) {
        use std::os::unix::fs::PermissionsExt as _;
        if metadata.permissions().mode() & 0o077 != 0 {
            tracing::warn!(file = %path.display(), "others can read the credentials; `chmod 600` keeps them out");
        }
    }
}

impl CredentialRule {
    fn resolve(self, env: impl Fn(&str) -> Option<String>) -> Result<Credential, CredentialsError> {
        let hosts = self.host.parse()?;
        let host = self.host;
        let read = |source: SecretSource| source.read(&host, &env);
        let shown = match (self.bearer, self.basic, self.header, self.query) {
            (Some(token), None, None, None) => {
                authorization(&host, &format!("Bearer {}", read(token)?.expose_secret()))?
            }
            (None, Some(basic), None, None) => {
                let password = read(basic.password)?;
                let pair = format!("{}:{}", basic.user, password.expose_secret());
                authorization(&host, &format!("Basic {}", STANDARD.encode(pair)))?
            }
            (None, None, Some(rule), None) => {
                let name = HeaderName::try_from(&rule.name);
                let name = name.map_err(|_| CredentialsError::Header { host: host.clone() })?;
                Shown::Header(name, secret_header(&host, read(rule.value)?.expose_secret())?)
            }
            (None, None, None, Some(rule)) => Shown::Query(rule.name, read(rule.value)?),
            _ => return Err(CredentialsError::Kind { host }),
        };
        Ok(Credential { hosts, shown })
    }
}

fn authorization(host: &str, text: &str) -> Result<Shown, CredentialsError> {
    Ok(Shown::Header(header::AUTHORIZATION, secret_header(host, text)?))
}

fn secret_header(host: &str, text: &str) -> Result<HeaderValue, CredentialsError> {
    let value = HeaderValue::try_from(text);
    let mut value = value.map_err(|_| CredentialsError::Header { host: host.to_owned() })?;
    value.set_sensitive(true);
    Ok(value)
}

impl SecretSource {
    fn read(
        self,
        host: &str,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<SecretString, CredentialsError> {
        match self {
            Self::Text(secret) => Ok(secret),
            Self::Env { env: variable } => match env(&variable) {
                Some(secret) => Ok(secret.trim().into()),
                None => Err(CredentialsError::Unset { host: host.to_owned(), variable }),
            },
            Self::File { file } => {
                let text = std::fs::read_to_string(&file)
                    .map_err(|source| CredentialsError::Io { path: file, source })?;
                Ok(text.trim().into())
            }
        }
    }
}
