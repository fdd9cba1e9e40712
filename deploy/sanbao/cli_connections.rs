//! The flags of how many connections there may be. No I/O.

use clap::Args;
use clap::builder::RangedU64ValueParser;
use sanbao_platform::http::Bounds;

use crate::settings::{SettingsError, Site};

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
