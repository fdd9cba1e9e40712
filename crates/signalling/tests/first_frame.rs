//! How long it takes from a granted camera to the first decoded remote frame, relay only, beside a bare page of two
//! peer connections on the same TURN server. Figures, not an assertion about time:
//! `cargo test --release -p sanbao-signalling --test first_frame -- --ignored --nocapture`
#![expect(clippy::unwrap_used, reason = "tests")]

mod browser;
mod support;

use browser::Driver;
use browser::site::start;
use serde_json::{Value, json};

const ROUNDS: u128 = 20;

/// What both pages share: a video that tells its first frame.
const COMMON: &str = r#"
    const { connect } = await import("/static/sanbao-signal.js");
    window.connect = connect;
    window.firstFrame = (stream) => new Promise((resolve) => {
        const video = document.createElement("video");
        Object.assign(video, { muted: true, autoplay: true, srcObject: stream });
        document.body.prepend(video);
        video.requestVideoFrameCallback(() => { resolve(performance.now()); video.remove(); });
    });
    window.camera = () => navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } });
    window.stop = (...streams) => streams.forEach((s) => s.getTracks().forEach((t) => t.stop()));
"#;

/// One consult: somebody is inside; the other's camera is granted, and from there on time counts.
const OURS: &str = r#"
    const [hostTicket, doctorTicket] = arguments;
    const there = await camera();
    const host = connect({ ticket: hostTicket, stream: there, iceTransportPolicy: "relay" });
    host.join({ audio: true, video: true });
    await new Promise((resolve) => host.on("joined", resolve));
    window.servers = host.servers;
    const here = await camera();
    const begun = performance.now();
    const doctor = connect({ ticket: doctorTicket, stream: here, iceTransportPolicy: "relay" });
    doctor.join({ audio: true, video: true });
    const seen = await new Promise((resolve) => doctor.on("track", ({ stream, kind }) => kind === "video" && firstFrame(stream).then(resolve)));
    doctor.leave();
    host.leave();
    stop(there, here);
    return seen - begun;
"#;

/// Two peer connections that hand each other everything in the same turn of the loop.
const BARE: &str = r#"
    const there = await camera();
    const here = await camera();
    const begun = performance.now();
    const [a, b] = [0, 1].map(() => new RTCPeerConnection({ iceServers: servers, iceTransportPolicy: "relay" }));
    a.onicecandidate = ({ candidate }) => b.addIceCandidate(candidate);
    b.onicecandidate = ({ candidate }) => a.addIceCandidate(candidate);
    const seen = new Promise((resolve) => (a.ontrack = ({ track, streams }) => track.kind === "video" && firstFrame(streams[0]).then(resolve)));
    for (const track of here.getTracks()) a.addTrack(track, here);
    await a.setLocalDescription();
    await b.setRemoteDescription(a.localDescription);
    for (const track of there.getTracks()) b.addTrack(track, there);
    await b.setLocalDescription();
    await a.setRemoteDescription(b.localDescription);
    const took = (await seen) - begun;
    a.close();
    b.close();
    stop(there, here);
    return took;
"#;

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn first_frame_beside_a_bare_page() {
    let relay = start().await;
    let driver = Driver::start().await;
    let browser = driver.browser("first-frame", 1280, 800).await;
    browser.open(&format!("http://{}/room", relay.address)).await;
    browser.state("failed").await;
    browser.run(COMMON).await;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let tickets = [relay.ticket(round + 1, 10, "host"), relay.ticket(round + 1, 20, "clinician")];
        let with = browser.run_with(OURS, json!(tickets)).await;
        let without = browser.run_with(BARE, Value::Array(Vec::new())).await;
        // The first round warms the browser up.
        if round > 0 {
            ours.push(with.as_f64().unwrap());
            bare.push(without.as_f64().unwrap());
        }
    }
    browser.close().await;
    assert_eq!((ours.len(), bare.len()), (20, 20));
    let (ours, bare) = (median(ours), median(bare));
    eprintln!(
        "first decoded remote frame, median of {ROUNDS}: {ours:.0} ms; bare page {bare:.0} ms; ratio {:.2}",
        ours / bare
    );
}
