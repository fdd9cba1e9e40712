//! The API keeps to its own document: schemathesis, which shares no code with it, makes calls out of the document, right
//! ones and wrong ones, as three roles with things of theirs. No answer is a failure of the server, a status that is
//! not documented, or outside of its schema.

use std::fmt::Write as _;

use sanbao_platform::testing;
use serde_json::Value;

use crate::common::world::World;
use crate::common::{Served, artifacts};

/// Those who call, with the log-in of the demo, and the calls that they make: wrong ones are refused in the same way
/// of every caller.
const CALLERS: &[(&str, &str)] = &[("nurse", "all"), ("desk", "positive"), ("admin", "positive")];
/// Streams without an end, a socket, and the end of the log-in that is called with.
const LEFT_OUT: &[&str] = &["/v1/calls/events", "/v1/requests/events", "/v1/visits/events", "/v1/signal", "/v1/tokens"];
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
/// The calls of an operation that are made up, beside those that cover its document.
const MADE_UP: &str = "3";

/// The ids of the world, as the parameters of each path that asks for some.
fn config(world: &World, document: &Value) -> String {
    let mut text = String::new();
    for path in document["paths"].as_object().unwrap().keys() {
        let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let given = names.filter_map(|name| Some(format!("\"path.{name}\" = \"{}\"", world.thing(path, name)?)));
        let given: Vec<String> = given.collect();
        if !given.is_empty() {
            let _ =
                writeln!(text, "[[operations]]\ninclude-path = \"{path}\"\nparameters = {{ {} }}", given.join(", "));
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_the_document_says() {
    let python = std::env::var("SANBAO_TEST_PYTHON").expect("SANBAO_TEST_PYTHON: a Python of the tests; run tests/run");
    let served = Served::demo(testing::sqlite()).await;
    let world = World::of(&served).await;
    let document = served.nobody().get("/openapi.json").await.expect(200);
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("schemathesis.toml");
    std::fs::write(&settings, config(&world, &document)).unwrap();
    for (caller, calls) in CALLERS {
        let client = world.nobody.demo(caller).await;
        let mut command = tokio::process::Command::new(&python);
        command.current_dir(folder.path()).kill_on_drop(true);
        command.args(["-m", "schemathesis.cli", "--config-file"]).arg(&settings).arg("run");
        command.arg(format!("{}/openapi.json", client.base)).args(["--url", &client.base]);
        command.arg("-H").arg(format!("Authorization: Bearer {}", client.token().unwrap()));
        command.args(["--checks", CHECKS, "--phases", "coverage,fuzzing"]);
        command.args(["-n", MADE_UP, "--seed", "1", "--no-shrink", "--continue-on-failure", "--warnings", "off"]);
        command.args(["--mode", calls]);
        for path in LEFT_OUT {
            command.args(["--exclude-path", path]);
        }
        let done = command.output().await.unwrap();
        let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
        std::fs::write(artifacts().join(format!("contract-{caller}.txt")), &said).unwrap();
        assert!(done.status.success(), "as {caller}:\n{said}");
        assert!(said.contains(" passed"), "as {caller} nothing was tried:\n{said}");
    }
    served.stop().await;
}
