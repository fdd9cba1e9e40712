//! Independent clients and servers: Debian's coturn.

use std::process::Stdio;
use std::time::Duration;

use sanbao_platform::clock::Clock;
use sanbao_platform::testing::{port, ports};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::client::{Client, REALM, Running, config, credentials, now, run};
use crate::support::browser::tls::certificate;
use sanbao_signalling::turn::TurnConfig;

const SECRET: &str = "s3cret";

fn server(settings: TurnConfig) -> Running {
    run(settings, Clock::system())
}

/// Runs `turnutils_uclient`; what it printed, and whether all of `messages` came back.
async fn uclient(port: u16, secret: &str, messages: u32, arguments: &[&str]) -> (bool, String) {
    uclient_as(port, &["-u", "coturn", "-W", secret], messages, arguments).await
}

async fn uclient_as(port: u16, who: &[&str], messages: u32, arguments: &[&str]) -> (bool, String) {
    let run = Command::new("turnutils_uclient")
        .args(["-l", "500", "-z", "5", "-p", &port.to_string()])
        .args(who)
        .args(arguments)
        .arg("127.0.0.1")
        .kill_on_drop(true)
        .output();
    let out = match tokio::time::timeout(Duration::from_mins(1), run).await {
        Ok(out) => out.expect("turnutils_uclient starts; it comes with coturn"),
        Err(_) => return (false, "no end within a minute".to_owned()),
    };
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    let all = text.contains(&format!("tot_send_msgs={messages}, tot_recv_msgs={messages}"));
    (out.status.success() && all, text)
}

async fn assert_relays(port: u16, messages: u32, arguments: &[&str]) {
    let (good, text) = uclient(port, SECRET, messages, arguments).await;
    assert!(good, "{arguments:?}: {text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_clients_relay_to_each_other_over_udp_tcp_and_tls() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = config(&[]);
    settings.tls = Some(certificate(folder.path()));
    let server = server(settings);
    let (port, tls) = (server.address.port(), server.tls.unwrap().port());
    for (port, more) in [(port, &[][..]), (port, &["-t"]), (tls, &["-t", "-S"])] {
        for way in [&["-c"][..], &["-c", "-s"]] {
            // Channels, then Send and Data indications.
            let arguments = [&["-y", "-m", "2", "-n", "50"], way, more].concat();
            assert_relays(port, 100, &arguments).await;
        }
    }
    let (good, _) = uclient(port, "wrong", 100, &["-y", "-c", "-m", "2", "-n", "50"]).await;
    assert!(!good, "a wrong secret relays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_clients_reach_its_peer_with_pairs_of_ports() {
    let mut settings = config(&["127.0.0.1/32"]);
    settings.limits.allocations_per_user_max = 20;
    let server = server(settings);
    let port = port();
    let _peer = Command::new("turnutils_peer")
        .args(["-L", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("turnutils_peer starts; it comes with coturn");
    let peer_port = port.to_string();
    let to_peer = ["-e", "127.0.0.1", "-r", &peer_port, "-m", "1", "-n", "20"];
    for (more, messages) in [(&["-c"][..], 20), (&["-c", "-s"], 20), (&["-c", "-t"], 20), (&[], 40)] {
        // Without -c it takes a pair: an even port, and the next one by its reservation.
        assert_relays(server.address.port(), messages, &[&to_peer[..], more].concat()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_client_gets_in_until_the_credential_runs_out_and_reaches_no_refused_peer() {
    let server = server(config(&[]));
    let port = server.address.port();
    let relay = ["-y", "-c", "-m", "2", "-n", "20"];
    for (issued, good) in [(now(), true), (now() - chrono::TimeDelta::hours(2), false)] {
        let (username, password) = credentials().issue("somebody", issued);
        let (relays, text) = uclient_as(port, &["-u", &username, "-w", &password], 40, &relay).await;
        assert_eq!(relays, good, "{username}: {text}");
        assert!(good || text.contains("Cannot complete Allocation"), "{username}: {text}");
    }
    let (relays, text) = uclient(port, SECRET, 20, &["-e", "10.0.0.1", "-c", "-m", "1", "-n", "20"]).await;
    assert!(!relays && text.contains("403"), "{text}");
}

/// The other way round: our credentials open Debian's coturn with `use-auth-secret`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_credentials_open_an_external_coturn() {
    let (port, relayed) = (port(), ports(100));
    let folder = tempfile::tempdir().unwrap();
    let inside = |name: &str| folder.path().join(name).display().to_string();
    let mut coturn = Command::new("turnserver")
        .args(["-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--use-auth-secret"])
        .args([format!("--static-auth-secret={SECRET}"), "--log-file=stdout".to_owned()])
        .args(["--no-tls", "--no-dtls", "--no-cli"])
        .args([format!("--min-port={}", relayed.start()), format!("--max-port={}", relayed.end())])
        .args([format!("--realm={REALM}"), format!("--listening-port={port}")])
        .args([format!("--pidfile={}", inside("pid")), format!("--userdb={}", inside("db"))])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("turnserver starts; it comes with coturn");
    let external = Running {
        address: ([127, 0, 0, 1], port).into(),
        tls: None,
        credentials: credentials(),
        clock: Clock::system(),
        stop: CancellationToken::new(),
        task: tokio::spawn(async {}),
    };
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(external.address).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(Client::udp(&external, "a").await.allocate().await.code, 200, "coturn refused our credentials");
    let late = credentials().issue("a", now() - chrono::TimeDelta::hours(2));
    assert_eq!(Client::with(&external, late).await.allocate().await.code, 401);
    coturn.kill().await.unwrap();
}
