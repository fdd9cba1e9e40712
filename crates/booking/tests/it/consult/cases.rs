//! Mistakes that the world makes with consults, and that nobody may make here: consents of one person for another, old
//! tickets for a new time, doctors who are gone or of too low a rank, and steps before their time.

use std::time::Duration;

use sanbao_platform::on;
use sanbao_platform::testing::{Answer, Person, on_both};
use serde_json::{Value, json};

use crate::consult::meeting::{revoked, tell};
use crate::consult::world::World;

const WEEK: &str = "from=2026-11-23T00:00:00Z&to=2026-11-30T00:00:00Z";

async fn view(w: &World, who: &Person, id: &str) -> Value {
    w.get(who, &format!("/v1/consults/{id}")).await.expect(200)
}

fn has(list: &Value, word: &str) -> bool {
    list.as_array().unwrap().iter().any(|one| one == word)
}

/// Another doctor than the one who took it on, at a time.
fn with(w: &World, who: &Person, starts_at: &str) -> Value {
    let mut wanted = w.at(starts_at);
    wanted["doctor_id"] = json!(who.id);
    wanted
}

fn at_doctor(refused: &Answer) {
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert_eq!(refused.body["errors"][0]["pointer"], "/doctor_id", "{}", refused.text);
}

/// The doctor is of this rank from now on.
async fn ranks(w: &World, who: &Person, title: &str) {
    let profile = json!({ "specialty": "cardiology", "title": title, "licence_no": "110330211000001" });
    w.put(&w.hospital_admin, &format!("/v1/practitioners/{}", who.id), profile).await.expect(200);
}

/// A consult that asks for at least this rank.
async fn asks_for(w: &World, title: &str) -> String {
    let mut invitation = w.invitation(0);
    invitation["wanted_title"] = json!(title);
    let body = w.post(&w.nurse, "/v1/consults", invitation).await.expect(201);
    body["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn another_resident_voids_consents_and_family_links_and_the_same_one_keeps_them() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let mut draft = w.invitation(0);
        draft["submit"] = json!(false);
        let made = w.post(&w.nurse, "/v1/consults", draft.clone()).await.expect(201);
        let id = made["id"].as_str().unwrap();
        let path = format!("/v1/consults/{id}");
        w.step(&w.nurse, id, "consents", World::consent()).await.expect(201);
        let guest = json!({ "name": "陈女士", "relation": "女儿" });
        let link = w.step(&w.nurse, id, "guest-links", guest).await.expect(201);
        let ends = async || {
            let consents = w.get(&w.nurse, &format!("{path}/consents")).await.expect(200);
            let links = w.get(&w.nurse, &format!("{path}/guest-links")).await.expect(200);
            (consents[0]["withdrawn_at"].clone(), links[0]["revoked_at"].clone())
        };
        draft["reason"] = json!("气促加重");
        let same = w.put(&w.nurse, &path, draft.clone()).await.expect(200);
        assert_eq!((&same["has_consent"], ends().await), (&json!(true), (Value::Null, Value::Null)));

        let mut other = draft.clone();
        other["resident_id"] = json!(w.residents[1]);
        other["submit"] = json!(true);
        let revised = w.put(&w.nurse, &path, other).await.expect(200);
        assert_eq!((&revised["state"], &revised["has_consent"]), (&json!("submitted"), &json!(false)));
        let (withdrawn, gone) = ends().await;
        assert!(withdrawn.is_string() && gone.is_string(), "{withdrawn} {gone}");
        let by_the_nurse = "select count(*) from consult_consent k join account a on a.id = k.withdrawn_by
            where a.display_name = '王护士'";
        assert_eq!(w.count(by_the_nurse).await, 1);
        let notes: Vec<&Value> = revised["history"].as_array().unwrap().iter().map(|line| &line["note"]).collect();
        let word = json!("other_person");
        assert_eq!(notes.iter().filter(|note| ***note == word).count(), 1, "{notes:?}");
        let audited = w.audited(id).await;
        for action in ["consult.consent.withdraw", "consult.guest_link.revoke"] {
            assert!(audited.iter().any(|a| a == action), "{action} in {audited:?}");
        }
        let page = w.get(&w.nurse, &format!("/consults/{id}")).await.text;
        assert!(page.contains("换了老人"), "{page}");
        let token = Some(json!({ "token": link["token"] }));
        assert_eq!(w.call(None, "POST", "/v1/guest-tickets", token, &[]).await.status, 404);
        let resend = format!("guest-links/{}/resend", link["id"].as_str().unwrap());
        assert_eq!(w.step(&w.nurse, id, &resend, Value::Null).await.status, 404, "nor does it come back");

        w.step(&w.doctor, id, "accept", Value::Null).await.expect(200);
        w.step(&w.nurse, id, "schedule", w.at("2026-11-23T00:30:00Z")).await.expect(200);
        assert_eq!(w.step(&w.nurse, id, "ticket", Value::Null).await.problem(), "consent-missing");
    })
    .await;
}

