//! Keys and secrets in SQLite.

use std::fmt;

use async_trait::async_trait;
use comfyicu_model::Timestamp;

use super::writer::{Changes, Operation};
use super::{SqliteStore, StoreError, rows};
use crate::hash::Sha256Hex;
use crate::keys::{KeyDigest, KeyRecord};
use crate::store::KeyStore;

#[async_trait]
impl KeyStore for SqliteStore {
    async fn has_keys(&self) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM api_keys)").fetch_one(&self.readers).await?)
    }

    async fn insert_key(&self, key: &KeyRecord, sha256: &Sha256Hex) -> Result<(), StoreError> {
        self.write(InsertKey { key: key.clone(), sha256: sha256.clone() }).await
    }

    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        let rows =
            sqlx::query("SELECT * FROM api_keys ORDER BY created_at, id").fetch_all(&self.readers).await?;
        rows.iter().map(rows::api_key).collect()
    }

    async fn digests(&self) -> Result<Vec<KeyDigest>, StoreError> {
        let rows = sqlx::query(
            "SELECT api_keys.*, sha256, api_key_digests.expires_at AS until
             FROM api_key_digests JOIN api_keys ON id = key_id WHERE revoked_at IS NULL",
        )
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(rows::key_digest).collect()
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

#[async_trait]
impl Operation for InsertKey {
    type Output = ();

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        let key = &self.key;
        sqlx::query(
            "INSERT INTO api_keys (id, owner, name, scopes, created_at, expires_at, requests_per_minute, active_runs, gpu_seconds)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&key.id)
        .bind(key.owner.as_str())
        .bind(&key.name)
        .bind(key.scopes.to_string())
        .bind(key.created_at.as_unix_millis())
        .bind(key.expires_at.map(Timestamp::as_unix_millis))
        .bind(key.limits.requests_per_minute)
        .bind(key.limits.active_runs)
        .bind(key.limits.gpu_seconds.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX)))
        .execute(&mut *changes.connection)
        .await?;
        insert_digest(changes, &key.id, &self.sha256, key.created_at).await
    }
}

async fn insert_digest(
    changes: &mut Changes<'_>,
    id: &str,
    sha256: &Sha256Hex,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO api_key_digests (sha256, key_id, created_at) VALUES (?, ?, ?)")
        .bind(sha256.as_str())
        .bind(id)
        .bind(now.as_unix_millis())
        .execute(&mut *changes.connection)
        .await?;
    Ok(())
}

#[derive(Debug)]
struct RevokeKey {
    id: String,
    now: Timestamp,
}

#[async_trait]
impl Operation for RevokeKey {
    type Output = bool;

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<bool, StoreError> {
        let revoked = sqlx::query("UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL")
            .bind(self.now.as_unix_millis())
            .bind(&self.id)
            .execute(&mut *changes.connection)
            .await?;
        sqlx::query("DELETE FROM api_key_digests WHERE key_id = ?")
            .bind(&self.id)
            .execute(&mut *changes.connection)
            .await?;
        Ok(revoked.rows_affected() == 1)
    }
}

#[derive(Debug)]
struct RotateKey {
    id: String,
    fresh: Sha256Hex,
    now: Timestamp,
    earlier_until: Timestamp,
}

#[async_trait]
impl Operation for RotateKey {
    type Output = bool;

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<bool, StoreError> {
        let is_there: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM api_keys WHERE id = ? AND revoked_at IS NULL)")
                .bind(&self.id)
                .fetch_one(&mut *changes.connection)
                .await?;
        if !is_there {
            return Ok(false);
        }
        sqlx::query("DELETE FROM api_key_digests WHERE key_id = ? AND expires_at <= ?")
            .bind(&self.id)
            .bind(self.now.as_unix_millis())
            .execute(&mut *changes.connection)
            .await?;
        sqlx::query(
            "UPDATE api_key_digests SET expires_at = MIN(?1, COALESCE(expires_at, ?1)) WHERE key_id = ?2",
        )
        .bind(self.earlier_until.as_unix_millis())
        .bind(&self.id)
        .execute(&mut *changes.connection)
        .await?;
        insert_digest(changes, &self.id, &self.fresh, self.now).await?;
        Ok(true)
    }
}

#[derive(Debug)]
struct NoteUsed(Vec<(String, Timestamp)>);

#[async_trait]
impl Operation for NoteUsed {
    type Output = ();

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        for (id, at) in &self.0 {
            sqlx::query(
                "UPDATE api_keys SET last_used_at = MAX(?1, COALESCE(last_used_at, ?1)) WHERE id = ?2",
            )
            .bind(at.as_unix_millis())
            .bind(id)
            .execute(&mut *changes.connection)
            .await?;
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

#[async_trait]
impl Operation for KeepSecret {
    type Output = Vec<u8>;

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<Vec<u8>, StoreError> {
        sqlx::query("INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING")
            .bind(&self.name)
            .bind(&self.fresh)
            .execute(&mut *changes.connection)
            .await?;
        Ok(sqlx::query_scalar("SELECT value FROM secrets WHERE name = ?")
            .bind(&self.name)
            .fetch_one(&mut *changes.connection)
            .await?)
    }
}
