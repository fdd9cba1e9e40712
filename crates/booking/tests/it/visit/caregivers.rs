//! The facts that are known of caregivers: written by those who plan, read by the caregiver, and never a refusal.

use sanbao_booking::role;
use sanbao_platform::testing::{Answer, Person, on_both};
use serde_json::{Value, json};

use crate::visit::world::{World, slot};

fn one(person: &Person) -> String {
    format!("/v1/caregivers/{}", person.id)
}

fn bather() -> Value {
    json!({ "sex": "female", "languages": " 宁波话、普通话 ", "skills": ["bathing", "first_aid"],
        "valid_until": { "first_aid": "2026-12-31" } })
}

/// Mondays from 8 to 12.
fn mornings() -> Value {
    json!({ "valid_from": "2026-11-23", "week": [{ "weekday": 1, "start": "08:00", "end": "12:00" }] })
}

async fn put(w: &World, who: &Person, path: &str, body: Value, version: &str) -> Answer {
    let tag = format!("\"{version}\"");
    w.call(Some(who), "PUT", path, Some(body), &[("if-match", &tag)]).await
}

#[tokio::test]
async fn what_is_written_down_is_read_by_the_caregiver_and_by_no_stranger() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let (her, colleague) = (&w.caregivers[0], &w.caregivers[1]);
        let empty = w.get(&w.dispatcher, &one(her)).await.expect(200);
        assert_eq!((&empty["version"], &empty["skills"], &empty["sex"]), (&json!(0), &json!([]), &Value::Null));
        put(&w, &w.dispatcher, &one(her), bather(), "0").await.expect(200);
        put(&w, &w.dispatcher, &one(her), bather(), "0").await.refused(412, "precondition-failed");
        let read = w.get(her, &one(her)).await.expect(200);
        assert_eq!(read["skills"], json!(["bathing", "first_aid"]));
        assert_eq!(read["valid_until"], json!({ "first_aid": "2026-12-31" }));
        assert_eq!((&read["languages"], &read["version"]), (&json!("宁波话、普通话"), &json!(1)));
        let administrator = w.member(w.agency, role::ADMINISTRATOR, "管理员").await;
        put(&w, &administrator, &one(her), json!({ "skills": ["meals"] }), "1").await.expect(200);
        assert_eq!(w.get(her, &one(her)).await.expect(200)["valid_until"], json!({}), "all of it is written anew");
        assert_eq!(w.count("select count(*) from audit where action = 'caregiver.profile'").await, 2);

        let stranger = w.member(w.other_agency, role::DISPATCHER, "外人").await;
        let hospital = w.organisation("hospital").await;
        let doctor = w.member(hospital, role::ADMINISTRATOR, "院长").await;
        let hours = format!("{}/hours", one(her));
        for path in [one(her), hours.clone()] {
            for who in [colleague, &stranger, &doctor] {
                w.get(who, &path).await.refused(404, "not-found");
            }
        }
        put(&w, her, &one(her), bather(), "2").await.refused(403, "forbidden");
        put(&w, &stranger, &one(her), bather(), "2").await.refused(404, "not-found");
        w.get(&w.dispatcher, &one(&w.dispatcher)).await.refused(404, "not-found");
        w.get(her, "/v1/caregivers").await.refused(403, "forbidden");
        let list = w.get(&w.dispatcher, "/v1/caregivers").await.expect(200);
        let found = list["items"].as_array().unwrap().iter().find(|line| line["id"] == json!(her.id)).unwrap();
        assert_eq!((&found["skills"], &found["has_hours"]), (&json!(["meals"]), &json!(false)));
    })
    .await;
}