#[tokio::test]
async fn a_consult_that_is_put_off_takes_every_ticket_back_and_is_not_begun_by_those_of_the_old_time() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        w.step(&w.nurse, &id, "consents", World::consent()).await.expect(201);
        let guest = json!({ "name": "陈女士", "relation": "女儿" });
        let link = w.step(&w.nurse, &id, "guest-links", guest).await.expect(201);
        for who in [&w.nurse, &w.doctor] {
            w.step(who, &id, "ticket", Value::Null).await.expect(200);
        }
        let token = Some(json!({ "token": link["token"] }));
        w.call(None, "POST", "/v1/guest-tickets", token.clone(), &[]).await.expect(200);
        let mut same_time = w.at("2026-11-23T00:30:00Z");
        same_time["room_id"] = json!(w.rooms[1]);
        w.step(&w.nurse, &id, "reschedule", same_time).await.expect(200);
        assert!(revoked(&w, &id, "person").await.is_empty(), "another room of the house is the same visit");

        w.step(&w.nurse, &id, "reschedule", w.at("2026-11-30T00:30:00Z")).await.expect(200);
        let family = link["id"].as_str().unwrap().parse().unwrap();
        let (mut told, mut all) = (revoked(&w, &id, "person").await, vec![w.nurse.id, w.doctor.id, family]);
        told.sort_unstable();
        all.sort_unstable();
        assert_eq!(told, all);
        tell(&w, &id, "started", json!({})).await;
        assert_eq!(view(&w, &w.nurse, &id).await["state"], "scheduled");
        tell(&w, &id, "finished", json!({ "by": w.nurse.id, "together_seconds": 600 })).await;
        assert_eq!(view(&w, &w.nurse, &id).await["state"], "scheduled", "nor ended");

        let early = w.call(None, "POST", "/v1/guest-tickets", token.clone(), &[]).await.refused(409, "ticket-window");
        assert_eq!(early.body["expected_at"], "2026-11-30T00:30:00Z", "the family learns when: {}", early.text);
        assert!(early.text.contains("11月30日 周一 08:30"), "{}", early.text);
        w.clock.advance(Duration::from_hours(7 * 24));
        w.step(&w.nurse, &id, "ticket", Value::Null).await.expect(200);
        w.call(None, "POST", "/v1/guest-tickets", token, &[]).await.expect(200);
        // The relay has said that they met, and says it once: now it begins when both are there again.
        for (who, role) in [(&w.nurse, "host"), (&w.doctor, "clinician")] {
            assert_eq!(view(&w, &w.nurse, &id).await["state"], "scheduled", "{role}");
            tell(&w, &id, "attendance", json!({ "person": who.id, "role": role, "change": "joined" })).await;
        }
        assert_eq!(view(&w, &w.nurse, &id).await["state"], "in_session");
    })
    .await;
}

