//! The `ice_servers` of `welcome`: the embedded server or an external coturn, by the same credentials.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use serde::Serialize;

use super::control::TurnControl;
use super::credentials::{Credentials, TurnGrant};
use super::ports::{OpenPorts, PortsWatch};

/// One entry of `RTCConfiguration.iceServers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IceServer {
    /// STUN or TURN addresses (RFC 7064, RFC 7065).
    pub urls: Vec<String>,
    /// For TURN: `expiry:user`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// For TURN: the password that goes with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// Which server answers at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnsweredBy {
    /// Somebody else's server: whether it is there is not known here.
    Others,
    /// The embedded server's port of UDP and TCP.
    Plain,
    /// The embedded server's port of TLS.
    Tls,
}

/// An address of STUN (RFC 7064) or TURN (RFC 7065).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceUrl {
    /// The address.
    pub url: String,
    /// The server that answers there.
    pub by: AnsweredBy,
}

impl IceUrl {
    fn answers(&self, open: OpenPorts) -> bool {
        match self.by {
            AnsweredBy::Others => true,
            AnsweredBy::Plain => open.plain,
            AnsweredBy::Tls => open.tls,
        }
    }
}

/// The people whose media goes through TURN only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RelayOnly {
    /// Nobody's: two people who can reach each other directly do.
    Nobody,
    /// That of guests, so that they and the staff never learn each other's addresses.
    #[default]
    Guests,
    /// The staff's too, which costs the TURN server the whole of a consult.
    Everybody,
}

/// Where relayed addresses of a known TURN server are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayedAddresses {
    /// The addresses.
    pub net: IpNet,
    /// The ports, first and last.
    pub ports: (u16, u16),
}

impl RelayedAddresses {
    /// Whether this may be a relayed port.
    pub fn has(&self, ip: IpAddr, port: u16) -> bool {
        self.has_address(ip) && (self.ports.0..=self.ports.1).contains(&port)
    }

    /// Whether relayed ports may be at this address.
    pub fn has_address(&self, ip: IpAddr) -> bool {
        self.net.contains(&ip.to_canonical())
    }
}

/// Where clients find STUN and TURN. They are told only what is listened on at that moment: a browser waits long for
/// an address that does not answer, and a check before the call would find fault with the client's own network.
#[derive(Clone, Debug)]
pub struct IceConfig {
    /// STUN addresses.
    pub stun: Vec<IceUrl>,
    /// TURN addresses.
    pub turn: Vec<IceUrl>,
    /// The credentials that open TURN.
    pub credentials: Credentials,
    /// The ports that the embedded server listens on.
    pub ports: PortsWatch,
    /// Where relayed addresses are, as far as they are known: a candidate of type `relay` there is nobody's own device.
    pub relays: Vec<RelayedAddresses>,
    /// The people whose media goes through TURN only, while there is TURN.
    pub relay_only: RelayOnly,
    /// Where the embedded server, and those of other nodes, are told whose credentials are over.
    pub control: TurnControl,
}

impl IceConfig {
    /// Whether clients are told of TURN now.
    pub fn has_turn(&self) -> bool {
        let open = self.ports.now();
        self.turn.iter().any(|url| url.answers(open))
    }

    /// The list for somebody in a room: however often they connect, they are one to the quota.
    pub fn servers_for(&self, grant: &TurnGrant<'_>, now: DateTime<Utc>) -> Vec<IceServer> {
        self.list(|| self.credentials.grant(grant, now))
    }

    /// The list for one connection; `name` becomes part of its TURN username.
    pub fn servers(&self, name: &str, now: DateTime<Utc>) -> Vec<IceServer> {
        self.list(|| self.credentials.issue(name, now))
    }

    fn list(&self, login: impl FnOnce() -> (String, String)) -> Vec<IceServer> {
        let open = self.ports.now();
        let open_urls = |urls: &[IceUrl]| -> Vec<String> {
            urls.iter().filter(|url| url.answers(open)).map(|url| url.url.clone()).collect()
        };
        let (stun, turn) = (open_urls(&self.stun), open_urls(&self.turn));
        let mut servers = Vec::new();
        if !stun.is_empty() {
            servers.push(IceServer { urls: stun, username: None, credential: None });
        }
        if !turn.is_empty() {
            let (username, password) = login();
            servers.push(IceServer { urls: turn, username: Some(username), credential: Some(password) });
        }
        servers
    }
}
