//! What relaying costs: server CPU seconds for 100,000 messages between clients, this server and coturn by turns.
//!
//! `cargo bench -p sanbao-signalling --bench turn` needs Debian's coturn. `TURN_BENCH_ROUNDS` (5) and
//! `TURN_BENCH_PERCENT` (100, of the messages) make it shorter or longer. Loads between clients are those of
//! `turnutils_uclient -y -c -l 1000 -z 2`; the last goes to `turnutils_peer` and back, through relayed sockets.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and ends where it cannot go on")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chrono::TimeDelta;
use sanbao_platform::clock::Clock;
use sanbao_platform::config::Secret;
use sanbao_signalling::turn::{Credentials, TurnConfig, TurnLimits, TurnServer};
use tokio_util::sync::CancellationToken;

const SECRET: &str = "bench";
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
    more: &'static [&'static str],
}

const LOADS: &[Load] = &[
    Load { name: "4 clients, UDP", clients: 4, messages: 20_000, peer: false, more: &["-y"] },
    Load { name: "100 clients, UDP", clients: 100, messages: 1_000, peer: false, more: &["-y"] },
    Load { name: "4 clients, TCP", clients: 4, messages: 5_000, peer: false, more: &["-y", "-t"] },
    Load { name: "to a peer and back", clients: 4, messages: 5_000, peer: true, more: &[] },
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("serve") {
        serve();
        return;
    }
    let variable = |name: &str, default: u32| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (rounds, percent) = (variable("TURN_BENCH_ROUNDS", 5), variable("TURN_BENCH_PERCENT", 100));
    println!("CPU seconds of the server for 100,000 messages of 1,000 B; lower is better; median (least..greatest)");
    println!("raised for this load: allocations of one user to 1,000, unproved answers to 100,000 a second");
    for load in LOADS {
        let (mut own, mut coturn) = (Vec::new(), Vec::new());
        for turn in 0..rounds * 2 {
            // Whoever goes first finds a cooler machine; so they take turns at that too.
            if turn % 4 == 0 || turn % 4 == 3 {
                own.push(measure(&start_own(), load, percent));
            } else {
                coturn.push(measure(&start_coturn(), load, percent));
            }
        }
        let (own, coturn) = (Spread::of(own), Spread::of(coturn));
        println!("{:18} sanbao {own}   coturn {coturn}   ratio {:.2}", load.name, own.median / coturn.median);
    }
}

/// One run. The client sends in bursts, and on a busy machine a socket's buffer runs over; what was lost was
/// relayed by nobody, so the cost is that of a message that arrived.
struct Figure {
    cpu_s: f64,
    lost_percent: f64,
}

/// Median, least and greatest cost, and the median loss.
struct Spread {
    median: f64,
    least: f64,
    greatest: f64,
    lost_percent: f64,
}

impl Spread {
    fn of(mut figures: Vec<Figure>) -> Self {
        let middle = figures.len() / 2;
        figures.sort_by(|a, b| a.lost_percent.total_cmp(&b.lost_percent));
        let lost_percent = figures[middle].lost_percent;
        figures.sort_by(|a, b| a.cpu_s.total_cmp(&b.cpu_s));
        let [median, least, greatest] = [middle, 0, figures.len() - 1].map(|place| figures[place].cpu_s);
        Self { median, least, greatest, lost_percent }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.3} s ({:.3}..{:.3}), lost {:.1} %", self.median, self.least, self.greatest, self.lost_percent)
    }
}

/// A server in a process of its own.
struct Server {
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program again, as the server.
fn serve() {
    let config = TurnConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        public_ips: vec!["127.0.0.1".parse().unwrap()],
        realm: "bench".to_owned(),
        relay_ports: RELAY_PORTS,
        allow_peers: vec!["127.0.0.1/32".parse().unwrap()],
        deny_peers: Vec::new(),
        limits: TurnLimits {
            allocations_per_user_max: 1_000,
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

fn start_own() -> Server {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let mut child = command.arg("serve").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    Server { child, port: line.trim().parse().unwrap() }
}

fn start_coturn() -> Server {
    let port = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = std::env::temp_dir().join(format!("turn-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let inside = |name: &str| folder.join(name).display().to_string();
    let mut command = Command::new("turnserver");
    command
        .args(["-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--use-auth-secret", "--no-tls", "--no-dtls"])
        .args(["--no-cli", "--allow-loopback-peers", "--realm=bench", "--log-file=/dev/null"])
        .args([format!("--static-auth-secret={SECRET}"), format!("--listening-port={port}")])
        .args([format!("--min-port={}", RELAY_PORTS.0), format!("--max-port={}", RELAY_PORTS.1)])
        .args([format!("--pidfile={}", inside("pid")), format!("--userdb={}", inside("db"))])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let server = Server { child: command.spawn().expect("turnserver starts; it comes with coturn"), port };
    for _ in 0..100 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
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
    let port = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = Command::new("turnutils_peer")
        .args(["-L", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("turnutils_peer starts; it comes with coturn");
    Server { child, port }
}

fn measure(server: &Server, load: &Load, percent: u32) -> Figure {
    let messages = (load.messages * percent / 100).max(1);
    let peer = load.peer.then(start_peer);
    let to_peer = peer.as_ref().map(|p| ["-e".to_owned(), "127.0.0.1".to_owned(), "-r".to_owned(), p.port.to_string()]);
    let before = cpu_s(server);
    let out = Command::new("turnutils_uclient")
        .args(["-c", "-l", "1000", "-z", "2", "-u", "bench", "-W", SECRET])
        .args(["-m", &load.clients.to_string(), "-n", &messages.to_string(), "-p", &server.port.to_string()])
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
    assert!(received > sent / 2.0, "{received} of {sent} messages arrived:\n{text}");
    Figure { cpu_s: used * 100_000.0 / received, lost_percent: (sent - received) * 100.0 / sent }
}
