//! Four people in real browsers: everybody sees everybody, a shared screen, hands, consent and recording; and who may
//! be where: a second device, the lobby again, sent out and let back in.
#![expect(clippy::unwrap_used, reason = "tests")]

mod browser;
mod support;

use browser::site::start;
use browser::{Browser, Driver};
use support::Relay;

const PEOPLE: [(&str, &str, u32, u32); 4] = [
    ("nurse", "four-nurse", 1280, 800),
    ("doctor", "four-doctor", 390, 844),
    ("interpreter", "four-interpreter", 1280, 800),
    ("family", "four-family", 390, 844),
];

/// A screen that is drawn: headless browsers have none to share.
const DRAWN_SCREEN: &str = "const c = document.createElement('canvas'); c.width = 1280; c.height = 720; \
    const x = c.getContext('2d'); let n = 0; \
    setInterval(() => { x.fillStyle = '#fff'; x.fillRect(0, 0, 1280, 720); x.fillStyle = '#123'; x.font = '64px sans-serif'; \
    x.fillText('血管超声 ' + (n += 1), 80, 200); }, 100); \
    navigator.mediaDevices.getDisplayMedia = async () => c.captureStream(10);";

async fn enter_all(relay: &Relay, driver: &Driver) -> Vec<Browser> {
    let mut all: Vec<Browser> = Vec::new();
    for (who, name, width, height) in PEOPLE {
        let browser = driver.browser(name, width, height).await;
        browser.is(relay, who, "zh").await;
        if who == "family" {
            browser.prepare(relay, 1, "&relay=1").await;
            browser.click("#enter").await;
            browser.state("lobby").await;
            all[0].click(".ring [data-action=admit]").await;
            browser.until("sanbaoCall().inside").await;
        } else {
            browser.enter(relay, 1, "&relay=1").await;
        }
        all.push(browser);
    }
    for browser in &all {
        browser.relayed(3).await;
    }
    all
}

/// Each sends each of the three others no more than a small machine can encode three times, of a small capture.
async fn small_pictures(all: &[Browser]) {
    for browser in all {
        browser
            .until(
                "[...sanbaoCall().peers.values()].every((p) => p.pc.getSenders().filter((s) => s.track?.kind === 'video') \
                 .every((s) => s.getParameters().encodings[0]?.maxBitrate === 350000))",
            )
            .await;
        browser.until("sanbaoCall().tracks.video.getSettings().height === 360").await;
    }
}

/// One after the other shares a screen; all others decode it; the line is used again.
async fn screens(all: &[Browser]) {
    let (nurse, doctor) = (&all[0], &all[1]);
    for sharer in [nurse, doctor] {
        sharer.run(DRAWN_SCREEN).await;
    }
    for sharer in [nurse, doctor, nurse] {
        let mut before = Vec::new();
        for browser in all {
            before.push(browser.run("return (await sanbaoStats()).screenFrames").await.as_u64().unwrap());
        }
        sharer.click("#screen").await;
        for (browser, before) in all.iter().zip(before).filter(|(b, _)| !std::ptr::eq(*b, sharer)) {
            browser.until(&format!("sanbaoStats().then((s) => s.screenFrames > {before} + 3)")).await;
            browser.until("document.querySelector('[data-screen] video')?.videoWidth > 0").await;
        }
        all[2].picture("screen").await;
        all[3].picture("screen").await;
        sharer.click("#screen").await;
        for browser in all.iter().filter(|b| !std::ptr::eq(*b, sharer)) {
            browser.until("!document.querySelector('[data-screen]')").await;
        }
    }
}

