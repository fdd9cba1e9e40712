//! A record that is about to lead on to another, on a server: those who write of its person meanwhile must wait and look again.

use sanbao_platform::db::{Db, Engine, Tx};
use sanbao_platform::testing::until;
use uuid::Uuid;

const HOLD: &str = "select id from person where id = $1 or id = $2 order by id for update";
const LEAD_ON: &str = "update person set merged_into = $2, version = version + 1 where id = $1";
const OWN_PID: &str = "select pg_backend_pid()";
const WAITING: &str = "select count(*) from pg_stat_activity where $1 = any(pg_blocking_pids(pid))";

/// The transaction of a join or of a hand-over, which holds both records.
pub struct LeadingOn {
    tx: Tx,
    pid: i32,
    of: (Uuid, Uuid),
}

impl LeadingOn {
    /// `from` leads on to `to` soon.
    pub async fn begun(db: &Db, from: Uuid, to: Uuid) -> Self {
        let mut tx = db.begin().await.unwrap();
        let Engine::Postgres(c) = tx.engine() else { panic!("a server's rows alone are held") };
        sqlx::query(HOLD).bind(from).bind(to).execute(&mut *c).await.unwrap();
        let pid = sqlx::query_scalar(OWN_PID).fetch_one(c).await.unwrap();
        Self { tx, pid, of: (from, to) }
    }

    /// It does as soon as somebody waits for it.
    pub async fn when_waited_for(mut self, db: &Db) {
        until("somebody waits for the record", async || {
            let mut conn = db.read().await.unwrap();
            let Engine::Postgres(c) = conn.engine() else { return false };
            sqlx::query_scalar::<_, i64>(WAITING).bind(self.pid).fetch_one(c).await.unwrap() > 0
        })
        .await;
        let Engine::Postgres(c) = self.tx.engine() else { return };
        sqlx::query(LEAD_ON).bind(self.of.0).bind(self.of.1).execute(c).await.unwrap();
        self.tx.commit().await.unwrap();
    }
}
