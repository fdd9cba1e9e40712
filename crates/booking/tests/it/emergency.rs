//! Break-glass: what it opens and for how long, who is told, who reviews it, and what it never tells.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use sanbao_platform::on;
use sanbao_platform::testing::{Answer, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::account::kit::{Browser, Site, audited, published};
use crate::consult::world::World;

const PATH: &str = "/v1/emergency-accesses";
/// Of the demo's first resident.
const PHONE: &str = "13800000011";
/// Nobody's.
const FREE_PHONE: &str = "13800000099";
const WHY: &str = "急诊：昏迷送来，家属联系不上";
const SHOWN: &str = "select s.kind, s.id from audit a join audit_shown s on s.shown = a.shown where a.action = $1";

async fn open(site: &Site, token: &str, number: &str) -> Answer {
    site.api(token, "POST", PATH, json!({ "number": number, "reason": WHY })).await
}

/// The path of the one record that a try opens.
async fn opened(site: &Site, token: &str, number: &str) -> String {
    let answer = open(site, token, number).await.expect(201);
    assert_eq!((&answer["outcome"], answer["accesses"].as_array().unwrap().len()), (&json!("opened"), 1));
    format!("{PATH}/{}", answer["accesses"][0].as_str().unwrap())
}

async fn national_id(site: &Site, n: usize) -> String {
    let nurse = site.token("nurse").await;
    let path = format!("/v1/persons/{}/national-id", site.network.residents[n]);
    site.get(&nurse, &path).await.expect(200)["national_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_doctor_opens_one_record_for_an_hour_and_nothing_else() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (doctor, resident) = (site.token("doctor").await, site.network.residents[0]);
        let person = format!("/v1/persons/{resident}");
        site.get(&doctor, &person).await.refused(404, "not-found");
        let number = national_id(&site, 0).await;
        let access = opened(&site, &doctor, &number).await;
        let record = site.get(&doctor, &format!("{access}/record")).await.expect(200);
        assert_eq!((&record["person"]["id"], &record["person"]["name"]), (&json!(resident), &json!("陈桂香")));
        let masked = record["person"]["national_id"].as_str().unwrap();
        assert!(masked.contains("********") && !record.to_string().contains(&number), "masked as in the own scope");
        assert_eq!(record["access"]["running"], json!(true));
        assert_eq!(record["access"]["ends_at"], "2026-11-23T01:30:00Z");
        // No other door opens by it, and nobody else goes through this one.
        for path in [person.clone(), format!("{person}/national-id")] {
            assert_ne!(site.get(&doctor, &path).await.status, 200, "{path}");
        }
        let change = site.api(&doctor, "PATCH", &person, json!({ "phone": FREE_PHONE })).await;
        change.refused(404, "not-found");
        for other in ["doctor.shen", "nurse", "caregiver"] {
            let token = site.token(other).await;
            site.get(&token, &access).await.refused(404, "not-found");
            site.get(&token, &format!("{access}/record")).await.refused(404, "not-found");
        }
        site.minutes_pass(59);
        let again = site.token("doctor").await;
        site.get(&again, &format!("{access}/record")).await.checked(200);
        site.minutes_pass(1);
        site.get(&again, &format!("{access}/record")).await.refused(403, "forbidden");
        let over = site.get(&again, &access).await.expect(200);
        assert_eq!(
            (&over["running"], &over["person_name"], &over["reason"]),
            (&json!(false), &Value::Null, &json!(WHY))
        );
        let mut conn = site.deps.db.read().await.unwrap();
        let reads: Vec<(String, Uuid)> =
            on!(conn, |c| { sqlx::query_as(SHOWN).bind("GET /v1/emergency-accesses/{id}/record").fetch_all(c).await })
                .unwrap();
        let of_person = reads.iter().filter(|(kind, id)| kind == "person" && *id == resident.0).count();
        assert_eq!(of_person, 2, "each reading names whom it showed: {reads:?}");
    })
    .await;
}

