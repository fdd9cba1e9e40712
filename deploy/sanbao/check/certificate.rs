//! The certificate of the site: whether it is one, how long it holds, and whether it is of the site's name.

use chrono::{DateTime, Duration, Utc};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sanbao_platform::clock::Clock;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{Finding, Sentence, Standing};
use crate::cli_turn::host_of;
use crate::settings::{Settings, Site};

const WHAT: &str = "state-certificate";
/// A renewal by ACME comes thirty days before the end; when it has not come by then, somebody should look.
const DAYS_LOW: i64 = 14;

/// A certificate's end and its names, addresses among them.
fn read(pem: &std::path::Path) -> Result<(DateTime<Utc>, Vec<String>), String> {
    let der = CertificateDer::from_pem_file(pem).map_err(|e| e.to_string())?;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|e| e.to_string())?;
    let end = DateTime::from_timestamp(certificate.validity().not_after.timestamp(), 0).ok_or("no date")?;
    let names = certificate.subject_alternative_name().ok().flatten().map(|names| &names.value.general_names);
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|ip| std::net::Ipv4Addr::from(ip).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|ip| format!("[{}]", std::net::Ipv6Addr::from(ip))),
        },
        _ => None,
    };
    Ok((end, names.into_iter().flatten().filter_map(name).collect()))
}

/// Whether one of `names` is `host`; a star stands for one label (RFC 6125 §6.4.3).
fn is_of(names: &[String], host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let star = host.split_once('.').map(|(_, rest)| format!("*.{rest}"));
    names.iter().any(|name| *name == host || star.as_ref() == Some(name))
}

pub(super) fn look(settings: &Settings, clock: &Clock) -> Option<Finding> {
    let tls = match &settings.site {
        Site::Https(tls) => tls,
        Site::BehindProxy => {
            return Some(Finding::wanting(WHAT, Standing::Unknown, "state-said-proxy", "state-do-proxy"));
        }
        Site::Plain => return None,
    };
    let bad = |cause: String, advice| Finding::wanting(WHAT, Standing::Bad, Sentence::cause(&cause), advice);
    if let Err(error) = tls.check() {
        return Some(bad(error.to_string(), "state-do-pair"));
    }
    Some(match read(&tls.certificate) {
        Err(error) => bad(error, "state-do-certificate"),
        Ok((end, names)) => judged(end, &names, host_of(&settings.public_url), clock.now()),
    })
}

fn judged(end: DateTime<Utc>, names: &[String], host: &str, now: DateTime<Utc>) -> Finding {
    let (until, days) = (end.format("%Y-%m-%d").to_string(), (end - now).num_days().to_string());
    let values = [("until", until), ("days", days), ("names", names.join(", "))];
    let said = Sentence::with("state-said-certificate", values);
    if end <= now {
        Finding::wanting(WHAT, Standing::Bad, said, "state-do-renew")
    } else if !is_of(names, host) {
        Finding::wanting(WHAT, Standing::Bad, said, "state-do-other-name")
    } else if end - now < Duration::days(DAYS_LOW) {
        Finding::wanting(WHAT, Standing::Soon, said, "state-do-renew")
    } else {
        Finding::good(WHAT, said)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_certificate_is_judged_by_its_end_and_its_names() {
        let now: DateTime<Utc> = "2026-11-29T08:00:00Z".parse().unwrap();
        let names = ["care.example".to_owned(), "*.street.example".to_owned(), "203.0.113.7".to_owned()];
        let of = |days, host| judged(now + Duration::days(days), &names, host, now).standing;
        assert_eq!(of(15, "care.example"), Standing::Good);
        assert_eq!(of(15, "a.street.example"), Standing::Good);
        assert_eq!(of(15, "203.0.113.7"), Standing::Good);
        assert_eq!(of(13, "Care.Example"), Standing::Soon);
        assert_eq!(of(15, "a.b.street.example"), Standing::Bad);
        assert_eq!(of(15, "other.example"), Standing::Bad);
        assert_eq!(of(-1, "care.example"), Standing::Bad);
    }

    #[test]
    fn the_end_and_the_names_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cert.pem");
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params =
            rcgen::CertificateParams::new(vec!["Care.example".to_owned(), "203.0.113.7".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2031, 2, 3);
        std::fs::write(&path, params.self_signed(&key).unwrap().pem()).unwrap();
        let (end, names) = read(&path).unwrap();
        assert_eq!(
            (end.to_string().as_str(), &names[..]),
            ("2031-02-03 00:00:00 UTC", &["care.example".to_owned(), "203.0.113.7".to_owned()][..])
        );
        std::fs::write(&path, "no certificate").unwrap();
        assert!(read(&path).is_err());
    }
}
