//! Runs that are begun as they are taken in.

use super::*;

pub(super) async fn a_run_is_taken_in_and_begun_with_one_change<B: Backend>() {
    let backend = B::default();
    let store = backend.open().await;
    let queued = Arc::new(run("r1", "w1", 5));
    let started = queued.start("CPU", at(6), LEASE).unwrap();
    let (told, key) = (Some(message("start")), claim("a", b"x", 0));
    let begun = store.insert_started((Arc::clone(&queued), &started), told, Some(key)).await.unwrap();
    assert_eq!(begun, (Claimed::New, true));
    assert_eq!(store.get(&started.key()).await.unwrap(), Some(started.clone()));
    assert_eq!(store.expired(None, 10).await.unwrap(), [started.key()]);
    assert!(store.waiting_runs(0, 10).await.unwrap().is_empty());

    let heard = backend.heard();
    let kinds: Vec<_> = heard.iter().map(|change| change.event.kind).collect();
    assert_eq!(kinds, [EventKind::Queued, EventKind::Started]);
    assert!(heard.iter().all(|change| change.waiting.is_none()), "it waits for nobody");
    assert!(heard[1].delivery.is_some());
    let events = store.events(&Scope::Run(started.id.clone()), 0, 10).await.unwrap();
    assert_eq!(heard.into_iter().map(|change| change.event).collect::<Vec<_>>(), events);

    // The same request again makes no other run, and begins none.
    let again = Arc::new(run("r2", "w1", 7));
    let (start, key) = (again.start("CPU", at(8), LEASE).unwrap(), claim("a", b"x", 0));
    let begun = store.insert_started((again, &start), None, Some(key));
    assert_eq!(begun.await.unwrap(), (Claimed::Same(started.id.clone()), false));
    assert!(backend.heard().is_empty());
    assert_eq!(ids(store.list(&workflow("w1"), &query(10)).await.unwrap()), ["r1"]);

    let ended = started.finish(Outcome::Files(Vec::new()), Costs::default(), at(9)).unwrap();
    assert!(store.change(&started, &ended, None).await.unwrap());
}

pub(super) async fn a_run_that_is_not_taken_in_as_it_was_given_waits<B: Backend>() {
    let backend = B::default();
    let store = backend.open().await;
    store.insert(run("r1", "w1", 10).into(), None).await.unwrap();
    backend.heard();
    // The clock was set back.
    let queued = Arc::new(run("r2", "w1", 5));
    let started = queued.start("CPU", at(6), LEASE).unwrap();
    let begun = store.insert_started((Arc::clone(&queued), &started), Some(message("start")), None).await;
    assert_eq!(begun.unwrap(), (Claimed::New, false));
    let stored = store.get(&queued.key()).await.unwrap().unwrap();
    assert_eq!((stored.status, stored.created_at), (RunStatus::Queued, at(10)));
    let waiting: Vec<_> = backend.heard().into_iter().filter_map(|change| change.waiting).collect();
    assert_eq!(waiting.len(), 1);
    assert!(store.deliveries(&queued.id).await.unwrap().is_empty());
}
