//! The browser module on networks as they are: offers that collide, paths that die, TURN by every transport, and the
//! check before the call.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::Relay;
use crate::support::browser::site::{start, start_with, with_turn};
use crate::support::browser::tls::{certificate, trust};
use crate::support::browser::{Browser, Driver};
use sanbao_platform::testing::{port, sqlite};
use sanbao_signalling::config::EmbeddedTurnTls;
use serde_json::json;
use tokio::net::UdpSocket;

/// Two places of a consult in one page, by the module alone: `calls`, and what to ask of them.
async fn two_calls(browser: &Browser, relay: &Relay, options: &str) {
    browser.open(&format!("http://{}/room", relay.address)).await;
    browser.state("failed").await; // the page without a link; only its origin is of use here
    let (host, doctor) = (relay.ticket(1, 10, "host"), relay.ticket(1, 20, "clinician"));
    browser
        .run(&format!(
            r##"
            const {{ connect }} = await import("/static/signalling/sanbao-signal.js");
            const canvas = document.body.appendChild(document.createElement("canvas"));
            const paint = canvas.getContext("2d");
            setInterval(() => {{ paint.fillStyle = "#" + Math.random().toString(16).slice(2, 8); paint.fillRect(0, 0, 300, 150); }}, 50);
            window.calls = ["{host}", "{doctor}"].map((ticket) => {{
                const call = connect({{ ticket, stream: canvas.captureStream(20), iceTransportPolicy: "relay", {options} }});
                call.on("track", ({{ stream }}) => {{ const v = document.createElement("video"); v.muted = true; v.autoplay = true; v.srcObject = stream; document.body.append(v); }});
                call.join({{ audio: false, video: true }});
                return call;
            }});
            window.peers = () => calls.map((c) => [...c.peers.values()][0]);
            window.calm = () => peers().every((p) => p && p.pc.connectionState === "connected" && p.pc.signalingState === "stable");
            window.ufrags = () => peers().map((p) => /ice-ufrag:(\S+)/.exec(p.pc.localDescription.sdp)[1]);
            window.seen = async (what) => Promise.all(peers().map(async (p) => {{
                let found = what === "frames" ? 0 : "";
                const report = await p.pc.getStats();
                report.forEach((s) => {{
                    if (what === "frames" && s.type === "inbound-rtp" && s.kind === "video") found += s.framesDecoded || 0;
                    const pair = s.type === "transport" && what !== "frames" ? report.get(s.selectedCandidatePairId) : null;
                    if (pair) found = report.get(pair.localCandidateId)?.relayProtocol;
                }});
                return found;
            }}));
            window.frames = async () => Math.min(...(await seen("frames")));
            "##
        ))
        .await;
    browser.until("calls.every((c) => c.inside) && calm() && frames().then((n) => n > 10)").await;
}

/// Colliding ICE restarts, and both making their first offer at once, end well on both sides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn colliding_offers_leave_both_sides_connected() {
    let relay = start().await;
    let driver = Driver::start().await;
    let browser = driver.browser("glare", 1280, 800).await;
    two_calls(&browser, &relay, "").await;
    assert_eq!(
        browser.run("return peers().filter((p) => p.polite).length").await,
        json!(1),
        "one of the two is polite"
    );
    for _ in 0..5 {
        browser
            .run("window.before = ufrags(); window.had = await frames(); for (const p of peers()) p.pc.restartIce();")
            .await;
        browser
            .until("calm() && ufrags().every((u, n) => u !== before[n]) && frames().then((n) => n > had + 10)")
            .await;
    }
    for _ in 0..3 {
        browser.run("for (const c of calls) for (const id of [...c.peers.keys()]) c.anew(id);").await;
        browser.until("calm() && frames().then((n) => n > 10)").await;
        let lines = "return peers().map((p) => p.pc.getTransceivers().filter((t) => t.currentDirection && t.currentDirection !== 'stopped').length)";
        assert_eq!(browser.run(lines).await, json!([2, 2]), "one line for sound, one for the picture");
    }
    browser.close().await;
}

