//! Whom the fetcher reaches, and whom it tells a secret: not around the guard, and nobody else.

use super::*;
use crate::guard::tests::PRIVATE_URLS;

/// Whether everything that is said of an error, to whoever reads it or to the log, is free of secrets.
fn keeps_secrets(error: &FetchError) -> bool {
    !format!("{error:?} {}", crate::report::with_causes(error)).contains("SECRET")
}

#[tokio::test]
async fn no_redirect_leads_around_the_guard() {
    let place = Place::default();
    let fetcher = place.fetcher();
    for url in PRIVATE_URLS {
        let host = Host::start(move |asked| match asked.path.as_str() {
            "/a" => vec![head("302 Found", &[("location", url)])],
            // It was read as a path on the same host.
            _ => vec![head("404 Not Found", &[("content-length", "0")])],
        })
        .await;
        let error = get(&fetcher, &source(&host, "/a")).await.unwrap_err();
        let refused = matches!(*error, FetchError::Blocked(_) | FetchError::Redirect { .. });
        assert!(refused || host.asked().len() == 2, "{url}: {error:?}");
    }
    assert_eq!(place.files().len(), 0);
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_not_followed() {
    let inner = Host::start_at("127.0.0.1:0", |asked| whole(asked, b"secret", "\"v\"")).await;
    // The same port on an address that is allowed: the name leads there first.
    let address = format!("127.0.0.2:{}", inner.port);
    let outer = Host::start_at(&address, |asked| file(asked, &content(50), "\"v\"", 20)).await;
    let names = Scripted::new(&[&["127.0.0.2"], &["127.0.0.1"]]);
    let guard = Guard::with_lookup(allowed(&["127.0.0.2"]), Arc::clone(&names) as _);
    let place = Place { guard, ..Place::default() };
    let url = Url::parse(&format!("http://rebinds.test:{}/a", outer.port)).unwrap();
    let error = get(&place.fetcher(), &Source::parse(&url).unwrap()).await.unwrap_err();
    assert!(crate::report::with_causes(&*error).contains("leads to a private"), "{error:?}");
    assert_eq!((outer.asked().len(), inner.asked().len(), names.answers_left()), (1, 0, 1));
}

/// Two hosts as model sites have them: one that knows who asks and redirects, and a storage that takes a signature
/// and refuses whoever brings anything else.
async fn site(accepts: impl Fn(&Asked) -> bool + Send + Sync + 'static) -> (Host, Host) {
    let storage = Host::start(|asked| {
        let bare = ["authorization", "x-api-key", "cookie", "referer"]
            .iter()
            .all(|name| asked.header(name).is_none());
        if !bare || !asked.path.contains("signature=ok") || asked.path.contains("SECRET") {
            return vec![head("400 Bad Request", &[("content-length", "0")])];
        }
        let mut acts = whole(asked, &content(10), "\"v\"");
        let disposition = ("content-disposition", "attachment; filename=\"../../../../tmp/evil.sh\"");
        acts[0] = head("200 OK", &[("content-length", "10"), ("etag", "\"v\""), disposition]);
        acts
    })
    .await;
    let target = format!("http://storage.test:{}/blob?signature=ok", storage.port);
    let site = Host::start(move |asked| match asked.path.split('?').next() {
        Some("/start") => vec![head("302 Found", &[("location", "/file")])],
        _ if accepts(asked) => vec![head("302 Found", &[("location", &target)])],
        _ => vec![head("401 Unauthorized", &[("content-length", "0")])],
    })
    .await;
    (site, storage)
}

fn credentials(host: &Host, shown: &str) -> &'static str {
    format!("[[credentials]]\nhost = \"http://source.test:{}\"\n{shown}\n", host.port).leak()
}

#[tokio::test]
async fn a_token_is_for_its_site_and_not_for_the_storage_behind_it() {
    type Accepts = fn(&Asked) -> bool;
    // As Hugging Face wants it, as Civitai does, and two more.
    let ways: [(&str, Accepts); 4] = [
        ("bearer = \"SECRET\"", |asked| asked.header("authorization") == Some("Bearer SECRET")),
        ("query = { name = \"token\", value = \"SECRET\" }", |asked| asked.path.ends_with("token=SECRET")),
        ("basic = { user = \"me\", password = \"SECRET\" }", |asked| {
            asked.header("authorization") == Some("Basic bWU6U0VDUkVU")
        }),
        ("header = { name = \"X-Api-Key\", value = \"SECRET\" }", |asked| {
            asked.header("x-api-key") == Some("SECRET")
        }),
    ];
    for (shown, accepts) in ways {
        let (site, storage) = site(accepts).await;
        let place = Place { credentials: credentials(&site, shown), ..Place::default() };
        let source = source(&site, "/start");
        assert_eq!(get(&place.fetcher(), &source).await.unwrap(), (content(10), false), "{shown}");
        assert_eq!((site.asked().len(), storage.asked().len()), (2, 1), "{shown}");
        let kept = format!("{:?}", place.index.0.lock().unwrap());
        assert!(!kept.contains("SECRET"), "{kept}");
        assert_eq!(place.files().len(), 1, "no name that a source gives becomes a path");
    }
}

#[tokio::test]
async fn a_site_that_wants_a_token_or_another_one_is_named_and_the_token_is_not() {
    let (closed, _storage) = site(|_| false).await;
    for shown in ["", "bearer = \"SECRET\"", "query = { name = \"token\", value = \"SECRET\" }"] {
        let credentials = if shown.is_empty() { "" } else { credentials(&closed, shown) };
        let place = Place { credentials, ..Place::default() };
        let error = get(&place.fetcher(), &source(&closed, "/file")).await.unwrap_err();
        assert!(
            error.to_string().starts_with("source.test answered 401 Unauthorized: the file needs a token")
        );
        assert!(keeps_secrets(&error), "{error:?}");
    }
    // A host that is not there.
    let gone = Host::start(|_| vec![]).await;
    let place = Place {
        credentials: credentials(&gone, "query = { name = \"t\", value = \"SECRET\" }"),
        ..Place::default()
    };
    let (source, fetcher) = (source(&gone, "/a?b=SECRET"), place.fetcher());
    drop(gone);
    let error = get(&fetcher, &source).await.unwrap_err();
    assert!(matches!(*error, FetchError::Transport { .. }) && keeps_secrets(&error), "{error:?}");
    assert!(!format!("{fetcher:?}").contains("SECRET"));
}
