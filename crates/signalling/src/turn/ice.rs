//! The `ice_servers` of `welcome`: the embedded server or an external coturn, by the same credentials.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Credentials;
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
}

impl IceConfig {
    /// The list for a user that `subject` names: however often they connect, they are one to the quota.
    pub fn servers_for(&self, subject: &str, now: DateTime<Utc>) -> Vec<IceServer> {
        self.servers(&self.credentials.name_for(subject), now)
    }

    /// The list for one connection; `name` becomes part of its TURN username.
    pub fn servers(&self, name: &str, now: DateTime<Utc>) -> Vec<IceServer> {
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
            let (username, password) = self.credentials.issue(name, now);
            servers.push(IceServer { urls: turn, username: Some(username), credential: Some(password) });
        }
        servers
    }
}
