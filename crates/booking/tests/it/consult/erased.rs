//! Papers of a consult keep somebody from being erased for as long as the law wants them, and go with the person then.

use std::time::Duration;

use sanbao_platform::testing::{Person, everything, on_both};
use serde_json::{Value, json};

use crate::consult::world::World;

const TRACES: &[&str] = &["陈奶奶0", "气促", "心衰", "射血分数", "陈先生", "呋塞米", "已执行"];

async fn held_and_signed(w: &World) -> String {
    let id = w.scheduled().await;
    w.step(&w.nurse, &id, "consents", World::consent()).await.expect(201);
    w.step(&w.nurse, &id, "guest-links", json!({ "name": "陈先生", "relation": "儿子" })).await.expect(201);
    w.step(&w.nurse, &id, "ticket", Value::Null).await.expect(200);
    w.clock.advance(Duration::from_mins(45));
    w.step(&w.doctor, &id, "finish", Value::Null).await.expect(200);
    let opinion = json!({ "impression": "心衰", "suggested_treatment": "呋塞米 20 mg" });
    w.put(&w.doctor, &format!("/v1/consults/{id}/opinion"), opinion).await.expect(200);
    w.step(&w.doctor, &id, "sign", Value::Null).await.expect(200);
    id
}

#[tokio::test]
async fn a_signed_opinion_stays_for_fifteen_years_and_then_goes_with_its_person() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = held_and_signed(&w).await;
        let head = Person::new(w.nurse.id, w.home, &["administrator"], "院长").of_a("care_home");
        let path = format!("/v1/persons/{}", w.residents[0]);
        let erase = async || w.post(&head, &format!("{path}/erase"), json!({ "cause": "retention" })).await;
        erase().await.refused(409, "person-present");
        let left = json!({ "kind": "left", "on": "2026-11-22" });
        w.post(&w.nurse, &format!("{path}/end"), left).await.expect(200);
        erase().await.refused(409, "person-busy");
        w.step(&w.nurse, &id, "adopt", json!({ "decision": "adopted", "note": "已执行" })).await.expect(200);
        w.step(&w.nurse, &id, "archive", Value::Null).await.expect(200);
        let refused = erase().await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (409, "person-retained"));
        assert!(refused.body["detail"].as_str().unwrap().contains("会诊 1 次，到 2041-11-23"), "{}", refused.body);
        assert!(everything(&w.db).await.contains("心衰"), "nothing was taken out");

        w.clock.advance(Duration::from_hours(24 * (15 * 366)));
        let proof = erase().await.expect(200);
        for table in
            ["consult", "consult_opinion", "consult_consent", "consult_guest", "consult_ticket", "consult_feedback"]
        {
            assert_eq!(proof["taken"][table], 1, "{table}: {proof}");
        }
        let after = everything(&w.db).await;
        for trace in TRACES {
            let lines: Vec<&str> = after.lines().filter(|line| line.contains(trace)).collect();
            assert_eq!(lines, [""; 0], "{trace}");
        }
        // The consult is counted still, and the doctor's day is as it was.
        let consult = w.get(&w.doctor, &format!("/v1/consults/{id}")).await.expect(200);
        assert_eq!((&consult["state"], &consult["case_summary"]), (&json!("archived"), &json!("")));
        assert_eq!(w.get(&w.doctor, &format!("/v1/consults/{id}/opinion")).await.status, 404);
        for (who, path) in [
            (&w.nurse, "/consults/records".to_owned()),
            (&w.nurse, "/consults".to_owned()),
            (&w.nurse, format!("/consults/{id}")),
            (&w.doctor, format!("/consults/{id}")),
        ] {
            let page = w.get(who, &path).await;
            assert_eq!(page.status, 200, "{path}: {}", page.text);
            assert!(page.text.contains("已删除的记录"), "{path} of {}: {}", who.name, page.text);
            for empty in ["（）", "()", "></a>", "<h1></h1>"] {
                assert!(!page.text.contains(empty), "{empty} at {path} of {}: {}", who.name, page.text);
            }
        }
        assert!(sanbao_booking::verify::verify(&w.db).await.unwrap().iter().all(|checked| checked.broken.is_empty()));
    })
    .await;
}
