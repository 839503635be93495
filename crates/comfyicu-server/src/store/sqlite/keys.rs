//! Keys and secrets in SQLite.

use std::fmt;

use async_trait::async_trait;
use comfyicu_model::Timestamp;

use super::writer::{Changes, Operation};
use super::{SqliteStore, StoreError};
use crate::hash::Sha256Hex;
use crate::store::KeyStore;

#[async_trait]
impl KeyStore for SqliteStore {
    async fn has_keys(&self) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM api_keys)").fetch_one(&self.readers).await?)
    }

    async fn insert_key(&self, id: &str, digest: &Sha256Hex, now: Timestamp) -> Result<(), StoreError> {
        self.write(InsertKey { id: id.to_owned(), digest: digest.clone(), now }).await
    }

    async fn key_id(&self, digest: &Sha256Hex) -> Result<Option<String>, StoreError> {
        let id = sqlx::query_scalar("SELECT id FROM api_keys WHERE sha256 = ?")
            .bind(digest.as_str())
            .fetch_optional(&self.readers)
            .await?;
        Ok(id)
    }

    async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.write(KeepSecret { name: name.to_owned(), fresh: fresh.to_vec() }).await
    }
}

#[derive(Debug)]
struct InsertKey {
    id: String,
    digest: Sha256Hex,
    now: Timestamp,
}

#[async_trait]
impl Operation for InsertKey {
    type Output = ();

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO api_keys (id, sha256, created_at) VALUES (?, ?, ?)")
            .bind(&self.id)
            .bind(self.digest.as_str())
            .bind(self.now.as_unix_millis())
            .execute(&mut *changes.connection)
            .await?;
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
