//! Keys and secrets in SQLite.

use async_trait::async_trait;
use comfyicu_model::Timestamp;

use super::{SqliteStore, StoreError};
use crate::hash::Sha256Hex;
use crate::store::KeyStore;

#[async_trait]
impl KeyStore for SqliteStore {
    async fn has_keys(&self) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM api_keys)").fetch_one(&self.readers).await?)
    }

    async fn insert_key(&self, id: &str, digest: &Sha256Hex, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO api_keys (id, sha256, created_at) VALUES (?, ?, ?)")
            .bind(id)
            .bind(digest.as_str())
            .bind(now.as_unix_millis())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn key_id(&self, digest: &Sha256Hex) -> Result<Option<String>, StoreError> {
        let id = sqlx::query_scalar("SELECT id FROM api_keys WHERE sha256 = ?")
            .bind(digest.as_str())
            .fetch_optional(&self.readers)
            .await?;
        Ok(id)
    }

    async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, StoreError> {
        sqlx::query("INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(fresh)
            .execute(&self.writer)
            .await?;
        Ok(sqlx::query_scalar("SELECT value FROM secrets WHERE name = ?")
            .bind(name)
            .fetch_one(&self.writer)
            .await?)
    }
}
