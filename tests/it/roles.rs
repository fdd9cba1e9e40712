//! Three processes of the binary, one a service, with PostgreSQL and a real nats-server between them: each is
//! killed (SIGKILL) in turn under load and started again, and every event takes effect exactly once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use sanbao::compose;
use sanbao::role::Role;
use sanbao_platform::auth::{Keys, Scope};
use sanbao_platform::bus::publish;
use sanbao_platform::clock::Clock;
use sanbao_platform::config::RootSecret;
use sanbao_platform::db::Db;
use sanbao_platform::id::uuid_v7;
use sanbao_platform::testing::{TestEngine, eventually, patiently, until};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use uuid::Uuid;

use crate::common::apart::{Apart, ROOT};
use crate::common::flow::Dispatchers;
use crate::common::nats::NatsServer;
use crate::common::{self, Client, flow};

const CONSULTS: usize = 6;
/// How long the network is used with everything up, and with one of it down.
const UP_MS: u64 = 900;
const DOWN_MS: u64 = 500;

/// The parts of a network in one process, on the same database: the demo is filled by them.
pub async fn parts_on(url: &str) -> compose::Parts {
    common::parts(&TestEngine::Postgres(url.to_owned()), Clock::system()).await
}

/// The demo's services, each a process, and their visitor; `None` when PostgreSQL and NATS were left out on purpose.
pub async fn demo_apart() -> Option<(Apart, Client)> {
    let mut apart = Apart::new().await?;
    apart.write_secret();
    sanbao::demo::fill(&parts_on(&apart.url).await).await.unwrap();
    for role in Role::ALL {
        apart.start(*role).await;
    }
    let nobody = apart.site().await;
    Some((apart, nobody))
}

/// The answer's body; nothing when somebody on the way was down. Any other answer than `expected` is a fault.
async fn try_post(client: &Client, path: &str, body: &Value, expected: u16) -> Option<Value> {
    let response = client.request("post", path).json(body).send().await.ok()?;
    let status = response.status().as_u16();
    let text = response.text().await.ok()?;
    if status == 502 || status == 503 {
        return None;
    }
    assert_eq!(status, expected, "{path}: {text}");
    serde_json::from_str(&text).ok()
}

/// The work that were acknowledged while the network was used.
#[derive(Default)]
struct Acknowledged {
    accepted: Mutex<BTreeSet<String>>,
    agencies: Mutex<BTreeSet<String>>,
    said: Mutex<usize>,
}

impl Acknowledged {
    /// Whether so much was done that nothing lost means something.
    fn is_much(&self) -> bool {
        let (accepted, agencies) = (self.accepted.lock().unwrap().len(), self.agencies.lock().unwrap().len());
        accepted > 10 && agencies > 10 && *self.said.lock().unwrap() > 50
    }
}

