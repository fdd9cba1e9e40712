//! Services apart with accounts of their own in PostgreSQL and NATS, as the files of `deploy/` make them: they do their work,
//! and none of them reaches what is another's.

use async_nats::ConnectOptions;
use sanbao::role::Role;
use sanbao_platform::clock::Clock;
use sanbao_platform::testing::{TestEngine, eventually};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use crate::common::apart::{Apart, PASSWORD, as_account_of};
use crate::common::{self, flow};
use crate::roles::enter;
use crate::rooms_kept::{command, entries, succeeded};

/// A statement of each kind on another's data.
const FOREIGN: [&str; 4] =
    ["select * from {}.outbox", "delete from {}.outbox", "create table {}.mine (id int)", "drop schema {} cascade"];

/// How often needs-analysis knows the agency.
const KNOWN: &str = "select count(*) from needs_analysis.agency where name_zh = '试用居家服务社'";

async fn nothing_of_others_is_reached(apart: &Apart, role: Role) {
    let mut own = PgConnection::connect(&apart.url_of(role)).await.unwrap();
    for other in Role::ALL.iter().filter(|other| **other != role) {
        for statement in FOREIGN {
            let statement = statement.replace("{}", &other.name().replace('-', "_"));
            let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.clone())).execute(&mut own).await.unwrap_err();
            let code = refused.as_database_error().and_then(sqlx::error::DatabaseError::code);
            assert_eq!(code.as_deref(), Some("42501"), "{role:?} {statement}: insufficient_privilege");
        }
        let (said, subject) =
            (refusals(&apart.nats_of(role)).await, format!("sanbao.events.{}.invented", other.name()));
        let (client, mut refused) = said;
        client.publish(subject.clone(), "{}".into()).await.unwrap();
        client.flush().await.unwrap();
        let word = sanbao_platform::testing::patiently("the refusal", refused.recv()).await.unwrap();
        assert!(word.to_lowercase().contains("permissions violation"), "{role:?} {subject}: {word}");
    }
}

/// A connection, and what the server refuses on it.
async fn refusals(url: &str) -> (async_nats::Client, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let (told, refused) = tokio::sync::mpsc::unbounded_channel();
    let url: async_nats::ServerAddr = url.parse().unwrap();
    let name = url.username().unwrap().to_owned();
    let options = ConnectOptions::with_user_and_password(name, PASSWORD.to_owned()).event_callback(move |event| {
        let told = told.clone();
        async move {
            if let async_nats::Event::ServerError(error) = event {
                let _ = told.send(error.to_string());
            }
        }
    });
    (options.connect(url).await.unwrap(), refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_service_does_its_work_and_reaches_nothing_of_the_others() {
    let Some(apart) = Apart::new().await else { return };
    apart.write_secret();
    // The network has had one account so far.
    let parts = common::parts(&TestEngine::Postgres(apart.url.clone()), Clock::system()).await;
    sanbao::demo::fill(&parts).await.unwrap();
    parts.stores.close().await;
    let mut apart = apart.with_own_accounts().await;
    for role in Role::ALL {
        apart.start(*role).await;
    }
    let nobody = apart.site().await;
    let admin = nobody.demo("admin").await;
    let agency = json!({ "kind": "home_care_agency", "name_zh": "试用居家服务社", "name_en": "Trial home care" });
    admin.post("/v1/organisations", &agency).await.expect(201);
    let mut sql = apart.sql().await;
    eventually("the other service has heard of the agency", async || {
        let known: i64 = sqlx::query_scalar(KNOWN).fetch_one(&mut sql).await.unwrap();
        (known == 1).then_some(())
    })
    .await;
    let (nurse, doctor) = (nobody.demo("nurse").await, nobody.demo("doctor").await);
    let consult = flow::scheduled_consult(&nobody, &nurse, &doctor).await;
    apart.time_has_come(consult).await;
    // Both are in a room, which is in the log that only the relay may write and read.
    let relay = apart.base(Role::Signalling);
    let rooms = ["host", "clinician"].map(|role| enter(&relay, consult, role));
    futures_util::future::join_all(rooms).await;
    for role in Role::ALL {
        nothing_of_others_is_reached(&apart, *role).await;
    }
    rooms_are_carried(&apart).await;
}

/// The relay's account of NATS is enough for a backup of the rooms' logs, and to restore them.
async fn rooms_are_carried(apart: &Apart) {
    let Some(new) = Apart::new().await else { return };
    let (folder, nats) = (tempfile::tempdir().unwrap(), Apart::nats_with_accounts().await);
    let file = folder.path().join("backup");
    let said = succeeded(command("backup", &file, apart, Some(&apart.nats_of(Role::Signalling))));
    let read = entries(&said, " entries of rooms' logs are in it, too");
    assert!(read > 0, "{said}");
    let said = succeeded(command("restore", &file, &new, Some(&as_account_of(Role::Signalling, &nats))));
    assert_eq!(entries(&said, " entries of rooms' logs are in NATS again"), read);
}