#[tokio::test]
async fn those_who_came_to_the_old_time_do_not_count_as_those_of_the_new_one() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        let came = async |who: &Person, role: &str| {
            for change in ["joined", "left"] {
                tell(&w, &id, "attendance", json!({ "person": who.id, "role": role, "change": change })).await;
                w.clock.advance(Duration::from_mins(1));
            }
        };
        came(&w.nurse, "host").await;
        w.step(&w.nurse, &id, "reschedule", w.at("2026-11-30T00:30:00Z")).await.expect(200);
        w.clock.advance(Duration::from_hours(7 * 24));
        came(&w.doctor, "clinician").await;
        w.clock.advance(Duration::from_mins(50));
        let meeting = w.get(&w.doctor, &format!("/v1/consults/{id}/meeting")).await.expect(200);
        assert_eq!(meeting["absent"], "host", "{}: {meeting}", w.engine);
    })
    .await;
}

#[tokio::test]
async fn a_doctor_who_is_disabled_is_not_booked_and_nothing_else_is_lost() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.accepted().await;
        let slots = format!("/v1/consults/{id}/slots?{WEEK}");
        let kept = w.get(&w.nurse, &slots).await.expect(200)["items"][0]["starts_at"].clone();
        let actions = view(&w, &w.nurse, &id).await["actions"].clone();
        w.post(&w.hospital_admin, &format!("/v1/accounts/{}/disable", w.doctor.id), Value::Null).await.expect(200);
        let wanted = json!({ "room_id": w.rooms[0], "starts_at": kept });
        let refused = w.step(&w.nurse, &id, "schedule", wanted).await;
        at_doctor(&refused);
        assert!(refused.text.contains("李医生"), "{}", refused.text);
        let after = view(&w, &w.nurse, &id).await;
        assert_eq!((&after["state"], &after["actions"]), (&json!("accepted"), &actions));
        let free = w.get(&w.nurse, &slots).await.expect(200);
        assert!(
            free["items"].as_array().unwrap().iter().all(|slot| slot["doctor_id"] == json!(w.second_doctor.id)),
            "{free}"
        );
        let colleague = with(&w, &w.second_doctor, kept.as_str().unwrap());
        w.step(&w.nurse, &id, "schedule", colleague).await.expect(200);
        at_doctor(&w.step(&w.nurse, &id, "reschedule", with(&w, &w.doctor, "2026-11-24T00:30:00Z")).await);
    })
    .await;
}

