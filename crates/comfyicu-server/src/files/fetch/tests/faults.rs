//! Sources that fail: each ends in time, with an account of what is wrong, and leaves nothing behind that is wrong.

use super::*;

/// Fetches from a source that never gives the file, and gives how that ended.
async fn failure(place: &Place, host: &Host) -> FetchError {
    let error = get(&place.fetcher(), &source(host, "/a")).await.unwrap_err();
    Arc::into_inner(error).unwrap()
}

#[tokio::test]
async fn a_reset_at_any_byte_is_gone_on_from() {
    const LENGTH: usize = 24;
    for cut in 0..LENGTH {
        let host = Host::start(move |asked| {
            let cut = if asked.number == 0 { cut } else { usize::MAX };
            file(asked, &content(LENGTH), "\"v\"", cut)
        })
        .await;
        let place = Place::default();
        let got = get(&place.fetcher(), &source(&host, "/a")).await.unwrap();
        assert_eq!(got, (content(LENGTH), false), "{cut}");
        let asked = host.asked();
        assert_eq!((asked.len(), asked[1].from()), (2, cut));
        assert_eq!(asked[1].header("if-range"), (cut > 0).then_some("\"v\""));
        assert_eq!(place.files().len(), 1, "the part is gone");
    }
}

#[tokio::test]
async fn a_source_that_gives_little_at_a_time_is_asked_until_it_has_given_all() {
    let host = Host::start(|asked| file(asked, &content(90), "\"v\"", 10)).await;
    let place = Place::default();
    assert_eq!(get(&place.fetcher(), &source(&host, "/a")).await.unwrap().0, content(90));
    let froms: Vec<_> = host.asked().iter().map(Asked::from).collect();
    assert_eq!(froms, [0, 10, 20, 30, 40, 50, 60, 70, 80]);
}

#[tokio::test]
async fn what_came_before_the_process_ended_does_not_come_again() {
    let host = Host::start(|asked| match asked.number {
        0 => file(asked, &content(50), "\"v\"", 20),
        1..6 => vec![head("503 Busy", &[("retry-after", "0"), ("content-length", "0")])],
        _ => whole(asked, &content(50), "\"v\""),
    })
    .await;
    let place = Place::default();
    let said = failure(&place, &host).await.to_string();
    assert_eq!(said, "source.test answered 503 Service Unavailable");
    assert_eq!(get(&place.fetcher(), &source(&host, "/a")).await.unwrap(), (content(50), false));
    assert_eq!(host.asked().last().unwrap().from(), 20);
    assert_eq!(host.asked().len(), 7);
}