#[tokio::test]
async fn what_makes_no_sense_is_told_at_its_field() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let path = one(&w.caregivers[0]);
        for (body, pointer) in [
            (json!({ "home_area": "abc" }), "/home_area"),
            (json!({ "languages": "话".repeat(101) }), "/languages"),
            (json!({ "skills": ["meals"], "valid_until": { "nursing": "2027-01-01" } }), "/valid_until/nursing"),
            (json!({ "skills": ["juggling"] }), "/skills/0"),
        ] {
            let told = put(&w, &w.dispatcher, &path, body, "0").await.expect(422);
            assert_eq!(told["errors"][0]["pointer"], pointer, "{told}");
        }
        let week = format!("{path}/week");
        for (line, pointer) in [
            (json!({ "weekday": 8, "start": "08:00", "end": "09:00" }), "/week/0/weekday"),
            (json!({ "weekday": 1, "start": "09:00", "end": "08:00" }), "/week/0/end"),
            (json!({ "weekday": 1, "start": "soon", "end": "08:00" }), "/week/0/start"),
        ] {
            let body = json!({ "valid_from": "2026-11-23", "week": [line] });
            let told = w.put(&w.dispatcher, &week, body).await.expect(422);
            assert_eq!(told["errors"][0]["pointer"], pointer, "{told}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_painted_week_says_which_visits_lie_outside_and_moves_none() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let her = &w.caregivers[0];
        let visit = w.order(json!({})).await;
        // 15:00 to 16:00 on a Monday.
        w.schedule(&visit, her, 60, 120).await.expect(200);
        let (hours, week) = (format!("{}/hours", one(her)), format!("{}/week", one(her)));
        let read = w.get(her, &hours).await.checked(200);
        assert_eq!((&read.body["weekly"], &read.body["time_zone"]), (&json!([]), &json!("Asia/Shanghai")));
        let version = read.etag().unwrap().trim_matches('"').to_owned();
        let tried = w.put(&w.dispatcher, &format!("{week}?dry_run=true"), mornings()).await.expect(200);
        assert_eq!(tried["outside"].as_array().unwrap().len(), 1, "{tried}");
        assert_eq!(w.get(her, &hours).await.body["weekly"], json!([]), "nothing was written");
        put(&w, her, &week, mornings(), &version).await.refused(403, "forbidden");
        put(&w, &w.dispatcher, &week, mornings(), &version).await.expect(200);
        put(&w, &w.dispatcher, &week, mornings(), &version).await.refused(412, "precondition-failed");
        assert_eq!(w.visit_of_id(&visit).await["state"], "scheduled");
        let page = w.page(&w.dispatcher, &format!("/caregivers/{}", her.id)).await.checked(200).text;
        assert!(page.contains("有 1 次已安排的上门不在每周时间内") && page.contains("08:00–12:00"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn that_a_caregiver_does_not_work_is_kept_where_nothing_else_is_known() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let her = &w.caregivers[0];
        let visit = w.order(json!({})).await;
        w.schedule(&visit, her, 60, 120).await.expect(200);
        let (hours, week) = (format!("{}/hours", one(her)), format!("{}/week", one(her)));
        assert_eq!(w.get(her, &hours).await.expect(200)["outside"], json!([]), "nothing is known");
        let off = json!({ "valid_from": "2026-11-23", "valid_to": "2026-11-29", "week": [] });
        w.put(&w.dispatcher, &week, off).await.expect(200);
        let read = w.get(her, &hours).await.expect(200);
        assert_eq!((read["outside"].as_array().unwrap().len(), &read["weekly"]), (1, &json!([])), "{read}");
        let page = w.page(&w.dispatcher, &format!("/caregivers/{}", her.id)).await.checked(200).text;
        assert!(page.contains("有 1 次已安排的上门不在每周时间内") && page.contains("这些天不上班"), "{page}");
        let board = w.page(&w.dispatcher, "/visits").await.checked(200).text;
        assert!(board.contains("不在每周时间内</span>"), "{board}");
        let all_day =
            json!({ "valid_from": "2026-11-23", "week": [{ "weekday": 1, "start": "00:00", "end": "24:00" }] });
        w.put(&w.dispatcher, &week, all_day).await.expect(200);
        assert_eq!(w.get(her, &hours).await.expect(200)["outside"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_plan_that_does_not_fit_is_pointed_out_and_taken() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let her = &w.caregivers[0];
        let visit = w.order(json!({})).await;
        let fit = |from: &str, to: &str| {
            let caregiver = her.id;
            format!("/v1/visits/{visit}/fit?caregiver={caregiver}&starts_at={from}&ends_at={to}")
        };
        let (afternoon, morning) =
            (fit("2026-11-23T07:00:00Z", "2026-11-23T08:00:00Z"), fit("2026-11-30T01:00:00Z", "2026-11-30T02:00:00Z"));
        assert_eq!(w.get(&w.dispatcher, &afternoon).await.expect(200)["doubts"], json!([]), "nothing is known");
        put(&w, &w.dispatcher, &one(her), json!({ "skills": ["meals"] }), "0").await.expect(200);
        w.put(&w.dispatcher, &format!("{}/week", one(her)), mornings()).await.expect(200);
        let doubts = w.get(&w.dispatcher, &afternoon).await.expect(200);
        assert_eq!(doubts["doubts"], json!(["skill_missing", "outside_hours"]));
        assert_eq!(w.get(&w.dispatcher, &morning).await.expect(200)["doubts"], json!(["skill_missing"]));
        w.get(her, &afternoon).await.refused(404, "not-found");
        w.post(&w.dispatcher, &format!("/v1/visits/{visit}/schedule"), slot(her, 60, 120)).await.expect(200);
        let board = w.page(&w.dispatcher, "/visits").await.checked(200).text;
        assert!(board.contains("没有登记这项技能</span>") && board.contains("不在每周时间内</span>"), "{board}");
        put(&w, &w.dispatcher, &one(her), bather(), "1").await.expect(200);
        let board = w.page(&w.dispatcher, "/visits").await.text;
        assert!(!board.contains("没有登记这项技能</span>"), "{board}");
    })
    .await;
}

#[tokio::test]
async fn nothing_stays_of_a_caregiver_whose_membership_has_ended() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        // Where an account began, its membership does not end; of two at one moment the lower id was the first.
        let (home, guest) = (w.agency.min(w.other_agency), w.agency.max(w.other_agency));
        let her = w.member(home, role::CAREGIVER, "赵阿姨").await;
        w.joins(&her, guest, role::CAREGIVER).await;
        for agency in [home, guest] {
            let dispatcher = w.member(agency, role::DISPATCHER, "孙调度").await;
            put(&w, &dispatcher, &one(&her), bather(), "0").await.expect(200);
            w.put(&dispatcher, &format!("{}/week", one(&her)), mornings()).await.expect(200);
        }
        let rows = async || {
            [
                w.count("select count(*) from caregiver_profile").await,
                w.count("select count(*) from caregiver_skill").await,
                w.count("select count(*) from caregiver_hours").await,
            ]
        };
        assert_eq!(rows().await, [2, 4, 2]);
        let administrator = w.member(guest, role::ADMINISTRATOR, "管理员").await;
        let member = format!("/v1/organisations/{guest}/members/{}", her.id);
        w.call(Some(&administrator), "DELETE", &member, None, &[]).await.expect(204);
        assert_eq!(rows().await, [1, 2, 1], "the other agency keeps its own");
    })
    .await;
}

