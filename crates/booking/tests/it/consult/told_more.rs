//! Bounds that cut: what is beyond them is a further page, or is said to be there.

use sanbao_platform::history::LINES_MAX;
use sanbao_platform::on;
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::consult::world::World;

const RANGE: &str = "from=2026-11-23T00:00:00Z&to=2026-11-24T00:00:00Z";
const NO_ZONE: &str = "update organisation set time_zone = 'Mars/Olympus' where id = $1";
const MORE_STEPS: &str = "insert into history (aggregate, id, version, at, step, from_state, to_state, note)
    values ('consult', $1, $2, $3, 'delay', 'scheduled', 'scheduled', '+5 min')";

#[tokio::test]
async fn a_hospital_without_a_zone_is_left_out_and_the_others_are_found() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let path = format!("/v1/slots?{RANGE}&specialty=cardiology&limit=200");
        let hours = json!({ "weekly": [{ "weekday": 1, "start": "08:00", "end": "12:00", "slot_minutes": 30,
            "valid_from": "2026-01-01" }] });
        let of_stranger = format!("/v1/practitioners/{}/hours", w.stranger_doctor.id);
        w.put(&w.stranger_doctor, &of_stranger, hours).await.expect(200);
        let doctors = async || -> Vec<Value> {
            let page = w.get(&w.nurse, &path).await.expect(200);
            let mut doctors: Vec<Value> =
                page["items"].as_array().unwrap().iter().map(|slot| slot["doctor_id"].clone()).collect();
            doctors.sort_by_key(Value::to_string);
            doctors.dedup();
            doctors
        };
        assert_eq!(doctors().await.len(), 3, "{}", w.engine);
        let mut tx = w.db.begin().await.unwrap();
        let elsewhere = w.stranger_doctor.organisation;
        on!(tx, |c| sqlx::query(NO_ZONE).bind(elsewhere).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        let found = doctors().await;
        assert!(found.len() == 2 && !found.contains(&json!(w.stranger_doctor.id)), "{}: {found:?}", w.engine);
    })
    .await;
}

#[tokio::test]
async fn the_free_times_of_a_consult_come_page_by_page() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let path = format!("/v1/consults/{}/slots?{RANGE}", w.accepted().await);
        let whole = w.get(&w.nurse, &format!("{path}&limit=200")).await.expect(200);
        assert!(whole["next"].is_null() && whole["items"].as_array().unwrap().len() == 16, "{}: {whole}", w.engine);
        let (mut paged, mut after) = (Vec::new(), String::new());
        for _ in 0..3 {
            let page = w.get(&w.nurse, &format!("{path}&limit=6{after}")).await.expect(200);
            paged.extend(page["items"].as_array().unwrap().clone());
            after = page["next"].as_str().map_or_else(String::new, |next| format!("&after={next}"));
        }
        assert_eq!((&json!(paged), after.as_str()), (&whole["items"], ""), "{}", w.engine);
        w.get(&w.nurse, &format!("{path}&limit=201")).await.refused(422, "invalid");
    })
    .await;
}

#[tokio::test]
async fn a_history_that_is_cut_says_so() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        let view = w.get(&w.nurse, &format!("/v1/consults/{id}")).await.expect(200);
        assert_eq!(view["history_more"], false);
        let (written, uuid): (_, Uuid) = (view["history"].as_array().unwrap().len(), id.parse().unwrap());
        let mut tx = w.db.begin().await.unwrap();
        for n in i64::try_from(written).unwrap()..=LINES_MAX {
            let now = w.clock.now();
            on!(tx, |c| sqlx::query(MORE_STEPS).bind(uuid).bind(n + 1).bind(now).execute(c).await.map(drop)).unwrap();
        }
        tx.commit().await.unwrap();
        let view = w.get(&w.nurse, &format!("/v1/consults/{id}")).await.expect(200);
        let told = (view["history"].as_array().unwrap().len(), &view["history_more"]);
        assert_eq!(told, (usize::try_from(LINES_MAX).unwrap(), &json!(true)), "{}", w.engine);
        assert_eq!(view["history"][0]["action"], "submit", "the newest are there");
        let page = w.page(&w.nurse, &format!("/consults/{id}")).await.text;
        assert!(page.contains("只列出最近的 200 步"), "{page}");
    })
    .await;
}
