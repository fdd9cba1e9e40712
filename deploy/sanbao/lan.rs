//! `demo --lan`: a certificate authority for the house, kept in the demo's folder, and a server certificate
//! for this machine's addresses. Browsers give a camera over HTTPS only, and no public authority signs
//! for 192.168.1.20.
//!
//! The authority is bound by name constraints (RFC 5280 §4.2.1.10) to private addresses, local names and
//! this machine. So a person who trusts it on a tablet trusts it for nothing else, also if its key is stolen.

use std::fs;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use sanbao_platform::crypto::sha256_hex;
use sanbao_platform::http::Tls;
use serde::{Deserialize, Serialize};

/// How long the authority is good.
const AUTHORITY_DAYS: i64 = 3650;
/// How long a server certificate is good: no browser objects to up to 397 days.
const SERVER_DAYS: i64 = 397;
/// It is renewed when fewer days are left.
const RENEW_DAYS: i64 = 30;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum LanError {
    /// No address for tablets to reach.
    #[error("this machine has no address that a tablet could reach: connect it to the house's network first")]
    NoAddress,
    /// A file cannot be read or written.
    #[error("the certificate files in {0}: {1}")]
    Files(PathBuf, io::Error),
    /// The library refused.
    #[error("making a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
}

/// The certificate of this machine and the authority that signed it.
#[derive(Clone, Debug)]
pub struct LanCertificate {
    /// For the server.
    pub tls: Tls,
    /// The authority's certificate as PEM, which tablets must trust.
    pub authority_pem: String,
    /// Its SHA-256 fingerprint as people compare it.
    pub fingerprint: String,
}

#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
struct Issued {
    names: Vec<String>,
    expires: DateTime<Utc>,
}

/// The addresses of this machine that others in the house may reach: private ones first, those of virtual
/// networks last.
pub fn addresses() -> Result<Vec<IpAddr>, LanError> {
    let found = if_addrs::get_if_addrs().map_err(|e| LanError::Files(PathBuf::from("network interfaces"), e))?;
    let mut found: Vec<(bool, bool, IpAddr)> = found
        .into_iter()
        .filter(|i| !i.is_loopback() && !i.is_link_local() && i.ip().is_ipv4())
        .map(|i| (VIRTUAL.iter().any(|p| i.name.starts_with(p)), !is_private(i.ip()), i.ip()))
        .collect();
    found.sort_unstable();
    found.dedup();
    if found.is_empty() { Err(LanError::NoAddress) } else { Ok(found.into_iter().map(|(_, _, ip)| ip).collect()) }
}

/// How interfaces begin that lead to no tablet.
const VIRTUAL: &[&str] = &["docker", "br-", "veth", "virbr", "tun", "wg"];

/// Whether an address is of a house's own network (RFC 1918).
pub fn is_private(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.is_private())
}

/// The machine's own name, as it may be announced in the house.
fn host_name() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("COMPUTERNAME").ok())?;
    let name = name.trim().split('.').next()?.to_ascii_lowercase();
    let usable = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    usable.then_some(name)
}

fn names(addresses: &[IpAddr]) -> Vec<String> {
    let host = host_name().filter(|h| h != "localhost").map(|h| format!("{h}.local"));
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    names.extend(host);
    names.extend(addresses.iter().map(ToString::to_string));
    names
}

fn moment(at: DateTime<Utc>) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(at.timestamp()).unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
}

fn named(name: &str, now: DateTime<Utc>, days: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.distinguished_name.push(DnType::OrganizationName, "Sanbao demo");
    // A tablet's clock may be behind.
    params.not_before = moment(now - TimeDelta::days(1));
    params.not_after = moment(now + TimeDelta::days(days));
    params
}

/// The names that the authority may sign for: private networks, local names, and this machine's own addresses.
fn permitted(beyond_private: &[IpAddr]) -> Vec<GeneralSubtree> {
    let net = |a: u8, b: u8, prefix| GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([a, b, 0, 0], prefix));
    let name = |n: &str| GeneralSubtree::DnsName(n.to_owned());
    let mut all =
        vec![net(10, 0, 8), net(172, 16, 12), net(192, 168, 16), net(127, 0, 8), name("localhost"), name("local")];
    all.extend(beyond_private.iter().filter_map(|ip| match ip {
        IpAddr::V4(v4) => Some(GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix(v4.octets(), 32))),
        IpAddr::V6(_) => None,
    }));
    all
}

