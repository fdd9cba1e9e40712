//! The cost of relaying: server CPU seconds for 100,000 messages between clients, this server and coturn by turns.
//!
//! `cargo bench --profile release -p sanbao-signalling --bench turn` needs Debian's coturn. `TURN_BENCH_ROUNDS` (5) and
//! `TURN_BENCH_PERCENT` (100, of the messages) make it shorter or longer. Loads between clients are those of
//! `turnutils_uclient -y -c -l 1000 -z 2`; the last goes to `turnutils_peer` and back, through relayed sockets. The
//! clients send in bursts, and on a busy machine a socket's buffer runs over; so a message costs more if only those
//! that arrived are counted, and less if all that were sent are. Rounds that lost too many are discarded and counted.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and ends where it cannot go on")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chrono::TimeDelta;
use sanbao_platform::clock::Clock;
use sanbao_platform::config::Secret;
use sanbao_platform::testing::port;
use sanbao_signalling::turn::{Credentials, TurnConfig, TurnLimits, TurnServer, TurnTls};
use tokio_util::sync::CancellationToken;

const SECRET: &str = "bench";
const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";
const RELAY_PORTS: (u16, u16) = (41_000, 42_999);
/// Clock ticks of `/proc/<pid>/stat`; 100 on every Linux that Rust runs on.
const TICKS_PER_S: f64 = 100.0;

/// One load of `turnutils_uclient`.
struct Load {
    name: &'static str,
    clients: u32,
    messages: u32,
    /// To `turnutils_peer`, which sends back, instead of to each other.
    peer: bool,
    /// To the port for TLS.
    tls: bool,
    /// How many times coturn's cost it may be.
    bar: Option<f64>,
    /// A round in which either server lost more of the messages is discarded.
    lost_percent_max: f64,
    more: &'static [&'static str],
}

const CLIENTS: Load = Load {
    name: "",
    clients: 4,
    messages: 5_000,
    peer: false,
    tls: false,
    bar: None,
    lost_percent_max: 5.0,
    more: &["-y"],
};
const LOADS: &[Load] = &[
    Load { name: "4 clients, UDP", messages: 20_000, bar: Some(1.0), ..CLIENTS },
    Load { name: "100 clients, UDP", clients: 100, messages: 1_000, bar: Some(1.0), ..CLIENTS },
    Load { name: "4 clients, TCP", more: &["-y", "-t"], ..CLIENTS },
    // Here coturn loses many at any pace, so nothing would be left: both costs tell what that does.
    Load { name: "4 clients, TLS", tls: true, lost_percent_max: 100.0, more: &["-y", "-t", "-S"], ..CLIENTS },
    Load { name: "to a peer and back, UDP", peer: true, more: &[], ..CLIENTS },
];
/// How many rounds may be discarded for each that counts.
const ROUNDS_DISCARDED_MAX: u32 = 2;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [role, folder, tls_port] = &arguments[..]
        && role == "serve"
    {
        serve(Path::new(folder), tls_port.parse().unwrap());
        return;
    }
    let variable = |name: &str, default: u32| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (rounds, percent) = (variable("TURN_BENCH_ROUNDS", 5), variable("TURN_BENCH_PERCENT", 100));
    let folder = tempfile::tempdir().unwrap();
    make_certificate(folder.path());
    introduce(percent);
    for load in LOADS {
        let (mut own, mut coturn) = (Vec::new(), Vec::new());
        let mut discarded = 0;
        while own.len() < rounds as usize && discarded <= rounds * ROUNDS_DISCARDED_MAX {
            let run = |start: fn(&Path) -> Server| measure(&start(folder.path()), load, percent);
            // The server that goes first finds a cooler machine, so they take turns at that too.
            let (first, second) = if own.len() % 2 == 0 {
                let first = run(start_own);
                (first, run(start_coturn))
            } else {
                let second = run(start_coturn);
                (run(start_own), second)
            };
            if first.lost_percent.max(second.lost_percent) > load.lost_percent_max {
                discarded += 1;
                continue;
            }
            own.push(first);
            coturn.push(second);
        }
        print(load, &own, &coturn, discarded);
    }
}

