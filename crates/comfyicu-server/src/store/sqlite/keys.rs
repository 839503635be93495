//! Keys and secrets in SQLite.

use std::fmt;

use async_trait::async_trait;
use comfyicu_model::Timestamp;
use rusqlite::params;

use super::writer::{Changes, Operation};
use super::{SqliteStore, StoreError, rows, statement};
use crate::hash::Sha256Hex;
use crate::keys::{KeyDigest, KeyRecord};
use crate::store::KeyStore;

#[async_trait]
impl KeyStore for SqliteStore {
    async fn has_keys(&self) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM api_keys)";
        self.read(move |connection| statement::value(connection, sql, ())).await
    }

    async fn insert_key(&self, key: &KeyRecord, sha256: &Sha256Hex) -> Result<(), StoreError> {
        self.write(InsertKey { key: key.clone(), sha256: sha256.clone() }).await
    }

    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        let sql = "SELECT * FROM api_keys ORDER BY created_at, id";
        self.read(move |connection| statement::rows(connection, sql, (), rows::api_key)).await
    }

    async fn digests(&self) -> Result<Vec<KeyDigest>, StoreError> {
        let sql = "SELECT api_keys.*, sha256, api_key_digests.expires_at AS until
                   FROM api_key_digests JOIN api_keys ON id = key_id WHERE revoked_at IS NULL";
        self.read(move |connection| statement::rows(connection, sql, (), rows::key_digest)).await
    }

    async fn revoke_key(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.write(RevokeKey { id: id.to_owned(), now }).await
    }

    async fn rotate_key(
        &self,
        id: &str,
        fresh: &Sha256Hex,
        now: Timestamp,
        earlier_until: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(RotateKey { id: id.to_owned(), fresh: fresh.clone(), now, earlier_until }).await
    }

    async fn note_used(&self, uses: Vec<(String, Timestamp)>) -> Result<(), StoreError> {
        self.write(NoteUsed(uses)).await
    }

    async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.write(KeepSecret { name: name.to_owned(), fresh: fresh.to_vec() }).await
    }
}

#[derive(Debug)]
struct InsertKey {
    key: KeyRecord,
    sha256: Sha256Hex,
}

impl Operation for InsertKey {
    type Output = ();

    fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        let key = &self.key;
        statement::execute(
            changes.connection,
            "INSERT INTO api_keys (id, owner, name, scopes, created_at, expires_at, requests_per_minute, active_runs, gpu_seconds)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                key.id,
                key.owner.as_str(),
                key.name,
                key.scopes.to_string(),
                key.created_at.as_unix_millis(),
                key.expires_at.map(Timestamp::as_unix_millis),
                key.limits.requests_per_minute,
                key.limits.active_runs,
                key.limits.gpu_seconds.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX)),
            ],
        )?;
        insert_digest(changes, &key.id, &self.sha256, key.created_at)
    }
}

fn insert_digest(
    changes: &Changes<'_>,
    id: &str,
    sha256: &Sha256Hex,
    now: Timestamp,
) -> Result<(), StoreError> {
    statement::execute(
        changes.connection,
        "INSERT INTO api_key_digests (sha256, key_id, created_at) VALUES (?, ?, ?)",
        params![sha256.as_str(), id, now.as_unix_millis()],
    )?;
    Ok(())
}

#[derive(Debug)]
struct RevokeKey {
    id: String,
    now: Timestamp,
}

impl Operation for RevokeKey {
    type Output = bool;

    fn apply(&self, changes: &mut Changes<'_>) -> Result<bool, StoreError> {
        let revoked = statement::execute(
            changes.connection,
            "UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
            params![self.now.as_unix_millis(), self.id],
        )?;
        statement::execute(changes.connection, "DELETE FROM api_key_digests WHERE key_id = ?", [&self.id])?;
        Ok(revoked == 1)
    }
}

#[derive(Debug)]
struct RotateKey {
    id: String,
    fresh: Sha256Hex,
    now: Timestamp,
    earlier_until: Timestamp,
}

impl Operation for RotateKey {
    type Output = bool;

    fn apply(&self, changes: &mut Changes<'_>) -> Result<bool, StoreError> {
        let is_there: bool = statement::value(
            changes.connection,
            "SELECT EXISTS (SELECT 1 FROM api_keys WHERE id = ? AND revoked_at IS NULL)",
            [&self.id],
        )?;
        if !is_there {
            return Ok(false);
        }
        statement::execute(
            changes.connection,
            "DELETE FROM api_key_digests WHERE key_id = ? AND expires_at <= ?",
            params![self.id, self.now.as_unix_millis()],
        )?;
        statement::execute(
            changes.connection,
            "UPDATE api_key_digests SET expires_at = MIN(?1, COALESCE(expires_at, ?1)) WHERE key_id = ?2",
            params![self.earlier_until.as_unix_millis(), self.id],
        )?;
        insert_digest(changes, &self.id, &self.fresh, self.now)?;
        Ok(true)
    }
}

#[derive(Debug)]
struct NoteUsed(Vec<(String, Timestamp)>);

impl Operation for NoteUsed {
    type Output = ();

    fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        for (id, at) in &self.0 {
            statement::execute(
                changes.connection,
                "UPDATE api_keys SET last_used_at = MAX(?1, COALESCE(last_used_at, ?1)) WHERE id = ?2",
                params![at.as_unix_millis(), id],
            )?;
        }
        Ok(())
    }
}

struct KeepSecret {
    name: String,
    fresh: Vec<u8>,
}

impl fmt::Debug for KeepSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeepSecret({})", self.name)
    }
}

impl Operation for KeepSecret {
    type Output = Vec<u8>;

    fn apply(&self, changes: &mut Changes<'_>) -> Result<Vec<u8>, StoreError> {
        statement::execute(
            changes.connection,
            "INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
            params![self.name, self.fresh],
        )?;
        statement::value(changes.connection, "SELECT value FROM secrets WHERE name = ?", [&self.name])
    }
}
