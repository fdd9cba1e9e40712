//! The server's peer of one check: it answers an offer and echoes a data channel.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder, RTCIceGatheringState,
    RTCIceServer, RTCIceTransportPolicy, RTCPeerConnectionState, RTCSessionDescription, SettingEngineBuilder,
};

use super::runtime::Impatient;
use super::{PrecheckLimits, PrecheckRelay};

/// The bytes that may wait to be echoed; what is over it is lost, as on a bad line.
const SEND_BUFFER_BYTES_MAX: usize = 32 * 1024;
/// The SCTP receive window, bytes.
const RECEIVE_BUFFER_BYTES: u32 = 64 * 1024;

/// Why an offer got no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnswerError {
    /// The offer is not one for a check.
    #[error("{0}")]
    Offer(&'static str),
    /// The library refused the offer.
    #[error("the offer cannot be taken: {0}")]
    Refused(webrtc::error::Error),
    /// The server's own side failed.
    #[error("the server's peer failed: {0}")]
    Own(String),
    /// The TURN server gave no relay address in time.
    #[error("the server's peer has no relay address")]
    NoRelay,
}

/// A peer that has answered.
pub(super) struct Peer {
    connection: Arc<dyn PeerConnection>,
    ended: CancellationToken,
    /// Its answer, candidates included.
    pub(super) sdp: String,
}

struct Handler {
    gathered: Notify,
    ended: CancellationToken,
    taken: AtomicBool,
    messages_max: u32,
    message_bytes_max: usize,
}

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.notify_one();
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        if matches!(state, RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed) {
            self.ended.cancel();
        }
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        if self.taken.swap(true, Ordering::Relaxed) {
            return; // one channel a check; dropping it here leaves it unread
        }
        let (messages_max, bytes_max, ended) = (self.messages_max, self.message_bytes_max, self.ended.clone());
        // Callbacks run on the connection's own driver: what waits must wait elsewhere.
        tokio::spawn(async move {
            ended.run_until_cancelled(echo(channel, messages_max, bytes_max)).await;
            ended.cancel();
        });
    }
}

/// Echoes until the channel is closed; what is over the bounds is read and lost, as on a bad line.
async fn echo(channel: Arc<dyn DataChannel>, messages_max: u32, bytes_max: usize) {
    let mut left = messages_max;
    while let Some(event) = channel.poll().await {
        match event {
            DataChannelEvent::OnMessage(message) if left > 0 && message.data.len() <= bytes_max => {
                left -= 1;
                let _ = if message.is_string {
                    channel.try_send_text(&String::from_utf8_lossy(&message.data)).await
                } else {
                    channel.try_send(message.data).await
                };
            }
            DataChannelEvent::OnClose => return,
            _ => {}
        }
    }
}

/// Whether an offer is for data only: nothing here takes sound or picture.
pub(super) fn check_offer(sdp: &str, bytes_max: usize) -> Result<(), AnswerError> {
    if sdp.len() > bytes_max {
        return Err(AnswerError::Offer("the offer is too long"));
    }
    let mut media = sdp.lines().filter(|line| line.starts_with("m="));
    let data = media.next().is_some_and(|line| line.starts_with("m=application "));
    if !data || media.next().is_some() {
        return Err(AnswerError::Offer("the offer must be for one data channel and nothing else"));
    }
    Ok(())
}

