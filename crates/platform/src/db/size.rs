//! The size of a service's database, for those who look after the disk.

use super::{Db, DbError, Engine};

const BYTES_SQLITE: &str = "select page_count * page_size from pragma_page_count(), pragma_page_size()";
const BYTES_POSTGRES: &str = "select cast(coalesce(sum(pg_total_relation_size(c.oid)), 0) as bigint) from pg_class c
    where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'";

impl Db {
    /// The bytes of its file, or of the tables and indexes of its schema.
    pub async fn bytes(&self) -> Result<u64, DbError> {
        let mut conn = self.read().await?;
        let bytes: i64 = match conn.engine() {
            Engine::Sqlite(c) => sqlx::query_scalar(BYTES_SQLITE).fetch_one(c).await?,
            Engine::Postgres(c) => sqlx::query_scalar(BYTES_POSTGRES).fetch_one(c).await?,
        };
        Ok(bytes.unsigned_abs())
    }
}
