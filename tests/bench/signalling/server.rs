//! A server under test as a process of its own, so that its CPU and memory are measured alone.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::Failure;
use crate::client::PATIENCE;
use crate::nats::NatsServers;
use crate::role::ROLE;

/// The environment variable with the words of a command to run this binary's own servers under: a profiler.
const UNDER: &str = "SANBAO_BENCH_UNDER";

/// The unit of CPU times in `/proc/<pid>/stat`: `USER_HZ`, 100 on every Linux that Rust runs on.
const TICKS_PER_S: f64 = 100.0;

/// A running server, which may be several processes; it ends with this value.
pub struct Server {
    processes: Vec<Process>,
    /// The `nats-server`s below it; after them, so that it outlives them.
    nats: Option<NatsServers>,
}

struct Process {
    child: Child,
    address: SocketAddr,
}

/// CPU time of a process.
#[derive(Clone, Copy, Debug)]
pub struct Cpu {
    /// In its own code, in seconds.
    pub user_s: f64,
    /// In the kernel, in seconds.
    pub system_s: f64,
}

impl Cpu {
    /// The time that was spent since `before`, in all and in user space, for each unit when there were `units`.
    pub fn since(self, before: Self, units: f64) -> [f64; 2] {
        let user = self.user_s - before.user_s;
        [(user + self.system_s - before.system_s) / units, user / units]
    }
}

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Resident.
    pub rss: f64,
    /// Resident, with shared pages counted in proportion.
    pub pss: f64,
}

impl Server {
    /// Starts one of this binary's own roles; it says where it listens, and ends when its standard input does.
    pub fn role(name: &str, environment: &[(&str, String)]) -> Result<Self, Failure> {
        let under = std::env::var(UNDER).unwrap_or_default();
        let own = std::env::current_exe()?;
        let mut words = under.split_whitespace().map(OsStr::new).chain([own.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        command.envs(environment.iter().cloned()).env(ROLE, name).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no standard output")?).read_line(&mut line)?;
        let address = line.trim().parse().map_err(|_| format!("the role {name} did not start"))?;
        Ok(Self { processes: vec![Process { child, address }], nats: None })
    }

    /// Starts a foreign server that listens on `port` of the loopback address.
    pub fn foreign(mut command: Command, port: u16) -> Result<Self, Failure> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut process = Process { child, address: SocketAddr::from(([127, 0, 0, 1], port)) };
        let started = Instant::now();
        while TcpStream::connect(process.address).is_err() {
            if let Some(status) = process.child.try_wait()? {
                return Err(format!("it ended at its start: {status}").into());
            }
            if started.elapsed() > PATIENCE {
                return Err("it does not listen".into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { processes: vec![process], nats: None })
    }

    /// Takes another's processes in: they serve the same rooms.
    pub fn join(&mut self, other: Self) {
        self.processes.extend(other.processes);
    }

    /// Stands on these from now on.
    pub fn over(self, nats: NatsServers) -> Self {
        Self { nats: Some(nats), ..self }
    }

    /// Where this side (0 or 1) of a room connects to: with two processes, each side to its own.
    pub fn address(&self, side: usize) -> SocketAddr {
        self.processes[side % self.processes.len()].address
    }

    /// Whether something else must be ready before a room can be opened.
    pub fn stands_on_nats(&self) -> bool {
        self.nats.is_some()
    }

    /// The time that its processes have spent since they began; threads that have ended count.
    pub fn cpu(&self) -> Result<Cpu, Failure> {
        cpu(self.processes.iter().map(|p| p.child.id()))
    }

    /// The time that the `nats-server`s below it have spent, in seconds; not a number when there are none.
    pub fn nats_cpu_s(&self) -> Result<f64, Failure> {
        let Some(nats) = &self.nats else { return Ok(f64::NAN) };
        let Cpu { user_s, system_s } = cpu(nats.processes())?;
        Ok(user_s + system_s)
    }

    /// The memory that its processes hold now.
    pub fn memory(&self) -> Result<Memory, Failure> {
        let mut sum = Memory { rss: 0.0, pss: 0.0 };
        for process in &self.processes {
            let Memory { rss, pss } = process.memory()?;
            sum = Memory { rss: sum.rss + rss, pss: sum.pss + pss };
        }
        Ok(sum)
    }
}

/// The time that processes have spent in all.
fn cpu(processes: impl Iterator<Item = u32>) -> Result<Cpu, Failure> {
    let mut sum = Cpu { user_s: 0.0, system_s: 0.0 };
    for process in processes {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        // The command's name may hold anything, in parentheses; utime and stime are the 12th and 13th after it.
        let fields = stat.rsplit_once(')').ok_or("no stat")?.1;
        let mut ticks = fields.split_whitespace().skip(11).map_while(|t| t.parse::<f64>().ok());
        sum.user_s += ticks.next().ok_or("no utime")? / TICKS_PER_S;
        sum.system_s += ticks.next().ok_or("no stime")? / TICKS_PER_S;
    }
    Ok(sum)
}

impl Process {
    fn memory(&self) -> Result<Memory, Failure> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let field = |name: &str| {
            let line = rollup.lines().find_map(|l| l.strip_prefix(name)).ok_or("no such field")?;
            let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
            Ok::<_, Failure>(kib * 1024.0)
        };
        Ok(Memory { rss: field("Rss:")?, pss: field("Pss:")? })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A role ends with its standard input, and a profiler around it writes what it found.
        if self.child.stdin.take().is_some() {
            let asked = Instant::now();
            while asked.elapsed() < PATIENCE && matches!(self.child.try_wait(), Ok(None)) {
                thread::sleep(Duration::from_millis(5));
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
