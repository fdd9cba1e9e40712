//! The flags of where connections are taken, and how many there may be. No I/O.

use std::net::{Ipv4Addr, SocketAddr};

use clap::Args;
use clap::builder::RangedU64ValueParser;
use sanbao_platform::http::Bounds;

use crate::settings::{SettingsError, Site};

/// An address of this machine with a port. Of names only `localhost` is one without asking anybody.
pub(crate) fn place_of(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    match text.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>())) {
        Some((host, Ok(port))) if host.eq_ignore_ascii_case("localhost") => Ok((Ipv4Addr::LOCALHOST, port).into()),
        _ => Err(
            "an address of this machine and a port: 127.0.0.1:8080, localhost:8080, [::1]:8080, or 0.0.0.0:8443 for \
                  every address"
                .to_owned(),
        ),
    }
}

/// How many connections there may be.
#[derive(Clone, Debug, Args)]
pub struct ConnectionArgs {
    /// Connections of HTTP that may be open at once; a silent one makes room for a new one.
    #[arg(long, env = "SANBAO_CONNECTIONS_MAX", default_value_t = Bounds::default().connections_max, value_name = "N",
          value_parser = RangedU64ValueParser::<usize>::new().range(16..=1_000_000))]
    pub connections_max: usize,
    /// Those of one address, or of one /64 of IPv6 [default: 512; behind a proxy there is no such bound].
    #[arg(long, env = "SANBAO_CONNECTIONS_PER_ADDRESS_MAX", value_name = "N",
          value_parser = RangedU64ValueParser::<usize>::new().range(8..=1_000_000))]
    pub connections_per_address_max: Option<usize>,
}

impl ConnectionArgs {
    /// The bounds of a site. Behind a proxy every connection is the proxy's, which bounds those of one address itself.
    pub(crate) fn bounds(&self, site: &Site) -> Result<Bounds, SettingsError> {
        let (given, default) = (self.connections_per_address_max, Bounds::default());
        let connections_per_address_max = match site {
            Site::BehindProxy if given.is_some() => {
                return Err(SettingsError::Both("--connections-per-address-max", "--behind-https-proxy"));
            }
            Site::BehindProxy => None,
            Site::Plain | Site::Https(_) => given.or(default.connections_per_address_max),
        };
        Ok(Bounds { connections_max: self.connections_max, connections_per_address_max, ..default })
    }
}

#[cfg(test)]
mod tests {
    use super::place_of;

    #[test]
    fn a_place_is_an_address_of_this_machine_or_localhost() {
        for (text, place) in [
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("localhost:8080", "127.0.0.1:8080"),
            ("LOCALHOST:0", "127.0.0.1:0"),
            ("[::1]:443", "[::1]:443"),
            ("0.0.0.0:8443", "0.0.0.0:8443"),
        ] {
            assert_eq!(place_of(text).map(|at| at.to_string()).as_deref(), Ok(place), "{text}");
        }
        for text in
            ["localhost", "8080", ":8080", "localhost:http", "sanbao.example:443", "127.0.0.1", "localhost:65536", ""]
        {
            assert!(place_of(text).is_err_and(|why| why.contains("localhost:8080")), "{text}");
        }
    }
}
