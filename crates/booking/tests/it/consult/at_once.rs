//! Booking in the step that sends an invitation, by the agreement of the two sides; and the return of such a consult until it begins.

use std::time::Duration;

use sanbao_booking::consult::jobs::expire;
use sanbao_platform::on;
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::consult::agreements::{AFFILIATIONS, agree};
use crate::consult::holds::{ENDING, FIRST, HOLDS, ROWS, SECOND, asking, nurses, starts, view, whole, wish};
use crate::consult::world::World;

const YEAR: (&str, &str) = ("2026-01-01", "2026-12-31");
const ENDED: &str =
    "update affiliation set state = 'ended', ended_by = 'invited', reason = '合作结束', version = version + 1
    where inviting_id = $1";

/// A world in which the agreement says that hours are booked at once.
async fn agreed(engine: &sanbao_platform::testing::TestEngine) -> World {
    let w = World::new(engine).await;
    agree(&w, true, YEAR).await;
    w
}

/// Sends an invitation that is booked at once; the consult's id.
async fn booked(w: &World) -> String {
    let view = w.post(&w.nurse, "/v1/consults", asking(w, 0, &w.doctor, FIRST)).await.expect(201);
    assert_eq!((&view["state"], &view["appointment"]["at_once"]), (&json!("scheduled"), &json!(true)), "{view}");
    view["id"].as_str().unwrap().to_owned()
}

