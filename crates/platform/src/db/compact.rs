//! Writing a whole database anew, so that nothing that was deleted is left in a page of it.

use super::{Db, DbError, Inner};

impl Db {
    /// Writes everything anew: takes as long as copying it, and keeps writers out meanwhile.
    pub async fn compact(&self) -> Result<(), DbError> {
        match &self.engine {
            Inner::Sqlite(db) => db.compact().await,
            // Tables of other accounts are passed over.
            Inner::Postgres(pool) => Ok(sqlx::raw_sql("vacuum full").execute(pool).await.map(drop)?),
        }
    }
}