/// Nothing is recorded before all have said yes; one who takes it back ends it for all.
async fn recording(all: &[Browser]) {
    let nurse = &all[0];
    nurse.click("#tab-more").await;
    nurse.click("#start-recording").await;
    nurse.until("document.getElementById('ask-dialog').open").await;
    nurse.click("[data-action=consent-yes]").await;
    for (n, browser) in all[1..].iter().enumerate() {
        browser.until("document.getElementById('ask-dialog').open").await;
        assert_eq!(nurse.text("sanbaoCall().room.recording").await, "false", "{n} of three have agreed");
        if n == 1 {
            browser.picture("consent-asked").await;
            nurse.until("document.getElementById('missing-recording').textContent.includes('周怡')").await;
            nurse.picture("consent-missing").await;
        }
        browser.click("[data-action=consent-yes]").await;
    }
    for browser in all {
        browser.until("!document.getElementById('rec-recording').hidden").await;
        assert_eq!(browser.text("document.getElementById('rec-recording').innerText").await, "正在录制");
        browser.picture("recording").await;
    }
    all[3].click("#tab-more").await;
    all[3].click("#consent-recording").await;
    // The notice passes: first of all.
    nurse.until("document.getElementById('notice').innerText.includes('撤回')").await;
    for browser in all {
        browser.until("document.getElementById('rec-recording').hidden").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_people_see_each_other_share_screens_and_record_by_consent() {
    let relay = start().await;
    let driver = Driver::start().await;
    let all = enter_all(&relay, &driver).await;
    all[0].picture("four").await;
    all[1].picture("four").await;
    all[1].click("#hand").await;
    all[0].until("document.querySelector('#tiles .hand figcaption')?.innerText.includes('举手')").await;
    all[0].click("#tab-people").await;
    all[0].picture("people").await;
    small_pictures(&all).await;
    screens(&all).await;
    recording(&all).await;
    // Muted by the host, on again only by oneself.
    all[0].press("周怡", "mute").await;
    all[2].until("document.getElementById('audio').getAttribute('aria-pressed') === 'false'").await;
    all[0].until("sanbaoCall().room.others.find((p) => p.name === '周怡').audio === false").await;
    all[2].picture("muted").await;
    all[2].click("#audio").await;
    all[0].until("sanbaoCall().room.others.find((p) => p.name === '周怡').audio === true").await;
    for browser in all {
        browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_device_is_a_choice_and_who_is_sent_out_stays_out_until_let_back_in() {
    let relay = start().await;
    let driver = Driver::start().await;
    let nurse = driver.browser("desk", 1280, 800).await;
    nurse.enter(&relay, 1, "").await;
    let [first, second] = [driver.browser("tablet", 1280, 800).await, driver.browser("phone", 390, 844).await];
    for browser in [&first, &second] {
        browser.is(&relay, "doctor", "zh").await;
    }
    first.enter(&relay, 1, "").await;
    // Asked; not yet; then both; then this one only.
    second.prepare(&relay, 1, "").await;
    for answer in ["neither", "both"] {
        second.click("#enter").await;
        second.until("document.getElementById('ask-dialog').open").await;
        second.picture("elsewhere").await;
        second.click(&format!("[data-action={answer}]")).await;
    }
    nurse.until("document.querySelectorAll('#tiles [data-peer]').length === 2").await;
    second.click("#hang-up").await;
    second.state("left").await;
    second.prepare(&relay, 1, "&again=1").await;
    second.click("#enter").await;
    second.until("document.getElementById('ask-dialog').open").await;
    second.click("[data-action=take_over]").await;
    first.state("replaced").await;
    first.picture("replaced").await;
    nurse.until("document.querySelectorAll('#tiles [data-peer]').length === 1").await;

    let family = driver.browser("family", 390, 844).await;
    family.is(&relay, "family", "zh").await;
    family.prepare(&relay, 1, "").await;
    family.click("#enter").await;
    family.state("lobby").await;
    nurse.click(".ring [data-action=admit]").await;
    family.until("sanbaoCall().inside").await;
    nurse.press("李小明", "put-back").await;
    family.state("lobby").await;
    family.picture("put-back").await;
    family.close().await;

    nurse.press("陈立新", "kick").await;
    nurse.picture("kick").await;
    nurse.click("[data-action=kick-yes]").await;
    second.state("removed").await;
    second.picture("removed").await;
    // A fresh ticket on the other device does not help.
    first.open(&format!("http://{}/room?consult={}", relay.address, support::person(1))).await;
    first.state("removed").await;
    nurse.picture("removed-list").await;
    nurse.click("#removed-list [data-action=lift]").await;
    nurse.until("document.getElementById('removed').hidden").await;
    first.enter(&relay, 1, "&again=1").await;
    for browser in [nurse, first, second] {
        browser.close().await;
    }
}
