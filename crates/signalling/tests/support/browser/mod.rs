//! The consult room in the harness's Chromium: who sees whom, and how long to wait for it.

pub mod site;
pub mod tls;

use std::ops::Deref;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sanbao_platform::testing::{self, Look, PATIENCE};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

/// Browsers encode and decode: two tests at once starve each other on a small machine.
static ALONE: Mutex<()> = Mutex::const_new(());

/// A camera whose pictures a small machine can encode and decode for everybody. With the usual twenty a second, four
/// people and a screen starve each other there.
const SLOW_CAMERA: &str = "--use-fake-device-for-media-stream=fps=5";

/// Without any progress a wait has failed after this, and in any case after [`PATIENCE`].
const STILL: Duration = Duration::from_mins(2);

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
    driver: testing::Driver,
    _alone: MutexGuard<'static, ()>,
}

/// One browser, with the name that its pictures bear.
pub struct Browser {
    page: testing::Browser,
    name: &'static str,
}

impl Deref for Browser {
    type Target = testing::Browser;

    fn deref(&self) -> &testing::Browser {
        &self.page
    }
}

impl Driver {
    pub async fn start() -> Self {
        let alone = ALONE.lock().await;
        Self { driver: testing::Driver::start().await, _alone: alone }
    }

    pub async fn browser(&self, name: &'static str, width: u32, height: u32) -> Browser {
        self.browser_with(name, width, height, &[]).await
    }

    /// A browser with more of Chromium's flags.
    pub async fn browser_with(&self, name: &'static str, width: u32, height: u32, flags: &[&str]) -> Browser {
        let flags = &[&[SLOW_CAMERA], flags].concat();
        let look = Look { size: (width, height), device: true, calls: true, flags };
        Browser { page: self.driver.browser(look).await, name }
    }
}

impl Browser {
    /// Presses an element by the page's own script: on a busy machine a page is drawn late, and a pointer would meet
    /// what still moves.
    pub async fn click(&self, selector: &str) {
        let script = format!(
            "const e = document.querySelector({selector:?}); e.scrollIntoView({{block: 'nearest'}}); e.click();"
        );
        self.run(&script).await;
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
        let folder = std::env::var_os("SANBAO_TEST_ARTIFACTS")
            .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from)
            .join("consult-room");
        self.page.picture(&folder.join(format!("{name}-{}.png", self.name))).await;
    }

    pub async fn close(self) {
        self.page.close().await;
    }
}
