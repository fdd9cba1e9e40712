//! A real headless Chromium behind its driver: pages as people see them, fake cameras, pictures kept.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use sanbao_platform::testing::{PATIENCE, port};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::artifacts;

/// One browser with a profile of its own.
pub struct Browser {
    pub client: Client,
    base: String,
    driver: Child,
    /// Where it keeps whom it trusts.
    _home: Option<TempDir>,
}

/// A home in which a browser finds an authority that it trusts.
fn home_trusting(authority_pem: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let (store, file) = (home.path().join(".pki/nssdb"), home.path().join("authority.pem"));
    std::fs::create_dir_all(&store).unwrap();
    std::fs::write(&file, authority_pem).unwrap();
    let store = format!("sql:{}", store.display());
    let certutil = |more: &[&str]| {
        let done = Command::new("certutil").args(["-d", &store]).args(more).status();
        assert!(done.expect("certutil; tests/run installs it").success(), "{more:?}");
    };
    certutil(&["-N", "--empty-password"]);
    certutil(&["-A", "-n", "tests", "-t", "C,,", "-i", file.to_str().unwrap()]);
    home
}

fn program(variable: &str, fallback: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| fallback.to_owned())
}

impl Browser {
    /// A browser whose pages are at `base`, in Chinese, with a fake camera and microphone.
    pub async fn open(base: &str) -> Self {
        Self::open_at(base, None).await
    }

    /// The same, trusting an authority.
    pub async fn trusting(base: &str, authority_pem: &str) -> Self {
        Self::open_at(base, Some(home_trusting(authority_pem))).await
    }

    async fn open_at(base: &str, home: Option<TempDir>) -> Self {
        let port = port();
        let driver = Command::new(program("SANBAO_TEST_CHROMEDRIVER", "chromedriver"))
            .arg(format!("--port={port}"))
            .envs(home.iter().map(|home| ("HOME", home.path())))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("chromedriver does not start ({e}): run tests/run"));
        let capabilities = json!({ "goog:chromeOptions": {
            "binary": program("SANBAO_TEST_CHROMIUM", "/usr/bin/chromium"),
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
                "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
                "--allow-loopback-in-peer-connection", "--autoplay-policy=no-user-gesture-required",
                "--lang=zh-CN", "--accept-lang=zh-CN", "--window-size=1280,900",
            ],
        } });
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities.as_object().unwrap().clone());
        let address = format!("http://127.0.0.1:{port}");
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            match builder.connect(&address).await {
                Ok(client) => return Self { client, base: base.to_owned(), driver, _home: home },
                Err(e) if std::time::Instant::now() > deadline => panic!("the browser does not start: {e}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    pub async fn goto(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.base)).await.unwrap();
    }

    /// The path that the browser is at.
    pub async fn path(&self) -> String {
        self.client.current_url().await.unwrap().path().to_owned()
    }

    /// Runs a script's body and gives what it returns.
    pub async fn script(&self, body: &str) -> Value {
        self.client.execute(body, Vec::new()).await.unwrap_or_else(|e| panic!("{e}\nin: {body}"))
    }

    /// Waits until a script's expression is true.
    pub async fn until(&self, expression: &str) {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let holds = self.client.execute(&format!("return Boolean({expression})"), Vec::new()).await;
            if matches!(holds, Ok(Value::Bool(true))) {
                return;
            }
            if std::time::Instant::now() > deadline {
                self.shot("failed", None).await;
                let text = self.script("return document.body.innerText").await;
                panic!("waited in vain at {}: {expression}\n{text}", self.path().await);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub async fn wait_for(&self, css: &str) {
        self.until(&format!("document.querySelector({})", json!(css))).await;
    }

    pub async fn click(&self, css: &str) {
        self.wait_for(css).await;
        let element = self.client.find(Locator::Css(css)).await.unwrap();
        element.click().await.unwrap_or_else(|e| panic!("{css}: {e}"));
    }

    /// Types into a field, in the place of what stands there.
    pub async fn fill(&self, css: &str, text: &str) {
        self.wait_for(css).await;
        let element = self.client.find(Locator::Css(css)).await.unwrap();
        element.clear().await.unwrap_or_else(|e| panic!("{css}: {e}"));
        element.send_keys(text).await.unwrap_or_else(|e| panic!("{css}: {e}"));
    }

    /// Keeps a picture of the page; at `width` if given (whole page high), else as the window is.
    pub async fn shot(&self, name: &str, width: Option<u32>) {
        if let Some(width) = width {
            self.client.set_window_size(width, 900).await.unwrap();
            let height = self.script("return document.documentElement.scrollHeight").await.as_u64().unwrap_or(900);
            let height = u32::try_from(height).unwrap().clamp(700, 3000) + 140;
            self.client.set_window_size(width, height).await.unwrap();
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        let picture = self.client.screenshot().await.unwrap();
        std::fs::write(artifacts().join(format!("{name}.png")), picture).unwrap();
        if width.is_some() {
            self.client.set_window_size(1280, 900).await.unwrap();
        }
    }

    /// Pictures of the page on a phone and on a desk; the phone's must not scroll sideways.
    pub async fn shots(&self, name: &str) {
        for width in [390, 1280] {
            self.shot(&format!("{name}-{width}"), Some(width)).await;
        }
    }

    pub async fn close(mut self) {
        let _ = self.client.clone().close().await;
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
