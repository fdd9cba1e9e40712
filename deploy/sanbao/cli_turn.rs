//! The flags of the TURN server, and how they become [`Turn`]. No I/O.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use ipnet::IpNet;
use sanbao_platform::config::Secret;
use sanbao_platform::http::Tls;

use crate::cli_connections::place_of;
use crate::cli_secret::secret_of;
use crate::settings::{
    RELAY_PORTS_DEFAULT, SettingsError, Site, TURN_PORT, TURN_TLS_PORT, Turn, TurnTls, exclude_each_other,
};

/// How media is relayed.
#[derive(Clone, Debug, Args)]
pub struct TurnArgs {
    /// UDP and TCP address of the embedded STUN/TURN server [default: port 3478 of --listen's address].
    #[arg(long, env = "SANBAO_TURN_LISTEN", value_name = "ADDR", value_parser = place_of)]
    pub turn_listen: Option<SocketAddr>,
    /// Its address for TLS, by the site's certificate; 443 passes most firewalls
    /// [default: port 5349 of the same address when there is a certificate].
    #[arg(long, env = "SANBAO_TURN_TLS_LISTEN", value_name = "ADDR", value_parser = place_of)]
    pub turn_tls_listen: Option<SocketAddr>,
    /// The certificate chain of TURN over TLS, PEM, where it is not the site's: behind a proxy [default: --tls-cert].
    #[arg(long, env = "SANBAO_TURN_TLS_CERT", value_name = "FILE")]
    pub turn_tls_cert: Option<PathBuf>,
    /// Its private key, PEM [default: --tls-key].
    #[arg(long, env = "SANBAO_TURN_TLS_KEY", value_name = "FILE")]
    pub turn_tls_key: Option<PathBuf>,
    /// The name in the certificate under which browsers reach it for TLS [default: the host of --public-url].
    #[arg(long, env = "SANBAO_TURN_HOST", value_name = "NAME")]
    pub turn_host: Option<String>,
    /// The address under which browsers reach it, or one of each family [default: the one it listens on].
    #[arg(long, env = "SANBAO_TURN_PUBLIC_IP", value_name = "IP", value_delimiter = ',')]
    pub turn_public_ip: Vec<IpAddr>,
    /// The UDP ports that it relays on [default: 50000-50999].
    #[arg(long, env = "SANBAO_TURN_PORTS", value_name = "FIRST-LAST")]
    pub turn_ports: Option<String>,
    /// Networks it may relay to although loopback, private and metadata addresses are refused: 10.1.0.0/16.
    #[arg(long, env = "SANBAO_TURN_ALLOW", value_name = "NET", value_delimiter = ',')]
    pub turn_allow: Vec<IpNet>,
    /// Networks it never relays to, public or allowed ones among them: 203.0.113.0/24.
    #[arg(long, env = "SANBAO_TURN_DENY", value_name = "NET", value_delimiter = ',')]
    pub turn_deny: Vec<IpNet>,
    /// An external coturn instead (use-auth-secret): turn:turn.example:3478?transport=udp.
    #[arg(long, env = "SANBAO_TURN_URLS", value_name = "URL", value_delimiter = ',')]
    pub turn_urls: Vec<String>,
    /// The secret shared with that coturn, or `@FILE` (flags can be seen by others).
    #[arg(long, env = "SANBAO_TURN_SECRET", hide_env_values = true, value_name = "SECRET", value_parser = secret_of)]
    pub turn_secret: Option<Secret<String>>,
    /// No STUN and TURN: people must reach each other directly.
    #[arg(long, env = "SANBAO_NO_TURN")]
    pub no_turn: bool,
}

fn pair(given: &'static str, missing: &'static str) -> SettingsError {
    SettingsError::Pair { given, missing }
}

fn port_range(text: &str) -> Result<(u16, u16), SettingsError> {
    let parsed = text.split_once('-').and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
    match parsed {
        Some((first, last)) if first >= 1024 && first < last => Ok((first, last)),
        _ => Err(SettingsError::Value {
            flag: "--turn-ports",
            value: text.to_owned(),
            because: "two ports from 1024 up, the first below the last, as 50000-50999",
        }),
    }
}