/// The relayed addresses that a description of this server's names.
pub(super) fn relayed_addresses(sdp: &str) -> impl Iterator<Item = SocketAddr> {
    let candidates = sdp.lines().filter(|line| line.starts_with("a=candidate:") && line.contains(" typ relay"));
    candidates.filter_map(|line| {
        let mut words = line.split(' ').skip(4);
        Some(SocketAddr::new(words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    })
}

/// The address of this machine from which `to` is reached.
fn way_to(to: SocketAddr) -> std::io::Result<IpAddr> {
    let any: SocketAddr = if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(any)?;
    socket.connect(to)?; // sends nothing
    Ok(socket.local_addr()?.ip())
}

async fn address_of(relay: &PrecheckRelay) -> std::io::Result<SocketAddr> {
    if let Some(address) = relay.address {
        return Ok(address);
    }
    let host = relay.url.trim_start_matches("turn:").split('?').next().unwrap_or_default();
    let host = if host.rsplit(']').next().is_some_and(|tail| tail.contains(':')) {
        host.to_owned()
    } else {
        format!("{host}:3478")
    };
    let missing = || std::io::Error::new(std::io::ErrorKind::NotFound, "the TURN server has no address");
    tokio::net::lookup_host(host).await?.next().ok_or_else(missing)
}

/// Answers an offer; the peer lives until [`Peer::run`] ends.
pub(super) async fn answer(
    limits: &PrecheckLimits,
    relay: &PrecheckRelay,
    (username, credential): (String, String),
    sdp: String,
) -> Result<Peer, AnswerError> {
    check_offer(&sdp, limits.sdp_bytes_max)?;
    let offer = RTCSessionDescription::offer(sdp).map_err(AnswerError::Refused)?;
    let own = |error: &dyn std::fmt::Display| AnswerError::Own(error.to_string());
    let from = way_to(address_of(relay).await.map_err(|e| own(&e))?).map_err(|e| own(&e))?;
    let server = RTCIceServer { urls: vec![relay.url.clone()], username, credential };
    let configuration = RTCConfigurationBuilder::new()
        .with_ice_servers(vec![server])
        .with_ice_transport_policy(RTCIceTransportPolicy::Relay)
        .build();
    let settings = SettingEngineBuilder::new()
        .with_sctp_max_receive_buffer_size(RECEIVE_BUFFER_BYTES)
        .with_include_loopback_candidate(from.is_loopback())
        // There is nothing but relay candidates to wait for.
        .with_relay_acceptance_min_wait(Some(Duration::ZERO))
        .build();
    let ended = CancellationToken::new();
    let handler = Arc::new(Handler {
        gathered: Notify::new(),
        ended: ended.clone(),
        taken: AtomicBool::new(false),
        messages_max: limits.messages_max,
        message_bytes_max: limits.message_bytes_max,
    });
    let building = PeerConnectionBuilder::new()
        .with_configuration(configuration)
        .with_setting_engine(settings)
        .with_runtime(Arc::new(Impatient::default()))
        .with_handler(Arc::<Handler>::clone(&handler))
        .with_udp_addrs(vec![SocketAddr::new(from, 0)])
        .with_data_channel_send_buffer_limit(SEND_BUFFER_BYTES_MAX)
        .build();
    // The library's future is larger than all else here.
    let connection = Box::pin(building).await.map_err(|e| own(&e))?;
    let mut peer = Peer { connection: Arc::new(connection), ended, sdp: String::new() };
    let wait = Duration::from_millis(limits.gather_wait_ms_max);
    match negotiate(&*peer.connection, &handler, offer, wait).await {
        Ok(sdp) => {
            peer.sdp = sdp;
            Ok(peer)
        }
        Err(error) => {
            peer.close().await;
            Err(error)
        }
    }
}

async fn negotiate(
    connection: &dyn PeerConnection,
    handler: &Handler,
    offer: RTCSessionDescription,
    wait: Duration,
) -> Result<String, AnswerError> {
    connection.set_remote_description(offer).await.map_err(AnswerError::Refused)?;
    let answer = connection.create_answer(None).await.map_err(AnswerError::Refused)?;
    connection.set_local_description(answer).await.map_err(AnswerError::Refused)?;
    // The answer goes out once, so it must name the relay address already.
    let _ = tokio::time::timeout(wait, handler.gathered.notified()).await;
    let sdp = connection.local_description().await.map(|d| d.sdp).unwrap_or_default();
    if sdp.contains(" typ relay") { Ok(sdp) } else { Err(AnswerError::NoRelay) }
}

impl Peer {
    /// Echoes until the check ends, its time is over, or `stop`; then frees what it holds.
    pub(super) async fn run(self, lifetime: Duration, stop: CancellationToken) {
        tokio::select! {
            () = self.ended.cancelled() => {}
            () = tokio::time::sleep(lifetime) => {}
            () = stop.cancelled() => {}
        }
        self.close().await;
    }

    async fn close(self) {
        self.ended.cancel();
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, "a pre-call check's peer did not close well");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_offers_of_one_data_channel_are_taken() {
        let data = "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n";
        assert!(check_offer(data, 1000).is_ok());
        assert!(check_offer(data, 10).is_err());
        for other in ["", "v=0\r\n", "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", &data.repeat(2)] {
            assert!(check_offer(other, 1000).is_err(), "{other:?}");
        }
        let with_sound = format!("{data}m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n");
        assert!(check_offer(&with_sound, 1000).is_err());
    }
}
