//! Chromium's own TURN client: a bare page of two peer connections that may only relay.

use crate::support::browser::Driver;
use crate::support::browser::tls::certificate;
use crate::support::browser::tls::trust;
use crate::support::turn::{config, run};
use sanbao_platform::clock::Clock;
use serde_json::{Value, json};

/// Two peer connections in one page, a data channel between them, and by which candidates they met.
const PAGE: &str = r#"
    const [urls, username, credential, done] = arguments;
    (async () => {
        const configuration = { iceServers: [{ urls, username, credential }], iceTransportPolicy: "relay" };
        const [a, b] = [new RTCPeerConnection(configuration), new RTCPeerConnection(configuration)];
        a.onicecandidate = (e) => e.candidate && b.addIceCandidate(e.candidate);
        b.onicecandidate = (e) => e.candidate && a.addIceCandidate(e.candidate);
        const errors = [];
        a.onicecandidateerror = (e) => errors.push(`${e.url} ${e.errorCode} ${e.errorText}`);
        const channel = a.createDataChannel("x");
        const echoed = new Promise((resolve) => (channel.onmessage = (e) => resolve(e.data)));
        b.ondatachannel = (e) => (e.channel.onmessage = (m) => e.channel.send(m.data + m.data));
        await a.setLocalDescription();
        await b.setRemoteDescription(a.localDescription);
        await b.setLocalDescription();
        await a.setRemoteDescription(b.localDescription);
        channel.onopen = () => channel.send("hello");
        const late = new Promise((resolve) => setTimeout(() => resolve("nothing came: " + errors.join("; ")), 20000));
        const data = await Promise.race([echoed, late]);
        const candidates = [...(await a.getStats()).values()].filter((s) => s.type === "local-candidate");
        a.close();
        b.close();
        done({ data, relayed: candidates.map((c) => `${c.candidateType} ${c.relayProtocol}`) });
    })().catch((e) => done({ data: String(e) }));
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_relays_over_udp_tcp_and_tls() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = config(&[]);
    let tls = certificate(folder.path());
    let flag = trust(&tls);
    settings.tls = Some(tls);
    let server = run(settings, Clock::system());
    let (username, credential) = server.credentials.issue("chromium", server.clock.now());
    let driver = Driver::start().await;
    let browser = driver.browser_with("turn", 800, 600, &[&flag]).await;
    browser.open("about:blank").await;
    for (protocol, url) in [
        ("udp", format!("turn:{}?transport=udp", server.address)),
        ("tcp", format!("turn:{}?transport=tcp", server.address)),
        ("tls", format!("turns:localhost:{}?transport=tcp", server.tls.unwrap().port())),
    ] {
        let said: Value = browser.run_async(PAGE, json!([[url], username, credential])).await;
        assert_eq!(said["data"], json!("hellohello"), "{protocol}: {said}");
        let relayed = said["relayed"].as_array().unwrap();
        assert!(!relayed.is_empty() && relayed.iter().all(|c| *c == json!(format!("relay {protocol}"))), "{said}");
    }
    browser.close().await;
}