fn authority_params(now: DateTime<Utc>, beyond_private: &[IpAddr]) -> CertificateParams {
    let mark = &sha256_hex(now.to_rfc3339().as_bytes())[..6];
    let mut params = named(&format!("Sanbao demo {mark}"), now, AUTHORITY_DAYS);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let permitted_subtrees = permitted(beyond_private);
    params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
    params
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// The authority's certificate and key, made on the first call, and anew when an address that is not
/// private is none that it may sign for.
fn authority(dir: &Path, addresses: &[IpAddr], now: DateTime<Utc>) -> Result<(String, KeyPair), LanError> {
    let [certificate, key, bounds] = ["authority.pem", "authority-key.pem", "authority.json"].map(|n| dir.join(n));
    let files = |e| LanError::Files(dir.to_owned(), e);
    let beyond: Vec<IpAddr> = addresses.iter().copied().filter(|ip| !is_private(*ip)).collect();
    let standing = fs::read(&bounds).ok().and_then(|b| serde_json::from_slice::<Vec<IpAddr>>(&b).ok());
    if standing.is_some_and(|signed| beyond.iter().all(|ip| signed.contains(ip))) {
        let pair = KeyPair::from_pem(&fs::read_to_string(&key).map_err(files)?)?;
        return Ok((fs::read_to_string(&certificate).map_err(files)?, pair));
    }
    let pair = KeyPair::generate()?;
    let pem = authority_params(now, &beyond).self_signed(&pair)?.pem();
    fs::create_dir_all(dir).map_err(files)?;
    // A certificate of an older authority is worth nothing now.
    let _ = fs::remove_file(dir.join("server.json"));
    write_private(&key, &pair.serialize_pem()).map_err(files)?;
    fs::write(&certificate, &pem).map_err(files)?;
    fs::write(&bounds, serde_json::to_vec(&beyond).unwrap_or_default()).map_err(files)?;
    Ok((pem, pair))
}

/// The certificate for `addresses`, in `dir`; made anew when they have changed or it is about to expire.
pub fn certificate(dir: &Path, addresses: &[IpAddr], now: DateTime<Utc>) -> Result<LanCertificate, LanError> {
    let files = |e| LanError::Files(dir.to_owned(), e);
    let (authority_pem, authority_key) = authority(dir, addresses, now)?;
    let tls = Tls { certificate: dir.join("server.pem"), key: dir.join("server-key.pem") };
    let (note, names) = (dir.join("server.json"), names(addresses));
    let standing = fs::read(&note).ok().and_then(|b| serde_json::from_slice::<Issued>(&b).ok());
    let good = standing.is_some_and(|i| i.names == names && i.expires > now + TimeDelta::days(RENEW_DAYS));
    if !good {
        let mut params = named("Sanbao demo server", now, SERVER_DAYS);
        params.subject_alt_names = names.iter().map(|n| alternative(n)).collect::<Result<_, _>>()?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let pair = KeyPair::generate()?;
        let signed = params.signed_by(&pair, &Issuer::from_ca_cert_pem(&authority_pem, authority_key)?)?;
        write_private(&tls.key, &pair.serialize_pem()).map_err(files)?;
        fs::write(&tls.certificate, signed.pem() + &authority_pem).map_err(files)?;
        let issued = Issued { names, expires: now + TimeDelta::days(SERVER_DAYS) };
        fs::write(&note, serde_json::to_vec(&issued).unwrap_or_default()).map_err(files)?;
    }
    let fingerprint = fingerprint(&authority_pem);
    Ok(LanCertificate { tls, authority_pem, fingerprint })
}

fn alternative(name: &str) -> Result<SanType, rcgen::Error> {
    match name.parse::<IpAddr>() {
        Ok(ip) => Ok(SanType::IpAddress(ip)),
        Err(_) => Ok(SanType::DnsName(name.try_into()?)),
    }
}

/// SHA-256 over the DER, in pairs: `AB:CD:…`.
fn fingerprint(pem: &str) -> String {
    use base64::Engine as _;
    let body: String = pem.lines().filter(|l| !l.starts_with("-----")).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body).unwrap_or_default();
    let digest = sha256_hex(&der).to_uppercase();
    let pairs: Vec<&str> = (0..digest.len() / 2).map(|i| &digest[2 * i..2 * i + 2]).collect();
    pairs.join(":")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_certificate_stays_until_addresses_change_or_time_runs_out() {
        let dir = tempfile::tempdir().unwrap();
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let at = |address: &str, now| certificate(dir.path(), &[address.parse().unwrap()], now).unwrap();
        let read = |c: &LanCertificate| fs::read_to_string(&c.tls.certificate).unwrap();
        let first = at("192.168.1.20", now);
        let standing = read(&first);
        assert_eq!(read(&at("192.168.1.20", now + TimeDelta::days(300))), standing);
        let moved = at("192.168.1.21", now);
        assert_ne!(read(&moved), standing, "another address, another certificate");
        assert_eq!(moved.fingerprint, first.fingerprint, "but the same authority");
        let standing = read(&moved);
        assert_ne!(read(&at("192.168.1.21", now + TimeDelta::days(380))), standing, "renewed in time");
        assert_ne!(
            at("192.0.2.9", now).fingerprint,
            first.fingerprint,
            "an address beyond its bounds, another authority"
        );
        assert_eq!(first.fingerprint.len(), 64 + 31);
        assert_eq!(fs::metadata(dir.path().join("authority-key.pem")).unwrap().permissions(), {
            use std::os::unix::fs::PermissionsExt as _;
            fs::Permissions::from_mode(0o100_600)
        });
    }
}