#[tokio::test]
async fn another_version_in_the_middle_is_begun_anew() {
    // The first one keeps to what it was asked, the others do not.
    for answer in ["whole", "wrong version", "wrong place", "too far"] {
        let host = Host::start(move |asked| match (asked.number, answer) {
            (0, _) => file(asked, &content(50), "\"one\"", 20),
            (1, "wrong version") => file(asked, &content(50), "\"one\"", 50)
                .into_iter()
                .map(|act| match act {
                    Act::Send(bytes) => {
                        Act::Send(String::from_utf8_lossy(&bytes).replace("\"one\"", "\"two\"").into_bytes())
                    }
                    other => other,
                })
                .collect(),
            (1, "wrong place") => {
                let fields =
                    [("content-range", "bytes 10-49/50"), ("content-length", "40"), ("etag", "\"one\"")];
                vec![head("206 Partial", &fields), Act::Send(content(40))]
            }
            (1, "too far") => vec![head("416 Too far", &[("content-length", "0")])],
            _ => whole(asked, &content(70), "\"two\""),
        })
        .await;
        let place = Place::default();
        let got = get(&place.fetcher(), &source(&host, "/a")).await.unwrap();
        assert_eq!(got, (content(70), false), "{answer}");
        assert_eq!(place.files().len(), 1, "{answer}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_gone_on_with_is_begun_anew_a_few_times() {
    for etag in ["W/\"weak\"", ""] {
        let host = Host::start(move |_| {
            let fields = [("content-length", "50"), ("etag", etag)];
            vec![head("200 OK", &fields), Act::Send(content(20))]
        })
        .await;
        let place = Place::default();
        let error = failure(&place, &host).await;
        assert!(matches!(error, FetchError::Transport { .. }), "{error:?}");
        assert_eq!(host.asked().len(), 5);
        assert!(host.asked().iter().all(|asked| asked.header("range").is_none()));
        assert_eq!(place.files().len(), 0);
    }
}

#[tokio::test]
async fn a_version_that_changes_each_time_ends() {
    let host = Host::start(|asked| file(asked, &content(50), &format!("\"{}\"", asked.number), 20)).await;
    let place = Place::default();
    let error = failure(&place, &host).await;
    assert!(matches!(error, FetchError::Transport { .. }), "{error:?}");
    assert!(host.asked().len() <= 7, "{}", host.asked().len());
}

#[tokio::test]
async fn a_source_that_falls_silent_ends() {
    for acts in
        [vec![Act::Stall], vec![head("200 OK", &[("content-length", "9")]), Act::Send(vec![1]), Act::Stall]]
    {
        let host = Host::start(move |_| acts.clone()).await;
        let place = Place { silence: Duration::from_millis(200), ..Place::default() };
        let error = failure(&place, &host).await;
        assert!(error.is_passing(), "{error:?}");
        assert_eq!(crate::report::with_causes(&error).matches("no answer").count(), 2, "{error:?}");
        assert_eq!(place.files().len(), 0);
    }
}

#[tokio::test]
async fn a_body_without_end_ends_at_the_bound() {
    for fields in [vec![], vec![("content-length", "99999999999")]] {
        let host = Host::start(move |_| vec![head("200 OK", &fields), Act::Repeat(vec![7; 64 * 1024])]).await;
        let place = Place::default();
        let error = failure(&place, &host).await;
        assert!(matches!(error, FetchError::TooLarge { limit: 1_048_576 }), "{error:?}");
        assert_eq!((place.files().len(), host.asked().len()), (0, 1));
    }
}

#[tokio::test]
async fn what_is_packed_is_not_unpacked() {
    // Ten bytes of gzip that say what they please.
    let host = Host::start(|_| {
        let fields = [("content-encoding", "gzip"), ("content-length", "10")];
        vec![head("200 OK", &fields), Act::Send(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])]
    })
    .await;
    let place = Place::default();
    let said = failure(&place, &host).await.to_string();
    assert_eq!(said, "source.test sends the file packed (gzip), which it was not asked to");
    assert_eq!((place.files().len(), host.asked().len()), (0, 1));
}

#[tokio::test]
async fn redirects_end_and_so_do_answers_that_are_none() {
    let host =
        Host::start(|asked| vec![head("302 Found", &[("location", &format!("/{}", asked.number))])]).await;
    let error = failure(&Place::default(), &host).await;
    assert!(matches!(error, FetchError::Redirect { .. }), "{error:?}");
    assert_eq!(host.asked().len(), 11);
    for (status, requests) in
        [("404 Not Found", 1), ("204 Nothing", 1), ("206 Partial", 1), ("429 Slow", 5), ("500 Oh", 5)]
    {
        let host =
            Host::start(move |_| vec![head(status, &[("content-length", "0"), ("retry-after", "0")])]).await;
        let place = Place::default();
        let error = failure(&place, &host).await;
        assert!(matches!(error, FetchError::Status { .. }), "{error:?}");
        assert_eq!((host.asked().len(), place.files().len()), (requests, 0), "{status}");
    }
    let host = Host::start(|_| vec![Act::Send(b"no HTTP at all\r\n\r\n".to_vec())]).await;
    assert!(matches!(failure(&Place::default(), &host).await, FetchError::Transport { .. }));
}

#[tokio::test]
async fn nobody_waits_for_what_is_not_wanted_any_more() {
    let host = Host::start(|asked| {
        let mut acts = file(asked, &content(50), "\"v\"", 20);
        acts.extend((asked.number == 0).then_some(Act::Stall));
        acts
    })
    .await;
    let place = Place::default();
    let (fetcher, source) = (place.fetcher(), source(&host, "/a"));
    let going = tokio::spawn({
        let (fetcher, source) = (fetcher.clone(), source.clone());
        async move { fetcher.fetch(&Owner::local(), &source, false).await.is_ok() }
    });
    let came = || place.files().iter().any(|file| std::fs::metadata(file).is_ok_and(|file| file.len() == 20));
    let coming = async {
        while !came() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), coming).await.unwrap();
    going.abort();
    assert!(going.await.unwrap_err().is_cancelled(), "in the middle");
    assert_eq!(get(&fetcher, &source).await.unwrap().0, content(50));
    let froms: Vec<_> = host.asked().iter().map(Asked::from).collect();
    assert_eq!(froms, [0, 20, 40], "what had come by then was kept");
}