#[tokio::test]
async fn a_try_is_written_down_whether_or_not_it_finds_anybody() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (doctor, admin) = (site.token("doctor").await, site.token("admin").await);
        let missed = open(&site, &doctor, FREE_PHONE).await.expect(201);
        assert_eq!(missed, json!({ "outcome": "nobody", "accesses": [], "ends_at": null }));
        site.clock.advance(Duration::from_secs(1));
        opened(&site, &doctor, PHONE).await;
        let list = site.get(&admin, &format!("{PATH}?waiting=true")).await.expect(200);
        let seen: Vec<_> =
            list["items"].as_array().unwrap().iter().map(|a| (&a["outcome"], &a["person_name"])).collect();
        assert_eq!(seen, [(&json!("opened"), &json!("陈桂香")), (&json!("nobody"), &Value::Null)]);
        assert_eq!(list["items"][1]["reason"], WHY);
        assert!(!list.to_string().contains(FREE_PHONE), "the number is not kept");
        assert_eq!(published(&site, "booking.emergency_access.opened").await, 2);
        assert_eq!(audited(&site, "emergency_access.nobody").await, 1);
        assert_eq!(audited(&site, "emergency_access.opened").await, 1);
        // Names are not searched, and wrong fields are told without a word of whether anybody has them.
        let browsing = json!({ "number": "陈桂香", "reason": "急" });
        let refused = site.api(&doctor, "POST", PATH, browsing).await.refused(422, "invalid");
        let pointers: Vec<_> = refused.body["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
        assert_eq!(pointers, ["/number", "/reason"]);
        assert_eq!(published(&site, "booking.emergency_access.opened").await, 2);
        // The same key is the same try.
        let (body, key) = (json!({ "number": PHONE, "reason": WHY }), [("idempotency-key", "once")]);
        let first = site.api_with(&doctor, "POST", PATH, body.clone(), &key).await.expect(201);
        assert_eq!(site.api_with(&doctor, "POST", PATH, body, &key).await.expect(201), first);
        assert_eq!(published(&site, "booking.emergency_access.opened").await, 3);
    })
    .await;
}

#[tokio::test]
async fn only_doctors_who_proved_it_lately_open_records_and_ten_an_hour() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        for login in ["nurse", "dispatcher", "caregiver", "desk", "analyst", "admin"] {
            let token = site.token(login).await;
            open(&site, &token, PHONE).await.refused(403, "forbidden");
        }
        let doctor = site.token("doctor").await;
        for n in 0..9 {
            open(&site, &doctor, if n % 2 == 0 { PHONE } else { FREE_PHONE }).await.checked(201);
        }
        // Several at once do not slip past the bound.
        let at_once = join_all((0..4).map(|_| open(&site, &doctor, FREE_PHONE))).await;
        let statuses: Vec<u16> = at_once.iter().map(|answer| answer.status.as_u16()).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| matches!(status, 201 | 409 | 429)), "{statuses:?}");
        let refused = open(&site, &doctor, PHONE).await.refused(429, "too-many-requests");
        assert_eq!(refused.header("retry-after"), "3601");
        let other = site.token("doctor.gu").await;
        open(&site, &other, PHONE).await.checked(201);
        site.minutes_pass(11);
        open(&site, &other, PHONE).await.refused(401, "step-up-required");
        site.minutes_pass(50);
        let again = site.token("doctor").await;
        open(&site, &again, PHONE).await.checked(201);
        assert_eq!(published(&site, "booking.emergency_access.opened").await, 12, "no refused one is among them");
    })
    .await;
}

