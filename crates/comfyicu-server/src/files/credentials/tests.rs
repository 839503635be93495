//! Credentials: what is added to which request, and that nothing shows them.

use comfyicu_transport::RequestBody;

use super::*;

const FILE: &str = r#"
[[credentials]]
host = "models.example.com"
bearer = "SECRET-bearer"

[[credentials]]
host = "*.example.com"
basic = { user = "me", password = { env = "PASSWORD" } }

[[credentials]]
host = "http://10.0.0.1:9000"
header = { name = "X-Api-Key", value = "SECRET-header" }

[[credentials]]
host = "query.org"
query = { name = "token", value = "SECRET query&" }
"#;

fn env(name: &str) -> Option<String> {
    let known = [
        ("PASSWORD", "SECRET-password"),
        ("HF_TOKEN", "SECRET-hf"),
        ("CIVITAI_API_TOKEN", "SECRET-civitai\n"),
    ];
    known.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
}

fn credentials() -> Credentials {
    Credentials::new(toml::from_str::<CredentialsFile>(FILE).unwrap().credentials, env).unwrap()
}

fn sent(url: &str) -> (String, Vec<(String, String)>) {
    let url = Url::parse(url).unwrap();
    let mut request = Request::new(RequestBody::empty());
    *request.uri_mut() = url.as_str().parse().unwrap();
    let request = credentials().add(&url, request);
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    (request.uri().to_string(), headers.collect())
}

#[test]
fn each_host_is_shown_its_own() {
    for (url, header, value) in [
        ("https://models.example.com/a", "authorization", "Bearer SECRET-bearer"),
        ("https://other.example.com/a", "authorization", "Basic bWU6U0VDUkVULXBhc3N3b3Jk"),
        ("http://10.0.0.1:9000/a", "x-api-key", "SECRET-header"),
        ("https://huggingface.co/a/resolve/main/b", "authorization", "Bearer SECRET-hf"),
        ("https://civitai.com/api/download/models/1", "authorization", "Bearer SECRET-civitai"),
    ] {
        assert_eq!(sent(url), (url.to_owned(), vec![(header.to_owned(), value.to_owned())]), "{url}");
    }
    assert_eq!(
        sent("https://query.org/a?b=c"),
        ("https://query.org/a?b=c&token=SECRET+query%26".to_owned(), vec![])
    );
}

#[test]
fn no_other_host_is_shown_any() {
    for url in [
        "https://example.com/",
        "http://models.example.com/",
        "https://cdn-lfs.huggingface.co/x",
        "https://huggingface.co.evil.org/",
        "http://huggingface.co/",
        "https://storage.example.org/civitai.com?token=x",
        "https://civitai.com:8443/",
        "https://own:password@civitai.com/",
        "https://query.org/a?token=own",
    ] {
        let (uri, headers) = sent(url);
        assert!(!uri.contains("SECRET") && headers.is_empty(), "{url}: {uri} {headers:?}");
    }
}

#[test]
fn nothing_shows_them() {
    let file: CredentialsFile = toml::from_str(FILE).unwrap();
    let url = Url::parse("https://models.example.com/a").unwrap();
    let request = credentials().add(&url, Request::new(RequestBody::empty()));
    let shown = format!("{file:?} {:?} {:?}", credentials(), request.headers());
    assert!(!shown.contains("SECRET"), "{shown}");
}

#[test]
fn what_is_wrong_with_a_file_is_said_without_showing_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials.toml");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let error = Credentials::read(Some(&path), |_| None).unwrap_err();
        let said = format!("{} {error:?}", crate::report::with_causes(&error));
        assert!(!said.contains("SECRET"), "{said}");
        error.to_string().replace(path.to_str().unwrap(), "FILE")
    };
    for (rule, said) in [
        ("bearer = SECRET", "FILE, line 3: string values must be quoted"),
        ("bearer = { vault = \"SECRET\" }", "FILE, line 3: a secret is a text, { env = \"VARIABLE\" } or"),
        ("token = \"SECRET\"", "FILE, line 3: unknown field `token`"),
        ("", "the credential for a.com needs exactly one of bearer, basic, header and query"),
        (
            "bearer = \"SECRET\"\nbasic = { user = \"a\", password = \"SECRET\" }",
            "the credential for a.com needs",
        ),
        (
            "bearer = { env = \"NOT_SET\" }",
            "the credential for a.com is in the variable NOT_SET, which is not set",
        ),
        ("bearer = \"SECRET\\n\"", "the credential for a.com cannot stand in a header"),
    ] {
        let text = read(&format!("[[credentials]]\nhost = \"a.com\"\n{rule}\n"));
        assert!(text.starts_with(said), "{rule}: {text}");
    }
    let text = read("[[credentials]]\nhost = \"a.com/x\"\nbearer = \"SECRET\"\n");
    assert!(text.starts_with("`a.com/x` is no host of a credential"), "{text}");
}
