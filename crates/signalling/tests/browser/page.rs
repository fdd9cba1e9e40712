//! The consult room in real browsers with fake cameras, all media through the embedded TURN server.

use crate::support::browser::site::{keys, start, start_with, ticket};
use crate::support::browser::{Browser, Driver};
use serde_json::{Value, json};

/// The other side is told of each device that one turns off.
async fn picture_and_sound_off(doctor: &Browser, host: &Browser) {
    doctor.click("#video").await;
    host.until("document.querySelector('#tiles .no-picture')").await;
    doctor.click("#audio").await;
    host.until("document.querySelector('#tiles').innerText.includes('已静音')").await;
    host.picture("5-picture-off").await;
    doctor.click("#video").await;
    host.until("!document.querySelector('#tiles .no-picture')").await;
}

/// A way back leads nowhere but into this site.
async fn way_back_stays_here(host: &Browser, site: &str) {
    for elsewhere in ["//evil.example", "https://evil.example", "/%5Cevil.example", "javascript:alert(1)"] {
        host.open(&format!("{site}/room?back={elsewhere}")).await;
        host.state("failed").await;
        assert_eq!(host.run("return document.getElementById('home').getAttribute('href')").await, "/", "{elsewhere}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consult_of_three_with_lobby_ring_and_finish_through_turn() {
    let relay = start().await;
    let site = format!("http://{}", relay.address);
    let driver = Driver::start().await;
    let host = driver.browser("desktop", 1280, 800).await;
    let doctor = driver.browser("doctor-phone", 390, 844).await;
    let guest = driver.browser("guest-phone", 390, 844).await;

    doctor.is(&relay, "doctor", "zh").await;
    host.prepare(&relay, 1, "&relay=1&back=/consults/7").await;
    host.picture("1-prejoin").await;
    // What the check before the call asks again and again, while somebody reads the page, is no part of it.
    let bytes = "performance.getEntries().filter((e) => !e.name.includes('/v1/prechecks')).reduce((sum, e) => sum + (e.encodedBodySize || 0), 0)";
    let bytes = host.run(&format!("return {bytes}")).await.as_u64().unwrap();
    assert!(bytes > 10_000 && bytes < 60 * 1024, "the page before pictures is {bytes} bytes");
    host.click("#enter").await;
    host.state("joined").await;
    host.until("document.getElementById('case').innerText.includes('左小腿')").await;
    host.picture("2-alone").await;

    guest.open(&format!("{site}/room?relay=1&picture=always#guest=family-link")).await;
    guest.state("prejoin").await;
    guest.picture("1-prejoin").await;
    guest.click("#enter").await;
    guest.state("lobby").await;
    guest.picture("3-lobby").await;
    host.until("document.querySelector('.ring')").await;
    host.picture("3-ring").await;
    host.click(".ring [data-action=admit]").await;
    for browser in [&host, &guest] {
        browser.state("connected").await;
        browser.relayed(1).await;
    }
    host.until("!document.querySelector('.ring')").await;

    doctor.enter(&relay, 1, "&relay=1&back=/consults/7").await;
    doctor.state("connected").await;
    for browser in [&host, &guest, &doctor] {
        browser.relayed(2).await;
        browser.until("[...document.querySelectorAll('#tiles video')].every((v) => v.videoWidth > 0)").await;
    }
    host.picture("4-call-of-three").await;
    doctor.picture("4-call-of-three").await;

    picture_and_sound_off(&doctor, &host).await;

    guest.click("#hang-up").await;
    guest.state("left").await;
    guest.picture("6-left").await;
    host.until("document.querySelectorAll('#tiles [data-peer]').length === 1").await;
    host.picture("6-call-of-two").await;
    doctor.picture("6-call-of-two").await;

    host.click("#finish").await;
    host.picture("7-finish").await;
    host.click("#finish-yes").await;
    for browser in [&host, &doctor] {
        browser.state("finished").await;
        browser.picture("8-finished").await;
        assert_eq!(browser.run("return document.getElementById('home').getAttribute('href')").await, "/consults/7");
    }
    way_back_stays_here(&host, &site).await;
    // A family link opened after the end says so.
    guest.click("#again").await;
    guest.state("finished").await;
    for browser in [host, doctor, guest] {
        browser.close().await;
    }
}

/// Written by `who`, seen by all, in the list of the chat.
async fn write(who: &Browser, text: &str, all: &[&Browser]) {
    who.click("#tab-chat").await;
    who.run(&format!(
        "document.getElementById('chat-text').value = {text:?}; document.getElementById('chat-form').requestSubmit()"
    ))
    .await;
    for browser in all {
        browser.until(&format!("document.getElementById('chat-lines').textContent.includes({text:?})")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_resumes_as_the_same_person_and_a_broken_relay_is_said_and_healed() {
    let mut relay = start().await;
    let driver = Driver::start().await;
    let host = driver.browser("heal-desktop", 1280, 800).await;
    let doctor = driver.browser("heal-phone", 390, 844).await;
    doctor.is(&relay, "doctor", "en").await;
    for browser in [&host, &doctor] {
        browser.enter(&relay, 1, "&relay=1").await;
    }
    host.relayed(1).await;
    doctor.relayed(1).await;
    doctor.picture("english").await;
    write(&doctor, "左小腿比右边粗几厘米？", &[&doctor, &host]).await;
    host.until("document.getElementById('chat-unread').textContent === '1'").await;
    host.picture("9-chat-unread").await;

    // A reload goes on as the same peer, inside, with the chat; a word that the relay did not take is said again.
    let peer = doctor.text("sanbaoCall().room.me").await;
    doctor
        .run("sanbaoCall().abandon(sanbaoCall().socket); sanbaoCall().chat('我这边断了一下').catch(() => {}); location.reload()")
        .await;
    doctor.until("window.sanbaoCall && sanbaoCall()?.inside").await;
    assert_eq!(doctor.text("sanbaoCall().room.me").await, peer);
    assert_eq!(doctor.text("sanbaoCall().welcome.resumed").await, "snapshot");
    for browser in [&doctor, &host] {
        browser.until("sanbaoCall().room.chat.length === 2").await;
        assert_eq!(
            browser.text("sanbaoCall().room.chat.map((l) => l.text)").await,
            "左小腿比右边粗几厘米？,我这边断了一下"
        );
        browser.relayed(1).await;
    }
    host.click("#tab-chat").await;
    host.picture("9-chat").await;

    // A socket that breaks is resumed exactly; sound and picture never stop.
    let before = host.text("[...sanbaoCall().peers.values()][0].pc.connectionState").await;
    host.run("window.kept = [...sanbaoCall().peers.values()][0].pc; sanbaoCall().abandon(sanbaoCall().socket)").await;
    host.until("sanbaoCall().welcome?.resumed === 'exact'").await;
    assert_eq!(
        host.text("[...sanbaoCall().peers.values()][0].pc === window.kept && window.kept.connectionState").await,
        before
    );

    // The relay goes away and comes back on the same port: both find their way without a click.
    let (address, engine, config) = (relay.address, relay.engine.clone(), relay.config.clone());
    relay.stop().await;
    host.until("!document.getElementById('link').hidden").await;
    host.picture("reconnecting").await;
    write_while_away(&host).await;
    let _again = start_with(config, engine, address).await;
    for browser in [&host, &doctor] {
        browser.until("document.getElementById('link').hidden && document.body.dataset.state === 'connected'").await;
        browser.relayed(1).await;
    }
    doctor.until("sanbaoCall().room.chat.some((l) => l.text === '线断的时候写的')").await;
    host.close().await;
    doctor.close().await;
}

/// Without a connection a word waits, and says so.
async fn write_while_away(host: &Browser) {
    host.click("#tab-chat").await;
    host.run("document.getElementById('chat-text').value = '线断的时候写的'; document.getElementById('chat-form').requestSubmit()").await;
    host.until("document.querySelector('#chat-lines .pending')?.textContent.includes('正在发送')").await;
    host.picture("reconnecting-chat").await;
}

/// A doctor whose client shares no code with the page: the picture goes both ways, relayed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_and_an_independent_client_see_each_other() {
    let relay = start().await;
    let driver = Driver::start().await;
    let host = driver.browser("beside-aiortc", 1280, 800).await;
    host.enter(&relay, 1, "&relay=1").await;
    let python =
        std::env::var("SANBAO_TEST_PYTHON").expect("SANBAO_TEST_PYTHON: a Python with aiortc; tests/run makes it");
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients/aiortc_consult.py");
    let doctor = tokio::process::Command::new(python)
        .arg(script)
        .arg(format!("ws://{}/v1/signal", relay.address))
        .arg(ticket(&keys(), 1, "doctor"))
        .args(["--seconds", "150", "--stay", "150"])
        .kill_on_drop(true)
        .output();
    // The other says when it has seen enough, and stays until the visit is over.
    let visit = async {
        host.relayed(1).await;
        host.in_the_end("sanbaoCall().room.others[0]?.hand").await;
        host.click("#finish").await;
        host.click("#finish-yes").await;
    };
    let (doctor, ()) = tokio::join!(doctor, visit);
    let doctor = doctor.unwrap();
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned() + &String::from_utf8_lossy(&doctor.stderr);
    assert!(doctor.status.success(), "{said}");
    host.state("finished").await;
    host.close().await;
}

/// The devices are as the session knows them, whichever of the two a page that is loaded again has first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_muted_and_dark_stays_so_over_a_reload() {
    let relay = start().await;
    let driver = Driver::start().await;
    let host = driver.browser("muted-reload", 390, 844).await;
    host.enter(&relay, 1, "").await;
    host.click("#audio").await;
    host.click("#video").await;
    host.until("sanbaoCall().room.self.audio === false && sanbaoCall().room.self.video === false").await;
    // The welcome only after the devices; then the devices only after the welcome.
    let late_welcome = "const send = WebSocket.prototype.send; WebSocket.prototype.send = function (text) { \
        if (!window.late || !text.includes('\"hello\"')) return send.call(this, text); \
        const timer = setInterval(() => { if (sanbaoCall()?.tracks.video) { clearInterval(timer); window.waited = true; send.call(this, text); } }, 20); }; \
        window.late = sessionStorage.getItem('late') === 'welcome';";
    let late_devices = "if (sessionStorage.getItem('late') === 'devices') { \
        const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices); \
        navigator.mediaDevices.getUserMedia = async (wish) => { \
        while (!window.sanbaoCall?.()?.inside) await new Promise((r) => setTimeout(r, 20)); window.waited = true; return open(wish); }; }";
    host.before_pages(late_welcome).await;
    host.before_pages(late_devices).await;
    for late in ["welcome", "devices"] {
        host.run(&format!("window.waited = false; sessionStorage.setItem('late', '{late}'); location.reload()")).await;
        host.until("window.waited && sanbaoCall()?.inside && sanbaoCall().tracks.audio").await;
        host.until("sanbaoCall().tracks.audio.enabled === false && !sanbaoCall().tracks.video").await;
        assert_eq!(host.text("document.getElementById('audio').getAttribute('aria-pressed')").await, "false", "{late}");
        assert_eq!(host.text("sanbaoCall().room.self.audio || sanbaoCall().room.self.video").await, "false", "{late}");
    }
    host.picture("muted-reload").await;
    host.click("#audio").await;
    host.until("sanbaoCall().tracks.audio.enabled && sanbaoCall().room.self.audio").await;
    host.close().await;
}

/// Impatient fingers press twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entering_by_a_double_tap_enters_once() {
    let relay = start().await;
    let driver = Driver::start().await;
    let host = driver.browser("double-tap", 390, 844).await;
    host.prepare(&relay, 1, "").await;
    host.run("for (let n = 0; n < 3; n += 1) document.getElementById('enter').click(); window.answers = [1, 2].map(() => sanbaoCall().join({ audio: true, video: true }))").await;
    host.run("await Promise.all(answers)").await;
    host.until("sanbaoCall().inside && document.body.dataset.state === 'joined'").await;
    // The relay's own word for a `join` too many is no reason to leave the room.
    host.run("await sanbaoCall().join({ audio: true, video: true })").await;
    assert_eq!(host.text("document.body.dataset.state").await, "joined");
    assert_eq!(
        host.text("document.getElementById('prejoin').hidden && !document.getElementById('call').hidden").await,
        "true"
    );
    host.close().await;
}

/// A relay that lets nobody stay: it ends the visit, or closes with the code that is to be played.
const ENDING: &str = r#"
    const play = JSON.parse(sessionStorage.getItem("play") || "null");
    if (play) window.WebSocket = class {
        constructor() { setTimeout(() => (play.code ? this.onclose({ code: play.code, reason: "" }) : this.onopen())); }
        send(text) {
            if (!text.includes('"hello"')) return;
            const you = { name: "陈立新", role: "clinician", permissions: [] };
            const heartbeat = { interval_ms: 60000, timeout_ms: 120000 };
            const welcome = { type: "welcome", resumed: "new", place: "hall", seq: 0, ack: 0, peer: "a", secret: "s", you, heartbeat, phone: "0574-86250000" };
            for (const message of [welcome, { type: "finished", seq: 1, ...play }]) this.onmessage({ data: JSON.stringify(message) });
        }
        close() {}
    };
"#;

/// The endings that are played, the names of their pictures, and the words that staff and family read.
fn endings() -> [(Value, &'static str, &'static str, &'static str); 12] {
    let finished = |seconds: u32| json!({ "by": "王秀英", "together_seconds": seconds });
    let code = |code: u32| json!({ "code": code });
    [
        (finished(2520), "finished", "医生和护理员一起会诊 42 分钟。", "医生和护理员一起会诊 42 分钟。"),
        (finished(20), "finished-soon", "一起会诊不到 1 分钟。", "一起会诊不到 1 分钟。"),
        (finished(0), "finished-apart", "还能再进入。", "还能再进入。"),
        (code(4100), "finished-before", "不能再进入。", "不能再进入。"),
        (code(1000), "left", "可以随时重新进入。", "可以随时重新进入。"),
        (code(4101), "refused", "没有让您进入。", "没有让您进入。"),
        (code(4103), "expired", "请重新进入。", "要一个新的链接。"),
        (code(4104), "early", "请稍后再来。", "请稍后再来。"),
        (code(4105), "replaced", "这里已断开。", "这里已断开。"),
        (code(4110), "removed", "请您离开了。", "请您离开了。"),
        (code(4111), "revoked", "可以重新进入；", "要一个新的链接。"),
        (code(4112), "bound", "只能在一台设备上使用。", "只能在一台设备上使用。"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_end_of_a_visit_says_what_happened_and_what_to_do() {
    let relay = start().await;
    let driver = Driver::start().await;
    let staff = driver.browser("end-staff", 1280, 800).await;
    let family = driver.browser("end-family", 390, 844).await;
    let ways = [
        (&staff, format!("http://{}/room?consult={}", relay.address, crate::support::person(1))),
        (&family, format!("http://{}/room?relay=1#guest=family-link", relay.address)),
    ];
    for (browser, way) in &ways {
        browser.open(&format!("http://{}/static/icon.svg", relay.address)).await;
        browser.before_pages(ENDING).await;
        for (play, name, to_staff, to_family) in endings() {
            browser.run_with("sessionStorage.setItem('play', arguments[0])", json!([play.to_string()])).await;
            browser.open("about:blank").await; // another part after `#` alone would be no other page
            browser.open(way).await;
            browser.until("!document.getElementById('over').hidden").await;
            browser.picture(&format!("end-{name}")).await;
            let said = browser.text("document.getElementById('over').innerText").await;
            let text = if std::ptr::eq(*browser, &raw const staff) { to_staff } else { to_family };
            assert!(said.contains(text), "{name}: {said}");
            assert!(!said.contains("视频不通"), "{name}: there is no video any more");
            assert!(!said.contains('%') && !said.contains("over-"), "{name}: {said}");
            let wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth";
            assert_eq!(browser.text(wide).await, "false", "{name}");
        }
    }
    staff.close().await;
    family.close().await;
}

/// A page without a link says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_without_a_link_says_so() {
    let relay = start().await;
    let driver = Driver::start().await;
    let browser = driver.browser("phone", 390, 844).await;
    browser.open(&format!("http://{}/room", relay.address)).await;
    browser.state("failed").await;
    browser.picture("no-link").await;
    assert_eq!(browser.run("return document.activeElement.id").await, json!("over-title"));
    browser.close().await;
}