#[tokio::test]
async fn the_pages_lead_from_one_to_the_other() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let her = &w.caregivers[0];
        let own = format!("/caregivers/{}", her.id);
        assert!(w.page(&w.dispatcher, "/visits").await.text.contains("href=\"/caregivers\""));
        let list = w.page(&w.dispatcher, "/caregivers").await.checked(200).text;
        assert!(list.contains(&format!("href=\"{own}\"")) && list.contains("陈阿姨"), "{list}");
        let first = w.get(&w.dispatcher, "/v1/caregivers?limit=2").await.expect(200);
        let after = first["next"].as_str().unwrap();
        let rest = w.get(&w.dispatcher, &format!("/v1/caregivers?limit=2&after={after}")).await.expect(200);
        let names: Vec<_> =
            [&first, &rest].iter().flat_map(|page| page["items"].as_array().unwrap()).map(|c| &c["id"]).collect();
        assert!(w.caregivers.iter().all(|c| names.contains(&&json!(c.id))) && names.len() == 3, "{first} {rest}");
        assert!(rest["next"].is_null() && !list.contains("after="), "{rest}");
        let page = w.page(&w.dispatcher, "/caregivers?limit=2").await.checked(200).text;
        assert!(page.contains(&format!("href=\"/caregivers?after={after}\"")), "{page}");
        let written = w.page(&w.dispatcher, &own).await.checked(200).text;
        assert!(
            written.contains(&format!("data-send=\"PUT /v1{own}\"")) && written.contains("value=\"dementia_care\"")
        );
        assert!(w.page(her, "/visits/today").await.text.contains(&format!("href=\"{own}\"")));
        let read = w.page(her, &own).await.checked(200).text;
        assert!(!read.contains("data-send=\"PUT") && read.contains("每周上班时间"), "{read}");
        assert_eq!(w.page(her, &format!("/caregivers/{}", w.caregivers[1].id)).await.status, 404);
        assert_eq!(w.page(her, "/caregivers").await.status, 403);
        let english = w.call(Some(&w.dispatcher), "GET", &own, None, &[("accept-language", "en")]).await.text;
        assert!(english.contains("Bathing assistance") && english.contains("Weekly hours"), "{english}");
        let administrator = w.member(w.agency, role::ADMINISTRATOR, "管理员").await;
        let account = w.page(&administrator, &format!("/admin/accounts/{}", her.id)).await.checked(200).text;
        assert!(account.contains(&format!("href=\"{own}\"")), "{account}");
    })
    .await;
}