#[tokio::test]
async fn the_streets_administrator_is_told_at_once_and_reviews_it_once() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (doctor, admin) = (site.token("doctor").await, site.token("admin").await);
        let request = Request::get("/emergency-accesses/events").header("authorization", format!("Bearer {admin}"));
        let mut told = site.open_stream(request.body(Body::empty()).unwrap()).await.into_body().into_data_stream();
        let mut next =
            async || tokio::time::timeout(Duration::from_secs(30), told.next()).await.unwrap().unwrap().unwrap();
        assert!(String::from_utf8_lossy(&next().await).contains("hello"));
        let access = opened(&site, &doctor, PHONE).await;
        assert!(String::from_utf8_lossy(&next().await).contains("change"));
        let (review, path) = (json!({ "remark": "已与科室核实" }), format!("{access}/review"));
        site.api(&doctor, "POST", &path, review.clone()).await.refused(403, "forbidden");
        let nurse = site.token("nurse").await;
        site.api(&nurse, "POST", &path, review.clone()).await.refused(404, "not-found");
        site.get(&admin, &format!("{access}/record")).await.refused(403, "forbidden");
        let (_, other_office) = site.second_office("330211002").await;
        site.api(&other_office, "POST", &path, review.clone()).await.refused(404, "not-found");
        assert_eq!(site.get(&other_office, PATH).await.expect(200)["items"], json!([]));
        site.api(&admin, "POST", &path, json!({ "remark": "好" })).await.refused(422, "invalid");
        let stale = site.api_with(&admin, "POST", &path, review.clone(), &[("if-match", "\"7\"")]).await;
        stale.refused(412, "precondition-failed");
        let key = [("idempotency-key", "review"), ("if-match", "\"1\"")];
        let reviewed = site.api_with(&admin, "POST", &path, review.clone(), &key).await.checked(200);
        assert_eq!((reviewed.header("etag"), &reviewed.body["remark"]), ("\"2\"", &json!("已与科室核实")));
        assert_eq!(reviewed.body["reviewed_by_name"], "高海平");
        assert_eq!(site.api_with(&admin, "POST", &path, review.clone(), &key).await.expect(200), reviewed.body);
        site.api(&admin, "POST", &path, review).await.refused(409, "invalid-transition");
        assert_eq!(site.get(&admin, &format!("{PATH}?waiting=true")).await.expect(200)["items"], json!([]));
        assert_eq!(site.get(&admin, PATH).await.expect(200)["items"].as_array().unwrap().len(), 1);
        assert_eq!(published(&site, "booking.emergency_access.reviewed").await, 1);
        assert_eq!(audited(&site, "emergency_access.review").await, 1);
        site.get(&doctor, &format!("{access}/record")).await.checked(200);
    })
    .await;
}

#[tokio::test]
async fn the_street_where_the_person_lives_is_told_and_for_nobody_the_doctors_own() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (doctor, admin) = (site.token("doctor").await, site.token("admin").await);
        let (_, elsewhere) = site.second_office("330211002").await;
        let dispatcher = site.token("dispatcher").await;
        let elder = json!({ "name": "周阿公", "phone": FREE_PHONE, "area_code": "330211002" });
        site.api(&dispatcher, "POST", "/v1/persons", elder).await.checked(201);
        let access = opened(&site, &doctor, FREE_PHONE).await;
        site.get(&elsewhere, &access).await.checked(200);
        site.get(&admin, &access).await.refused(404, "not-found");
        open(&site, &doctor, "13800000098").await.checked(201);
        let outcomes = async |token: &str| {
            let list = site.get(token, PATH).await.expect(200);
            list["items"].as_array().unwrap().iter().map(|one| one["outcome"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(
            (outcomes(&elsewhere).await, outcomes(&admin).await),
            (vec![json!("opened")], vec![json!("nobody")])
        );
    })
    .await;
}

