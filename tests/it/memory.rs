//! Resident memory of the real binary: wrong log-ins and the largest file keep it within bounds. The bounds are wide, for a
//! build with debug assertions; the exact figures are a benchmark's.

use std::fmt::Write as _;
use std::net::IpAddr;

use futures_util::StreamExt as _;
use futures_util::stream;
use sanbao_platform::testing::PATIENCE;
use serde_json::json;

use crate::common::process::Process;

const MIB: u64 = 1024;

/// A line of the kernel's account of a process, in KiB.
fn kib(process: &Process, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let found = status.lines().find_map(|l| l.strip_prefix(line)).unwrap();
    found.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse().unwrap()
}

#[tokio::test]
async fn wrong_log_ins_keep_memory_within_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::demo(&folder.path().join("demo")).await;
    let before = kib(&process, "VmRSS");
    // From many addresses, so that the throttle of one does not end the test before it has begun.
    let tries = (0..300_u16).map(|n| {
        let from = IpAddr::from([127, 0, 3, u8::try_from(n % 100).unwrap()]);
        let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().local_address(from).build().unwrap();
        let url = format!("{}/v1/tokens", process.base);
        async move {
            let wrong = json!({ "login": format!("nobody{n}"), "password": "wrong wrong wrong" });
            client.post(url).json(&wrong).send().await.unwrap().status().as_u16()
        }
    });
    let answers: Vec<u16> = stream::iter(tries).buffer_unordered(50).collect().await;
    let hashed = answers.iter().filter(|status| **status == 401).count();
    assert!(hashed > 200 && answers.iter().all(|status| matches!(status, 401 | 429)), "{answers:?}");
    let most = kib(&process, "VmHWM").saturating_sub(before) / MIB;
    assert!(most < 120, "{most} MiB more than before");
    assert!(process.terminate().await.success());
}

#[tokio::test]
async fn the_largest_file_keeps_memory_within_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::demo(&folder.path().join("demo")).await;
    let analyst = process.client().demo("analyst").await;
    let before = kib(&process, "VmHWM");
    let header = "external_id,received_at,area_code,category,elder_name,note\n";
    let tiny = format!("{header}{}", "1,\n".repeat(10_000_000));
    let mut whole = header.to_owned();
    for n in 0..199_000 {
        // Each row is bad in its second cell, so that reading and checking is all that is done with it.
        let _ = writeln!(whole, "n{n},someday,330211001001,meal,林某,{}", "x".repeat(110));
    }
    assert!(whole.len() > 29_000_000 && whole.len() < 33_000_000, "{}", whole.len());
    for (text, status) in [(tiny, 422), (whole, 200)] {
        let request = analyst.request("post", "/v1/imports?dry_run=true").header("content-type", "text/csv");
        let answer = analyst.send(request.body(text)).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text.chars().take(300).collect::<String>());
    }
    let most = kib(&process, "VmHWM").saturating_sub(before) / MIB;
    assert!(most < 300, "{most} MiB more than before");
    assert!(process.terminate().await.success());
}
