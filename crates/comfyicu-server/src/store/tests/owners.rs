//! Keys and their owners: whose a thing is, and what was used.

use super::*;
use crate::keys::KeyLimits;
use crate::usage::Day;

pub(super) async fn a_key_is_known_by_its_digest_and_a_secret_is_kept<B: Backend>() {
    let backend = B::default();
    let store = backend.open().await;
    assert!(!store.has_keys().await.unwrap());
    let limits = KeyLimits { requests_per_minute: Some(60), active_runs: Some(2), gpu_seconds: Some(3_600) };
    let (scopes, expires_at) = ("read".parse().unwrap(), Some(at(9)));
    let key = KeyRecord {
        scopes,
        expires_at,
        limits,
        ..KeyRecord::new("k1".to_owned(), Owner::local(), "ci", at(0))
    };
    let sha256 = Sha256Hex::of(b"key");
    store.insert_key(&key, &sha256).await.unwrap();
    assert!(store.has_keys().await.unwrap());
    let digest = KeyDigest { sha256, until: None, key: key.clone() };
    assert_eq!(store.digests().await.unwrap(), [digest]);
    store.note_used(vec![("k1".to_owned(), at(5)), ("k1".to_owned(), at(3))]).await.unwrap();
    assert_eq!(store.keys().await.unwrap(), [KeyRecord { last_used_at: Some(at(5)), ..key }]);
    assert_eq!(store.secret("signing", b"one").await.unwrap(), b"one");
    assert_eq!(store.secret("signing", b"two").await.unwrap(), b"one");
}

pub(super) async fn a_key_is_rotated_with_or_without_a_time_to_change_over_and_revoked_once<B: Backend>() {
    let backend = B::default();
    let store = backend.open().await;
    let [first, second, third] = [b"1", b"2", b"3"].map(|text| Sha256Hex::of(text));
    store.insert_key(&KeyRecord::new("k1".to_owned(), Owner::local(), "ci", at(0)), &first).await.unwrap();
    let known = async || {
        let digests = store.digests().await.unwrap();
        let mut known: Vec<_> = digests.into_iter().map(|digest| (digest.sha256, digest.until)).collect();
        known.sort_by_key(|(_, until)| *until);
        known
    };
    assert!(store.rotate_key("k1", &second, at(10), at(20)).await.unwrap());
    assert_eq!(known().await, [(second.clone(), None), (first, Some(at(20)))]);
    assert!(store.rotate_key("k1", &third, at(30), at(30)).await.unwrap());
    assert_eq!(known().await, [(third, None), (second, Some(at(30)))], "what has ended is gone");
    assert!(!store.rotate_key("k2", &Sha256Hex::of(b"x"), at(30), at(30)).await.unwrap());
    assert!(store.revoke_key("k1", at(40)).await.unwrap());
    assert!(!store.revoke_key("k1", at(41)).await.unwrap());
    assert_eq!(known().await, []);
    assert!(!store.rotate_key("k1", &Sha256Hex::of(b"x"), at(42), at(42)).await.unwrap(), "it stays revoked");
    assert_eq!(store.keys().await.unwrap()[0].revoked_at, Some(at(40)));
}

pub(super) async fn what_one_owner_has_is_not_there_for_another<B: Backend>() {
    let backend = B::default();
    let store = backend.open().await;
    let theirs = |run: RunRecord| RunRecord { owner: Owner::parse("other").unwrap(), ..run };
    store.insert(run("r1", "w1", 50).into(), None).await.unwrap();
    let other = theirs(run("r2", "w1", 20));
    store.insert(other.clone().into(), None).await.unwrap();
    let (ours, foreign) = (workflow("w1"), other.key().workflow());
    assert_eq!(ids(store.list(&ours, &query(10)).await.unwrap()), ["r1"]);
    assert_eq!(ids(store.list(&foreign, &query(10)).await.unwrap()), ["r2"]);
    let since = ListQuery { since: Some(at(20)), ..query(10) };
    assert_eq!(ids(store.list(&foreign, &since).await.unwrap()), ["r2"], "its time is its own");
    assert_eq!(store.get(&RunKey { owner: Owner::local(), ..other.key() }).await.unwrap(), None);
    assert_eq!(store.get_signed(&other.workflow_id, &other.id).await.unwrap(), Some(other.clone()));
    assert_eq!(store.workflows(&ours.owner, &query(10)).await.unwrap().items.len(), 1);
    assert_eq!(store.events(&Scope::Workflow(foreign), 0, 10).await.unwrap().len(), 1);
    let keys: Vec<_> =
        store.waiting_runs(0, 10).await.unwrap().into_iter().map(|run| run.key.owner.to_string()).collect();
    assert_eq!(keys, ["local", "other"]);
}

pub(super) async fn what_ended_runs_used_is_summed_up<B: Backend>() {
    let backend = B::default();
    let store = backend.open().await;
    let end = async |id: &str, key: Option<&str>, ended: i64| {
        let queued = RunRecord { api_key_id: key.map(str::to_owned), ..run(id, "w1", 0) };
        store.insert(queued.clone().into(), None).await.unwrap();
        let started = queued.start("CPU", at(ended - 100), LEASE).unwrap();
        store.change(&queued, &started, None).await.unwrap();
        let ended = started.finish(Outcome::Files(Vec::new()), Costs::default(), at(ended)).unwrap();
        store.change(&started, &ended, None).await.unwrap();
    };
    let key = KeyRecord::new("k1".to_owned(), Owner::local(), "ci", at(0));
    store.insert_key(&key, &Sha256Hex::of(b"key")).await.unwrap();
    let day = 86_400_000;
    end("r1", Some("k1"), day).await;
    end("r2", Some("k1"), day + 200).await;
    end("r3", None, day).await;
    end("r4", Some("k1"), 3 * day).await;
    let cancelled = run("r5", "w1", 0);
    store.insert(cancelled.clone().into(), None).await.unwrap();
    store.change(&cancelled, &cancelled.cancel(at(day)).unwrap(), None).await.unwrap();

    let days = UsageQuery { from: Day(1), to: Day(2), owner: None };
    let rows = store.usage(&days).await.unwrap();
    let seen: Vec<_> =
        rows.iter().map(|row| (row.key_name.as_deref(), row.completed, row.cancelled, row.gpu_ms)).collect();
    assert_eq!(seen, [(None, 1, 1, 100), (Some("ci"), 2, 0, 200)]);
    let nobodys = UsageQuery { owner: Some(Owner::parse("other").unwrap()), ..days };
    assert_eq!(store.usage(&nobodys).await.unwrap(), []);
}
