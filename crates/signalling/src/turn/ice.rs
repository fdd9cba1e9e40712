//! The `ice_servers` of `welcome`: the embedded server or an external coturn, by the same credentials.

use chrono::{DateTime, Utc};

use super::Credentials;
use crate::id::{ConsultId, PersonId};
use crate::protocol::IceServer;

/// Where clients find STUN and TURN.
#[derive(Clone, Debug, Default)]
pub struct IceConfig {
    /// STUN addresses (RFC 7064).
    pub stun_urls: Vec<String>,
    /// TURN addresses (RFC 7065), with the credentials that open them.
    pub turn: Option<(Vec<String>, Credentials)>,
}

impl IceConfig {
    /// The list for a person in a room: however often they connect, they are one user to the quota.
    pub fn servers_for(&self, consult: ConsultId, person: PersonId, now: DateTime<Utc>) -> Vec<IceServer> {
        let name = self.turn.as_ref().map(|(_, credentials)| credentials.name_for(consult, person));
        self.servers(&name.unwrap_or_default(), now)
    }

    /// The list for one connection; `name` becomes part of its TURN username.
    pub fn servers(&self, name: &str, now: DateTime<Utc>) -> Vec<IceServer> {
        let mut servers = Vec::new();
        if !self.stun_urls.is_empty() {
            servers.push(IceServer { urls: self.stun_urls.clone(), username: None, credential: None });
        }
        if let Some((urls, credentials)) = &self.turn {
            let (username, password) = credentials.issue(name, now);
            servers.push(IceServer { urls: urls.clone(), username: Some(username), credential: Some(password) });
        }
        servers
    }
}
