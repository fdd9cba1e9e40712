//! The same consult by an independent client: two aiortc processes, written from the protocol document, with
//! tickets from the API, in the running demo; sound and picture both ways through its TURN server.

use std::process::Output;

use sanbao_platform::testing::patiently;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::common::process::Process;
use crate::common::{Client, flow};

const FRAMES: &str = "60";

/// A consult of the demo that may be entered now.
pub async fn open_consult(nurse: &Client) -> String {
    let all = nurse.get("/v1/consults?limit=200").await.expect(200);
    for consult in all["items"].as_array().unwrap().iter().filter(|c| c["state"] == "scheduled") {
        let id = flow::text(consult, "/id");
        if nurse.post(&format!("/v1/consults/{id}/ticket"), &json!({})).await.status == 200 {
            return id;
        }
    }
    panic!("no consult of the demo is open: {all}");
}

async fn attend(client: &Client, base: &str, consult: &str) -> Output {
    let ticket = client.post(&format!("/v1/consults/{consult}/ticket"), &json!({})).await.expect(200);
    let python =
        std::env::var("SANBAO_TEST_PYTHON").expect("SANBAO_TEST_PYTHON: a Python with aiortc; tests/run makes it");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/aiortc_consult.py");
    let url = format!("{}/v1/signal", base.replace("http://", "ws://"));
    let mut command = Command::new(python);
    command.arg(script).arg(url).arg(flow::text(&ticket, "/ticket")).args(["--frames", FRAMES]).kill_on_drop(true);
    command.output().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_independent_client_holds_the_same_consult() {
    let dir = tempfile::tempdir().unwrap();
    let demo = Process::demo(&dir.path().join("demo")).await;
    let nobody = demo.client();
    let (nurse, doctor) = (nobody.demo("nurse").await, nobody.demo("doctor").await);
    let consult = open_consult(&nurse).await;
    let both = async { tokio::join!(attend(&nurse, &demo.base, &consult), attend(&doctor, &demo.base, &consult)) };
    let (host, clinician) = patiently("both have seen each other", both).await;
    for output in [host, clinician] {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let result: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {said}"));
        assert!(output.status.success(), "{result} {said}");
        assert!(result["frames_received"].as_u64().unwrap() >= 60, "{result}");
        assert_eq!(result["relay"], true, "{result}");
    }
    assert!(demo.terminate().await.success());
}