impl TurnArgs {
    pub(crate) fn turn(&self, listen: SocketAddr, site: &Site, public_url: &str) -> Result<Turn, SettingsError> {
        if self.no_turn {
            return if self.turn_urls.is_empty() && self.turn_listen.is_none() {
                Ok(Turn::Off)
            } else {
                Err(SettingsError::Both("--no-turn", "--turn-urls or --turn-listen"))
            };
        }
        match (&self.turn_urls[..], &self.turn_secret) {
            ([], None) => self.embedded(listen, site, public_url),
            ([], Some(_)) => Err(SettingsError::Pair { given: "--turn-secret", missing: "--turn-urls" }),
            (_, None) => Err(SettingsError::Pair { given: "--turn-urls", missing: "--turn-secret" }),
            (_, Some(_)) if self.turn_listen.is_some() => Err(SettingsError::Both("--turn-urls", "--turn-listen")),
            (urls, Some(secret)) => Ok(Turn::External { urls: urls.to_vec(), secret: secret.clone() }),
        }
    }

    fn embedded(&self, site_listen: SocketAddr, site: &Site, public_url: &str) -> Result<Turn, SettingsError> {
        let listen = self.turn_listen.unwrap_or_else(|| SocketAddr::new(site_listen.ip(), TURN_PORT));
        let tls = self.turn_tls(listen, site, public_url)?;
        // A port that somebody else has may become free; one that this process has itself never does.
        for (own, because) in [(site_listen, "the site's own address (--listen)"), (listen, "that of --turn-listen")] {
            if let Some(tls) = tls.as_ref().filter(|tls| exclude_each_other(tls.listen, own)) {
                return Err(SettingsError::Value { flag: "--turn-tls-listen", value: tls.listen.to_string(), because });
            }
        }
        let relay_ports = self.turn_ports.as_deref().map_or(Ok(RELAY_PORTS_DEFAULT), port_range)?;
        let public_ips = self.public_ips(listen)?;
        let (allow_peers, deny_peers) = (self.turn_allow.clone(), self.turn_deny.clone());
        Ok(Turn::Embedded { listen, tls, public_ips, relay_ports, allow_peers, deny_peers })
    }

    /// TURN over TLS, where there is a certificate: the site's, or one of its own.
    fn turn_tls(&self, listen: SocketAddr, site: &Site, public_url: &str) -> Result<Option<TurnTls>, SettingsError> {
        let own = match (&self.turn_tls_cert, &self.turn_tls_key) {
            (Some(certificate), Some(key)) => Some(Tls { certificate: certificate.clone(), key: key.clone() }),
            (Some(_), None) => return Err(pair("--turn-tls-cert", "--turn-tls-key")),
            (None, Some(_)) => return Err(pair("--turn-tls-key", "--turn-tls-cert")),
            (None, None) => None,
        };
        let Some(Tls { certificate, key }) = own.or_else(|| site.tls()) else {
            return match self.turn_tls_listen {
                Some(_) => Err(pair("--turn-tls-listen", "--tls-cert or --turn-tls-cert")),
                None => Ok(None),
            };
        };
        let listen = self.turn_tls_listen.unwrap_or_else(|| SocketAddr::new(listen.ip(), TURN_TLS_PORT));
        let host = self.turn_host.clone().unwrap_or_else(|| host_of(public_url).to_owned());
        Ok(Some(TurnTls { listen, certificate, key, host }))
    }

    fn public_ips(&self, listen: SocketAddr) -> Result<Vec<IpAddr>, SettingsError> {
        let own = (!listen.ip().is_unspecified()).then(|| listen.ip());
        let because = "the embedded TURN server listens on every address and cannot know which one browsers reach";
        let mut ips = self.turn_public_ip.clone();
        if ips.is_empty() {
            ips.push(own.ok_or(SettingsError::Needed { flag: "--turn-public-ip (or --no-turn)", because })?);
        }
        let wrong =
            |ip: IpAddr, because| SettingsError::Value { flag: "--turn-public-ip", value: ip.to_string(), because };
        for (place, ip) in ips.iter().enumerate() {
            if ip.is_unspecified() {
                return Err(wrong(*ip, "not an address to reach"));
            }
            if ips[..place].iter().any(|other| other.is_ipv6() == ip.is_ipv6()) {
                return Err(wrong(*ip, "one address of each family, IPv4 and IPv6"));
            }
        }
        Ok(ips)
    }
}

/// The host of `https://host:port`; an IPv6 address keeps its brackets.
pub(crate) fn host_of(url: &str) -> &str {
    let host = url.split_once("://").map_or(url, |(_, host)| host);
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}
