//! A headless Chromium with fake camera and microphone, by the `WebDriver` protocol (W3C) in a few calls.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(dead_code, reason = "each test file uses its part")]

pub mod site;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};

/// A chromedriver of this test.
pub struct Driver {
    child: Child,
    url: String,
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One browser with its own profile.
pub struct Browser {
    http: reqwest::Client,
    session: String,
    name: &'static str,
    /// The browser's process: a driver that is killed leaves its browsers running.
    process: Option<u64>,
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(process) = self.process {
            let _ = Command::new("kill").arg(process.to_string()).stderr(Stdio::null()).status();
        }
    }
}

fn program(variable: &str, default: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| default.to_owned())
}

/// `WebDriver` calls may take as long as the page they wait for.
fn http() -> reqwest::Client {
    reqwest::Client::builder().timeout(Duration::from_mins(1)).build().unwrap()
}

impl Driver {
    pub async fn start() -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(program("SANBAO_TEST_CHROMEDRIVER", "chromedriver"))
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts; tests/run installs it");
        let driver = Self { child, url: format!("http://127.0.0.1:{port}") };
        let http = http();
        for _ in 0..200 {
            if http.get(format!("{}/status", driver.url)).send().await.is_ok() {
                return driver;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("chromedriver does not answer");
    }

    pub async fn browser(&self, name: &'static str, width: u32, height: u32) -> Browser {
        self.browser_with(name, width, height, &[]).await
    }

    /// A browser with more of Chromium's flags.
    pub async fn browser_with(&self, name: &'static str, width: u32, height: u32, flags: &[&str]) -> Browser {
        let mut options = json!({
            "binary": which(&program("SANBAO_TEST_CHROMIUM", "chromium")),
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio",
                "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
                "--allow-loopback-in-peer-connection", "--autoplay-policy=no-user-gesture-required",
                "--lang=zh-CN", "--accept-lang=zh-CN", "--hide-scrollbars", format!("--window-size={width},{height}"),
            ],
        });
        options["mobileEmulation"] = json!({ "deviceMetrics": { "width": width, "height": height, "pixelRatio": 1.0, "touch": width < 600, "mobile": width < 600 } });
        if let Some(arguments) = options["args"].as_array_mut() {
            arguments.extend(flags.iter().map(|flag| json!(flag)));
        }
        let capabilities =
            json!({ "capabilities": { "alwaysMatch": { "browserName": "chrome", "goog:chromeOptions": options } } });
        let http = http();
        let answer = http.post(format!("{}/session", self.url)).json(&capabilities).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {answer}"));
        let process = answer["value"]["capabilities"]["goog:processID"].as_u64();
        Browser { http, session: format!("{}/session/{id}", self.url), name, process }
    }
}

fn which(program: &str) -> String {
    if program.contains('/') {
        return program.to_owned();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(program)).find(|p| p.is_file());
    found.map_or_else(|| program.to_owned(), |p| p.display().to_string())
}

impl Browser {
    async fn call(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(format!("{}/{path}", self.session)).json(&body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert!(answer["value"]["error"].is_null(), "{}: {path}: {answer}", self.name);
        answer["value"].clone()
    }

    pub async fn open(&self, url: &str) {
        self.call("url", json!({ "url": url })).await;
    }

    /// The value of a script; promises are awaited.
    pub async fn run(&self, script: &str) -> Value {
        self.run_with(script, json!([])).await
    }

    /// The same with `arguments`.
    pub async fn run_with(&self, script: &str, arguments: Value) -> Value {
        self.call("execute/sync", json!({ "script": script, "args": arguments })).await
    }

    /// What a script hands to its last argument.
    pub async fn run_async(&self, script: &str, arguments: Value) -> Value {
        self.call("execute/async", json!({ "script": script, "args": arguments })).await
    }

    pub async fn click(&self, selector: &str) {
        let script = format!(
            "const e = document.querySelector({selector:?}); e.scrollIntoView({{block: 'nearest'}}); e.click();"
        );
        self.run(&script).await;
    }

    /// Waits until a script gives true.
    pub async fn until(&self, what: &str) {
        let begin = Instant::now();
        while self.run(&format!("return Boolean(await ({what}))")).await != json!(true) {
            if begin.elapsed() > Duration::from_secs(30) {
                self.picture("gave-up").await;
                let body = self.run("return document.body.dataset.state + ' ' + document.body.innerText").await;
                panic!("{}: waited in vain for {what}; the page: {body}", self.name);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub async fn state(&self, state: &str) {
        self.until(&format!("document.body.dataset.state === {state:?}")).await;
    }

    /// Writes a screenshot among the artifacts of the run.
    pub async fn picture(&self, name: &str) {
        let answer = self.http.get(format!("{}/screenshot", self.session)).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let bytes = base64::engine::general_purpose::STANDARD.decode(answer["value"].as_str().unwrap()).unwrap();
        let dir = std::env::var_os("SANBAO_TEST_ARTIFACTS")
            .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from)
            .join("consult-room");
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join(format!("{name}-{}.png", self.name)), bytes).unwrap();
    }

    pub async fn close(mut self) {
        // What was closed in order need not be killed, and its number may soon be another's.
        if self.http.delete(&self.session).send().await.is_ok() {
            self.process = None;
        }
    }
}
