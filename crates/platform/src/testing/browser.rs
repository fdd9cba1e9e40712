//! A real headless Chromium with a fake camera and microphone, driven by the `WebDriver` protocol (W3C) in a few calls.
//! The programs are named by `SANBAO_TEST_CHROMEDRIVER`, `SANBAO_TEST_CHROMIUM` and `SANBAO_TEST_HEADLESS`, which
//! `tests/run` sets.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{PATIENCE, port, until};

/// The key under which the protocol names an element (`WebDriver` section 12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How often a page is asked while a test waits.
const BETWEEN: Duration = Duration::from_millis(100);

/// A chromedriver of a test's own.
pub struct Driver {
    child: Child,
    url: String,
}

/// How a browser is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look<'a> {
    /// The size of its window in CSS pixels.
    pub size: (u32, u32),
    /// It passes for a device of that size; one less than 600 pixels wide is a phone with a touch screen.
    pub device: bool,
    /// It calls: the whole browser is opened. Pages alone are shown by its headless shell, which takes half the time.
    pub calls: bool,
    /// More of Chromium's flags.
    pub flags: &'a [&'a str],
}

/// One browser with a profile of its own.
pub struct Browser {
    http: reqwest::Client,
    session: String,
    /// The browser's process: a driver that is killed leaves its browsers running.
    process: Option<u64>,
}

fn program(variable: &str, fallback: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| fallback.to_owned())
}

/// A call may take as long as the page that it waits for.
fn http() -> reqwest::Client {
    reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().unwrap()
}

impl Driver {
    /// Starts one.
    pub async fn start() -> Self {
        Self::start_at_home(None).await
    }