/// A NAT between the browser and TURN that can forget whom it let through, as a change of network does.
struct Nat {
    address: SocketAddr,
    epoch: Arc<AtomicU64>,
}

impl Nat {
    async fn before(turn: SocketAddr) -> Self {
        let outside = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let (address, epoch) = (outside.local_addr().unwrap(), Arc::new(AtomicU64::new(0)));
        let now = Arc::clone(&epoch);
        tokio::spawn(async move {
            let mut ways: HashMap<SocketAddr, (u64, Arc<UdpSocket>)> = HashMap::new();
            let mut packet = vec![0; 2048];
            while let Ok((length, from)) = outside.recv_from(&mut packet).await {
                if let Entry::Vacant(way) = ways.entry(from) {
                    let inside = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
                    inside.connect(turn).await.unwrap();
                    way.insert((now.load(Ordering::SeqCst), Arc::clone(&inside)));
                    tokio::spawn(back(
                        Arc::clone(&outside),
                        inside,
                        from,
                        Arc::clone(&now),
                        now.load(Ordering::SeqCst),
                    ));
                }
                let (born, inside) = &ways[&from];
                if *born == now.load(Ordering::SeqCst) {
                    let _ = inside.send(&packet[..length]).await;
                }
            }
        });
        Self { address, epoch }
    }

    /// Each client known now is heard no more; one that comes from another port is.
    fn forget(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }
}

async fn back(outside: Arc<UdpSocket>, inside: Arc<UdpSocket>, to: SocketAddr, now: Arc<AtomicU64>, born: u64) {
    let mut packet = vec![0; 2048];
    while let Ok(length) = inside.recv(&mut packet).await {
        if now.load(Ordering::SeqCst) != born {
            return;
        }
        let _ = outside.send_to(&packet[..length], to).await;
    }
}

/// The path dies under a call, as when a phone leaves the Wi-Fi: ICE restarts by itself, and frames go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_changes_is_left_by_an_ice_restart() {
    let turn = start().await;
    let listen = turn.config.turn.as_ref().unwrap().listen;
    let nat = Nat::before(listen).await;
    let mut config = turn.config.clone();
    config.turn = None;
    config.turn_urls = vec![format!("turn:{}?transport=udp", nat.address)];
    let relay = start_with(config, sqlite(), "127.0.0.1:0".parse().unwrap()).await;
    let driver = Driver::start().await;
    let browser = driver.browser("network-change", 1280, 800).await;
    two_calls(&browser, &relay, "").await;
    browser.run("window.before = ufrags(); window.first = peers().map((p) => p.pc)").await;
    nat.forget();
    browser.until("peers().some((p) => p.pc.iceConnectionState !== 'connected')").await;
    browser.until("calm() && ufrags().every((u, n) => u !== before[n])").await;
    browser.run("window.had = await frames()").await;
    browser.until("frames().then((n) => n > had + 20)").await;
    assert_eq!(
        browser.run("return peers().every((p, n) => p.pc === first[n])").await,
        json!(true),
        "the same connections"
    );
    assert_eq!(
        browser.run("return calls.every((c) => c.welcome.resumed === 'new')").await,
        json!(true),
        "the relay saw nothing of it"
    );
    browser.close().await;
}

