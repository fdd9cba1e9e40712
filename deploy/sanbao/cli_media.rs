//! The flags of the rules by which people learn each other's addresses, and of how much media one person may send. No I/O.

use clap::{Args, ValueEnum};
use ipnet::IpNet;
use sanbao_signalling::turn::{BYTES_PER_S_PER_USER_MAX, RelayOnly};

use crate::settings::MediaRules;

/// The rules by which people learn each other's addresses.
#[derive(Clone, Debug, Args)]
pub struct MediaArgs {
    /// Whose media goes by way of TURN only, where there is TURN.
    #[arg(long, env = "SANBAO_RELAY_ONLY", default_value = "guests", value_name = "WHOSE")]
    pub relay_only: RelayedPeople,
    /// Bytes a second that one person may send and receive through the embedded TURN server.
    #[arg(long, env = "SANBAO_TURN_BYTES_PER_S", default_value_t = BYTES_PER_S_PER_USER_MAX, value_name = "BYTES",
          value_parser = clap::value_parser!(u64).range(16_000..=1_000_000_000))]
    pub turn_bytes_per_s: u64,
}

/// Whose media is relayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RelayedPeople {
    /// That of guests: they and the staff never learn each other's addresses.
    Guests,
    /// The staff's too: every consult goes through the TURN server.
    Everybody,
    /// Nobody's: two people who can reach each other directly do.
    Nobody,
}

impl MediaArgs {
    pub(crate) fn rules(&self) -> MediaRules {
        let relay_only = match self.relay_only {
            RelayedPeople::Guests => RelayOnly::Guests,
            RelayedPeople::Everybody => RelayOnly::Everybody,
            RelayedPeople::Nobody => RelayOnly::Nobody,
        };
        MediaRules { relay_only, bytes_per_s_per_person_max: self.turn_bytes_per_s }
    }
}

/// The networks that the demo's TURN server relays to beside public addresses: this machine and the house.
pub(crate) fn demo_peers() -> Vec<IpNet> {
    let nets = ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128"];
    nets.iter().filter_map(|net| net.parse().ok()).collect()
}
