//! A panic is one line of the log, whether in a request or in a task beside them, and the caller hears of a problem.
//!
//! Logging is the whole process's, so the test runs itself once more, as the process that is looked at.

use std::process::Command;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Migrations;
use sanbao_platform::telemetry;
use sanbao_platform::testing::{Site, sqlite};
use serde_json::Value;

const CHILD: &str = "TEST_OF_PANICS_IS_CHILD";

async fn quoting() {
    let typed = "老人的名字".to_owned();
    panic!("cannot take {typed}")
}

async fn literal() {
    panic!("this never happens")
}

/// The process that is looked at: two requests and a task panic, and a third request is answered.
async fn child() {
    telemetry::start_logs(&"info".parse().unwrap(), false).unwrap();
    let none = Migrations { sqlite: &[], postgres: &[] };
    let deps = sqlite().deps("panics", &none, Clock::system()).await;
    let routes = Router::new().route("/quoting", get(quoting)).route("/literal", get(literal));
    let site = Site::over(routes.route("/well", get(async || "well")), &deps);
    let ask = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    for path in ["/quoting", "/literal"] {
        site.send(ask(path)).await.refused(500, "internal");
    }
    assert!(tokio::spawn(async { panic!("in the background") }).await.is_err());
    site.send(ask("/well")).await.checked(200);
}

#[tokio::test]
async fn a_panic_is_one_line_of_the_log_and_a_problem() {
    if std::env::var_os(CHILD).is_some() {
        return child().await;
    }
    for backtrace in ["0", "1"] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "panics::a_panic_is_one_line_of_the_log_and_a_problem", "--nocapture"]);
        let output = command.env(CHILD, "1").env("RUST_BACKTRACE", backtrace).output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{log}");
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        let panics: Vec<&Value> = lines.iter().filter(|line| line["message"] == "panicked").collect();
        let said: Vec<&Value> = panics.iter().map(|line| &line["said"]).collect();
        assert_eq!(said, [&Value::Null, &"this never happens".into(), &"in the background".into()], "{log}");
        for line in &panics {
            assert!(line["at"].as_str().unwrap().contains("panics.rs:"), "{line}");
            assert_eq!(line["backtrace"].is_string(), backtrace == "1", "{line}");
        }
        assert!(panics[0]["span"]["id"].is_string() && panics[0]["span"]["route"] == "/quoting", "{log}");
        let errors = lines.iter().filter(|line| line["level"] == "ERROR").count();
        assert_eq!(errors, 3, "each is logged once: {log}");
        assert!(!log.contains("老人"), "{log}");
    }
}