/// Says what the figures depend on.
fn introduce(percent: u32) {
    let version =
        Command::new("turnserver").arg("--version").output().expect("turnserver starts; it comes with coturn");
    let version = String::from_utf8_lossy(&version.stdout);
    let profile = if cfg!(debug_assertions) { "dev: not for comparison" } else { "release" };
    println!("CPU seconds of the server for 100,000 messages of 1,000 B; lower is better; median (least – greatest)");
    println!("sanbao {}, build profile {profile}, beside coturn {}", env!("CARGO_PKG_VERSION"), version.trim());
    println!("The load's clients and the server share the cores. {percent} % of each load.");
    println!("Raised for this load: allocations of one user to 1,000, unproved answers to 100,000 a second.");
    println!("Between clients of one server sanbao hands messages over in its process, after the same checks, where");
    println!("coturn sends them to itself through sockets; to a peer and back both go through relayed sockets.");
    println!("Rounds in which either lost more than {} % are discarded, but for TLS.", CLIENTS.lost_percent_max);
    println!("\n| load | per | sanbao | coturn | median of the rounds' ratios | bar |\n|---|---|---|---|---|---|");
}

/// The rows of one load.
fn print(load: &Load, own: &[Figure], coturn: &[Figure], discarded: u32) {
    let ways: [(&str, Cost); 2] =
        [("message received", |f| f.cpu_s / f.received), ("message sent", |f| f.cpu_s / f.sent)];
    for (per, cost) in ways {
        let costs = |figures: &[Figure]| Spread::of(figures.iter().map(|f| cost(f) * 100_000.0).collect());
        let ratios = own.iter().zip(coturn).map(|(own, coturn)| cost(own) / cost(coturn)).collect();
        let (Some(a), Some(b), Some(ratio)) = (costs(own), costs(coturn), Spread::of(ratios)) else {
            println!("| {} | {per} | – | – | – | not measured |", load.name);
            continue;
        };
        let bar = load.bar.map_or_else(String::new, |bar| {
            format!("≤ {bar:.1} × coturn: {}", if ratio.median <= bar { "met" } else { "missed" })
        });
        println!("| {} | {per} | {a} | {b} | {:.2} | {bar} |", load.name, ratio.median);
    }
    let lost =
        |figures: &[Figure]| Spread::of(figures.iter().map(|f| f.lost_percent).collect()).map_or(0.0, |s| s.median);
    println!(
        "| {} | lost | {:.1} % | {:.1} % | {} rounds counted, {discarded} discarded | |",
        load.name,
        lost(own),
        lost(coturn),
        own.len()
    );
}

/// The cost of a message of a run, in seconds.
type Cost = fn(&Figure) -> f64;

/// One run.
struct Figure {
    cpu_s: f64,
    sent: f64,
    received: f64,
    lost_percent: f64,
}

/// Median, least and greatest.
struct Spread {
    median: f64,
    least: f64,
    greatest: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (least, greatest) = (*values.first()?, *values.last()?);
        let median = f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]);
        Some(Self { median, least, greatest })
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.3} s ({:.3} – {:.3})", self.median, self.least, self.greatest)
    }
}

/// A server in a process of its own.
struct Server {
    child: Child,
    port: u16,
    tls_port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A certificate of its own for both servers.
fn make_certificate(folder: &Path) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join(CERTIFICATE), made.cert.pem()).unwrap();
    std::fs::write(folder.join(KEY), made.signing_key.serialize_pem()).unwrap();
}

