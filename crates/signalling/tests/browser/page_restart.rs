//! A node goes while two people talk over it in real browsers: neither notices.

use crate::support::balancer::Balancer;
use crate::support::browser::site::booking;
use crate::support::browser::{Browser, Driver};
use crate::support::site::Site;
use sanbao_platform::testing::postgres;
use tokio::net::TcpStream;

/// Marks socket and peer connection, and writes down whatever looks like an interruption, however short.
const WATCH: &str = r"
    const call = sanbaoCall();
    Object.assign(window, { socket: call.socket, lines: [...call.peers.values()].map((p) => p.pc), broken: [] });
    const look = () => {
        const link = document.getElementById('link');
        if (!link.hidden) broken.push(link.textContent);
        for (const off of document.querySelectorAll('#tiles .no-picture .off')) broken.push(off.textContent);
        if (document.body.dataset.state !== 'connected') broken.push(document.body.dataset.state);
    };
    new MutationObserver(look).observe(document.body, { attributes: true, childList: true, subtree: true });
    call.on('link', (link) => link.state !== 'open' && broken.push(JSON.stringify(link)));
    for (const pc of lines) pc.addEventListener('connectionstatechange', () => broken.push(pc.connectionState));
    look();
";

async fn writes(who: &Browser, text: &str) {
    let form = "document.getElementById('chat-form').requestSubmit()";
    who.run(&format!("document.getElementById('chat-text').value = {text:?}; {form}")).await;
}

async fn frames(browser: &Browser) -> u64 {
    browser.run("return (await sanbaoStats()).framesDecoded").await.as_u64().unwrap()
}

/// Each has, once and in order, what was written; as the page shows it.
async fn have_read(all: &[Browser; 2], lines: &[&str]) {
    for browser in all {
        let shown = "[...document.querySelectorAll('#chat-lines .text')].map((l) => l.textContent)";
        browser.until(&format!("{shown}.join('|') === {:?}", lines.join("|"))).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_restarted_is_left_by_two_who_talk_and_neither_notices() {
    let Some(engine) = postgres().await else { return };
    let Some(mut site) = Site::start_on(engine, 2, crate::support::config(), booking()).await else { return };
    let balancer = Balancer::before(site.nodes.iter().map(|node| node.address).collect()).await;
    let driver = Driver::start().await;
    let all = [driver.browser("restart-desktop", 1280, 800).await, driver.browser("restart-phone", 390, 844).await];
    for (browser, who) in all.iter().zip(["nurse", "doctor"]) {
        browser.is(&balancer.address, who, "zh").await;
        browser.enter(&balancer.address, 1, "").await;
    }
    let [nurse, doctor] = &all;
    for browser in &all {
        browser.until("sanbaoStats().then((s) => s.framesDecoded > 10)").await;
        browser.click("#tab-chat").await;
        browser.state("connected").await;
        browser.run(WATCH).await;
    }
    writes(nurse, "重启之前").await;
    have_read(&all, &["重启之前"]).await;
    assert_eq!(balancer.taken(1), 0, "both are on the first node");

    // It is told to go. The balancer learns of it late, and one of them writes just then.
    balancer.unaware_for(2);
    let before = [frames(nurse).await, frames(doctor).await];
    tokio::join!(site.nodes[0].stop(), writes(doctor, "正在重启"));
    assert!(TcpStream::connect(site.nodes[0].address).await.is_err(), "nobody listens there any more");
    for (browser, before) in all.iter().zip(before) {
        let now = frames(browser).await;
        assert!(now > before, "no picture came while the node went: {before}, {now}");
        browser.until("sanbaoCall().socket && sanbaoCall().socket !== window.socket").await;
        assert_eq!(browser.text("sanbaoCall().welcome.resumed").await, "exact");
        browser.until(&format!("sanbaoStats().then((s) => s.framesDecoded > {now} + 20)")).await;
        let same = "[...sanbaoCall().peers.values()].map((p) => p.pc).every((pc, n) => pc === lines[n])";
        assert_eq!(browser.text(&format!("lines.length === 1 && {same}")).await, "true", "another peer connection");
    }
    assert!(balancer.is_aware() && balancer.taken(1) >= 2, "both are on the second node");
    writes(nurse, "重启之后").await;
    have_read(&all, &["重启之前", "正在重启", "重启之后"]).await;
    for browser in &all {
        browser.picture("restarted").await;
        assert_eq!(browser.text("broken.join(' | ')").await, "");
    }
    for browser in all {
        browser.close().await;
    }
}
