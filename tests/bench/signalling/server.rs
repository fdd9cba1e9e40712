//! A server under test as a process of its own, so that its CPU and memory are measured alone.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::Failure;
use crate::client::PATIENCE;
use crate::role::ROLE;

/// The unit of CPU times in `/proc/<pid>/stat`: `USER_HZ`, 100 on every Linux that Rust runs on.
const TICKS_PER_S: f64 = 100.0;

/// A running server; it ends with this value.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Resident.
    pub rss: f64,
    /// Resident, with shared pages counted in proportion.
    pub pss: f64,
}

/// A port of this machine that nobody listens on now.
pub fn free_port() -> Result<u16, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Server {
    /// Starts one of this binary's own roles; it says where it listens, and ends when its standard input does.
    pub fn role(name: &str) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.env(ROLE, name).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no standard output")?).read_line(&mut line)?;
        let address = line.trim().parse().map_err(|_| format!("the role {name} did not start"))?;
        Ok(Self { child, address })
    }

    /// Starts a foreign server that listens on `port` of the loopback address.
    pub fn foreign(mut command: Command, port: u16) -> Result<Self, Failure> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut server = Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)) };
        let started = Instant::now();
        while TcpStream::connect(server.address).is_err() {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("it ended at its start: {status}").into());
            }
            if started.elapsed() > PATIENCE {
                return Err("it does not listen".into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// User and system time since the process began, in seconds; threads that have ended count.
    pub fn cpu_s(&self) -> Result<f64, Failure> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The command's name may hold anything, in parentheses; utime and stime are the 12th and 13th after it.
        let fields = stat.rsplit_once(')').ok_or("no stat")?.1;
        let ticks: Vec<f64> = fields.split_whitespace().skip(11).take(2).filter_map(|t| t.parse().ok()).collect();
        Ok(ticks.iter().sum::<f64>() / TICKS_PER_S)
    }

    /// What the process holds now.
    pub fn memory(&self) -> Result<Memory, Failure> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let field = |name: &str| {
            let line = rollup.lines().find_map(|l| l.strip_prefix(name)).ok_or("no such field")?;
            let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
            Ok::<_, Failure>(kib * 1024.0)
        };
        Ok(Memory { rss: field("Rss:")?, pss: field("Pss:")? })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
