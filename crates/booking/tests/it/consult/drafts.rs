//! Invitations that are being written: kept whatever is missing, for their writer alone, until they are sent or given up.

use std::time::Duration;

use sanbao_booking::consult::jobs::forget_drafts;
use sanbao_platform::id::uuid_v7;
use sanbao_platform::on;
use sanbao_platform::testing::{Answer, Person, everything, on_both};
use serde_json::{Value, json};

use crate::consult::holds::nurses;
use crate::consult::world::World;

const DRAFTS: &str = "/v1/consult-drafts";
const COUNT: &str = "select count(*) from consult_draft";

fn fresh(w: &World) -> String {
    format!("{DRAFTS}/{}", uuid_v7(w.clock.now()))
}

/// Keeps a draft over a version; none for the first time.
async fn keep(w: &World, who: &Person, path: &str, version: Option<i64>, parts: Value) -> Answer {
    let version = version.map(|version| format!("\"{version}\""));
    let headers: Vec<(&str, &str)> = version.iter().map(|version| ("if-match", version.as_str())).collect();
    w.call(Some(who), "PUT", path, Some(parts), &headers).await
}

/// A draft about a resident.
async fn kept(w: &World, who: &Person, resident: usize) -> String {
    let path = fresh(w);
    let parts = json!({ "resident_id": w.residents[resident], "case_summary": "血压一百六" });
    keep(w, who, &path, None, parts).await.expect(200);
    path
}

fn id_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

fn pointers(answer: &Answer) -> Vec<&str> {
    let mut pointers: Vec<&str> =
        answer.body["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    pointers
}

#[tokio::test]
async fn a_draft_is_kept_from_the_first_letter_for_its_writer_alone() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let path = fresh(&w);
        let first = keep(&w, &w.nurse, &path, None, json!({ "reason": "气" })).await.expect(200);
        assert_eq!((&first["version"], &first["id"]), (&json!(1), &json!(id_of(&path))));
        keep(&w, &w.nurse, &path, None, json!({ "reason": "气促" })).await.refused(412, "precondition-failed");
        let more = json!({ "resident_id": w.residents[0], "reason": "气促", "urgency": "urgent", "wanted_title": "chief",
            "asked": { "doctor_id": w.doctor.id, "starts_at": "2026-11-23T00:30:00Z" } });
        assert_eq!(keep(&w, &w.nurse, &path, Some(1), more.clone()).await.expect(200)["version"], 2);
        keep(&w, &w.nurse, &path, Some(1), json!({})).await.refused(412, "precondition-failed");
        let read = w.get(&w.nurse, &path).await.expect(200);
        assert_eq!((&read["resident_name"], &read["version"]), (&json!("陈奶奶0"), &json!(2)));
        for (part, value) in more.as_object().unwrap() {
            assert_eq!(&read["parts"][part], value, "{part}");
        }
        assert_eq!(w.get(&w.nurse, DRAFTS).await.expect(200)["items"], json!([read]));
        assert!(!everything(&w.db).await.contains("气促"), "it lies there sealed");

        let colleague = &nurses(&w, 1).await[0];
        for who in [colleague, &w.stranger_nurse] {
            w.get(who, &path).await.refused(404, "not-found");
            keep(&w, who, &path, Some(2), json!({})).await.refused(404, "not-found");
            w.call(Some(who), "DELETE", &path, None, &[]).await.refused(404, "not-found");
            assert_eq!(w.get(who, DRAFTS).await.expect(200)["items"], json!([]));
        }
        keep(&w, &w.doctor, &fresh(&w), None, json!({})).await.refused(403, "forbidden");
        w.get(&w.doctor, DRAFTS).await.refused(403, "forbidden");

        w.call(Some(&w.nurse), "DELETE", &path, None, &[]).await.checked(204);
        w.get(&w.nurse, &path).await.refused(404, "not-found");
        keep(&w, &w.nurse, &path, Some(2), json!({})).await.refused(412, "precondition-failed");
        let mut audited = w.audited(id_of(&path)).await;
        assert!(audited.iter().any(|action| action == "GET /v1/consult-drafts/{id}"), "{audited:?}");
        audited.retain(|action| action.starts_with("consult."));
        audited.sort();
        assert_eq!(audited, ["consult.draft.create", "consult.draft.remove", "consult.draft.update"]);
    })
    .await;
}