#[tokio::test]
async fn nobody_reviews_what_is_their_own_whatever_they_became_since() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let doctor = site.token("doctor").await;
        let access = opened(&site, &doctor, PHONE).await;
        let account: Uuid = site.account("doctor").parse().unwrap();
        let mut tx = site.deps.db.begin().await.unwrap();
        for moved in [
            "update membership set organisation_id = $2, role = 'administrator' where account_id = $1",
            "update account set home_id = $2 where id = $1",
        ] {
            on!(tx, |c| {
                sqlx::query(moved).bind(account).bind(site.network.street_office).execute(c).await.map(drop)
            })
            .unwrap();
        }
        tx.commit().await.unwrap();
        let now = site.token("doctor").await;
        let review = json!({ "remark": "自己看过了" });
        site.api(&now, "POST", &format!("{access}/review"), review.clone()).await.refused(404, "not-found");
        site.get(&now, &format!("{access}/record")).await.refused(404, "not-found");
        assert_eq!(site.get(&now, PATH).await.expect(200)["items"], json!([]));
        let admin = site.token("admin").await;
        site.api(&admin, "POST", &format!("{access}/review"), review).await.checked(200);
    })
    .await;
}

#[tokio::test]
async fn a_shared_telephone_opens_nobodys_record_and_one_human_may_have_two() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (doctor, nurse) = (site.token("doctor").await, site.token("nurse").await);
        let [first, second] = [0, 1].map(|n| site.network.residents[n]);
        let same = json!({ "phone": FREE_PHONE });
        for resident in [first, second] {
            site.api(&nurse, "PATCH", &format!("/v1/persons/{resident}"), same.clone()).await.checked(200);
        }
        let answer = open(&site, &doctor, FREE_PHONE).await.expect(201);
        assert_eq!((&answer["outcome"], &answer["accesses"]), (&json!("several"), &json!([])));
        let number = national_id(&site, 0).await;
        let dispatcher = site.token("dispatcher").await;
        let elder = json!({ "name": "陈桂香", "national_id": number, "phone": FREE_PHONE });
        site.api(&dispatcher, "POST", "/v1/persons", elder).await.checked(201);
        let answer = open(&site, &doctor, &number).await.expect(201);
        let accesses = answer["accesses"].as_array().unwrap();
        assert_eq!((&answer["outcome"], accesses.len()), (&json!("opened"), 2));
        for access in accesses {
            let path = format!("{PATH}/{}/record", access.as_str().unwrap());
            assert_eq!(site.get(&doctor, &path).await.expect(200)["person"]["name"], "陈桂香");
        }
    })
    .await;
}

/// A consult whose opinion is signed.
async fn signed(w: &World) -> String {
    let id = w.scheduled().await;
    w.step(&w.nurse, &id, "consents", World::consent()).await.expect(201);
    w.clock.advance(Duration::from_mins(45));
    w.step(&w.doctor, &id, "finish", Value::Null).await.expect(200);
    let opinion = json!({ "impression": "慢性心力衰竭", "suggested_treatment": "呋塞米加量" });
    w.put(&w.doctor, &format!("/v1/consults/{id}/opinion"), opinion).await.expect(200);
    w.step(&w.doctor, &id, "sign", Value::Null).await.expect(200);
    id
}

#[tokio::test]
async fn the_record_has_the_case_and_the_signed_opinion_of_the_persons_consults() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let consult = signed(&w).await;
        let mut draft = w.invitation(0);
        draft["submit"] = json!(false);
        w.post(&w.nurse, "/v1/consults", draft).await.expect(201);
        w.post(&w.nurse, "/v1/consults", w.invitation(1)).await.expect(201);
        let mut tx = w.db.begin().await.unwrap();
        on!(tx, |c| {
            let row = sqlx::query("update person set phone = $2 where id = $1").bind(w.residents[0]).bind(PHONE);
            row.execute(c).await.map(drop)
        })
        .unwrap();
        tx.commit().await.unwrap();
        let stranger = &w.stranger_doctor;
        let read = format!("/v1/consults/{consult}");
        w.get(stranger, &read).await.refused(404, "not-found");
        let answer = w.post(stranger, PATH, json!({ "number": PHONE, "reason": WHY })).await.expect(201);
        let access = format!("{PATH}/{}", answer["accesses"][0].as_str().unwrap());
        let record = w.get(stranger, &format!("{access}/record")).await.expect(200);
        let consults = record["consults"].as_array().unwrap();
        assert_eq!(consults.len(), 1, "no draft, and nobody else's: {record}");
        assert_eq!(
            (&consults[0]["id"], &consults[0]["opinion"]["impression"]),
            (&json!(consult), &json!("慢性心力衰竭"))
        );
        assert!(consults[0]["case_summary"].as_str().unwrap().contains("86 岁"));
        for path in [read.clone(), format!("{read}/opinion"), format!("{read}/meeting")] {
            w.get(stranger, &path).await.refused(404, "not-found");
        }
        assert_eq!(w.get(stranger, "/v1/consults").await.expect(200)["items"], json!([]));
        let seen = w.audited(&consult).await;
        assert!(!seen.iter().any(|action| action.contains("emergency")), "the row is the person's: {seen:?}");
        let mut conn = w.db.read().await.unwrap();
        let shown: Vec<(String, Uuid)> =
            on!(conn, |c| { sqlx::query_as(SHOWN).bind("GET /v1/emergency-accesses/{id}/record").fetch_all(c).await })
                .unwrap();
        assert!(shown.contains(&("consult".to_owned(), consult.parse().unwrap())), "{shown:?}");
    })
    .await;
}