fn steps(view: &Value) -> Vec<String> {
    let lines = view["history"].as_array().unwrap();
    lines.iter().map(|line| line["action"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_is_sent_is_booked_in_the_same_step() {
    on_both(|engine| async move {
        let w = agreed(&engine).await;
        w.post(&w.nurse, HOLDS, wish(&w, 0, &w.doctor, FIRST)).await.expect(201);
        let id = booked(&w).await;
        let seen = view(&w, &id).await;
        assert_eq!((&seen["doctor_id"], &seen["appointment"]["starts_at"]), (&json!(w.doctor.id), &json!(FIRST)));
        assert_eq!(steps(&seen), ["create", "submit", "book"]);
        let events = w.events(&id).await;
        assert_eq!(events, ["booking.consult.draft", "booking.consult.submitted", "booking.consult.scheduled"]);
        assert!(w.audited(&id).await.contains(&"consult.book".to_owned()));
        // What was held while it was written went over into it, and nothing of it ends.
        assert_eq!((w.count(ROWS).await, w.count(ENDING).await), (3, 0));
        whole(&w).await;
        let page = w.page(&w.nurse, &format!("/consults/{id}")).await.checked(200).text;
        assert!(page.contains("按合作协议直接约定") && page.contains("直接约定</td>"), "{page}");
        let page = w.page(&w.doctor, &format!("/consults/{id}")).await.checked(200).text;
        assert!(page.contains("id=\"ask-return\"") && page.contains("会诊开始前可以退回"), "{page}");
        let seen = w.get(&w.doctor, &format!("/v1/consults/{id}")).await.expect(200);
        assert!(seen["actions"].as_array().unwrap().contains(&json!("return")), "{seen}");
        // A booked one like any: moved, and held as long as it takes.
        w.step(&w.nurse, &id, "reschedule", json!({ "starts_at": SECOND })).await.expect(200);
        w.clock.advance(Duration::from_hours(1));
        w.step(&w.doctor, &id, "finish", Value::Null).await.expect(200);
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn a_draft_is_booked_when_it_is_sent_and_the_page_says_so_before() {
    on_both(|engine| async move {
        let w = agreed(&engine).await;
        let mut draft = asking(&w, 0, &w.doctor, FIRST);
        draft["submit"] = json!(false);
        let id = w.post(&w.nurse, "/v1/consults", draft.clone()).await.expect(201)["id"].as_str().unwrap().to_owned();
        assert_eq!(w.count(ROWS).await, 0);
        let page = w.page(&w.nurse, &format!("/consults/{id}")).await.checked(200).text;
        assert!(page.contains("直接约定，无需等待医院答复"), "{page}");
        let sent = w.step(&w.nurse, &id, "submit", Value::Null).await.expect(200);
        assert_eq!(
            (&sent["state"], steps(&sent)),
            (&json!("scheduled"), ["create", "submit", "book"].map(str::to_owned).to_vec())
        );
        // The same by a change that is sent at once.
        draft["asked"]["starts_at"] = json!(SECOND);
        let other = w.post(&w.nurse, "/v1/consults", draft.clone()).await.expect(201);
        draft["submit"] = json!(true);
        draft["resident_id"] = json!(w.residents[1]);
        let path = format!("/v1/consults/{}", other["id"].as_str().unwrap());
        let sent = w.put(&w.nurse, &path, draft).await.expect(200);
        assert_eq!((&sent["state"], &sent["appointment"]["starts_at"]), (&json!("scheduled"), &json!(SECOND)));
        assert_eq!((w.count(ROWS).await, w.count(ENDING).await), (6, 0));
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn the_hospital_returns_it_until_it_begins() {
    on_both(|engine| async move {
        let w = agreed(&engine).await;
        let id = booked(&w).await;
        w.post(&w.nurse, &format!("/v1/consults/{id}/consents"), World::consent()).await.expect(201);
        w.step(&w.nurse, &id, "fetch", json!({})).await.expect(200);
        let why = json!({ "reason": "请补充心电图" });
        for who in [&w.second_doctor, &w.hospital_admin, &w.nurse] {
            let refused = w.step(who, &id, "return", why.clone()).await;
            assert!([403, 404].contains(&refused.status.as_u16()), "{}", refused.text);
        }
        w.step(&w.doctor, &id, "return", json!({ "reason": "" })).await.refused(422, "invalid");
        let returned = w.step(&w.doctor, &id, "return", why.clone()).await.expect(200);
        assert_eq!((&returned["state"], &returned["state_note"]), (&json!("returned"), &json!("请补充心电图")));
        assert_eq!((&returned["appointment"], &returned["doctor_id"]), (&Value::Null, &Value::Null));
        assert_eq!(w.count(ROWS).await, 0, "the time is given back");
        assert_eq!(w.events(&id).await.last().unwrap(), "booking.consult.returned");
        whole(&w).await;
        let form = w.page(&w.nurse, &format!("/consults/new?id={id}")).await.checked(200).text;
        assert!(form.contains("请补充心电图") && form.contains("再次发出后，由医院答复"), "{form}");
        let page = w.page(&w.nurse, &format!("/consults/{id}")).await.checked(200).text;
        assert!(!page.contains("无需等待医院答复"), "{page}");
        // Sent again a doctor answers it, and nobody has said anew that they fetch the person.
        let again = w.put(&w.nurse, &format!("/v1/consults/{id}"), asking(&w, 0, &w.doctor, FIRST)).await.expect(200);
        assert_eq!((&again["state"], &again["fetcher"]), (&json!("submitted"), &Value::Null));
        assert_eq!(w.count(ENDING).await, 3);
        let taken = w.step(&w.doctor, &id, "accept", Value::Null).await.expect(200);
        assert_eq!((&taken["state"], &taken["appointment"]["at_once"]), (&json!("scheduled"), &json!(false)));
        w.step(&w.doctor, &id, "return", why).await.refused(409, "invalid-transition");
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn what_was_returned_and_is_sent_as_it_was_waits_for_an_answer() {
    on_both(|engine| async move {
        let w = agreed(&engine).await;
        let id = booked(&w).await;
        w.step(&w.doctor, &id, "return", json!({ "reason": "资料不够" })).await.expect(200);
        let sent = w.step(&w.nurse, &id, "submit", Value::Null).await.expect(200);
        assert_eq!((&sent["state"], &sent["appointment"]), (&json!("submitted"), &Value::Null));
        assert_eq!((w.count(ROWS).await, w.count(ENDING).await), (3, 3));
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn a_time_that_has_begun_is_neither_returned_nor_booked_at_once() {
    on_both(|engine| async move {
        let w = agreed(&engine).await;
        let (id, why) = (booked(&w).await, json!({ "reason": "请补充心电图" }));
        let mut draft = asking(&w, 1, &w.second_doctor, FIRST);
        draft["submit"] = json!(false);
        let draft = w.post(&w.nurse, "/v1/consults", draft).await.expect(201)["id"].as_str().unwrap().to_owned();
        w.clock.advance(Duration::from_mins(30));
        let seen = w.get(&w.doctor, &format!("/v1/consults/{id}")).await.expect(200);
        assert!(!seen["actions"].as_array().unwrap().contains(&json!("return")), "{seen}");
        // People stand at the door.
        w.step(&w.doctor, &id, "return", why).await.refused(409, "begun");
        assert_eq!(w.count(ROWS).await, 3);
        let page = w.page(&w.nurse, &format!("/consults/{draft}")).await.checked(200).text;
        assert!(!page.contains("无需等待医院答复"), "{page}");
        let sent = w.step(&w.nurse, &draft, "submit", Value::Null).await.expect(200);
        assert_eq!((&sent["state"], w.count(ENDING).await), (&json!("submitted"), 3));
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn the_home_moves_it_only_to_what_it_could_have_booked_at_once() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        agree(&w, true, ("2026-11-01", "2026-11-24")).await;
        let id = booked(&w).await;
        let lower = json!({ "specialty": "cardiology", "title": "resident", "licence_no": "110330211000001" });
        let path = format!("/v1/practitioners/{}", w.second_doctor.id);
        w.put(&w.hospital_admin, &path, lower).await.expect(200);
        let below = json!({ "doctor_id": w.second_doctor.id, "starts_at": SECOND, "below_rank": true });
        for wanted in [below, json!({ "starts_at": "2026-11-25T00:30:00Z" })] {
            w.step(&w.nurse, &id, "reschedule", wanted).await.refused(409, "not-at-once");
        }
        let seen = view(&w, &id).await;
        assert_eq!((&seen["appointment"]["starts_at"], w.count(ROWS).await), (&json!(FIRST), 3));
        let last_day = json!({ "starts_at": "2026-11-24T00:30:00Z" });
        let moved = w.step(&w.nurse, &id, "reschedule", last_day).await.expect(200);
        assert_eq!(moved["appointment"]["at_once"], json!(true));
        w.clock.advance(Duration::from_mins(40));
        w.step(&w.nurse, &id, "reschedule", json!({ "starts_at": FIRST })).await.refused(409, "not-at-once");
        // The hospital's word for a time is its answer: it is booked as any other is, and moved as any other.
        let later = json!({ "starts_at": "2026-11-25T00:30:00Z" });
        let moved = w.step(&w.doctor, &id, "reschedule", later).await.expect(200);
        assert_eq!(moved["appointment"]["at_once"], json!(false));
        w.step(&w.doctor, &id, "return", json!({ "reason": "资料不够" })).await.refused(409, "invalid-transition");
        let later = json!({ "starts_at": "2026-11-25T01:00:00Z" });
        w.step(&w.nurse, &id, "reschedule", later).await.expect(200);
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn an_exchange_takes_it_nowhere_else_either() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        agree(&w, true, ("2026-11-01", "2026-11-24")).await;
        let id = booked(&w).await;
        let later = asking(&w, 1, &w.second_doctor, "2026-11-25T00:30:00Z");
        let later = w.post(&w.nurse, "/v1/consults", later).await.expect(201)["id"].as_str().unwrap().to_owned();
        let taken = w.step(&w.second_doctor, &later, "accept", Value::Null).await.expect(200);
        assert_eq!(taken["state"], "scheduled");
        for (one, two) in [(&id, &later), (&later, &id)] {
            let refused = w.step(&w.nurse, one, "exchange", json!({ "with": two })).await;
            assert_eq!(refused.refused(409, "not-at-once").body["consult_id"], json!(id));
        }
        w.step(&w.hospital_admin, &id, "exchange", json!({ "with": later })).await.expect(200);
        let seen = view(&w, &id).await;
        assert_eq!(seen["appointment"]["starts_at"], "2026-11-25T00:30:00Z");
        assert_eq!(seen["appointment"]["at_once"], json!(false), "the hospital has answered");
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_returned_waits_three_days_for_what_is_missing() {
    on_both(|engine| async move {
        let w = agreed(&engine).await;
        let mut short = asking(&w, 0, &w.doctor, FIRST);
        short["wanted_until"] = json!("2026-11-23T00:40:00Z");
        let view = w.post(&w.nurse, "/v1/consults", short).await.expect(201);
        let (id, state) = (view["id"].as_str().unwrap().to_owned(), &view["state"]);
        assert_eq!(state, "scheduled");
        w.clock.advance(Duration::from_mins(29));
        w.step(&w.doctor, &id, "return", json!({ "reason": "资料不够" })).await.expect(200);
        w.clock.advance(Duration::from_hours(3 * 24) - Duration::from_mins(1));
        assert_eq!(expire(&w.db, &w.clock).await.unwrap(), 0);
        w.clock.advance(Duration::from_mins(1));
        assert_eq!(expire(&w.db, &w.clock).await.unwrap(), 1);
        assert_eq!(w.events(&id).await.last().unwrap(), "booking.consult.expired");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_while_the_agreement_ends_waits_for_an_answer() {
    on_both(|engine| async move {
        let w = agreed(&engine).await;
        let mut tx = w.db.begin().await.unwrap();
        on!(tx, |c| sqlx::query(ENDED).bind(w.home).execute(c).await.map(drop)).unwrap();
        let ends = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            tx.commit().await.unwrap();
        };
        let (sent, ()) = tokio::join!(w.post(&w.nurse, "/v1/consults", asking(&w, 0, &w.doctor, FIRST)), ends);
        assert_eq!(sent.expect(201)["state"], "submitted");
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn what_a_doctor_has_taken_on_is_not_returned() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        let why = json!({ "reason": "请补充心电图" });
        let refused = w.step(&w.doctor, &id, "return", why).await.refused(409, "invalid-transition");
        let legal = refused.body["legal"].as_array().unwrap();
        assert!(!legal.contains(&json!("return")), "{}", refused.text);
        let page = w.page(&w.doctor, &format!("/consults/{id}")).await.checked(200).text;
        assert!(!page.contains("id=\"ask-return\""), "{page}");
    })
    .await;
}

#[tokio::test]
async fn a_time_that_is_taken_books_nothing_and_names_others() {
    on_both(|engine| async move {
        let w = agreed(&engine).await;
        let other = &nurses(&w, 1).await[0];
        w.post(other, HOLDS, wish(&w, 1, &w.doctor, FIRST)).await.expect(201);
        let rows = w.count(ROWS).await;
        let refused = w.post(&w.nurse, "/v1/consults", asking(&w, 0, &w.doctor, FIRST)).await;
        let refused = refused.refused(409, "slot-taken");
        assert_eq!(starts(&refused).len(), 5);
        let mut draft = asking(&w, 0, &w.doctor, FIRST);
        draft["submit"] = json!(false);
        let id = w.post(&w.nurse, "/v1/consults", draft).await.expect(201)["id"].as_str().unwrap().to_owned();
        let refused = w.step(&w.nurse, &id, "submit", Value::Null).await.refused(409, "slot-taken");
        assert!(!starts(&refused).is_empty());
        assert_eq!((&view(&w, &id).await["state"], w.count(ROWS).await), (&json!("draft"), rows));
        assert_eq!(w.events(&id).await, ["booking.consult.draft"]);
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn the_rules_of_the_calendar_and_the_rank_count_as_in_booking() {
    on_both(|engine| async move {
        let w = agreed(&engine).await;
        let path = format!("/v1/practitioners/{}/rules", w.doctor.id);
        let rule = Some(json!({ "notice_hours": 24 }));
        w.call(Some(&w.hospital_admin), "PUT", &path, rule, &[("if-match", "\"0\"")]).await.expect(200);
        let refused = w.post(&w.nurse, "/v1/consults", asking(&w, 0, &w.doctor, FIRST)).await;
        assert!(!starts(&refused.refused(409, "notice-too-short")).is_empty());
        w.post(&w.nurse, "/v1/consults", asking(&w, 0, &w.doctor, "2026-11-24T00:30:00Z")).await.expect(201);
        // A doctor who has lost the rank since the draft was written.
        let mut draft = asking(&w, 1, &w.second_doctor, SECOND);
        (draft["submit"], draft["wanted_title"]) = (json!(false), json!("chief"));
        let id = w.post(&w.nurse, "/v1/consults", draft).await.expect(201)["id"].as_str().unwrap().to_owned();
        let lower = json!({ "specialty": "cardiology", "title": "attending", "licence_no": "110330211000001" });
        let path = format!("/v1/practitioners/{}", w.second_doctor.id);
        w.put(&w.hospital_admin, &path, lower).await.expect(200);
        let refused = w.step(&w.nurse, &id, "submit", Value::Null).await.refused(422, "invalid");
        assert_eq!(refused.body["errors"][0]["pointer"], "/asked/doctor_id");
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn it_waits_for_an_answer_where_the_agreement_does_not_say_so() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let state = async |urgency: &str, starts_at: &str| {
            let mut invitation = asking(&w, 0, &w.doctor, starts_at);
            invitation["urgency"] = json!(urgency);
            let view = w.post(&w.nurse, "/v1/consults", invitation).await.expect(201);
            let id = view["id"].as_str().unwrap().to_owned();
            w.step(&w.nurse, &id, "cancel", json!({ "reason": "好转" })).await.expect(200);
            view["state"].as_str().unwrap().to_owned()
        };
        assert_eq!(state("routine", FIRST).await, "submitted", "without an agreement");
        let id = agree(&w, false, ("2026-11-01", "2026-11-24")).await;
        assert_eq!(state("routine", FIRST).await, "submitted", "with one that does not say so");
        let change = format!("{AFFILIATIONS}/{id}/change");
        w.post(&w.hospital_admin, &change, json!({ "books_at_once": true })).await.expect(200);
        assert_eq!(state("routine", FIRST).await, "scheduled");
        assert_eq!(state("urgent", FIRST).await, "scheduled");
        assert_eq!(state("stat", FIRST).await, "submitted", "a doctor answers what is most urgent");
        assert_eq!(state("routine", "2026-11-24T00:30:00Z").await, "scheduled", "the last day");
        assert_eq!(state("routine", "2026-11-25T00:30:00Z").await, "submitted", "after the last day");
        // Without a time there is nothing to book.
        let view = w.post(&w.nurse, "/v1/consults", w.invitation(1)).await.expect(201);
        assert_eq!(view["state"], "submitted");
        let end = format!("{AFFILIATIONS}/{id}/end");
        w.post(&w.hospital_admin, &end, json!({ "reason": "合作结束" })).await.expect(200);
        assert_eq!(state("routine", FIRST).await, "submitted", "after its end");
        whole(&w).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_booked_at_once_holds_nothing_that_is_counted() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        for (resident, doctor, at) in crate::consult::holds::times(&w, 50) {
            w.post(&w.nurse, "/v1/consults", asking(&w, resident, &doctor, &at)).await.expect(201);
        }
        let last = asking(&w, 0, &w.doctor, FIRST);
        w.post(&w.nurse, "/v1/consults", last.clone()).await.refused(409, "too-many-held");
        agree(&w, true, YEAR).await;
        let view = w.post(&w.nurse, "/v1/consults", last).await.expect(201);
        assert_eq!(view["state"], "scheduled");
    })
    .await;
}
