//! Where the collector is, and how it is reached.

use std::path::PathBuf;

use axum::http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::config::Secret;

/// Headers that each call of HTTP has of its own.
const RESERVED: &[&str] = &["host", "content-length", "content-type", "connection", "transfer-encoding"];

/// A collector.
#[derive(Clone, Debug)]
pub struct OtlpConfig {
    /// The address that `/v1/traces` and `/v1/logs` are below: `http://collector:4318`.
    pub url: Url,
    /// Headers of each call, such as a token's.
    pub headers: Vec<(HeaderName, Secret<HeaderValue>)>,
    /// The authority of its certificate, PEM, beside those that the machine trusts.
    pub ca_file: Option<PathBuf>,
}

/// Why nothing can be sent to a collector.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    /// The address is none.
    #[error("http:// or https://, a host and perhaps a path, without user, password and query: http://collector:4318")]
    Address,
    /// The headers are none.
    #[error("name=value, several with a comma between, no header that HTTP has of its own")]
    Headers,
    /// The authority's file cannot be used.
    #[error("the authority of the collector's certificate, {0}: {1}")]
    Authority(PathBuf, String),
}

impl OtlpConfig {
    /// The collector at `url`.
    pub fn new(url: &str, headers: Option<&Secret<String>>, ca_file: Option<PathBuf>) -> Result<Self, OtlpError> {
        let url: Url = url.parse().map_err(|_| OtlpError::Address)?;
        let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        let is_plain = is_plain && url.fragment().is_none() && url.has_host();
        if !matches!(url.scheme(), "http" | "https") || !is_plain {
            return Err(OtlpError::Address);
        }
        let headers = headers.map_or(Ok(Vec::new()), |text| headers_of(&text.0))?;
        Ok(Self { url, headers, ca_file })
    }
}

/// `name=value,name=value`, values percent-encoded where they need it, as `OTEL_EXPORTER_OTLP_HEADERS` has them; in a file they
/// may stand on lines of their own.
fn headers_of(text: &str) -> Result<Vec<(HeaderName, Secret<HeaderValue>)>, OtlpError> {
    let pairs = text.split([',', '\n']).map(str::trim).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').ok_or(OtlpError::Headers)?;
            let name: HeaderName = name.trim().parse().map_err(|_| OtlpError::Headers)?;
            let value = percent_decode_str(value.trim()).decode_utf8().map_err(|_| OtlpError::Headers)?;
            let value = HeaderValue::from_str(&value).map_err(|_| OtlpError::Headers)?;
            if RESERVED.contains(&name.as_str()) { Err(OtlpError::Headers) } else { Ok((name, Secret(value))) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn an_address_is_of_http_and_has_no_password() {
        for url in ["http://collector:4318", "https://otlp.example/tenant/", "http://[::1]:4318"] {
            assert!(OtlpConfig::new(url, None, None).is_ok(), "{url}");
        }
        for url in [
            "collector:4318",
            "grpc://c:4317",
            "http://u:p@c",
            "http://u@c",
            "http://c/?k=v",
            "http://",
            "http://c#x",
            "",
        ] {
            assert!(OtlpConfig::new(url, None, None).is_err(), "{url}");
        }
    }

    #[test]
    fn headers_are_read_and_not_shown() {
        let headers = Secret("Authorization=Bearer%20north=wind, x-tenant=street\n".to_owned());
        let config = OtlpConfig::new("http://c", Some(&headers), None).unwrap();
        let read: Vec<_> =
            config.headers.iter().map(|(name, value)| (name.as_str(), value.0.to_str().unwrap())).collect();
        assert_eq!(read, [("authorization", "Bearer north=wind"), ("x-tenant", "street")]);
        assert!(!format!("{config:?}").contains("north"));
        for text in ["authorization", "=x", "a b=c", "host=elsewhere", "x=%0D%0AX-Y: z", "x=%ff"] {
            assert!(OtlpConfig::new("http://c", Some(&Secret(text.to_owned())), None).is_err(), "{text}");
        }
    }
}