/// This program again, as the server.
fn serve(folder: &Path, tls_port: u16) {
    let config = TurnConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: Some(TurnTls {
            listen: ([127, 0, 0, 1], tls_port).into(),
            certificate: folder.join(CERTIFICATE),
            key: folder.join(KEY),
        }),
        public_ips: vec!["127.0.0.1".parse().unwrap()],
        realm: "bench".to_owned(),
        relay_ports: RELAY_PORTS,
        allow_peers: vec!["127.0.0.1/32".parse().unwrap()],
        deny_peers: Vec::new(),
        limits: TurnLimits {
            allocations_per_user_max: 1_000,
            // One user stands for many here.
            bytes_per_s_per_user_max: u64::MAX,
            bytes_burst_per_user_max: u64::MAX,
            unproved_answers_per_s_max: 100_000,
            unproved_answers_burst_max: 100_000,
            ..TurnLimits::default()
        },
    };
    let credentials = Credentials::new(Secret(SECRET.to_owned()), TimeDelta::hours(1));
    let server = TurnServer::bind(config, credentials, Clock::system()).unwrap();
    println!("{}", server.local_addr().port());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(server.run(CancellationToken::new()));
}

fn start_own(folder: &Path) -> Server {
    let tls_port = port();
    let mut command = Command::new(std::env::current_exe().unwrap());
    let mut child = command.arg("serve").arg(folder).arg(tls_port.to_string()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    Server { child, port: line.trim().parse().unwrap(), tls_port }
}

fn start_coturn(folder: &Path) -> Server {
    let [port, tls_port] = [port(), port()];
    let inside = |name: &str| folder.join(name).display().to_string();
    let mut command = Command::new("turnserver");
    command
        .args(["-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--use-auth-secret", "--no-dtls"])
        .args(["--no-cli", "--allow-loopback-peers", "--realm=bench", "--log-file=/dev/null"])
        .args([format!("--static-auth-secret={SECRET}"), format!("--listening-port={port}")])
        .arg(format!("--tls-listening-port={tls_port}"))
        .args([format!("--cert={}", inside(CERTIFICATE)), format!("--pkey={}", inside(KEY))])
        .args([format!("--min-port={}", RELAY_PORTS.0), format!("--max-port={}", RELAY_PORTS.1)])
        .args([format!("--pidfile={}", inside("pid")), format!("--userdb={}", inside("db"))])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let server = Server { child: command.spawn().expect("turnserver starts; it comes with coturn"), port, tls_port };
    for _ in 0..100 {
        if [port, tls_port].iter().all(|port| std::net::TcpStream::connect(("127.0.0.1", *port)).is_ok()) {
            return server;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("coturn does not listen");
}

/// User and system time of a process so far, in seconds.
fn cpu_s(server: &Server) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.child.id())).unwrap();
    // The name may hold blanks; what counts comes behind it.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / TICKS_PER_S
}

/// A peer that sends everything back.
fn start_peer() -> Server {
    let port = port();
    let child = Command::new("turnutils_peer")
        .args(["-L", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("turnutils_peer starts; it comes with coturn");
    Server { child, port, tls_port: 0 }
}

fn measure(server: &Server, load: &Load, percent: u32) -> Figure {
    let messages = (load.messages * percent / 100).max(1);
    let peer = load.peer.then(start_peer);
    let to_peer = peer.as_ref().map(|p| ["-e".to_owned(), "127.0.0.1".to_owned(), "-r".to_owned(), p.port.to_string()]);
    let port = if load.tls { server.tls_port } else { server.port };
    let before = cpu_s(server);
    let out = Command::new("turnutils_uclient")
        .args(["-c", "-l", "1000", "-z", "2", "-u", "bench", "-W", SECRET])
        .args(["-m", &load.clients.to_string(), "-n", &messages.to_string(), "-p", &port.to_string()])
        .args(load.more)
        .args(to_peer.iter().flatten())
        .arg("127.0.0.1")
        .output()
        .expect("turnutils_uclient starts; it comes with coturn");
    let used = cpu_s(server) - before;
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    let received = text.rsplit_once("tot_recv_msgs=").unwrap_or_else(|| panic!("no result: {text}")).1;
    let received: f64 = received.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap();
    let sent = f64::from(load.clients * messages);
    assert!(received > 0.0, "nothing arrived:\n{text}");
    Figure { cpu_s: used, sent, received, lost_percent: (sent - received) * 100.0 / sent }
}