#[tokio::test]
async fn a_draft_has_bounds() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let long = |chars: usize| "长".repeat(chars);
        let full = json!({ "reason": long(1_000), "purpose": long(1_000), "case_summary": long(10_000) });
        keep(&w, &w.nurse, &fresh(&w), None, full).await.expect(200);
        let over = json!({ "reason": long(1_001), "purpose": long(1_001), "case_summary": long(10_001),
            "wanted_specialty": long(61) });
        let refused = keep(&w, &w.nurse, &fresh(&w), None, over).await.checked(422);
        assert_eq!(pointers(&refused), ["/case_summary", "/purpose", "/reason", "/wanted_specialty"]);
        let foreign = w.post(&w.stranger_nurse, "/v1/persons", json!({ "name": "外奶奶" })).await.expect(201);
        let refused = keep(&w, &w.nurse, &fresh(&w), None, json!({ "resident_id": foreign["id"] })).await;
        assert_eq!(pointers(&refused.checked(422)), ["/resident_id"]);

        for _ in 1..20 {
            keep(&w, &w.nurse, &fresh(&w), None, json!({})).await.expect(200);
        }
        keep(&w, &w.nurse, &fresh(&w), None, json!({})).await.refused(409, "too-many-drafts");
        let staff = nurses(&w, 15).await;
        for (n, who) in (20..300).zip(staff.iter().cycle()) {
            assert_eq!(keep(&w, who, &fresh(&w), None, json!({})).await.status, 200, "the {n}th");
        }
        let colleague = &nurses(&w, 1).await[0];
        keep(&w, colleague, &fresh(&w), None, json!({})).await.refused(409, "too-many-drafts");
        keep(&w, &w.stranger_nurse, &fresh(&w), None, json!({})).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_draft_ends_with_the_invitation_that_is_made_from_it() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let colleague = &nurses(&w, 1).await[0];
        let (own, other) = (kept(&w, &w.nurse, 0).await, kept(&w, colleague, 0).await);
        let mut invitation = w.invitation(0);
        invitation["draft_id"] = json!(id_of(&own));
        invitation["purpose"] = json!("");
        w.post(&w.nurse, "/v1/consults", invitation.clone()).await.checked(422);
        w.get(&w.nurse, &own).await.expect(200);
        invitation["purpose"] = json!("请指导用药");
        w.post(&w.nurse, "/v1/consults", invitation.clone()).await.expect(201);
        w.get(&w.nurse, &own).await.refused(404, "not-found");
        // One that is over, or a colleague's, is in nobody's way.
        for draft in [&own, &other] {
            invitation["draft_id"] = json!(id_of(draft));
            w.post(&w.nurse, "/v1/consults", invitation.clone()).await.expect(201);
        }
        w.get(colleague, &other).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_draft_that_nobody_goes_on_with_is_discarded_after_two_weeks() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (left, gone_on) = (kept(&w, &w.nurse, 0).await, kept(&w, &w.nurse, 1).await);
        w.clock.advance(Duration::from_hours(13 * 24));
        keep(&w, &w.nurse, &gone_on, Some(1), json!({ "reason": "改" })).await.expect(200);
        assert_eq!(forget_drafts(&w.db, &w.clock).await.unwrap(), 0);
        w.clock.advance(Duration::from_hours(24));
        assert_eq!(forget_drafts(&w.db, &w.clock).await.unwrap(), 1);
        w.get(&w.nurse, &left).await.refused(404, "not-found");
        w.get(&w.nurse, &gone_on).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_draft_goes_on_with_the_record_and_ends_with_the_person() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let draft = kept(&w, &w.nurse, 1).await;
        let (one, other) = (w.residents[0], w.residents[1]);
        let resident = async || w.get(&w.nurse, &draft).await.expect(200)["parts"]["resident_id"].clone();
        for (step, of) in [("join", one), ("unjoin", other), ("join", one)] {
            w.post(&w.nurse, &format!("/v1/persons/{one}/{step}"), json!({ "other": other })).await.expect(200);
            assert_eq!(resident().await, json!(of), "{step}");
        }
        let file = w.get(&w.nurse, &format!("/v1/persons/{one}/export")).await.expect(200);
        let drafts = file["sections"].as_array().unwrap().iter().find(|s| s["name"] == "drafts").unwrap();
        assert_eq!(drafts["rows"][0]["case_summary"], "血压一百六", "{drafts}");
        let head = Person::new(w.nurse.id, w.home, &["administrator"], "院长").of_a("care_home");
        let file = w.get(&head, &format!("/v1/persons/{one}/export")).await;
        assert!(!file.text.contains("血压一百六"), "who may not read consults is not told of what they would say");
        let left = json!({ "kind": "left", "on": "2026-11-22" });
        w.post(&w.nurse, &format!("/v1/persons/{one}/end"), left).await.expect(200);
        w.post(&head, &format!("/v1/persons/{one}/erase"), json!({ "cause": "demand" })).await.expect(200);
        assert_eq!(w.count(COUNT).await, 0);
    })
    .await;
}

