//! Services apart with accounts of their own in PostgreSQL and NATS, as the files of `deploy/` make them: they do their work,
//! and none of them reaches what is another's.

use async_nats::ConnectOptions;
use sanbao::role::Role;
use sanbao_platform::clock::Clock;
use sanbao_platform::testing::{TestEngine, eventually};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use crate::common::apart::{Apart, PASSWORD};
use crate::common::{self, flow};

/// A statement of each kind on another's data.
const FOREIGN: [&str; 4] =
    ["select * from {}.outbox", "delete from {}.outbox", "create table {}.mine (id int)", "drop schema {} cascade"];

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
    let (admin, desk) = (nobody.demo("admin").await, nobody.demo("desk").await);
    let agency = json!({ "kind": "home_care_agency", "name": "试用居家服务社", "name_en": "Trial home care" });
    admin.post("/v1/organisations", &agency).await.expect(201);
    eventually("the other service has heard of the agency", async || {
        let known = desk.get("/v1/agencies").await.expect(200);
        known.to_string().contains("试用居家服务社").then_some(())
    })
    .await;
    let (nurse, doctor) = (nobody.demo("nurse").await, nobody.demo("doctor").await);
    flow::scheduled_consult(&nobody, &nurse, &doctor).await;
    for role in Role::ALL {
        nothing_of_others_is_reached(&apart, *role).await;
    }
}
