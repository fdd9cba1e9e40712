//! The consult room in real browsers with fake cameras, all media through the embedded TURN server.
#![expect(clippy::unwrap_used, reason = "tests")]

mod browser;
mod support;

use std::net::{SocketAddr, UdpSocket};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Json, Router};
use browser::{Browser, Driver};
use chrono::TimeDelta;
use sanbao_platform::auth::{Keys, Scope};
use sanbao_platform::clock::Clock;
use sanbao_platform::config::RootSecret;
use sanbao_platform::testing::sqlite;
use sanbao_signalling::config::EmbeddedTurn;
use serde_json::{Value, json};
use support::{Relay, config, person, relay_at};

const PHONE: &str = "0574-86250000";

/// What the booking side does for the page, as far as the page knows: tickets and a summary.
fn booking(keys: Keys) -> Router {
    Router::new()
        .route("/v1/consults/{id}/ticket", post(staff_ticket))
        .route("/v1/guest-tickets", post(guest_ticket))
        .route("/consults/{id}/summary", get(summary))
        .with_state(keys)
}

fn ticket(keys: &Keys, number: u128, name: &str, role: &str) -> String {
    let now = Clock::system().now();
    let scope =
        Scope { purpose: "ticket", audience: "signalling", not_before: now, expires: now + TimeDelta::hours(1) };
    let claims = json!({ "consult": person(1), "sub": person(number), "name": name, "role": role, "lobby": role == "guest", "phone": PHONE });
    keys.sign(scope, now, &claims).unwrap()
}

async fn staff_ticket(State(keys): State<Keys>, headers: HeaderMap) -> Json<Value> {
    let doctor = headers.get("cookie").is_some_and(|c| c.to_str().unwrap().contains("as=doctor"));
    let ticket =
        if doctor { ticket(&keys, 20, "陈立新", "clinician") } else { ticket(&keys, 10, "王秀英", "host") };
    Json(json!({ "ticket": ticket, "summary_url": format!("/consults/{}/summary", person(1)) }))
}

async fn guest_ticket(State(keys): State<Keys>, Json(body): Json<Value>) -> Json<Value> {
    assert_eq!(body["token"], "family-link");
    Json(json!({ "ticket": ticket(&keys, 30, "李小明", "guest") }))
}

async fn summary() -> Html<&'static str> {
    Html(
        "<dl class=\"facts\"><dt>老人</dt><dd>李桂芳 女 82 岁</dd><dt>事由</dt><dd>左小腿肿胀三天</dd>\
         <dt>目的</dt><dd>明确是否需要转院</dd><dt>病史</dt><dd>高血压二十年,去年左髋骨折术后,平时助行器行走。</dd></dl>\
         <h3>近日情况</h3><p>11月20日起左小腿肿胀,按压有凹陷,皮温略高;体温 36.8 ℃,血压 142/86。无胸闷气促。</p>",
    )
}

async fn start() -> Relay {
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut config = config();
    config.turn = Some(EmbeddedTurn {
        listen: SocketAddr::new([127, 0, 0, 1].into(), port),
        tls: None,
        public_ips: vec![[127, 0, 0, 1].into()],
        relay_ports: (32_000, 32_400),
        allow_peers: Vec::new(),
        allocations_per_user_max: 16,
    });
    let keys = RootSecret::from_bytes([42; 32]).keys().unwrap();
    relay_at(config, sqlite(), Clock::system(), "127.0.0.1:0".parse().unwrap(), booking(keys)).await
}

async fn enter(browser: &Browser, url: &str) {
    browser.open(url).await;
    browser.state("prejoin").await;
    browser.until("document.getElementById('preview').videoWidth > 0").await;
}

/// Frames arrive and both ends of the chosen path are relayed.
async fn relayed(browser: &Browser) {
    browser.until("sanbaoStats().then((s) => s.framesDecoded > 10)").await;
    let stats = browser.run("return await sanbaoStats()").await;
    assert_eq!(
        (&stats["localCandidateType"], &stats["remoteCandidateType"]),
        (&json!("relay"), &json!("relay")),
        "{stats}"
    );
}