    /// The same with a home folder, in which its browsers find the authorities that they trust.
    pub async fn start_at_home(home: Option<&Path>) -> Self {
        let port = port();
        let child = Command::new(program("SANBAO_TEST_CHROMEDRIVER", "chromedriver"))
            .arg(format!("--port={port}"))
            .envs(home.map(|home| ("HOME", home)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("chromedriver does not start ({e}): run tests/run"));
        let driver = Self { child, url: format!("http://127.0.0.1:{port}") };
        let (http, status) = (http(), format!("{}/status", driver.url));
        until("chromedriver answers", async || http.get(&status).send().await.is_ok()).await;
        driver
    }

    /// Opens a browser whose pages are asked for in Chinese.
    pub async fn browser(&self, look: Look<'_>) -> Browser {
        let (width, height) = look.size;
        let whole = program("SANBAO_TEST_CHROMIUM", "/usr/bin/chromium");
        let mut options = json!({
            "binary": if look.calls { whole } else { program("SANBAO_TEST_HEADLESS", &whole) },
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
                "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
                "--allow-loopback-in-peer-connection", "--autoplay-policy=no-user-gesture-required",
                "--lang=zh-CN", "--accept-lang=zh-CN", "--hide-scrollbars", format!("--window-size={width},{height}"),
            ],
        });
        if look.device {
            let phone = width < 600;
            options["mobileEmulation"] = json!({ "deviceMetrics": {
                "width": width, "height": height, "pixelRatio": 1.0, "touch": phone, "mobile": phone,
            } });
        }
        if let Some(arguments) = options["args"].as_array_mut() {
            arguments.extend(look.flags.iter().map(|flag| json!(flag)));
        }
        let wanted = json!({ "browserName": "chrome", "goog:chromeOptions": options });
        let mut browser = Browser { http: http(), session: self.url.clone(), process: None };
        let opened = browser.call(Method::POST, "session", json!({ "capabilities": { "alwaysMatch": wanted } })).await;
        let id = opened["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {opened}"));
        browser.session = format!("{}/session/{id}", self.url);
        browser.process = opened["capabilities"]["goog:processID"].as_u64();
        browser
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Browser {
    /// A command of the protocol: its value, or the error's words.
    async fn attempt(&self, method: Method, path: &str, body: Value) -> Result<Value, String> {
        let mut request = self.http.request(method.clone(), format!("{}/{path}", self.session));
        if method == Method::POST {
            request = request.json(&body);
        }
        let answer = request.send().await.map_err(|e| e.to_string())?;
        let mut answer: Value = answer.json().await.map_err(|e| e.to_string())?;
        let value = answer["value"].take();
        if value["error"].is_string() { Err(format!("{}: {}", value["error"], value["message"])) } else { Ok(value) }
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> Value {
        self.attempt(method, path, body.clone()).await.unwrap_or_else(|e| panic!("{path}: {e}\nof {body}"))
    }

    /// Opens an address.
    pub async fn open(&self, url: &str) {
        self.call(Method::POST, "url", json!({ "url": url })).await;
    }

    /// The path that the browser is at.
    pub async fn path(&self) -> String {
        let address = self.call(Method::GET, "url", Value::Null).await;
        url::Url::parse(address.as_str().unwrap()).unwrap().path().to_owned()
    }

    /// The value of a script's body; a promise is awaited.
    pub async fn run(&self, script: &str) -> Value {
        self.run_with(script, json!([])).await
    }

    /// The same with `arguments`.
    pub async fn run_with(&self, script: &str, arguments: Value) -> Value {
        self.call(Method::POST, "execute/sync", json!({ "script": script, "args": arguments })).await
    }

    /// The value that a script hands to its last argument.
    pub async fn run_async(&self, script: &str, arguments: Value) -> Value {
        self.call(Method::POST, "execute/async", json!({ "script": script, "args": arguments })).await
    }

    /// Runs a script in every page that is opened from now on, before the page's own.
    pub async fn before_pages(&self, script: &str) {
        let command = json!({ "cmd": "Page.addScriptToEvaluateOnNewDocument", "params": { "source": script } });
        self.call(Method::POST, "goog/cdp/execute", command).await;
    }

    /// Waits until an expression is true in the page, which may load others meanwhile; else `artifact` is its picture.
    pub async fn until(&self, expression: &str, artifact: &Path) {
        let script = json!({ "script": format!("return Boolean({expression})"), "args": [] });
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.attempt(Method::POST, "execute/sync", script.clone()).await == Ok(Value::Bool(true)) {
                return;
            }
            if Instant::now() > deadline {
                self.picture(artifact).await;
                let text = self.run("return document.body.innerText").await;
                panic!("waited in vain at {}: {expression}\n{text}", self.path().await);
            }
            tokio::time::sleep(BETWEEN).await;
        }
    }

    async fn element(&self, css: &str) -> String {
        let wanted = json!({ "using": "css selector", "value": css });
        let found = self.call(Method::POST, "element", wanted).await;
        format!("element/{}", found[ELEMENT].as_str().unwrap_or_else(|| panic!("{css}: {found}")))
    }

    /// Presses an element as a pointer does: what lies over it, or is not shown, cannot be pressed.
    pub async fn click(&self, css: &str) {
        let element = self.element(css).await;
        self.call(Method::POST, &format!("{element}/click"), json!({})).await;
    }

    /// Types into a field, behind what stands there.
    pub async fn append(&self, css: &str, text: &str) {
        let element = self.element(css).await;
        self.call(Method::POST, &format!("{element}/value"), json!({ "text": text })).await;
    }

    /// Types into a field, in the place of what stands there.
    pub async fn fill(&self, css: &str, text: &str) {
        let element = self.element(css).await;
        self.call(Method::POST, &format!("{element}/clear"), json!({})).await;
        self.call(Method::POST, &format!("{element}/value"), json!({ "text": text })).await;
    }

    /// Says yes to the question that the page asks; false if it asks none.
    pub async fn says_yes(&self) -> bool {
        self.attempt(Method::POST, "alert/accept", json!({})).await.is_ok()
    }

    /// Makes the window so large, in CSS pixels.
    pub async fn resize(&self, width: u32, height: u32) {
        self.call(Method::POST, "window/rect", json!({ "width": width, "height": height })).await;
    }

    /// The tab in front.
    pub async fn tab(&self) -> String {
        self.call(Method::GET, "window", Value::Null).await.as_str().unwrap().to_owned()
    }

    /// Opens another tab, in front.
    pub async fn new_tab(&self) -> String {
        let opened = self.call(Method::POST, "window/new", json!({ "type": "tab" })).await;
        let tab = opened["handle"].as_str().unwrap().to_owned();
        self.show_tab(&tab).await;
        tab
    }

    /// Brings a tab to the front.
    pub async fn show_tab(&self, tab: &str) {
        self.call(Method::POST, "window", json!({ "handle": tab })).await;
    }

    /// Closes the tab in front; none is in front then.
    pub async fn close_tab(&self) {
        self.call(Method::DELETE, "window", Value::Null).await;
    }

    /// Forgets who is logged in, and everything else that a site keeps by cookies.
    pub async fn forget(&self) {
        self.call(Method::DELETE, "cookie", Value::Null).await;
    }

    /// Writes a picture of what the window shows.
    pub async fn picture(&self, file: &Path) {
        let picture = self.call(Method::GET, "screenshot", Value::Null).await;
        let bytes = base64::engine::general_purpose::STANDARD.decode(picture.as_str().unwrap()).unwrap();
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).unwrap();
        }
        std::fs::write(file, bytes).unwrap();
    }

    /// A part of the page, also what the window does not show, as a small picture (WebP).
    pub async fn clipped(&self, clip: &Value) -> Vec<u8> {
        let params = json!({ "format": "webp", "quality": 60, "clip": clip, "captureBeyondViewport": true });
        self.answered_bytes("Page.captureScreenshot", params).await
    }

    /// The page on paper, as a PDF of A4.
    pub async fn printed(&self) -> Vec<u8> {
        let params = json!({ "preferCSSPageSize": true, "paperWidth": 8.27, "paperHeight": 11.69 });
        self.answered_bytes("Page.printToPDF", params).await
    }

    async fn answered_bytes(&self, command: &str, params: Value) -> Vec<u8> {
        let answer = self.call(Method::POST, "goog/cdp/execute", json!({ "cmd": command, "params": params })).await;
        base64::engine::general_purpose::STANDARD.decode(answer["data"].as_str().unwrap()).unwrap()
    }

    /// Closes the browser.
    pub async fn close(mut self) {
        // A browser that was closed in order need not be killed, and its number may soon be another's.
        if self.http.delete(&self.session).send().await.is_ok() {
            self.process = None;
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(process) = self.process {
            let _ = Command::new("kill").arg(process.to_string()).stderr(Stdio::null()).status();
        }
    }
}
