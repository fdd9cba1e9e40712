//! The site's pages in the harness's Chromium, as people see them; pictures are kept.

use std::ops::Deref;
use std::process::Command;
use std::time::Duration;

use sanbao_platform::testing::{self, Driver, Look};
use serde_json::json;
use tempfile::TempDir;

use crate::common::artifacts;

/// The window of a desk.
const DESK: (u32, u32) = (1280, 900);

/// One browser on the pages of one site.
pub struct Browser {
    page: testing::Browser,
    base: String,
    _driver: Driver,
    /// Where it keeps whom it trusts.
    _home: Option<TempDir>,
}

impl Deref for Browser {
    type Target = testing::Browser;

    fn deref(&self) -> &testing::Browser {
        &self.page
    }
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

impl Browser {
    /// A browser whose pages are at `base`, in Chinese.
    pub async fn open(base: &str) -> Self {
        Self::open_at(base, false, None).await
    }

    /// A whole one, with tabs, a fake camera and a microphone.
    pub async fn calling(base: &str) -> Self {
        Self::open_at(base, true, None).await
    }

    /// The same, trusting an authority.
    pub async fn trusting(base: &str, authority_pem: &str) -> Self {
        Self::open_at(base, true, Some(home_trusting(authority_pem))).await
    }

    async fn open_at(base: &str, calls: bool, home: Option<TempDir>) -> Self {
        let driver = Driver::start_at_home(home.as_ref().map(TempDir::path)).await;
        let page = driver.browser(Look { size: DESK, calls, ..Look::default() }).await;
        Self { page, base: base.to_owned(), _driver: driver, _home: home }
    }

    pub async fn goto(&self, path: &str) {
        self.page.open(&format!("{}{path}", self.base)).await;
    }

    /// Waits until a script's expression is true.
    pub async fn until(&self, expression: &str) {
        self.page.until(expression, &artifacts().join("failed.png")).await;
    }

    pub async fn wait_for(&self, css: &str) {
        self.until(&format!("document.querySelector({})", json!(css))).await;
    }

    pub async fn click(&self, css: &str) {
        self.wait_for(css).await;
        self.page.click(css).await;
    }

    /// Types into a field, in the place of what stands there.
    pub async fn fill(&self, css: &str, text: &str) {
        self.wait_for(css).await;
        self.page.fill(css, text).await;
    }

    /// Keeps a picture of the page; at `width` if given (whole page high), else as the window is.
    pub async fn shot(&self, name: &str, width: Option<u32>) {
        if let Some(width) = width {
            self.resize(width, DESK.1).await;
            let height = self.run("return document.documentElement.scrollHeight").await.as_u64().unwrap_or(900);
            let height = u32::try_from(height).unwrap().clamp(700, 3000) + 140;
            self.resize(width, height).await;
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        self.picture(&artifacts().join(format!("{name}.png"))).await;
        if width.is_some() {
            self.resize(DESK.0, DESK.1).await;
        }
    }

    /// Pictures of the page on a phone and on a desk.
    pub async fn shots(&self, name: &str) {
        for width in [390, DESK.0] {
            self.shot(&format!("{name}-{width}"), Some(width)).await;
        }
    }

    pub async fn close(self) {
        self.page.close().await;
    }
}