/// What one turns off, the other is told.
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
    let staff_link = format!("{site}/room?consult={}&relay=1&back=/consults/7", person(1));
    let driver = Driver::start().await;
    let host = driver.browser("desktop", 1280, 800).await;
    let doctor = driver.browser("doctor-phone", 390, 844).await;
    let guest = driver.browser("guest-phone", 390, 844).await;

    doctor.open(&format!("{site}/static/icon.svg")).await;
    doctor.run("document.cookie = 'as=doctor; path=/'").await;
    enter(&host, &staff_link).await;
    host.picture("1-prejoin").await;
    host.click("#enter").await;
    host.state("joined").await;
    host.until("document.getElementById('case').innerText.includes('左小腿')").await;
    host.picture("2-alone").await;

    enter(&guest, &format!("{site}/room?relay=1#guest=family-link")).await;
    guest.picture("1-prejoin").await;
    guest.click("#enter").await;
    guest.state("lobby").await;
    guest.picture("3-lobby").await;
    host.until("document.querySelector('.ring')").await;
    host.picture("3-ring").await;
    host.click(".ring [data-action=admit]").await;
    for browser in [&host, &guest] {
        browser.state("connected").await;
        relayed(browser).await;
    }
    host.until("!document.querySelector('.ring')").await;

    enter(&doctor, &staff_link).await;
    doctor.picture("1-prejoin").await;
    doctor.click("#enter").await;
    doctor.state("connected").await;
    relayed(&doctor).await;
    for browser in [&host, &guest, &doctor] {
        browser.until("document.querySelectorAll('#tiles [data-peer]').length === 2").await;
        browser.until("[...document.querySelectorAll('#tiles video')].every((v) => v.videoWidth > 0)").await;
    }
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_relay_is_said_and_healed_and_a_reload_comes_back() {
    let mut relay = start().await;
    let site = format!("http://{}", relay.address);
    let link = format!("{site}/room?consult={}&relay=1", person(1));
    let driver = Driver::start().await;
    let host = driver.browser("heal-desktop", 1280, 800).await;
    let doctor = driver.browser("heal-phone", 390, 844).await;
    doctor.open(&format!("{site}/static/icon.svg")).await;
    doctor.run("document.cookie = 'as=doctor; path=/'; document.cookie = 'sanbao_lang=en; path=/'").await;
    for browser in [&host, &doctor] {
        enter(browser, &link).await;
        browser.click("#enter").await;
        browser.until("['joined', 'connected'].includes(document.body.dataset.state)").await;
    }
    relayed(&host).await;
    relayed(&doctor).await;
    doctor.picture("english").await;

    // A reload of one side: the other sees them go and come.
    doctor.run("location.reload()").await;
    doctor.state("prejoin").await;
    doctor.click("#enter").await;
    relayed(&doctor).await;
    relayed(&host).await;

    // The relay goes away and comes back on the same port: both find their way without a click.
    let address = relay.address;
    let turn_again = relay.config.clone();
    relay.stop().await;
    host.until("!document.getElementById('link').hidden").await;
    host.picture("reconnecting").await;
    let keys = RootSecret::from_bytes([42; 32]).keys().unwrap();
    let _again = relay_at(turn_again, relay.engine.clone(), Clock::system(), address, booking(keys)).await;
    for browser in [&host, &doctor] {
        browser.until("document.getElementById('link').hidden && document.body.dataset.state === 'connected'").await;
        relayed(browser).await;
    }
    host.close().await;
    doctor.close().await;
}

/// A doctor whose client shares no code with the page: the picture goes both ways, relayed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_and_an_independent_client_see_each_other() {
    let relay = start().await;
    let driver = Driver::start().await;
    let host = driver.browser("beside-aiortc", 1280, 800).await;
    enter(&host, &format!("http://{}/room?consult={}&relay=1", relay.address, person(1))).await;
    host.click("#enter").await;
    host.state("joined").await;
    let python =
        std::env::var("SANBAO_TEST_PYTHON").expect("SANBAO_TEST_PYTHON: a Python with aiortc; tests/run makes it");
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients/aiortc_consult.py");
    let doctor = tokio::process::Command::new(python)
        .arg(script)
        .arg(format!("ws://{}/v1/signal", relay.address))
        .arg(ticket(&relay.keys, 20, "陈立新", "clinician"))
        .args(["--stay", "10"])
        .kill_on_drop(true)
        .output();
    let (doctor, ()) = tokio::join!(doctor, relayed(&host));
    let doctor = doctor.unwrap();
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned() + &String::from_utf8_lossy(&doctor.stderr);
    assert!(doctor.status.success(), "{said}");
    host.state("joined").await;
    host.close().await;
}