#[tokio::test]
async fn a_doctor_who_has_left_the_hospital_is_not_booked_and_takes_nothing_on() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (accepted, waiting) = (w.accepted().await, w.submitted().await);
        let mut tx = w.db.begin().await.unwrap();
        let leave = "delete from membership where account_id = $1";
        on!(tx, |c| sqlx::query(leave).bind(w.doctor.id).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        let refused = w.step(&w.nurse, &accepted, "schedule", w.at("2026-11-23T00:30:00Z")).await;
        at_doctor(&refused);
        assert!(refused.text.contains("李医生"), "{}", refused.text);
        let refused = w.step(&w.doctor, &waiting, "accept", Value::Null).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (409, "doctor-gone"), "{}", refused.text);
        assert_eq!(view(&w, &w.nurse, &waiting).await["state"], "submitted");
        w.step(&w.second_doctor, &waiting, "accept", Value::Null).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_wanted_rank_is_the_least_and_below_it_counts_the_inviting_sides_word_alone() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        ranks(&w, &w.second_doctor, "associate_chief").await;
        let id = asks_for(&w, "chief").await;
        w.step(&w.doctor, &id, "accept", Value::Null).await.expect(200);
        let doctors = async |who: &Person, more: &str| {
            let free = w.get(who, &format!("/v1/consults/{id}/slots?{WEEK}&limit=200{more}")).await.expect(200);
            let of =
                |who: &Person| free["items"].as_array().unwrap().iter().any(|slot| slot["doctor_id"] == json!(who.id));
            (of(&w.doctor), of(&w.second_doctor))
        };
        assert_eq!(doctors(&w.nurse, "").await, (true, false));
        assert_eq!(doctors(&w.nurse, "&below_rank=true").await, (true, true));
        assert_eq!(doctors(&w.hospital_admin, "&below_rank=true").await, (true, false));
        let page = async |who| w.get(who, &format!("/consults/{id}")).await.text;
        assert!(page(&w.nurse).await.contains("data-below-rank"));
        assert!(!page(&w.hospital_admin).await.contains("data-below-rank"));

        let mut wanted = with(&w, &w.second_doctor, "2026-11-23T00:30:00Z");
        let refused = w.step(&w.nurse, &id, "schedule", wanted.clone()).await;
        at_doctor(&refused);
        assert!(refused.text.contains("主任医师及以上"), "{}", refused.text);
        wanted["below_rank"] = json!(true);
        at_doctor(&w.step(&w.doctor, &id, "schedule", wanted.clone()).await);
        let booked = w.step(&w.nurse, &id, "schedule", wanted).await.expect(200);
        assert_eq!(booked["doctor_name"], "赵医生");
        let last = booked["history"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["action"], &last["note"]), (&json!("schedule"), &json!("below_rank")));
        assert!(page(&w.nurse).await.contains("邀请方同意由职称较低的医生会诊"));
        // The word stands for the doctor, at whatever time.
        w.step(&w.second_doctor, &id, "reschedule", w.at("2026-11-23T01:00:00Z")).await.expect(200);
        assert_eq!(w.step(&w.nurse, &id, "reschedule", json!({ "below_rank": "yes" })).await.status, 422);
    })
    .await;
}

#[tokio::test]
async fn a_doctor_below_the_wanted_rank_may_answer_and_is_not_booked() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        ranks(&w, &w.second_doctor, "attending").await;
        let id = asks_for(&w, "associate_chief").await;
        w.step(&w.second_doctor, &id, "accept", Value::Null).await.expect(200);
        let free = w.get(&w.nurse, &format!("/v1/consults/{id}/slots?{WEEK}")).await.expect(200);
        let is_below = |slot: &Value| slot["doctor_id"] == json!(w.second_doctor.id);
        assert!(!free["items"].as_array().unwrap().iter().any(is_below), "{free}");
        let mut wanted = w.at("2026-11-23T00:30:00Z");
        wanted["doctor_id"] = json!(w.second_doctor.id);
        let refused = w.step(&w.nurse, &id, "schedule", wanted.clone()).await;
        at_doctor(&refused);
        assert_eq!(view(&w, &w.nurse, &id).await["state"], "accepted");
        wanted["doctor_id"] = json!(w.doctor.id);
        let booked = w.step(&w.nurse, &id, "schedule", wanted).await.expect(200);
        assert_eq!(booked["history"].as_array().unwrap().last().unwrap()["note"], Value::Null);
        // The search by rank that belongs to no consult is exact.
        for (title, found) in [("chief", true), ("associate_chief", false), ("attending", true)] {
            let free =
                w.get(&w.nurse, &format!("/v1/slots?{WEEK}&title={title}&specialty=cardiology")).await.expect(200);
            let free = free["items"].as_array().unwrap();
            assert_eq!(!free.is_empty(), found, "{title}");
            assert!(free.iter().all(|slot| slot["title"] == title));
        }
    })
    .await;
}

