//! Packs by digest, kept so that any verdict can be made again with the pack it was made with.

use super::writer::Write;
use super::{Store, StoreError};

impl Store {
    /// Keeps a pack. Keeping it again changes nothing: the digest names the content.
    pub async fn keep_pack(&self, digest: String, body: String) -> Result<(), StoreError> {
        self.write(|reply| Write::Pack { digest, body, reply }).await
    }

    /// The pack of this digest.
    pub async fn pack(&self, digest: &str) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar("-- store::pack::by_digest\nSELECT body FROM pack WHERE digest = $1")
            .bind(digest)
            .fetch_optional(&self.read)
            .await?)
    }
}