/// The module by itself, two places in one page: colliding ICE restarts end well on both sides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn colliding_offers_leave_both_sides_connected() {
    let relay = start().await;
    let driver = Driver::start().await;
    let browser = driver.browser("module", 1280, 800).await;
    browser.open(&format!("http://{}/room", relay.address)).await;
    browser.state("failed").await; // the page without a link; only its origin is of use here
    let (host, doctor) = (relay.ticket(1, 10, "host"), relay.ticket(1, 20, "clinician"));
    browser
        .run(&format!(
            r##"
            const {{ connect }} = await import("/static/sanbao-signal.js");
            const canvas = document.body.appendChild(document.createElement("canvas"));
            const paint = canvas.getContext("2d");
            setInterval(() => {{ paint.fillStyle = "#" + Math.random().toString(16).slice(2, 8); paint.fillRect(0, 0, 300, 150); }}, 50);
            window.calls = ["{host}", "{doctor}"].map((ticket) => {{
                const call = connect({{ ticket, stream: canvas.captureStream(20), iceTransportPolicy: "relay" }});
                call.on("track", ({{ stream }}) => {{ const v = document.createElement("video"); v.muted = true; v.autoplay = true; v.srcObject = stream; document.body.append(v); }});
                call.join({{ audio: false, video: true }});
                return call;
            }});
            window.peers = () => calls.map((c) => [...c.peers.values()][0]);
            window.calm = () => peers().every((p) => p && p.pc.connectionState === "connected" && p.pc.signalingState === "stable");
            window.ufrags = () => peers().map((p) => /ice-ufrag:(\S+)/.exec(p.pc.localDescription.sdp)[1]);
            window.frames = async () => Math.min(...(await Promise.all(calls.map((c) => c.stats()))).map((s) => s[0]?.framesDecoded || 0));
            "##
        ))
        .await;
    browser.until("calls.every((c) => c.inside) && calm() && frames().then((n) => n > 10)").await;
    assert_eq!(
        browser.run("return peers().filter((p) => p.polite).length").await,
        json!(1),
        "one of the two is polite"
    );
    for _ in 0..5 {
        browser
            .run("window.before = ufrags(); window.seen = await frames(); for (const p of peers()) p.pc.restartIce();")
            .await;
        browser
            .until("calm() && ufrags().every((u, n) => u !== before[n]) && frames().then((n) => n > seen + 10)")
            .await;
    }
    browser.close().await;
}

/// The pure parts of the scripts, by table.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_verdict_says_what_to_do_and_waits_grow_within_a_bound() {
    let relay = start().await;
    let driver = Driver::start().await;
    let browser = driver.browser("pure", 390, 844).await;
    browser.open(&format!("http://{}/room", relay.address)).await;
    browser.state("failed").await;
    browser.picture("no-link").await;
    let none = json!({ "peer": "p", "framesDecoded": 0, "packetsReceived": 0, "packetsLost": 0, "audioPackets": 0, "audioLost": 0, "rttMs": 30 });
    let after = |change: Value| {
        let mut sample = none.clone();
        let fine = json!({ "framesDecoded": 48, "packetsReceived": 400, "audioPackets": 100 });
        for part in [fine, change] {
            sample.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        }
        sample
    };
    for (change, picture, connected, waited, expected) in [
        (json!({}), true, true, 5, "verdict-good"),
        (json!({ "framesDecoded": 6 }), true, true, 5, "verdict-video"),
        (json!({ "packetsLost": 60 }), true, true, 5, "verdict-video"),
        (json!({ "framesDecoded": 0 }), true, true, 5, "verdict-lost"),
        (json!({ "framesDecoded": 0 }), false, true, 5, "verdict-good"),
        (json!({ "audioLost": 30 }), true, true, 5, "verdict-audio"),
        (json!({ "rttMs": 700 }), true, true, 5, "verdict-slow"),
        (json!({}), true, false, 5, "verdict-waiting"),
        (json!({}), true, false, 30, "verdict-phone"),
    ] {
        let now = after(change.clone());
        let script = format!(
            "const {{ verdict }} = await import('/static/room-verdict.js'); return verdict({{ before: [{none}], now: [{now}], \
             seconds: 2, picture: () => {picture}, connected: {connected}, waitedS: {waited} }}).key"
        );
        assert_eq!(browser.run(&script).await, json!(expected), "{change}");
    }
    let waits = "const { backOffMs, isFinal } = await import('/static/sanbao-signal.js'); \
        return [[1, 2, 3, 9, 50].map((n) => backOffMs(n, () => 0.5)), backOffMs(1, () => 0), backOffMs(50, () => 1), \
        [1000, 1001, 1006, 4000, 4099, 4100, 4199].map(isFinal)]";
    let expected = json!([[500, 1000, 2000, 15000, 15000], 250, 22500, [true, false, false, false, false, true, true]]);
    assert_eq!(browser.run(waits).await, expected);
    browser.close().await;
}
