//! A headless Chromium with fake camera and microphone, by the `WebDriver` protocol (W3C) in a few calls.

pub mod site;
pub mod tls;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use sanbao_platform::testing::port;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

/// Browsers encode and decode: two tests at once starve each other on a small machine.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Without any progress a wait has failed after this, and in any case after the other.
const STILL: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_mins(3);

/// How each of the page's peer connections is: what a wait that failed says, and by which it sees progress.
const LINES: &str = r#"
    const found = (window.peers ? window.peers() : [...(window.sanbaoCall?.()?.peers.values() || [])]).filter(Boolean);
    return Promise.all(found.map(async (peer) => {
        const { connectionState, iceConnectionState, signalingState } = peer.pc;
        const line = { connectionState, iceConnectionState, signalingState, restarted: peer.restarted, decoded: [], sent: [], limited: [] };
        (await peer.pc.getStats()).forEach((s) => {
            if (s.type === "inbound-rtp" && s.kind === "video") line.decoded.push(s.framesDecoded || 0);
            if (s.type === "outbound-rtp" && s.kind === "video") line.sent.push(s.framesSent || 0);
            if (s.type === "outbound-rtp" && s.kind === "video") line.limited.push(s.qualityLimitationReason || "");
        });
        return line;
    }));
"#;

/// A chromedriver of this test, alone among the tests of its binary.
pub struct Driver {
    child: Child,
    url: String,
    _alone: MutexGuard<'static, ()>,
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
        let alone = ALONE.lock().await;
        let port = port();
        let child = Command::new(program("SANBAO_TEST_CHROMEDRIVER", "chromedriver"))
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts; tests/run installs it");
        let driver = Self { child, url: format!("http://127.0.0.1:{port}"), _alone: alone };
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

    /// The value that a script hands to its last argument.
    pub async fn run_async(&self, script: &str, arguments: Value) -> Value {
        self.call("execute/async", json!({ "script": script, "args": arguments })).await
    }

    pub async fn click(&self, selector: &str) {
        let script = format!(
            "const e = document.querySelector({selector:?}); e.scrollIntoView({{block: 'nearest'}}); e.click();"
        );
        self.run(&script).await;
    }

    /// Runs a script in every page that is opened from now on, before the page's own.
    pub async fn before_pages(&self, script: &str) {
        let command = json!({ "cmd": "Page.addScriptToEvaluateOnNewDocument", "params": { "source": script } });
        self.call("goog/cdp/execute", command).await;
    }

    /// Waits until a script gives true; as long as the call gets on, with patience.
    pub async fn until(&self, what: &str) {
        self.when(&format!("Promise.resolve({what}).then(Boolean)"), STILL).await;
    }

    /// The same for what takes its time although nothing else happens.
    pub async fn in_the_end(&self, what: &str) {
        self.when(&format!("Promise.resolve({what}).then(Boolean)"), PATIENCE).await;
    }

    /// Waits until a script gives something, and gives it.
    pub async fn when(&self, what: &str, still: Duration) -> Value {
        let begin = Instant::now();
        let (mut seen, mut moved) = (String::new(), begin);
        loop {
            let found = self.run(&format!("return (await ({what})) || null")).await;
            if !found.is_null() {
                return found;
            }
            if moved.elapsed() > still || begin.elapsed() > PATIENCE {
                self.gave_up(what).await;
            }
            if begin.elapsed() > Duration::from_secs(5) {
                let now = self.progress().await;
                if now != seen {
                    (seen, moved) = (now, Instant::now());
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The figures that change while connections come about; frames count until a line clearly flows.
    async fn progress(&self) -> String {
        let mut lines = self.run(LINES).await;
        for counts in lines.as_array_mut().into_iter().flatten() {
            for kind in ["decoded", "sent"] {
                for count in counts[kind].as_array_mut().into_iter().flatten() {
                    *count = json!(count.as_u64().unwrap_or(0).min(50));
                }
            }
        }
        format!("{lines} {}", self.run("return document.body.dataset.state || ''").await)
    }

    async fn gave_up(&self, what: &str) -> ! {
        self.picture("gave-up").await;
        let body = self.run("return document.body.dataset.state + ' ' + document.body.innerText").await;
        let lines = self.run(LINES).await;
        panic!("{}: waited in vain for {what}; its lines: {lines:#}; the page: {body}", self.name);
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
