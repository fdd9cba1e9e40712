//! The installation for those who run it: its state as a page, and events that a consumer gave up on.

use sanbao::operate::Installation;
use sanbao::role::Role;
use sanbao::settings::Settings;
use sanbao_platform::clock::Clock;
use sanbao_platform::on;
use sanbao_platform::testing::{Answer, TestEngine, eventually, on_both, sqlite};
use serde_json::{Value, json};

use crate::common::{self, Client, Served, flow};

const PAGE: &str = "/admin/installation";
const PARKED: &str = "/v1/parked-events";
const BACKED_UP: &str = "insert into kept_backup (id, made_at) values (1, $1)";
const LONG_AGO: &str = "update kept_backup set made_at = '2026-01-01T00:00:00+00:00' where $1 >= made_at";
const KIND: &str = "update organisation set kind = $1 where id = $2";

async fn opened(client: &Client, path: &str) -> Answer {
    client.send(client.request("get", path).header("accept", "text/html")).await
}

/// The rows of a table on a page, each as its text.
fn rows(page: &str) -> Vec<String> {
    let body = page.split("<tbody>").nth(1).and_then(|rest| rest.split("</tbody>").next()).unwrap_or_default();
    let text =
        |row: &str| row.split('<').filter_map(|tag| tag.split_once('>')).map(|(_, text)| text).collect::<String>();
    body.split("<tr>").skip(1).map(text).collect()
}

fn row(page: &str, what: &str) -> String {
    let rows = rows(page);
    rows.iter().find(|row| row.starts_with(what)).unwrap_or_else(|| panic!("no {what} in {rows:#?}")).clone()
}

/// The demo as it is served with settings: nobody tells the time at its server, and no backup was made.
async fn served(engine: TestEngine) -> Served {
    let storage = common::storage(&engine);
    let secret = std::env::temp_dir().join("sanbao-no-such-secret.json");
    let settings = Settings { ntp: "127.0.0.1:9".to_owned(), ..Settings::offline(storage, secret) };
    let mut parts = common::demo_parts(&engine, Clock::manual(common::morning())).await;
    parts.installation = Installation::of(settings);
    Served::of(engine, parts).await
}

#[tokio::test]
async fn the_page_says_what_was_measured_and_never_that_the_unknown_is_good() {
    let served = served(sqlite()).await;
    let admin = served.nobody().demo("admin").await;
    let first = opened(&admin, PAGE).await.checked(200).text;
    for (what, words) in [
        ("数据库", "好SQLite，booking, signalling, needs-analysis"),
        ("备份", "不行从来没有做过运行 sanbao backup"),
        ("时钟", "不知"),
        ("操作记录的检查点", "不知"),
        ("数据量 booking", "好"),
        ("事件接收 booking.visits", "停下 0 个"),
        ("后台任务", "0 个因程序错误停止"),
    ] {
        let row = row(&first, what);
        assert!(row.contains(words), "{row}");
    }
    assert!(row(&first, "到期清理 needs-analysis").contains("好还没有清理过"), "{first}");
    for words in ["会诊文书", "15 年", "1096 天", "还没有清理过"] {
        assert!(first.contains(words), "how long records are kept: {words}");
    }
    assert!(rows(&first)[0].contains("不行"), "what wants somebody stands first: {first}");
    assert!(first.contains("notice bad") && first.contains("从这里看不到"), "{first}");
    // What was measured stands until somebody asks again.
    served.minutes_later(1);
    assert_eq!(rows(&opened(&admin, PAGE).await.text), rows(&first));
    noted(&served, BACKED_UP).await;
    assert!(row(&opened(&admin, PAGE).await.text, "备份").contains("不行"));
    let again = admin.send(admin.request("post", PAGE).header("accept", "text/html")).await.checked(200).text;
    assert!(row(&again, "备份").contains("好"), "{again}");
    // A verdict that is old is not shown any more.
    noted(&served, LONG_AGO).await;
    served.minutes_later(4);
    assert!(row(&opened(&admin, PAGE).await.text, "备份").contains("好"));
    served.minutes_later(1);
    assert!(row(&opened(&admin, PAGE).await.text, "备份").contains("不行"));
    // In English too, and to nobody who only has an organisation.
    let english = admin.send(admin.request("get", PAGE).header("accept-language", "en")).await.text;
    assert!(row(&english, "clock").contains("unknown"), "{english}");
    let manager = admin_of(&served, "care_home").await;
    assert_eq!(opened(&manager, PAGE).await.status, 403);
    served.stop().await;
}

/// Runs a statement of backups with the time of now.
async fn noted(served: &Served, statement: &'static str) {
    let mut tx = served.network.stores.of(Role::Booking).unwrap().begin().await.unwrap();
    on!(tx, |c| sqlx::query(statement).bind(served.clock.now()).execute(c).await.map(drop)).unwrap();
    tx.commit().await.unwrap();
}

/// The administrator of another organisation.
async fn admin_of(served: &Served, kind: &str) -> Client {
    let nobody = served.nobody();
    let organisation = flow::organisation(&nobody, kind).await;
    let admin = nobody.demo("admin").await;
    let body = json!({ "login": "manager", "display_name": "manager", "roles": ["administrator"], "areas": [] });
    let made = admin.post(&format!("/v1/organisations/{organisation}/accounts"), &body).await.expect(201);
    let path = flow::text(&made, "/link/path");
    let chosen = json!({ "token": path.split_once('#').unwrap().1, "password": "a manager's password" });
    admin.post("/setup/account", &chosen).await.expect(204);
    nobody.log_in("manager", "a manager's password").await
}

