//! Rooms of several in real browsers: everybody sees everybody, up to the six that a room has places for; a shared
//! screen and hands; and people's places: a second device, the lobby again, sent out and let back in.

use crate::support::browser::site::{start, start_with};
use crate::support::browser::{Browser, Driver};
use crate::support::{Relay, config};
use sanbao_platform::testing::sqlite;

/// The person's identity, what their browser is called, its size, and whether they have a microphone: on a small machine, which
/// does all their work, thirty streams of sound take more than the pictures, and come before them.
type Person = (&'static str, &'static str, (u32, u32), bool);

const FOUR: [Person; 4] = [
    ("nurse", "four-nurse", (1280, 800), false),
    ("doctor", "four-doctor", (390, 844), false),
    ("interpreter", "four-interpreter", (1280, 800), true),
    ("family", "four-family", (390, 844), false),
];

/// As many as a room has places. The pages of four are small, and nobody is heard.
const SIX: [Person; 6] = [
    ("nurse", "six-nurse", (1280, 800), false),
    ("doctor", "six-doctor", (390, 844), false),
    ("interpreter", "six-interpreter", (320, 480), false),
    ("surgeon", "six-surgeon", (320, 480), false),
    ("radiologist", "six-radiologist", (320, 480), false),
    ("family", "six-family", (320, 480), false),
];

const NO_MICROPHONE: &str = "const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices); \
    navigator.mediaDevices.getUserMedia = async (wish) => { \
    if (wish.audio) throw new DOMException('none', 'NotFoundError'); return open(wish); };";

/// A screen that is drawn: headless browsers have none to share.
const DRAWN_SCREEN: &str = "const c = document.createElement('canvas'); c.width = 1280; c.height = 720; \
    const x = c.getContext('2d'); let n = 0; \
    setInterval(() => { x.fillStyle = '#fff'; x.fillRect(0, 0, 1280, 720); x.fillStyle = '#123'; x.font = '64px sans-serif'; \
    x.fillText('血管超声 ' + (n += 1), 80, 200); }, 200); \
    navigator.mediaDevices.getDisplayMedia = async () => c.captureStream(5);";

async fn enter_all(relay: &Relay, driver: &Driver, people: &[Person], more: &str) -> Vec<Browser> {
    let mut all: Vec<Browser> = Vec::new();
    for &(who, name, (width, height), microphone) in people {
        let browser = driver.browser(name, width, height).await;
        browser.is(relay, who, "zh").await;
        if !microphone {
            browser.before_pages(NO_MICROPHONE).await;
        }
        if who == "family" {
            browser.prepare(relay, 1, more).await;
            browser.click("#enter").await;
            browser.state("lobby").await;
            all[0].click(".ring [data-action=admit]").await;
            browser.until("sanbaoCall().inside").await;
        } else {
            browser.enter(relay, 1, more).await;
        }
        all.push(browser);
    }
    all
}

/// Each sends each of the others no more than a small machine can encode so many times, of a small capture.
async fn small_pictures(all: &[Browser], bitrate: u32) {
    for browser in all {
        browser
            .until(&format!(
                "[...sanbaoCall().peers.values()].every((p) => p.pc.getSenders().filter((s) => s.track?.kind === 'video') \
                 .every((s) => s.getParameters().encodings[0]?.maxBitrate === {bitrate}))"
            ))
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

/// Each of the others moves: new pictures come from everybody, and all of them are shown.
async fn all_move(all: &[Browser]) {
    let others = all.len() - 1;
    for browser in all {
        let there = format!("s.frames.length === {others} && (window.had = s.frames)");
        browser.until(&format!("sanbaoStats().then((s) => {there})")).await;
    }
    for browser in all {
        let more = format!("s.frames.length === {others} && s.frames.every((frames, n) => frames > had[n] + 5)");
        browser.until(&format!("sanbaoStats().then((s) => {more})")).await;
        let shown = "[...document.querySelectorAll('#tiles [data-peer]:not(.no-picture) video')].filter((v) => v.videoWidth > 0 && !v.paused)";
        browser.until(&format!("{shown}.length === {others}")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_people_see_each_other_and_a_seventh_is_told_that_the_room_is_full_until_one_leaves() {
    let relay = start_with(config(), sqlite(), "127.0.0.1:0".parse().unwrap()).await;
    let driver = Driver::start().await;
    let mut all = enter_all(&relay, &driver, &SIX, "").await;
    small_pictures(&all, 200_000).await;
    all_move(&all).await;
    all[0].picture("six").await;
    all[1].picture("six").await;
    // The own picture lies on nobody's name.
    let own = "document.getElementById('own-tile').getBoundingClientRect()";
    let names = "[...document.querySelectorAll('#tiles figcaption')].map((c) => c.getBoundingClientRect())";
    let covered = format!("{names}.some((n) => n.right > {own}.left && n.bottom > {own}.top && n.top < {own}.bottom)");
    for browser in &all[..2] {
        assert_eq!(browser.text(&covered).await, "false");
    }

    let seventh = driver.browser("six-seventh", 390, 844).await;
    seventh.before_pages(NO_MICROPHONE).await;
    seventh.is(&relay, "cardiologist", "zh").await;
    seventh.prepare(&relay, 1, "").await;
    seventh.click("#enter").await;
    seventh.until("!document.getElementById('enter-problem').hidden").await;
    let said = "document.getElementById('enter-problem').innerText";
    assert_eq!(seventh.text(said).await, "会诊室已满，请稍后再试。");
    assert_eq!(seventh.text("document.body.dataset.state").await, "prejoin");
    seventh.picture("full").await;
    for browser in &all {
        assert_eq!(browser.text("sanbaoCall().room.others.length").await, "5");
    }

    // A place that is free again is theirs, by the same button.
    let family = all.pop().unwrap();
    family.click("#hang-up").await;
    family.state("left").await;
    family.close().await;
    all[0].until("sanbaoCall().room.others.length === 4").await;
    seventh.click("#enter").await;
    all.push(seventh);
    all_move(&all).await;
    for browser in all {
        browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_people_see_each_other_and_share_screens() {
    let relay = start().await;
    let driver = Driver::start().await;
    let all = enter_all(&relay, &driver, &FOUR, "&relay=1").await;
    for browser in &all {
        browser.relayed(3).await;
    }
    all[0].picture("four").await;
    all[1].picture("four").await;
    all[1].click("#hand").await;
    all[0].until("document.querySelector('#tiles .hand figcaption')?.innerText.includes('举手')").await;
    all[0].click("#tab-people").await;
    all[0].picture("people").await;
    small_pictures(&all, 350_000).await;
    screens(&all).await;
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
    first.open(&format!("http://{}/room?consult={}", relay.address, crate::support::person(1))).await;
    first.state("removed").await;
    nurse.picture("removed-list").await;
    nurse.click("#removed-list [data-action=lift]").await;
    nurse.until("document.getElementById('removed').hidden").await;
    first.enter(&relay, 1, "&again=1").await;
    for browser in [nurse, first, second] {
        browser.close().await;
    }
}