#[tokio::test]
async fn the_pages_warn_show_what_is_left_and_let_the_office_review() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (mut doctor, mut admin, mut nurse) = (Browser::new(), Browser::new(), Browser::new());
        doctor.log_in(&site, "doctor").await;
        admin.log_in(&site, "admin").await;
        nurse.log_in(&site, "nurse").await;
        nurse.open(&site, "/emergency-accesses").await.checked(403);
        let page = doctor.open(&site, "/emergency-accesses").await.checked(200).text;
        assert!(page.contains("立即告知街道管理员") && page.contains("60 分钟后自动关闭"), "{page}");
        let body = json!({ "number": PHONE, "reason": WHY });
        let answer = doctor.script(&site, "POST", PATH, body).await.expect(201);
        let record = format!("/emergency-accesses/{}", answer["accesses"][0].as_str().unwrap());
        let page = doctor.open(&site, &record).await.checked(200).text;
        for part in ["陈桂香", "还有 60 分钟", "到 09:30 自动关闭", "138****0011", WHY] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let page = admin.open(&site, "/emergency-accesses").await.checked(200).text;
        for part in ["周明远", "陈桂香", WHY, "完成核查", "data-version=\"1\""] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("name=\"number\""), "who only reviews opens nothing");
        admin.open(&site, &record).await.checked(403);
        site.minutes_pass(61);
        doctor.log_in(&site, "doctor").await;
        let over = doctor.open(&site, &record).await;
        assert!(over.status == 403 && over.text.contains("已结束"), "{}", over.text);
        let page = doctor.open(&site, "/emergency-accesses").await.checked(200).text;
        assert!(page.contains("已关闭") && !page.contains("陈桂香"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn the_file_of_a_resident_says_that_a_record_was_opened_and_not_why() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (doctor, nurse, admin) = (site.token("doctor").await, site.token("nurse").await, site.token("admin").await);
        let access = opened(&site, &doctor, PHONE).await;
        let remark = json!({ "remark": "已与科室核实" });
        site.api(&admin, "POST", &format!("{access}/review"), remark).await.expect(200);
        site.get(&nurse, &access).await.refused(404, "not-found");
        let path = format!("/v1/persons/{}/export", site.network.residents[0]);
        let file = site.get(&nurse, &path).await.expect(200);
        let section = file["sections"].as_array().unwrap().iter().find(|s| s["name"] == "emergency_access").unwrap();
        let told = &section["rows"][0];
        assert_eq!(told["outcome"], "opened");
        assert!(told["organisation"].is_string() && told["opened_at"].is_string(), "{told}");
        for hidden in ["account", "account_id", "sign", "reason", "reviewed_by", "reviewed_at", "remark"] {
            assert_eq!(told[hidden], Value::Null, "{hidden} in {told}");
        }
        assert!(!file.to_string().contains(WHY) && !file.to_string().contains("已与科室核实"));
    })
    .await;
}
