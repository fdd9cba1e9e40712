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