/// Requests are taken down, sent to the agency and accepted: needs-analysis tells booking.
async fn requests(dispatchers: Dispatchers, agency: String, done: Arc<Acknowledged>, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::SeqCst) {
        let lived = async {
            let request = try_post(&dispatchers.desk, "/v1/requests", &flow::new_request("助浴"), 201).await?;
            let id = flow::text(&request, "/id");
            for (step, body) in
                [("triage", json!({})), ("dispatch", json!({ "agency_id": agency })), ("accept", json!({}))]
            {
                try_post(dispatchers.taking(step), &format!("/v1/requests/{id}/{step}"), &body, 200).await?;
            }
            done.accepted.lock().unwrap().insert(id);
            Some(())
        };
        if lived.await.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Agencies are registered: booking tells needs-analysis.
async fn agencies(admin: Client, done: Arc<Acknowledged>, stop: Arc<AtomicBool>) {
    for n in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let body = json!({ "kind": "home_care_agency", "name_zh": format!("机构{n}"), "name_en": format!("Agency {n}"),
            "area_code": "330211001" });
        match try_post(&admin, "/v1/organisations", &body, 201).await {
            Some(made) => drop(done.agencies.lock().unwrap().insert(flow::text(&made, "/id"))),
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Consults begin and end: the relay's log tells booking. Written as a node of the relay writes it, for its rooms
/// are not what is tried here.
async fn meetings(relay: Db, consults: Vec<Uuid>, done: Arc<Acknowledged>, stop: Arc<AtomicBool>) {
    let kinds = ["signalling.consult.started", "signalling.consult.finished"];
    for turn in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        // All of them begin before the first ends, and so on again: what is said twice changes nothing.
        let (kind, id) = (kinds[turn / consults.len() % kinds.len()], consults[turn % consults.len()]);
        let now = Clock::system().now();
        let mut tx = relay.begin().await.unwrap();
        publish(&mut tx, now, kind, id, &json!({ "consult_id": id, "at": now })).await.unwrap();
        tx.commit().await.unwrap();
        *done.said.lock().unwrap() += 1;
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}

/// A line to the relay.
pub type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// Somebody enters the consult's room at the relay.
pub async fn enter(address: &str, consult: Uuid, role: &str) -> Socket {
    enter_with(address, consult, role, uuid_v7(Clock::system().now())).await
}

/// The same with a ticket of that id.
async fn enter_with(address: &str, consult: Uuid, role: &str, jti: Uuid) -> Socket {
    let keys: Keys = RootSecret::from_bytes(ROOT).keys().unwrap();
    let now = Clock::system().now();
    let claims = json!({ "consult": consult, "sub": Uuid::from_u128(u128::from(role.len() as u64)), "name": role,
        "role": role, "lobby": false });
    let scope =
        Scope { purpose: "ticket", audience: "signalling", not_before: now, expires: now + chrono::Duration::hours(1) };
    let ticket = keys.sign_as(jti, scope, now, &claims).unwrap();
    let mut request = format!("{}/v1/signal", address.replace("http", "ws")).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "sanbao.signal.v1".parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let device = format!("device-of-the-{role:->12}");
    let hello = json!({ "type": "hello", "v": 1, "device": device, "ticket": ticket });
    socket.send(hello.to_string().into()).await.unwrap();
    let joined = async {
        loop {
            let message = socket.next().await.unwrap().unwrap();
            let heard: Value = serde_json::from_str(message.to_text().unwrap_or("{}")).unwrap_or_default();
            assert_ne!(heard["type"], "error", "{heard}");
            match heard["type"].as_str() {
                Some("welcome") => {
                    let join = json!({ "type": "join", "seq": 1, "audio": true, "video": true });
                    socket.send(join.to_string().into()).await.unwrap();
                }
                Some("joined") => return,
                _ => {}
            }
        }
    };
    patiently("joined", joined).await;
    socket
}

/// The events that each consumer lacks, those that it has and nobody published, and how many it took.
async fn differences(sql: &mut PgConnection, parts: &compose::Parts) -> (Vec<String>, i64) {
    let (mut found, mut taken) = (Vec::new(), 0);
    let schema = |name: &str| Role::ALL.iter().find(|r| r.name() == name).unwrap().schema();
    for service in compose::services(parts).unwrap() {
        for consumer in &service.consumers {
            let (own, publisher) = (schema(service.name), schema(consumer.publisher));
            let query = format!(
                "select
                    (select count(*) from {publisher}.outbox o where o.kind = any($1) and not exists
                        (select 1 from {own}.inbox i where i.consumer = $2 and i.event_id = o.event_id)),
                    (select count(*) from {own}.inbox i where i.consumer = $2 and not exists
                        (select 1 from {publisher}.outbox o where i.event_id = o.event_id)),
                    (select count(*) from {own}.inbox i where i.consumer = $2),
                    (select count(*) from {own}.parked_event p where p.consumer = $2)"
            );
            let kinds: Vec<String> = consumer.kinds.iter().map(|read| read.kind.to_owned()).collect();
            let row: (i64, i64, i64, i64) = sqlx::query_as(AssertSqlSafe(query))
                .bind(kinds)
                .bind(consumer.name)
                .fetch_one(&mut *sql)
                .await
                .unwrap();
            if (row.0, row.1, row.3) != (0, 0, 0) {
                found.push(format!("{}: {} missing, {} unknown, {} parked", consumer.name, row.0, row.1, row.3));
            }
            taken += row.2;
        }
    }
    (found, taken)
}

pub async fn settled(apart: &Apart, parts: &compose::Parts) -> i64 {
    let mut sql = apart.sql().await;
    let mut last = Vec::new();
    eventually("every event has taken effect", async || {
        let (differences, taken) = differences(&mut sql, parts).await;
        if differences != last {
            eprintln!("still differing: {differences:?}");
            last.clone_from(&differences);
        }
        differences.is_empty().then_some(taken)
    })
    .await
}

/// Kills and restarts everything in turn; the network is used all the while.
async fn through_all_deaths(apart: &mut Apart) {
    for role in Role::ALL {
        tokio::time::sleep(Duration::from_millis(UP_MS)).await;
        apart.kill(*role);
        tokio::time::sleep(Duration::from_millis(DOWN_MS)).await;
        apart.start(*role).await;
    }
    tokio::time::sleep(Duration::from_millis(UP_MS)).await;
    apart.nats.kill();
    tokio::time::sleep(Duration::from_millis(DOWN_MS)).await;
    apart.nats.restart().await;
    tokio::time::sleep(Duration::from_millis(UP_MS)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_killed_under_load_and_every_event_takes_effect_once() {
    let Some((mut apart, nobody)) = demo_apart().await else { return };
    let (nurse, doctor) = (nobody.demo("nurse").await, nobody.demo("doctor").await);
    let (admin, dispatchers) = (nobody.demo("admin").await, Dispatchers::of(&nobody).await);
    let agency = flow::organisation(&nobody, "home_care_agency").await;
    let mut consults = Vec::new();
    for _ in 0..CONSULTS {
        let consult = flow::scheduled_consult(&nobody, &nurse, &doctor).await;
        apart.time_has_come(consult).await;
        consults.push(consult);
    }
    let done = Arc::new(Acknowledged::default());
    let stop = Arc::new(AtomicBool::new(false));
    let relay = Db::open(&apart.url, Role::Signalling.schema()).await.unwrap();
    let mut users = vec![
        tokio::spawn(agencies(admin, Arc::clone(&done), Arc::clone(&stop))),
        tokio::spawn(meetings(relay, consults.clone(), Arc::clone(&done), Arc::clone(&stop))),
    ];
    for _ in 0..4 {
        let (dispatchers, agency) = (dispatchers.clone(), agency.clone());
        users.push(tokio::spawn(requests(dispatchers, agency, Arc::clone(&done), Arc::clone(&stop))));
    }
    through_all_deaths(&mut apart).await;
    until("the load is so large that it means something", async || done.is_much()).await;
    stop.store(true, Ordering::SeqCst);
    for user in users {
        user.await.unwrap();
    }
    let taken = settled(&apart, &parts_on(&apart.url).await).await;
    let mut sql = apart.sql().await;
    let accepted = done.accepted.lock().unwrap().clone();
    let visits: Vec<(Uuid, i64)> =
        sqlx::query_as("select request_id, count(*) from booking.visit group by 1").fetch_all(&mut sql).await.unwrap();
    assert!(visits.iter().all(|(_, n)| *n == 1), "an order was made twice");
    let visited: BTreeSet<String> = visits.iter().map(|(id, _)| id.to_string()).collect();
    assert!(accepted.is_subset(&visited), "{} accepted requests have no visit", accepted.difference(&visited).count());
    let known: Vec<Uuid> =
        sqlx::query_scalar("select organisation_id from needs_analysis.agency").fetch_all(&mut sql).await.unwrap();
    let known: BTreeSet<String> = known.iter().map(Uuid::to_string).collect();
    let registered = done.agencies.lock().unwrap().clone();
    assert!(registered.is_subset(&known), "{} agencies are unknown", registered.difference(&known).count());
    for consult in &consults {
        assert_eq!(nurse.get(&format!("/v1/consults/{consult}")).await.expect(200)["state"], "opinion_draft");
    }
    let said = *done.said.lock().unwrap();
    eprintln!(
        "{} requests accepted, {} agencies registered, {said} events of the relay; {taken} events took effect, once each",
        accepted.len(),
        registered.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_days_work_goes_across_the_services() {
    let Some((apart, nobody)) = demo_apart().await else { return };
    // A request becomes a visit, and its schedule comes back.
    let request = flow::accepted_request(&nobody, "腿脚不便，需要上门助浴").await;
    let dispatcher = nobody.demo("dispatcher").await;
    let visit = flow::text(&flow::visit_of(&dispatcher, &request).await, "/id");
    let agency = flow::organisation(&nobody, "home_care_agency").await;
    let caregiver = flow::account(&nobody, &agency, "caregiver").await;
    let starts_at = Clock::system().now() + chrono::Duration::hours(30);
    let ends_at = starts_at + chrono::Duration::hours(1);
    let slot = json!({ "caregiver": caregiver, "starts_at": starts_at, "ends_at": ends_at });
    dispatcher.post(&format!("/v1/visits/{visit}/schedule"), &slot).await.expect(200);
    flow::request_is(&dispatcher, &request, "scheduled").await;
    // Two people meet in the relay's room, and booking knows that the consult has begun.
    let (nurse, doctor) = (nobody.demo("nurse").await, nobody.demo("doctor").await);
    let consult = flow::scheduled_consult(&nobody, &nurse, &doctor).await;
    apart.time_has_come(consult).await;
    let here = enter(&apart.base(Role::Signalling), consult, "host").await;
    let there = enter(&apart.base(Role::Signalling), consult, "clinician").await;
    eventually("the consult is in session", async || {
        let view = nurse.get(&format!("/v1/consults/{consult}")).await.expect(200);
        (view["state"] == "in_session").then_some(())
    })
    .await;
    drop((here, there));
    pages_and_measures(&apart, &nobody, &dispatcher).await;
}

/// Pages and their files come from the process that has them; each process speaks for itself.
async fn pages_and_measures(apart: &Apart, nobody: &Client, dispatcher: &Client) {
    for file in [
        "signalling/room.js",
        "signalling/room.css",
        "signalling/sanbao-signal.js",
        "needs-analysis/requests.js",
        "import.js",
        "upload.js",
        "booking/consult-page.js",
        "sanbao.css",
    ] {
        assert_eq!(nobody.get(&format!("/static/{file}")).await.status, 200, "{file}");
    }
    let page = dispatcher.get("/v1/requests?limit=1").await.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "booking's token is good at needs-analysis");
    for (role, own, others) in [
        (Role::Booking, "/v1/consults", "/v1/requests"),
        (Role::Signalling, "/v1/signal", "/v1/consults"),
        (Role::NeedsAnalysis, "/v1/requests", "/v1/signal"),
    ] {
        let alone = Client::new(apart.base(role));
        let document = alone.get("/openapi.json").await.expect(200);
        assert!(document["info"]["title"].as_str().unwrap().ends_with(role.name()));
        assert!(document["paths"].get(own).is_some() && document["paths"].get(others).is_none(), "{own}");
        assert_eq!(alone.get(others).await.status, 404, "{} has no {others}", role.name());
        let metrics = alone.get("/metrics").await.text;
        let gauge = format!("sanbao_publisher_behind_events{{publisher=\"{}\"}} 0", role.name());
        assert!(metrics.contains(&gauge) && metrics.contains("sanbao_nats_connected 1"), "{metrics}");
    }
}

/// The log-in that a caller's token belongs to.
async fn session_of(sql: &mut PgConnection, login: &str) -> Uuid {
    let query = "select s.id from booking.login_session s join booking.account a on a.id = s.account_id
        where a.login = $1 order by s.created_at desc limit 1";
    sqlx::query_scalar(query).bind(login).fetch_one(sql).await.unwrap()
}

/// Keeps a ticket as booking does when it gives one.
async fn keep_ticket(sql: &mut PgConnection, consult: Uuid, jti: Uuid, session: Uuid) {
    let insert = "insert into booking.consult_ticket
        (id, consult_id, person, name, role, organisation_id, issued_at, expires_at, session_id)
        select $1, $2, account_id, 'nurse', 'host', organisation_id, now(), now() + interval '1 hour', id
        from booking.login_session where id = $3";
    sqlx::query(insert).bind(jti).bind(consult).bind(session).execute(sql).await.unwrap();
}

/// Waits until the relay sends somebody away.
async fn sent_away(socket: &mut Socket) {
    patiently("sent away", async {
        while let Some(Ok(message)) = socket.next().await {
            if message.is_close() {
                return;
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_that_ends_ends_its_tokens_streams_and_rooms_on_other_processes() {
    let Some((mut apart, nobody)) = demo_apart().await else { return };
    let (admin, desk) = (nobody.demo("admin").await, nobody.demo("desk").await);
    let (nurse, doctor) = (nobody.demo("nurse").await, nobody.demo("doctor").await);
    let consult = flow::scheduled_consult(&nobody, &nurse, &doctor).await;
    apart.time_has_come(consult).await;
    let mut sql = apart.sql().await;
    let (jti, session) = (uuid_v7(Clock::system().now()), session_of(&mut sql, "nurse").await);
    keep_ticket(&mut sql, consult, jti, session).await;
    let mut room = enter_with(&apart.base(Role::Signalling), consult, "host", jti).await;
    desk.get("/v1/requests").await.expect(200);
    let mut direct = desk.clone();
    direct.base = apart.base(Role::NeedsAnalysis);
    let stream = direct.request("get", "/v1/requests/events").send().await.unwrap();
    assert_eq!(stream.status(), 200);
    let begun = std::time::Instant::now();
    assert_eq!(desk.send(desk.request("delete", "/v1/tokens")).await.status, 204);
    patiently("the stream ends", stream.bytes()).await.unwrap();
    eprintln!("the stream ended after {:?}", begun.elapsed());
    eventually("the token is refused", async || (desk.get("/v1/requests").await.status == 401).then_some(())).await;
    eprintln!("the token was refused after {:?}", begun.elapsed());
    let begun = std::time::Instant::now();
    let all = admin.get("/v1/organisations").await.expect(200);
    let mut account = None;
    for organisation in all["items"].as_array().unwrap() {
        let of =
            admin.get(&format!("/v1/organisations/{}/accounts", flow::text(organisation, "/id"))).await.expect(200);
        account = account.or_else(|| of["items"].as_array()?.iter().find(|a| a["login"] == "nurse").cloned());
    }
    let path = format!("/v1/accounts/{}/disable", flow::text(&account.unwrap(), "/id"));
    admin.post(&path, &json!({})).await.expect(200);
    sent_away(&mut room).await;
    eprintln!("sent out of the room after {:?}", begun.elapsed());
    apart.kill(Role::NeedsAnalysis);
    apart.start(Role::NeedsAnalysis).await;
    assert_eq!(desk.get("/v1/requests").await.status, 401, "a restart brings no token back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_alone_opens_only_its_own_and_says_what_it_lacks() {
    let Some(mut apart) = Apart::new().await else { return };
    let lacking = apart.refusal(Role::Signalling, &apart.nats.url());
    assert!(lacking.contains("secret.json is not there") && lacking.contains("serve booking"), "{lacking}");
    let plain = NatsServer::start_with(&[], &[]).await;
    apart.write_secret();
    let lacking = apart.refusal(Role::Signalling, &plain.url());
    assert!(lacking.contains("offers no JetStream"), "{lacking}");
    let lacking = apart.refusal(Role::NeedsAnalysis, "nats://ann:hidden@127.0.0.1:1");
    assert!(lacking.contains("no NATS server answers at 127.0.0.1:1") && !lacking.contains("hidden"), "{lacking}");
    let mut sql = apart.sql().await;
    sqlx::raw_sql("drop schema signalling cascade; drop schema needs_analysis cascade")
        .execute(&mut sql)
        .await
        .unwrap();
    apart.start(Role::Booking).await;
    let schemas: Vec<String> = sqlx::query_scalar(
        "select schema_name::text from information_schema.schemata where schema_name in ('booking', 'signalling', 'needs_analysis')",
    )
    .fetch_all(&mut sql)
    .await
    .unwrap();
    assert_eq!(schemas, ["booking"]);
}