#[tokio::test]
async fn a_delay_moves_the_no_show_and_names_the_later_bookings_that_it_runs_into() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let first = w.scheduled().await;
        let of_other = w.post(&w.nurse, "/v1/consults", w.invitation(1)).await.expect(201);
        let next = of_other["id"].as_str().unwrap();
        w.step(&w.doctor, next, "accept", Value::Null).await.expect(200);
        let mut wanted = w.at("2026-11-23T01:00:00Z");
        wanted["room_id"] = json!(w.rooms[1]);
        w.step(&w.nurse, next, "schedule", wanted).await.expect(200);
        let last = w.submitted().await;
        w.step(&w.second_doctor, &last, "accept", Value::Null).await.expect(200);
        w.step(&w.nurse, &last, "schedule", w.at("2026-11-23T01:30:00Z")).await.expect(200);

        let delay = async |who: &Person, id: &str, minutes: i32| {
            let told = w.step(who, id, "delay", json!({ "minutes": minutes })).await.expect(200);
            (told["appointment"]["expected_at"].clone(), told["conflicts_with"].clone())
        };
        let of_doctor = json!({ "consult_id": next, "starts_at": "2026-11-23T01:00:00Z", "shared": ["doctor"] });
        let (expected, conflicts) = delay(&w.nurse, &first, 30).await;
        assert_eq!((expected, conflicts), (json!("2026-11-23T01:00:00Z"), json!([of_doctor])), "{}", w.engine);
        let of_resident = |id: Value| json!({ "consult_id": id, "starts_at": "2026-11-23T01:30:00Z", "shared": ["resident", "room"] });
        assert_eq!(delay(&w.nurse, &first, 60).await.1, json!([of_doctor, of_resident(json!(last))]));
        let page = w.get(&w.nurse, &format!("/consults/{first}")).await.text;
        assert!(page.contains("不能准时开始") && page.contains(&format!("href=\"/consults/{next}\"")), "{page}");
        let by_the_doctor = delay(&w.doctor, &first, 60).await.1;
        assert_eq!(by_the_doctor, json!([of_doctor, of_resident(Value::Null)]), "a colleague's consult has no name here");
        assert_eq!(delay(&w.nurse, next, 30).await.1, json!([]));
        let shorter = async |body: Value| w.step(&w.nurse, &first, "delay", body).await;
        let refused = shorter(json!({ "minutes": 30 })).await.refused(409, "delay-of-others");
        assert_eq!(refused.body["announced_minutes"], 60, "the doctor has said so: {}", refused.text);
        shorter(json!({ "minutes": 40, "agreed": true })).await.expect(200);
        assert_eq!(delay(&w.doctor, &first, 60).await.0, "2026-11-23T01:30:00Z", "longer it may be");
        let agreed = json!({ "minutes": 30, "agreed": true });
        let told = w.step(&w.doctor, &first, "delay", agreed).await.expect(200);
        assert_eq!(told["conflicts_with"], json!([]), "the next one waits as long");

        delay(&w.nurse, &first, 60).await;
        let missed = async || w.step(&w.nurse, &first, "no-show", json!({ "reason": "医生未到" })).await;
        w.clock.advance(Duration::from_mins(31));
        let early = missed().await;
        assert_eq!((early.status.as_u16(), early.problem()), (409, "not-begun"), "{}", early.text);
        assert_eq!(early.body["not_before"], "2026-11-23T01:30:00Z");
        assert!(!has(&view(&w, &w.nurse, &first).await["actions"], "no_show"));
        w.clock.advance(Duration::from_mins(59));
        assert!(has(&view(&w, &w.nurse, &first).await["actions"], "no_show"));
        assert_eq!(missed().await.expect(200)["state"], "no_show");
    })
    .await;
}

