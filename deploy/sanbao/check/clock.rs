//! The clock, held against a server of time (SNTP, RFC 4330).

use std::time::Duration;

use chrono::{DateTime, Utc};
use sanbao_platform::clock::Clock;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::{Finding, Sentence, Standing};

const WHAT: &str = "state-clock";
const WAIT: Duration = Duration::from_secs(3);
/// Seconds between the era of NTP and that of Unix (RFC 4330 §3).
const ERA_SECONDS: i64 = 2_208_988_800;
/// Milliseconds from which people notice: a visit's time, the order of two notes.
const OFF_MS_LOW: i64 = 1_000;
/// Milliseconds from which codes of authenticators and tokens begin to fail.
const OFF_MS_MAX: i64 = 15_000;

/// A timestamp of eight bytes as milliseconds since 1970.
fn milliseconds(bytes: &[u8]) -> Option<i64> {
    let word = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes).map(i64::from);
    Some((word(0)? - ERA_SECONDS) * 1_000 + ((word(4)? * 1_000) >> 32))
}

/// How far this clock is behind the server's, in milliseconds; half of the way there and back is taken out (RFC 4330 §5).
async fn behind(server: &str, now: impl Fn() -> DateTime<Utc>) -> std::io::Result<i64> {
    let broken = || std::io::Error::new(std::io::ErrorKind::InvalidData, "no answer of SNTP");
    let address = if server.contains(':') { server.to_owned() } else { format!("{server}:123") };
    let to = tokio::net::lookup_host(address).await?.next().ok_or_else(broken)?;
    let from: std::net::IpAddr = if to.is_ipv4() { [0, 0, 0, 0].into() } else { [0; 16].into() };
    let socket = UdpSocket::bind((from, 0)).await?;
    socket.connect(to).await?;
    let (mut packet, cookie) = ([0; 48], now().timestamp_micros().to_be_bytes());
    // Version 4, a client; its own transmit time comes back as the origin, and need only be known again.
    packet[0] = 0b00_100_011;
    packet[40..48].copy_from_slice(&cookie);
    let sent = now();
    socket.send(&packet).await?;
    let length = socket.recv(&mut packet).await?;
    let come = now();
    let is_answer = length >= 48 && packet[0] & 0b111 == 4 && packet[1] != 0 && packet[24..32] == cookie;
    let times = (milliseconds(&packet[32..40]), milliseconds(&packet[40..48]));
    let ((Some(received), Some(answered)), true) = (times, is_answer) else { return Err(broken()) };
    Ok(i64::midpoint(received - sent.timestamp_millis(), answered - come.timestamp_millis()))
}

pub(super) async fn look(server: &str, clock: &Clock) -> Finding {
    let measured = timeout(WAIT, behind(server, || clock.now())).await;
    let measured = measured.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut)));
    match measured {
        Ok(ms) => judged(ms, server),
        Err(error) => {
            let said = Sentence::cause(&format!("{server}: {error}"));
            Finding::wanting(WHAT, Standing::Unknown, said, "state-do-ntp")
        }
    }
}

fn judged(ms: i64, server: &str) -> Finding {
    let said = Sentence::with("state-said-clock", [("ms", format!("{ms:+}")), ("server", server.to_owned())]);
    let standing = match ms.abs() {
        off if off >= OFF_MS_MAX => Standing::Bad,
        off if off >= OFF_MS_LOW => Standing::Soon,
        _ => Standing::Good,
    };
    Finding::judged(WHAT.into(), standing, said, "state-do-clock")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// A server whose clock is `ahead` milliseconds ahead; it answers once.
    async fn server(ahead: i64) -> String {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let mut packet = [0; 48];
            let (_, from) = socket.recv_from(&mut packet).await.unwrap();
            let now = Clock::system().now().timestamp_millis() + ahead;
            let seconds = u32::try_from(now.div_euclid(1_000) + ERA_SECONDS).unwrap();
            let fraction = u32::try_from((now.rem_euclid(1_000) << 32) / 1_000).unwrap();
            let mut answer = [0; 48];
            (answer[0], answer[1]) = (0b00_100_100, 2);
            answer[24..32].copy_from_slice(&packet[40..48]);
            for at in [32, 40] {
                answer[at..at + 4].copy_from_slice(&seconds.to_be_bytes());
                answer[at + 4..at + 8].copy_from_slice(&fraction.to_be_bytes());
            }
            socket.send_to(&answer, from).await.unwrap();
        });
        at
    }

    #[tokio::test]
    async fn a_clock_is_held_against_a_server_of_time() {
        // Minutes, so that a busy machine does not decide.
        for ahead in [600_000, -600_000] {
            let off = behind(&server(ahead).await, || Clock::system().now()).await.unwrap();
            assert!((off - ahead).abs() < 120_000, "{off}");
        }
        assert_eq!(look(&server(600_000).await, &Clock::system()).await.standing, Standing::Bad);
        let states = [0, -999, 1_000, 14_999, -15_000].map(|ms| judged(ms, "x").standing);
        assert_eq!(states, [Standing::Good, Standing::Good, Standing::Soon, Standing::Soon, Standing::Bad]);
        assert_eq!(look("127.0.0.1:9", &Clock::system()).await.standing, Standing::Unknown);
    }
}
