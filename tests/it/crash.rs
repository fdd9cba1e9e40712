//! The real binary is killed (SIGKILL) while people write, and started again: every write that was
//! acknowledged is there, and every event of it took effect once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sanbao_platform::testing::{eventually, until};
use serde_json::{Value, json};

use crate::common::flow::Dispatchers;
use crate::common::process::Process;
use crate::common::{Client, flow};

const WRITERS: usize = 8;
const KILLS: usize = 3;
/// So many requests are accepted in each life of the process before it is killed.
const ACCEPTED_MIN: usize = 30;

/// The work that the server acknowledged: the id of each request, and how far it had come.
type Acknowledged = BTreeMap<String, &'static str>;

/// Takes requests down, sends them to the agency and accepts them, until the process is gone.
async fn write(dispatchers: Dispatchers, agency: String, accepted: Arc<AtomicUsize>) -> Acknowledged {
    let mut done = Acknowledged::new();
    loop {
        let Some(request) = try_post(&dispatchers.desk, "/v1/requests", &flow::new_request("断电时登记"), 201).await
        else {
            return done;
        };
        let id = flow::text(&request, "/id");
        done.insert(id.clone(), "received");
        let steps = [
            ("triage", json!({}), "triaged"),
            ("dispatch", json!({ "agency_id": agency }), "dispatched"),
            ("accept", json!({}), "accepted"),
        ];
        for (step, body, state) in steps {
            if try_post(dispatchers.taking(step), &format!("/v1/requests/{id}/{step}"), &body, 200).await.is_none() {
                return done;
            }
            done.insert(id.clone(), state);
        }
        accepted.fetch_add(1, Ordering::SeqCst);
    }
}

/// The answer's body, or nothing when the process died under the request. Any answer but `expected` is a fault.
async fn try_post(client: &Client, path: &str, body: &Value, expected: u16) -> Option<Value> {
    let response = client.request("post", path).json(body).send().await.ok()?;
    let status = response.status().as_u16();
    let text = response.text().await.ok()?;
    assert_eq!(status, expected, "{path}: {text}");
    serde_json::from_str(&text).ok()
}

/// Writes to one life of the process until it is killed; what it acknowledged.
async fn one_life(dir: &std::path::Path) -> Acknowledged {
    let demo = Process::demo(dir).await;
    let nobody = demo.client();
    let agency = flow::organisation(&nobody, "home_care_agency").await;
    let dispatchers = Dispatchers::of(&nobody).await;
    let accepted = Arc::<AtomicUsize>::default();
    let writers: Vec<_> =
        (0..WRITERS).map(|_| tokio::spawn(write(dispatchers.clone(), agency.clone(), Arc::clone(&accepted)))).collect();
    until("enough is accepted", async || accepted.load(Ordering::SeqCst) >= ACCEPTED_MIN).await;
    demo.kill();
    let mut all = Acknowledged::new();
    for writer in writers {
        all.extend(writer.await.unwrap());
    }
    all
}

/// Every visit of the agency by the request it came of.
async fn visits(dispatcher: &Client) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    let mut after = String::new();
    loop {
        let page = dispatcher.get(&format!("/v1/visits?limit=200{after}")).await.expect(200);
        for visit in page["items"].as_array().unwrap() {
            *found.entry(flow::text(visit, "/request_id")).or_default() += 1;
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return found,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_and_takes_effect_once() {
    let base = tempfile::tempdir().unwrap();
    let dir = base.path().join("demo");
    let mut acknowledged = Acknowledged::new();
    for _ in 0..KILLS {
        acknowledged.extend(one_life(&dir).await);
    }
    let accepted: Vec<&String> = acknowledged.iter().filter(|(_, s)| **s == "accepted").map(|(id, _)| id).collect();
    assert!(accepted.len() >= KILLS * ACCEPTED_MIN, "{}", accepted.len());
    let demo = Process::demo(&dir).await;
    let Dispatchers { desk, agency } = Dispatchers::of(&demo.client()).await;
    for (id, said) in &acknowledged {
        let request = desk.get(&format!("/v1/requests/{id}")).await.expect(200);
        let state = request["state"].as_str().unwrap();
        // The last step may have been done without the answer reaching anybody; never less than was said.
        let order = ["received", "triaged", "dispatched", "accepted"];
        let rank = |name: &str| order.iter().position(|s| *s == name).unwrap();
        assert!(rank(state) >= rank(said), "{id}: {said} was acknowledged, it is {state}");
    }
    let found = eventually("every accepted request has its visit", async || {
        let found = visits(&agency).await;
        accepted.iter().all(|id| found.contains_key(*id)).then_some(found)
    })
    .await;
    let twice: Vec<_> = found.iter().filter(|(_, n)| **n != 1).collect();
    assert!(twice.is_empty(), "an event took effect twice: {twice:?}");
    eprintln!(
        "{} writes acknowledged over {KILLS} kills, {} accepted, each with one visit",
        acknowledged.len(),
        accepted.len()
    );
    assert!(demo.terminate().await.success());
}
