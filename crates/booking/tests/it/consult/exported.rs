//! Consults in the file of all that is kept of a resident: told by those who asked for them.

use sanbao_platform::testing::on_both;
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
