//! The check before the visit as a page makes it, through TURN and without.

use sanbao_signalling::turn::PortsWatch;
use serde_json::json;

use crate::support::browser::Driver;
use crate::support::relay_with_turn;

/// One check as a page makes it: relay only by one server, or without TURN.
const CHECK: &str = "
    const [server, ticket] = arguments;
    const began = performance.now();
    const pc = new RTCPeerConnection({
      iceServers: [server], iceTransportPolicy: server.username ? 'relay' : 'all',
    });
    const channel = pc.createDataChannel('precheck', { ordered: false, maxRetransmits: 0 });
    const open = new Promise((resolve) => (channel.onopen = resolve));
    await pc.setLocalDescription();
    await new Promise((resolve) => {
      if (pc.iceGatheringState === 'complete') resolve();
      pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && resolve();
    });
    const gathered = performance.now() - began;
    const response = await fetch('/v1/prechecks', {
      method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ticket, sdp: pc.localDescription.sdp }),
    });
    if (response.status !== 201) return { status: response.status };
    const answered = performance.now() - began;
    await pc.setRemoteDescription({ type: 'answer', sdp: (await response.json()).sdp });
    await open;
    const result = { gathered, answered, opened: performance.now() - began, rtt: [] };
    for (let n = 0; n < 20; n += 1) {
      const sent = performance.now();
      const echo = new Promise((resolve) => (channel.onmessage = (event) => resolve(event.data)));
      channel.send(`probe ${n}`);
      if ((await echo) === `probe ${n}`) result.rtt.push(performance.now() - sent);
    }
    pc.close();
    return result;
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_makes_the_check_through_turn_and_without() {
    // A browser on loopback without TURN has a loopback address, which is not relayed to otherwise.
    let loopback = vec!["127.0.0.0/8".parse().unwrap()];
    let relay = relay_with_turn(|c| c.turn.as_mut().unwrap().allow_peers = loopback).await;
    let driver = Driver::start().await;
    let page = driver.browser("precheck", 800, 600).await;
    page.open(&format!("http://{}/room", relay.address)).await;
    let mut tried = Vec::new();
    for server in relay.config.ice(PortsWatch::all()).servers("browser", relay.clock.now()) {
        // Each address alone: UDP, TCP, and STUN, which is the way without TURN.
        for url in &server.urls {
            let one = json!({ "urls": url, "username": server.username, "credential": server.credential });
            let script = CHECK.replace("arguments", &json!([one, relay.ticket(1, 1, "host")]).to_string());
            let result = page.run(&script).await;
            let rtt = result["rtt"].as_array().unwrap_or_else(|| panic!("{url}: {result}"));
            assert_eq!(rtt.len(), 20, "{url}: {result}");
            tried.push(url.split(':').next().unwrap().to_owned() + url.rsplit('=').next().unwrap_or_default());
        }
    }
    assert!(tried.iter().any(|way| way == "turntcp") && tried.iter().any(|way| way == "turnudp"), "{tried:?}");
    page.close().await;
}
