//! Who submits and cancels, whatever becomes of the server.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Answer, try_request};

/// How long a submitter rests between two runs.
const PAUSE: Duration = Duration::from_millis(120);
/// How long it waits before it asks a server again that did not answer.
const RETRY: Duration = Duration::from_millis(5);

/// Numbers that look random, the same for the same seed.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below a bound.
    pub(super) const fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What is known of an accepted run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Accepted {
    /// Whether it has a webhook.
    pub(super) is_told: bool,
    /// Whether it was asked to end.
    pub(super) is_cancelled: bool,
}

/// The load on the server, and what it promised.
#[derive(Debug)]
pub(super) struct Load {
    base_url: Mutex<String>,
    webhook: String,
    accepted: Mutex<BTreeMap<String, Accepted>>,
    keys: AtomicUsize,
    stopped: AtomicBool,
}

impl Load {
    pub(super) fn new(base_url: &str, webhook: String) -> Self {
        let base_url = Mutex::new(base_url.to_owned());
        let (accepted, keys, stopped) = (Mutex::default(), AtomicUsize::default(), AtomicBool::default());
        Self { base_url, webhook, accepted, keys, stopped }
    }

    /// The server has another address now.
    pub(super) fn moved_to(&self, base_url: &str) {
        base_url.clone_into(&mut lock(&self.base_url));
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    /// Each run whose id was answered.
    pub(super) fn accepted(&self) -> BTreeMap<String, Accepted> {
        lock(&self.accepted).clone()
    }

    /// Submits run after run, each with a key of its own and until it is answered, and cancels some.
    pub(super) fn submit_until_stopped(&self, mut random: Random) {
        while !self.stopped.load(Ordering::SeqCst) {
            let (is_told, is_large) = (random.below(2) == 0, random.below(4) == 0);
            let key = format!("key-{}", self.keys.fetch_add(1, Ordering::SeqCst));
            let body = self.body(is_told, is_large).to_string();
            let answer = self.ask("/workflows/default/runs", &[("idempotency-key", &key)], &body);
            let created: Value = answer.expect_status(200).json();
            let id = created["id"].as_str().expect("an id").to_owned();
            let is_cancelled = random.below(6) == 0;
            lock(&self.accepted).insert(id.clone(), Accepted { is_told, is_cancelled });
            if is_cancelled {
                thread::sleep(Duration::from_millis(random.below(40)));
                let path = format!("/workflows/default/runs/{id}/cancel");
                let run = self.ask(&path, &[], "").expect_status(200).json();
                assert!(!run["completed_at"].is_null(), "not ended by a cancel: {run}");
            }
            thread::sleep(PAUSE);
        }
    }

    /// Asks until there is an answer.
    fn ask(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        loop {
            let url = format!("{}/api/v1{path}", *lock(&self.base_url));
            match try_request("POST", &url, headers, body.as_bytes()) {
                Ok(answer) => return answer,
                Err(_) => thread::sleep(RETRY),
            }
        }
    }

    /// A run of one small image, or of four larger ones, which a kill finds half-made.
    fn body(&self, is_told: bool, is_large: bool) -> Value {
        let (side, batch) = if is_large { (768, 4) } else { (32, 1) };
        let webhook = if is_told { json!(self.webhook) } else { Value::Null };
        json!({
            "prompt": {
                "1": {"class_type": "EmptyImage", "inputs": {"width": side, "height": side, "batch_size": batch, "color": 3_368_601}},
                "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
                "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "chaos/made"}}
            },
            "webhook": webhook
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