#[tokio::test]
async fn the_pages_go_on_with_a_draft_or_discard_it() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        assert!(!w.page(&w.nurse, "/consults").await.text.contains("没写完的申请"));
        let draft = kept(&w, &w.nurse, 0).await;
        let id = id_of(&draft);
        let list = w.page(&w.nurse, "/consults").await.checked(200).text;
        let page = format!("/consults/new?draft={id}");
        for part in ["没写完的申请", "陈奶奶0", "血压一百六", &page, &format!("DELETE {draft}")] {
            assert!(list.contains(part), "{part} in {list}");
        }
        let form = w.page(&w.nurse, &page).await.checked(200).text;
        for part in
            ["血压一百六", "已保存 08:00", "data-version=\"1\"", &format!("value=\"{}\" selected", w.residents[0])]
        {
            assert!(form.contains(part), "{part} in {form}");
        }
        let colleague = &nurses(&w, 1).await[0];
        assert_eq!(w.page(colleague, &page).await.status, 404);
        assert!(!w.page(colleague, "/consults").await.text.contains("没写完的申请"));
        // What does not open is shown to nobody, and is in nobody's way.
        let mut tx = w.db.begin().await.unwrap();
        on!(tx, |c| {
            let spoilt = sqlx::query("update consult_draft set sealed = $1").bind(vec![1_u8, 2]);
            spoilt.execute(c).await.map(drop)
        })
        .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(w.page(&w.nurse, "/consults").await.status, 200);
        w.get(&w.nurse, &draft).await.refused(404, "not-found");
    })
    .await;
}

#[tokio::test]
async fn everything_that_is_wrong_with_an_invitation_is_told_at_once() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let nobody = uuid_v7(w.clock.now());
        let mut invitation = w.invitation(0);
        for (field, value) in [
            ("resident_id", json!(nobody)),
            ("reason", json!(" ")),
            ("case_summary", json!("长".repeat(10_001))),
            ("wanted_until", json!("2026-11-22T10:00:00Z")),
            ("wanted_specialty", json!("astrology")),
        ] {
            invitation[field] = value;
        }
        let all = ["/case_summary", "/reason", "/resident_id", "/wanted_specialty", "/wanted_until"];
        let refused = w.post(&w.nurse, "/v1/consults", invitation.clone()).await.checked(422);
        assert_eq!(pointers(&refused), all);
        invitation["hospital_id"] = json!(w.home);
        let refused = w.post(&w.nurse, "/v1/consults", invitation.clone()).await.checked(422);
        assert!(pointers(&refused).contains(&"/hospital_id"));
        // A time that is not offered stands beside the others.
        let mut asking = w.invitation(0);
        asking["purpose"] = json!("");
        asking["asked"] = json!({ "doctor_id": w.doctor.id, "starts_at": "2026-11-23T00:37:00Z" });
        let refused = w.post(&w.nurse, "/v1/consults", asking).await.checked(422);
        assert_eq!(pointers(&refused), ["/asked/starts_at", "/purpose"]);
        // So is it when one is changed.
        let id = w.submitted().await;
        w.step(&w.doctor, &id, "return", json!({ "reason": "缺心电图" })).await.expect(200);
        invitation["hospital_id"] = json!(w.hospital);
        let refused = w.put(&w.nurse, &format!("/v1/consults/{id}"), invitation).await.checked(422);
        assert_eq!(pointers(&refused), all);
        assert_eq!(w.count("select count(*) from consult").await, 1);
    })
    .await;
}
