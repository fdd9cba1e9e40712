//! Two independent clients, written from the protocol document, see each other through TURN only;
//! in a consult with lobby and admission; each drops its socket once and goes on exactly.

use std::path::Path;
use std::time::Duration;

use crate::support::browser::site::with_turn;
use crate::support::relay_at;
use sanbao_platform::clock::Clock;
use sanbao_platform::testing::sqlite;
use serde_json::Value;
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_aiortc_clients_see_each_other_through_turn() {
    let relay =
        relay_at(with_turn(), sqlite(), Clock::system(), "127.0.0.1:0".parse().unwrap(), axum::Router::new()).await;
    let url = format!("ws://{}/v1/signal", relay.address);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients/aiortc_consult.py");
    let python =
        std::env::var("SANBAO_TEST_PYTHON").expect("SANBAO_TEST_PYTHON: a Python with aiortc; tests/run makes it");
    let start = |person, role| {
        let mut command = Command::new(&python);
        command
            .arg(&script)
            .arg(&url)
            .arg(relay.ticket(1, person, role))
            .args(["--frames", "60", "--drop"])
            .kill_on_drop(true);
        command.output()
    };
    // The guest is let in by the host's client, which admits everybody who rings.
    let both = async { tokio::join!(start(10, "host"), start(30, "guest")) };
    let (host, guest) = tokio::time::timeout(Duration::from_mins(1), both).await.unwrap();
    let outputs = [host.unwrap(), guest.unwrap()];
    for output in &outputs {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let result: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {said}"));
        assert!(output.status.success(), "{result} {said} {outputs:?}");
        assert!(result["frames_received"].as_u64().unwrap() >= 60, "{result}");
        assert_eq!(result["relay"], true);
        assert_eq!(result["resumed"], serde_json::json!(["exact"]), "{result} {said}");
        assert_eq!(result["messages"], 5, "what the other said while it was away: {result}");
    }
}
