//! How long it takes from a granted camera to the first decoded remote frame, relay only, beside a bare page of two
//! peer connections on the same TURN server, and beside one round trip to the relay:
//! `cargo bench --profile release -p sanbao-signalling --bench first_frame`
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made has failed")]

#[path = "../../../crates/signalling/tests/support/mod.rs"]
mod support;

use serde_json::json;
use support::browser::Driver;
use support::browser::site::start;

const ROUNDS: u128 = 20;
/// How much longer than on the bare page it may take, beside one round trip.
const TIMES_BARE_MAX: f64 = 1.5;

/// The common parts of both pages: a video that tells its first frame.
const COMMON: &str = r#"
    const { connect } = await import("/static/signalling/sanbao-signal.js");
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

/// The time from a word to the relay to its answer, in the same browser: the median of fifty.
const ROUND_TRIP: &str = r#"
    const [ticket] = arguments;
    const socket = new WebSocket(`ws://${location.host}/v1/signal`, "sanbao.signal.v1");
    const answered = (said) => new Promise((resolve) => {
        socket.onmessage = resolve;
        socket.send(JSON.stringify(said));
    });
    await new Promise((resolve) => (socket.onopen = resolve));
    await answered({ type: "hello", v: 1, device: "first-frame-round-trip", ticket });
    const times = [];
    while (times.length < 50) {
        const begun = performance.now();
        await answered({ type: "ping" });
        times.push(performance.now() - begun);
    }
    socket.close();
    times.sort((a, b) => a - b);
    return (times[24] + times[25]) / 2;
"#;

/// The spread of many rounds, in milliseconds.
struct Spread {
    median: f64,
    least: f64,
    greatest: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let (lower, upper) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Self { median: f64::midpoint(lower, upper), least: values[0], greatest: values[values.len() - 1] }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.0} ms ({:.0} – {:.0})", self.median, self.least, self.greatest)
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let relay = start().await;
    let driver = Driver::start().await;
    let browser = driver.browser("first-frame", 1280, 800).await;
    browser.open(&format!("http://{}/room", relay.address)).await;
    browser.state("failed").await;
    browser.run(COMMON).await;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let tickets = json!([relay.ticket(round + 1, 10, "host"), relay.ticket(round + 1, 20, "clinician")]);
        // The first to go finds another machine; so they take turns at that too. The first round warms the browser
        // up, and shows the bare page the TURN servers.
        let [with, without] = if round % 2 == 0 {
            let with = browser.run_with(OURS, tickets).await;
            [with, browser.run_with(BARE, json!([])).await]
        } else {
            let without = browser.run_with(BARE, json!([])).await;
            [browser.run_with(OURS, tickets).await, without]
        };
        if round > 0 {
            ours.push(with.as_f64().unwrap());
            bare.push(without.as_f64().unwrap());
        }
    }
    let round_trip =
        browser.run_with(ROUND_TRIP, json!([relay.ticket(ROUNDS + 2, 10, "host")])).await.as_f64().unwrap();
    browser.close().await;
    let (ours, bare) = (Spread::of(ours), Spread::of(bare));
    let bar = TIMES_BARE_MAX * bare.median + round_trip;
    eprintln!("from granted camera to first decoded remote frame, relay only, median of {ROUNDS} (least – greatest)");
    eprintln!("with the relay {ours}; bare page {bare}; ratio {:.2}", ours.median / bare.median);
    eprintln!("WebSocket round trip in the page {round_trip:.2} ms");
    let met = if ours.median <= bar { "met" } else { "missed" };
    eprintln!("bar ≤ {TIMES_BARE_MAX} × bare + one round trip = {bar:.0} ms: {met}");
}
