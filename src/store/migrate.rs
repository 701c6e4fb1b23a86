//! Migrations: forward only, run at start.

use std::sync::Arc;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr, SqlitePool};

use super::StoreError;

/// Brings the database to the newest form.
pub(super) async fn run(pool: &SqlitePool) -> Result<(), StoreError> {
    let migrations = vec![Migration::new(
        1,
        "verification".into(),
        MigrationType::Simple,
        include_str!("../../migrations/sqlite/0001_verification.sql").into_sql_str(),
        false,
    )];
    Migrator::with_migrations(migrations).run(pool).await.map_err(|error| StoreError::Migration(Arc::new(error)))
}