#[tokio::test]
async fn a_consult_that_has_not_begun_is_not_ended_by_a_press() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        w.step(&w.nurse, &id, "consents", World::consent()).await.expect(201);
        w.step(&w.doctor, &id, "delay", json!({ "minutes": 20 })).await.expect(200);
        w.clock.advance(Duration::from_mins(29));
        let early = w.step(&w.doctor, &id, "finish", Value::Null).await;
        assert_eq!((early.status.as_u16(), early.problem()), (409, "not-begun"), "{}", early.text);
        assert_eq!(early.body["not_before"], "2026-11-23T00:30:00Z");
        let seen = view(&w, &w.doctor, &id).await;
        assert_eq!((&seen["state"], has(&seen["actions"], "finish")), (&json!("scheduled"), false));
        let page = w.get(&w.doctor, &format!("/consults/{id}")).await.text;
        assert!(
            !page.contains("/finish\"") && page.contains(&format!("/room?consult={id}")),
            "the room is open: {page}"
        );
        let status = w.get(&w.doctor, &format!("/consults/{id}/status")).await.text;
        assert!(status.contains(&format!("/room?consult={id}")), "{status}");
        w.clock.advance(Duration::from_mins(1));
        assert!(has(&view(&w, &w.doctor, &id).await["actions"], "finish"), "by telephone, as early as was agreed");
        assert_eq!(w.step(&w.doctor, &id, "finish", Value::Null).await.expect(200)["state"], "opinion_draft");
    })
    .await;
}

#[tokio::test]
async fn one_that_began_in_its_room_before_the_time_may_be_ended() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        w.clock.advance(Duration::from_mins(10));
        tell(&w, &id, "started", json!({})).await;
        assert!(has(&view(&w, &w.doctor, &id).await["actions"], "finish"));
        w.step(&w.doctor, &id, "finish", Value::Null).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn withdrawing_a_consent_asks_once_on_the_page() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        w.step(&w.nurse, &id, "consents", World::consent()).await.expect(201);
        let page = w.get(&w.nurse, &format!("/consults/{id}")).await.text;
        let form = page.split("<form").find(|form| form.contains("/withdraw\"")).unwrap();
        assert!(form.contains("data-confirm=\"撤回这份同意？"), "{form}");
    })
    .await;
}

#[tokio::test]
async fn a_delay_of_others_is_not_got_round_by_a_word_of_ones_own() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        let delay = async |who: &Person, body: Value| w.step(who, &id, "delay", body).await;
        let minutes = |minutes: i32| json!({ "minutes": minutes });
        let agreed = |minutes: i32| json!({ "minutes": minutes, "agreed": true });
        delay(&w.doctor, minutes(60)).await.expect(200);
        for longer in [60, 61] {
            delay(&w.nurse, minutes(longer)).await.expect(200);
            let refused = delay(&w.nurse, minutes(0)).await.refused(409, "delay-of-others");
            assert_eq!(refused.body["announced_minutes"], 60, "{}", refused.text);
        }
        let refused = delay(&w.doctor, minutes(30)).await.refused(409, "delay-of-others");
        assert_eq!(refused.body["announced_minutes"], 61, "the nurse has said so: {}", refused.text);
        delay(&w.nurse, agreed(20)).await.expect(200);
        let refused = delay(&w.nurse, minutes(0)).await.refused(409, "delay-of-others");
        assert_eq!(refused.body["announced_minutes"], 20, "to more the doctor has not agreed: {}", refused.text);
        let told = delay(&w.nurse, agreed(0)).await.expect(200);
        assert_eq!(told["history"].as_array().unwrap().last().unwrap()["note"], "+0 min, agreed");
        let page = w.get(&w.nurse, &format!("/consults/{id}")).await.text;
        assert!(page.contains("已与对方商定"), "{page}");
        delay(&w.nurse, minutes(10)).await.expect(200);
        delay(&w.nurse, minutes(0)).await.expect(200);

        delay(&w.doctor, minutes(60)).await.expect(200);
        let other_room = json!({ "room_id": w.rooms[1], "starts_at": "2026-11-23T00:30:00Z" });
        let told = w.step(&w.nurse, &id, "reschedule", other_room).await.expect(200);
        assert_eq!(told["appointment"]["delay_minutes"], 60, "another room is no other time");
        delay(&w.nurse, minutes(0)).await.refused(409, "delay-of-others");
        w.step(&w.nurse, &id, "reschedule", w.at("2026-11-23T01:30:00Z")).await.expect(200);
        delay(&w.nurse, minutes(10)).await.expect(200);
        delay(&w.nurse, minutes(0)).await.expect(200);
    })
    .await;
}