/// Lets the demo's agency be one, or be none.
async fn agency_is(served: &Served, agency: &str, kind: &str) {
    let id: uuid::Uuid = agency.parse().unwrap();
    let mut tx = served.network.stores.of(Role::Booking).unwrap().begin().await.unwrap();
    on!(tx, |c| sqlx::query(KIND).bind(kind).bind(id).execute(c).await.map(drop)).unwrap();
    tx.commit().await.unwrap();
}

/// An order that was parked, because its agency was none when it came: the request and the parked event.
async fn parked_order(served: &Served, admin: &Client) -> (String, Value) {
    let nobody = served.nobody();
    let agency = flow::organisation(&nobody, "home_care_agency").await;
    // Those who take the steps are logged in before their organisation changes.
    let (dispatchers, body) = (flow::Dispatchers::of(&nobody).await, flow::new_request("换药"));
    let request = flow::text(&dispatchers.desk.post("/v1/requests", &body).await.expect(201), "/id");
    dispatchers.desk.post(&format!("/v1/requests/{request}/triage"), &json!({})).await.expect(200);
    eventually("the agency is known", async || {
        let sent = json!({ "agency_id": agency });
        (dispatchers.desk.post(&format!("/v1/requests/{request}/dispatch"), &sent).await.status == 200).then_some(())
    })
    .await;
    agency_is(served, &agency, "hospital").await;
    dispatchers.agency.post(&format!("/v1/requests/{request}/accept"), &json!({})).await.expect(200);
    let parked = eventually("the order is parked", async || {
        admin.get(PARKED).await.expect(200)["items"].as_array().unwrap().first().cloned()
    })
    .await;
    (request, parked)
}

#[tokio::test]
async fn an_order_that_was_parked_becomes_a_visit_once_its_cause_is_mended() {
    on_both(|engine| async move {
        let served = served(engine).await;
        let nobody = served.nobody();
        let (admin, agency) = (nobody.demo("admin").await, flow::organisation(&nobody, "home_care_agency").await);
        let (request, parked) = parked_order(&served, &admin).await;
        assert_eq!(
            (&parked["consumer"], &parked["kind"]),
            (&json!("booking.visits"), &json!("needs.request.accepted"))
        );
        assert!(parked.get("data").is_none() && !parked.to_string().contains("林某兰"), "{parked}");
        let page = opened(&admin, "/admin/parked").await.checked(200).text;
        assert!(page.contains("needs.request.accepted") && !page.contains("林某兰"), "{page}");
        let measured = admin.send(admin.request("post", PAGE)).await.checked(200).text;
        assert!(row(&measured, "事件接收 booking.visits").contains("不行"), "{measured}");
        let retry = format!("{PARKED}/{}/retry", flow::text(&parked, "/id"));
        let again = async || admin.post(&retry, &json!({})).await;
        assert_eq!(again().await.problem(), "event-not-taken");
        assert_eq!(admin.get(PARKED).await.expect(200)["items"][0]["attempts"], 2);
        agency_is(&served, &agency, "home_care_agency").await;
        let (one, other) = tokio::join!(again(), again());
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 404], "{} {}", one.text, other.text);
        let dispatcher = nobody.demo("dispatcher").await;
        flow::visit_of(&dispatcher, &request).await;
        let visits = dispatcher.get("/v1/visits?limit=200").await.expect(200);
        let of_it =
            visits["items"].as_array().unwrap().iter().filter(|visit| visit["request_id"] == request.as_str()).count();
        assert_eq!((of_it, admin.get(PARKED).await.expect(200)["items"].as_array().unwrap().len()), (1, 0));
        assert_eq!(again().await.status, 404);
        let events = admin.get("/v1/audit-events?action=parked_event").await.expect(200);
        let outcomes: std::collections::BTreeSet<_> =
            events["items"].as_array().unwrap().iter().map(|e| e["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, ["done", "failed"].into());
        served.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_parked_event_is_dropped_for_a_reason_and_after_a_proof() {
    let served = served(sqlite()).await;
    let admin = served.nobody().demo("admin").await;
    let (request, parked) = parked_order(&served, &admin).await;
    let path = format!("{PARKED}/{}/drop", flow::text(&parked, "/id"));
    let why = json!({ "reason": "两边已手工登记" });
    let refused = admin.post(&path, &json!({ "reason": " " })).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (422, "invalid"));
    served.minutes_later(11);
    assert_eq!(admin.post(&path, &why).await.problem(), "step-up-required");
    let admin = served.nobody().demo("admin").await;
    admin.post(&path, &why).await.expect(204);
    assert_eq!(admin.post(&path, &why).await.status, 404);
    assert_eq!(admin.get(PARKED).await.expect(200)["items"], json!([]));
    let visits = "select count(*) from visit where request_id = $1";
    let request: uuid::Uuid = request.parse().unwrap();
    let mut conn = served.network.stores.of(Role::Booking).unwrap().read().await.unwrap();
    let visits: i64 = on!(conn, |c| sqlx::query_scalar(visits).bind(request).fetch_one(c).await).unwrap();
    assert_eq!(visits, 0);
    drop(conn);
    served.stop().await;
}
