//! `comfyicu-server keys create|list|revoke|rotate`.

use std::io::Write as _;

use comfyicu_model::Timestamp;
use comfyicu_model::json::{Object, Value};

use super::table::table;
use super::{CommandError, Data};
use crate::args::{CreateKey, KeysCommand, ListKeys, RevokeKey, RotateKey};
use crate::clock::{self, after};
use crate::hash::Sha256Hex;
use crate::keys::{KeyLimits, KeyRecord};
use crate::random;
use crate::store::KeyStore as _;

/// Does what is to be done with keys.
pub(crate) async fn run(command: KeysCommand) -> Result<(), CommandError> {
    match command {
        KeysCommand::Create(args) => create(args).await,
        KeysCommand::List(args) => list(&args).await,
        KeysCommand::Revoke(args) => revoke(&args).await,
        KeysCommand::Rotate(args) => rotate(&args).await,
    }
}

async fn create(args: CreateKey) -> Result<(), CommandError> {
    let now = clock::now();
    let expires_at = args.expires.map(|when| when.ahead_of(now));
    if let Some(ended) = expires_at.filter(|end| *end <= now) {
        return Err(CommandError::EndsInThePast(ended));
    }
    let data = Data::open_or_make(&args.place.data_dir).await?;
    let key = KeyRecord {
        scopes: args.scopes,
        expires_at,
        limits: KeyLimits {
            requests_per_minute: args.requests_per_minute.map(Into::into),
            active_runs: args.active_runs.map(Into::into),
            gpu_seconds: args.gpu_seconds,
        },
        ..KeyRecord::new(random::nanoid(), args.owner, args.name, now)
    };
    let text = random::api_key();
    data.store.insert_key(&key, &Sha256Hex::of(text.as_bytes())).await?;
    data.tell_of_keys()?;
    let told = format!("key {} of {}, for {}; shown only now:", key.id, key.owner, key.scopes);
    show(&text, &told, args.json.then(|| object(&key, now)))
}

/// Shows a new text: on stdout alone, so that it can be piped to where secrets are kept.
fn show(text: &str, told: &str, json: Option<Object>) -> Result<(), CommandError> {
    let mut stdout = std::io::stdout().lock();
    if let Some(mut object) = json {
        object.insert("key", text);
        writeln!(stdout, "{}", Value::from(object).to_json())?;
    } else {
        writeln!(std::io::stderr(), "{told}")?;
        writeln!(stdout, "{text}")?;
    }
    Ok(stdout.flush()?)
}

async fn list(args: &ListKeys) -> Result<(), CommandError> {
    let data = Data::open(&args.place.data_dir).await?;
    let mut keys = data.store.keys().await?;
    keys.retain(|key| args.owner.as_ref().is_none_or(|owner| *owner == key.owner));
    let now = clock::now();
    let text = if args.json {
        let keys: Vec<Object> = keys.iter().map(|key| object(key, now)).collect();
        Value::from(keys).to_json_pretty() + "\n"
    } else {
        let rows: Vec<_> = keys.iter().map(|key| row(key, now)).collect();
        table(["ID", "OWNER", "NAME", "SCOPES", "STATE", "CREATED", "EXPIRES", "LAST USE", "LIMITS"], &rows)
    };
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}

async fn revoke(args: &RevokeKey) -> Result<(), CommandError> {
    let data = Data::open(&args.place.data_dir).await?;
    if !data.store.revoke_key(&args.id, clock::now()).await? {
        return Err(CommandError::NoKey(args.id.clone()));
    }
    data.tell_of_keys()?;
    Ok(writeln!(std::io::stderr(), "key {} is revoked", args.id)?)
}

async fn rotate(args: &RotateKey) -> Result<(), CommandError> {
    let data = Data::open(&args.place.data_dir).await?;
    let (text, now) = (random::api_key(), clock::now());
    let until = after(now, args.grace);
    if !data.store.rotate_key(&args.id, &Sha256Hex::of(text.as_bytes()), now, until).await? {
        return Err(CommandError::NoKey(args.id.clone()));
    }
    data.tell_of_keys()?;
    let earlier = if args.grace.is_zero() {
        "the earlier text is not good any more".to_owned()
    } else {
        format!("the earlier text is good until {until}")
    };
    let id = Object::from_iter([("id", args.id.as_str())]);
    show(
        &text,
        &format!("key {}; {earlier}; the new one is shown only now:", args.id),
        args.json.then_some(id),
    )
}

/// What can be done with a key now.
fn state(key: &KeyRecord, now: Timestamp) -> &'static str {
    if key.revoked_at.is_some() {
        "revoked"
    } else if key.expires_at.is_some_and(|end| end <= now) {
        "expired"
    } else {
        "good"
    }
}

fn row(key: &KeyRecord, now: Timestamp) -> [String; 9] {
    let moment = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
    let limits = [
        key.limits.requests_per_minute.map(|count| format!("{count} requests/min")),
        key.limits.active_runs.map(|count| format!("{count} runs at once")),
        key.limits.gpu_seconds.map(|seconds| format!("{seconds} s/month")),
    ];
    let limits: Vec<_> = limits.into_iter().flatten().collect();
    [
        key.id.clone(),
        key.owner.to_string(),
        key.name.clone(),
        key.scopes.to_string(),
        state(key, now).to_owned(),
        key.created_at.to_string(),
        moment(key.expires_at),
        moment(key.last_used_at),
        if limits.is_empty() { "-".to_owned() } else { limits.join(", ") },
    ]
}

fn object(key: &KeyRecord, now: Timestamp) -> Object {
    let moment = |at: Option<Timestamp>| Value::from(at.map(|at| at.to_string()));
    Object::from_iter([
        ("id", Value::from(key.id.as_str())),
        ("owner", key.owner.as_str().into()),
        ("name", key.name.as_str().into()),
        ("scopes", key.scopes.to_string().split(',').collect::<Vec<_>>().into()),
        ("state", state(key, now).into()),
        ("created_at", key.created_at.to_string().into()),
        ("expires_at", moment(key.expires_at)),
        ("revoked_at", moment(key.revoked_at)),
        ("last_used_at", moment(key.last_used_at)),
        ("requests_per_minute", key.limits.requests_per_minute.map(u64::from).into()),
        ("active_runs", key.limits.active_runs.map(u64::from).into()),
        ("gpu_seconds", key.limits.gpu_seconds.into()),
    ])
}
