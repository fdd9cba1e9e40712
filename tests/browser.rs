//! Real browsers on the real binary: the pages as people use them, and a consult from invitation to signed
//! opinion with all media through the embedded TURN server.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "common/browser.rs"]
mod browser;
mod common;
#[path = "common/process.rs"]
mod process;

use browser::Browser;
use process::Process;

#[tokio::test]
async fn the_open_pages_are_readable() {
    let dir = tempfile::tempdir().unwrap();
    let demo = Process::demo(&dir.path().join("demo")).await;
    let browser = Browser::open(&demo.base).await;
    for (name, path) in [("problems", "/problems")] {
        browser.goto(path).await;
        browser.until("document.querySelector('h1')").await;
        browser.shots(name).await;
    }
    browser.close().await;
    assert!(demo.terminate().await.success());
}
