//! STUN and TURN, asked from this machine under the addresses that browsers are told. What a firewall lets through from
//! elsewhere is only seen from elsewhere: `sanbao check --turn ADDR` there.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::{Finding, Sentence, Standing};

const WAIT: Duration = Duration::from_millis(700);
const TRIES: usize = 4;
/// RFC 8489 §5.
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// Whether a Binding request is answered there (RFC 8489 §3).
async fn answers_udp(at: SocketAddr) -> std::io::Result<()> {
    let from: IpAddr = if at.is_ipv4() { [0, 0, 0, 0].into() } else { [0; 16].into() };
    let socket = UdpSocket::bind((from, 0)).await?;
    socket.connect(at).await?;
    let mut request = [0; 20];
    request[1] = 1;
    request[4..8].copy_from_slice(&COOKIE);
    let id: [u8; 12] = rand::random();
    request[8..].copy_from_slice(&id);
    for _ in 0..TRIES {
        socket.send(&request).await?;
        let mut answer = [0; 1500];
        match timeout(WAIT, socket.recv(&mut answer)).await {
            Ok(Err(error)) => return Err(error),
            Ok(Ok(length)) if length >= 20 && answer[..2] == [1, 1] && answer[8..20] == id => return Ok(()),
            Ok(Ok(_)) | Err(_) => {}
        }
    }
    Err(std::io::Error::from(std::io::ErrorKind::TimedOut))
}

async fn answers_tcp(at: SocketAddr) -> std::io::Result<()> {
    let connected = timeout(WAIT * 4, TcpStream::connect(at)).await;
    connected.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut))).map(drop)
}

fn told(at: SocketAddr, how: &str, outcome: std::io::Result<()>) -> Finding {
    let what = Sentence::with("state-turn-at", [("how", how.to_owned()), ("at", at.to_string())]);
    match outcome {
        Ok(()) => Finding::good(what, "state-said-answers"),
        Err(error) => Finding::wanting(what, Standing::Bad, Sentence::cause(&error), "state-do-turn"),
    }
}

/// TURN that this process cannot see, for a reason.
pub(super) fn unseen(why: &'static str) -> Finding {
    Finding::wanting("state-turn", Standing::Unknown, why, "state-do-turn-elsewhere")
}

pub(super) async fn look(listen: SocketAddr, tls: Option<SocketAddr>, public_ips: &[IpAddr]) -> Vec<Finding> {
    let mut all = Vec::new();
    for ip in public_ips {
        let at = SocketAddr::new(*ip, listen.port());
        all.push(told(at, "UDP", answers_udp(at).await));
        all.push(told(at, "TCP", answers_tcp(at).await));
        if let Some(tls) = tls {
            let at = SocketAddr::new(*ip, tls.port());
            all.push(told(at, "TLS", answers_tcp(at).await));
        }
    }
    all
}

/// The same of one address, from wherever this program runs.
pub(super) async fn look_at(at: SocketAddr) -> Vec<Finding> {
    vec![told(at, "UDP", answers_udp(at).await), told(at, "TCP", answers_tcp(at).await)]
}
