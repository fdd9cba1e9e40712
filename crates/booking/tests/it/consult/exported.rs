//! Consults in the file of all that is kept of a resident: told by those who asked for them.

use sanbao_platform::testing::{Person, on_both};
use serde_json::{Value, json};

use crate::consult::world::World;

fn rows<'a>(file: &'a Value, section: &str) -> &'a Vec<Value> {
    let found = file["sections"].as_array().unwrap().iter().find(|s| s["name"] == section);
    found.unwrap_or_else(|| panic!("no {section}"))["rows"].as_array().unwrap()
}

#[tokio::test]
async fn the_file_of_a_resident_has_the_consults_of_the_home() {
    on_both(|engine| async move {
        let world = World::new(&engine).await;
        let id = world.submitted().await;
        world.step(&world.doctor, &id, "accept", Value::Null).await.expect(200);
        let path = format!("/v1/persons/{}/export", world.residents[0]);
        let file = world.get(&world.nurse, &path).await.expect(200);
        let consult = &rows(&file, "consult")[0];
        assert_eq!((&consult["id"], &consult["state"]), (&json!(id), &json!("accepted")));
        assert_eq!(consult["case_summary"], "86 岁，高血压 20 年，射血分数 40%。");
        let of_consults = rows(&file, "history").iter().filter(|row| row["aggregate"] == "consult");
        let steps: Vec<_> = of_consults.map(|row| row["step"].as_str().unwrap()).collect();
        assert!(steps.contains(&"accept"), "{steps:?}");
        assert!(rows(&file, "elsewhere").is_empty());
        world.get(&world.doctor, &path).await.refused(404, "not-found");
    })
    .await;
}

#[tokio::test]
async fn the_homes_administrator_is_told_that_there_are_consults_and_not_what_they_say() {
    on_both(|engine| async move {
        let world = World::new(&engine).await;
        let id = world.submitted().await;
        world.step(&world.doctor, &id, "accept", Value::Null).await.expect(200);
        let head = Person::new(world.nurse.id, world.home, &["administrator"], "院长").of_a("care_home");
        world.get(&head, &format!("/v1/consults/{id}")).await.refused(404, "not-found");
        let file = world.get(&head, &format!("/v1/persons/{}/export", world.residents[0])).await.expect(200);
        let sections = file["sections"].as_array().unwrap();
        let of_consults = sections.iter().filter(|s| s["name"].as_str().unwrap().starts_with("consult"));
        assert_eq!(of_consults.map(|s| s["rows"].as_array().unwrap().len()).sum::<usize>(), 0);
        assert!(rows(&file, "history").iter().all(|row| row["aggregate"] != "consult"));
        assert!(!file.to_string().contains("射血分数"), "{file}");
        let told = &rows(&file, "elsewhere")[0];
        assert_eq!(
            (&told["kind"], &told["organisation"], &told["things"]),
            (&json!("consult"), &json!("招宝山颐养院"), &json!(1))
        );
    })
    .await;
}

#[tokio::test]
async fn those_who_have_somebody_now_are_told_times_of_the_others_and_no_names() {
    on_both(|engine| async move {
        let world = World::new(&engine).await;
        let open = world.scheduled().await;
        let old = format!("/v1/persons/{}", world.residents[0]);
        let join = json!({ "other": world.residents[1] });
        world.post(&world.nurse, &format!("{old}/join"), join).await.expect(200);
        let patch = json!({ "national_id": "110105194005010023" });
        let key = [("idempotency-key", "number")];
        world.call(Some(&world.nurse), "PATCH", &old, Some(patch), &key).await.expect(200);
        let new = json!({ "name": "陈奶奶", "national_id": "110105194005010023" });
        let new = world.post(&world.stranger_nurse, "/v1/persons", new).await.expect(201)["id"].clone();
        let wish = json!({ "person_id": new, "agreed_by": "person", "agreed_name": "陈奶奶", "agreed_how": "in_person",
            "agreed_on": "2026-11-22" });
        let asked = world.post(&world.stranger_nurse, "/v1/transfers", wish).await.expect(201)["id"].clone();
        let accept = format!("/v1/transfers/{}/accept", asked.as_str().unwrap());
        world.post(&world.nurse, &accept, Value::Null).await.expect(200);
        let path = format!("/v1/persons/{}/export", new.as_str().unwrap());
        let file = world.get(&world.stranger_nurse, &path).await.expect(200);
        assert!(rows(&file, "person_join").is_empty(), "the move is told as a transfer");
        assert_eq!(rows(&file, "person_transfer").len(), 1);
        let records: Vec<&Value> = rows(&file, "person").iter().map(|row| &row["id"]).collect();
        assert_eq!(records, [&new], "what was joined before it went stays with the others");
        let taken = &rows(&file, "occupancy")[0];
        assert!(taken["starts_at"].is_string() && taken["holder_id"].is_null() && taken["holder_kind"].is_null());
        let text = file.to_string();
        assert!(!text.contains(&open) && !text.contains("王护士") && !text.contains("陈奶奶1"), "{text}");
    })
    .await;
}
