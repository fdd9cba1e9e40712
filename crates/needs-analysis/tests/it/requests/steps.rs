//! Every step route of the document: it takes `Idempotency-Key` and `If-Match`.

use std::collections::BTreeSet;

use sanbao_needs_analysis::request::step::RequestStepName;
use sanbao_needs_analysis::{Config, build};
use sanbao_platform::lifecycle::StepName as _;
use sanbao_platform::testing::{Person, on_both, sqlite};
use serde_json::{Value, json};

use crate::requests::house::{House, agency, agency_id, street};

/// The needs of a step: the steps before it, its caller and its body.
fn setting(step: RequestStepName, other: &str) -> (&'static [&'static str], Person, Value) {
    use RequestStepName as S;
    match step {
        S::Triage | S::Resolve | S::Assign => (&[], street(), json!({})),
        S::Cancel | S::Escalate => (&[], street(), json!({"reason": "超时"})),
        S::Merge => (&[], street(), json!({"into": other})),
        S::Dispatch => (&["triage"], street(), json!({"agency_id": agency_id()})),
        S::Accept => (&["triage", "dispatch"], agency(), json!({"note": "明天去"})),
        S::Reject => (&["triage", "dispatch"], agency(), json!({"reason": "人手不够"})),
        S::Separate => (&["merge"], street(), json!({})),
        S::FollowUp => (&["resolve"], street(), json!({})),
        S::Reopen => (&["resolve"], street(), json!({"reason": "没打扫完"})),
        S::Close => (&["resolve", "follow-up"], street(), json!({})),
        S::Edit => (&[], street(), json!({"note": "要软的"})),
        S::Comment => (&[], street(), json!({"note": "女儿来过电话"})),
        S::Pause => (&[], street(), json!({"until": "2026-11-24 09:00", "reason": "老人住院"})),
        S::Resume => (&["pause"], street(), json!({})),
        automatic => unreachable!("no person takes {automatic}"),
    }
}

/// The steps that the document has a route for.
async fn documented() -> BTreeSet<String> {
    let house = House::open(&sqlite()).await;
    let document = build(Config::default(), house.app.deps.clone()).routes.openapi;
    let paths = document.paths.paths.iter().filter(|(_, item)| item.post.is_some());
    paths.filter_map(|(path, _)| path.strip_prefix("/v1/requests/{id}/").map(str::to_owned)).collect()
}

#[tokio::test]
async fn every_step_of_people_has_its_route() {
    let steps = RequestStepName::ALL.iter().filter(|step| step.by_person()).map(|step| step.as_str().to_owned());
    assert_eq!(documented().await, steps.collect());
}

#[tokio::test]
async fn every_step_route_takes_a_key_and_a_version() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let other = house.take_down(json!({})).await;
        for word in documented().await {
            let step = RequestStepName::ALL.iter().copied().find(|step| step.as_str() == word).unwrap();
            let (before, who, body) = setting(step, &other);
            let id = house.take_down(json!({})).await;
            for step in before {
                let body = match *step {
                    "dispatch" => json!({"agency_id": agency_id()}),
                    "merge" => json!({"into": other}),
                    "pause" => json!({"until": "2026-11-24 09:00", "reason": "老人住院"}),
                    _ => json!({}),
                };
                house.step(&street(), &id, step, body).await;
            }
            let version = before.len() + 1;
            let (path, key) = (format!("/v1/requests/{id}/{word}"), format!("key-{word}"));
            let send = async |path: &str, key: &str, version: usize| {
                let version = format!("\"{version}\"");
                let headers = [("idempotency-key", key), ("if-match", version.as_str())];
                house.call(Some(&who), "POST", path, Some(body.clone()), &headers).await
            };
            assert_eq!(send(&path, &key, version - 1).await.status, 412, "{word}");
            let first = send(&path, &key, version).await;
            assert_eq!(first.status, 200, "{word}: {}", first.text);
            assert_eq!(first.headers["etag"], format!("\"{}\"", version + 1));
            let again = send(&path, &key, version).await;
            assert_eq!((again.status.as_u16(), &again.body), (200, &first.body), "{word}");
            assert_eq!(again.headers["idempotent-replayed"], "true");
            let elsewhere = send(&format!("/v1/requests/{other}/{word}"), &key, 1).await;
            assert!([404, 422].contains(&elsewhere.status.as_u16()), "{word}: {}", elsewhere.text);
            let shown = house.get(&street(), &format!("/v1/requests/{id}")).await.body;
            assert_eq!(shown["history"].as_array().unwrap().len(), version + 1, "{word} was taken once");
        }
        assert_eq!(house.miscounted().await, 0);
    })
    .await;
}
