//! Every step of the described API honours `Idempotency-Key` and `If-Match`.

use std::collections::BTreeSet;

use sanbao_booking::visit::VisitStepName;
use sanbao_booking::{build, role};
use sanbao_platform::lifecycle::StepName as _;
use sanbao_platform::testing::{Person, on_both};
use serde_json::{Value, json};

use crate::visit::world::{World, gps, slot};

/// The steps of a visit that the described API offers.
fn documented(w: &World) -> BTreeSet<String> {
    let openapi = build(w.app.config.clone(), w.app.deps.clone()).routes.openapi;
    let posts = openapi.paths.paths.iter().filter(|(_, item)| item.post.is_some());
    posts.filter_map(|(path, _)| path.strip_prefix("/v1/visits/{id}/")).map(str::to_owned).collect()
}

/// An order at which `step` is possible, by whom, and with what body.
async fn ready(w: &World, n: usize, step: &str) -> (Person, String, Value) {
    let visit = w.order(json!({"phone": format!("1380000{n:04}")})).await;
    let caregiver = w.member(w.agency, role::CAREGIVER, "照护员").await;
    let dispatcher = w.dispatcher.clone();
    let path = |step: &str| format!("/v1/visits/{visit}/{step}");
    let reason = json!({"reason": "老人住院"});
    if step == "exchange" {
        w.schedule(&visit, &caregiver, 120, 180).await.expect(200);
    } else if !matches!(step, "schedule" | "cancel") {
        w.schedule(&visit, &caregiver, 0, 60).await.expect(200);
    }
    match step {
        "schedule" => (dispatcher, visit, slot(&caregiver, 0, 60)),
        "reschedule" => (dispatcher, visit, slot(&caregiver, 30, 90)),
        "exchange" => {
            let other = w.order(json!({"phone": format!("1390000{n:04}")})).await;
            w.schedule(&other, &caregiver, 60, 120).await.expect(200);
            (dispatcher, visit, json!({ "with": other }))
        }
        "cancel" | "no-show" => (dispatcher, visit, reason),
        "repeat" => {
            w.post(&dispatcher, &path("cancel"), reason).await.expect(200);
            (dispatcher, visit, json!({}))
        }
        "check-in" => (caregiver, visit, gps()),
        "check-out" => {
            w.post(&caregiver, &path("check-in"), gps()).await.expect(200);
            (caregiver, visit, gps())
        }
        other => panic!("say here how a visit comes to {other}"),
    }
}

#[tokio::test]
async fn every_step_gives_its_first_answer_again_and_refuses_an_old_version() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let steps = documented(&w);
        let of_people = VisitStepName::ALL.iter().filter(|step| step.by_person()).map(ToString::to_string);
        assert_eq!(steps, of_people.collect(), "every step of people has its route");
        for (n, step) in steps.iter().enumerate() {
            let (who, visit, body) = ready(&w, n, step).await;
            let path = format!("/v1/visits/{visit}/{step}");
            let version = w.visit_of_id(&visit).await["version"].as_i64().unwrap();
            let (key, now) = (format!("{step} once"), format!("\"{version}\""));
            let send = async |path: &str, headers: &[(&str, &str)]| {
                w.call(Some(&who), "POST", path, Some(body.clone()), headers).await
            };
            let old = format!("\"{}\"", version - 1);
            assert_eq!(send(&path, &[("if-match", &old)]).await.status, 412, "{step}");
            let guards = [("if-match", now.as_str()), ("idempotency-key", key.as_str())];
            let first = send(&path, &guards).await;
            assert!(first.status.is_success(), "{step} {}", first.text);
            let again = send(&path, &guards).await;
            assert_eq!((again.status, again.etag(), &again.body), (first.status, first.etag(), &first.body), "{step}");
            assert!(first.etag().is_some(), "{step}");
            let changed = w.visit_of_id(&visit).await["version"].as_i64().unwrap();
            assert_eq!(changed, version + 1, "{step} counts once");
            // The key stands for this step of this visit alone.
            let (_, other, _) = ready(&w, 100 + n, step).await;
            let elsewhere = send(&format!("/v1/visits/{other}/{step}"), &[("idempotency-key", key.as_str())]).await;
            let expected = if elsewhere.status == 404 { 404 } else { 422 };
            assert_eq!(elsewhere.status, expected, "{step} {}", elsewhere.text);
        }
    })
    .await;
}