/// The check before the call over each transport, then pictures over those that the other tests do not use.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_and_pictures_go_over_udp_tcp_and_tls_and_both_sides_see_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = with_turn();
    let mut tls = certificate(folder.path());
    tls.listen.set_port(port());
    let flag = trust(&tls);
    config.turn.as_mut().unwrap().tls = Some(EmbeddedTurnTls { server: tls, host: "localhost".to_owned() });
    let relay = start_with(config, sqlite(), "127.0.0.1:0".parse().unwrap()).await;
    let driver = Driver::start().await;
    let nurse = driver.browser_with("check-desktop", 1280, 800, &[&flag]).await;
    nurse.enter(&relay, 1, "").await;
    let doctor = driver.browser_with("check-phone", 390, 844, &[&flag]).await;
    doctor.is(&relay, "doctor", "zh").await;
    doctor.prepare(&relay, 1, "").await;
    doctor.until("document.body.dataset.check").await;
    doctor.picture("check").await;
    let found = doctor.run("return window.sanbaoCheck").await;
    assert_eq!((&found["camera"], &found["microphone"]), (&json!("ok"), &json!("ok")), "{found}");
    for way in ["udp", "tcp", "tls"] {
        let path = &found["paths"][way];
        assert_eq!(path["ok"], true, "{found}");
        assert!(path["rtt_ms"].as_f64().unwrap() > 0.0, "{found}");
        assert!(path["loss"].as_f64().unwrap() < 0.5, "{found}");
    }
    doctor.click("#enter").await;
    nurse.until("[...sanbaoCall().room.checks.values()].some((c) => c.camera === 'ok')").await;
    nurse.click("#tab-people").await;
    nurse.until("document.getElementById('people').innerText.includes('通话前检查')").await;
    nurse.picture("check-seen").await;
    for way in ["tcp", "tls"] {
        for browser in [&nurse, &doctor] {
            browser.click("#hang-up").await;
            browser.state("left").await;
            browser.enter(&relay, 1, &format!("&relay=1&transport={way}")).await;
        }
        for browser in [&nurse, &doctor] {
            assert_eq!(browser.relayed(1).await["relayProtocol"], way);
        }
    }
    nurse.close().await;
    doctor.close().await;
}

/// Says that own sound is lost on its way, as receivers' reports would, while `badLine` is set.
const BAD_LINE: &str = r#"
    const real = RTCPeerConnection.prototype.getStats;
    let lost = 0;
    setInterval(() => { if (window.badLine) lost += 20; }, 1000);
    RTCPeerConnection.prototype.getStats = async function () {
        const report = new Map();
        (await real.call(this)).forEach((s, id) => {
            const there = s.type === "remote-inbound-rtp" && s.kind === "audio";
            report.set(id, there ? { ...s, packetsLost: (s.packetsLost || 0) + lost } : s);
        });
        return report;
    };
"#;

/// The line gets bad and good again: the picture goes so that the sound stays, the others are told why, and it comes
/// back without a click.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_comes_first_and_the_picture_comes_back_by_itself() {
    let relay = start().await;
    let driver = Driver::start().await;
    let nurse = driver.browser("sound-first-desktop", 1280, 800).await;
    nurse.enter(&relay, 1, "").await;
    let doctor = driver.browser("sound-first-phone", 390, 844).await;
    doctor.is(&relay, "doctor", "zh").await;
    doctor.before_pages(BAD_LINE).await;
    doctor.prepare_by(&relay, 1, "&relay=1").await;
    doctor.click("#enter").await;
    for browser in [&nurse, &doctor] {
        browser.relayed(1).await;
    }
    doctor.run("window.badLine = true").await;
    doctor.in_the_end("!document.getElementById('audio-first').hidden").await;
    nurse.until("document.querySelector('#tiles .no-picture .off')?.innerText.includes('画面先停')").await;
    // Nothing is broken, and nobody says so.
    nurse.until("!document.getElementById('verdict').innerText.includes('中断')").await;
    nurse.picture("sound-first").await;
    doctor.picture("sound-first").await;
    nurse.run("window.had = (await sanbaoStats()).framesDecoded").await;
    doctor.run("window.badLine = false").await;
    doctor.in_the_end("document.getElementById('audio-first').hidden").await;
    nurse.until("!document.querySelector('#tiles .no-picture')").await;
    nurse.until("sanbaoStats().then((s) => s.framesDecoded > had + 10)").await;
    nurse.close().await;
    doctor.close().await;
}
