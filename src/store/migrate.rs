//! Migrations: forward only, run at start.

use std::sync::Arc;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr, SqlitePool};

use super::StoreError;

const MIGRATIONS: [(i64, &str, &str); 18] = [
    (1, "verification", include_str!("../../migrations/sqlite/0001_verification.sql")),
    (2, "access log tree", include_str!("../../migrations/sqlite/0002_access_log_tree.sql")),
    (3, "policy pack", include_str!("../../migrations/sqlite/0003_policy_pack.sql")),
    (4, "client", include_str!("../../migrations/sqlite/0004_client.sql")),
    (5, "verification division", include_str!("../../migrations/sqlite/0005_verification_division.sql")),
    (6, "authorisation", include_str!("../../migrations/sqlite/0006_authorisation.sql")),
    (7, "erasure", include_str!("../../migrations/sqlite/0007_erasure.sql")),
    (10, "cosigned head", include_str!("../../migrations/sqlite/0010_cosigned_head.sql")),
    (11, "alert", include_str!("../../migrations/sqlite/0011_alert.sql")),
    (12, "sample", include_str!("../../migrations/sqlite/0012_sample.sql")),
    (13, "two persons", include_str!("../../migrations/sqlite/0013_two_persons.sql")),
    (14, "notice and clock", include_str!("../../migrations/sqlite/0014_notice_and_clock.sql")),
    (15, "sealing key", include_str!("../../migrations/sqlite/0015_sealing_key.sql")),
    (16, "adapter", include_str!("../../migrations/sqlite/0016_adapter.sql")),
    (17, "adapter counter", include_str!("../../migrations/sqlite/0017_adapter_counter.sql")),
    (18, "usage", include_str!("../../migrations/sqlite/0018_usage.sql")),
    (19, "follow-up", include_str!("../../migrations/sqlite/0019_follow_up.sql")),
    (21, "asked under", include_str!("../../migrations/sqlite/0021_asked_under.sql")),
];

/// Brings the database to the newest form.
pub(super) async fn run(pool: &SqlitePool) -> Result<(), StoreError> {
    let migration = |(version, name, statements): (i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, statements.into_sql_str(), false)
    };
    let migrations = MIGRATIONS.into_iter().map(migration).collect();
    Migrator::with_migrations(migrations).run(pool).await.map_err(|error| StoreError::Migration(Arc::new(error)))
}
