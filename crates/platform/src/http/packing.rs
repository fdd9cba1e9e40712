//! Compression (gzip). A body that never changes is packed once. All others are packed away from the threads that
//! answer, a few at a time, and go out as they are while those few are busy. So a client that asks often costs the
//! others nothing.

use std::io::{self, Write as _};
use std::sync::{Arc, OnceLock};

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::Semaphore;

use crate::crypto::sha256_hex;

/// Answers that are packed at once.
const AT_ONCE_MAX: usize = 2;
/// Smaller ones fit in a packet or two as they are.
const BYTES_MIN: u64 = 1024;
/// Larger ones would be held twice.
const BYTES_MAX: u64 = 4 * 1024 * 1024;
/// An answer that is packed for one caller is packed quickly.
const QUICK: Compression = Compression::new(3);

/// Whether an answer may come packed (RFC 9110 §12.5.3).
fn is_taken(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok());
    codings.flat_map(|list| list.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q <= 0.0);
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

fn pack(bytes: &[u8], how: Compression) -> io::Result<Bytes> {
    let mut packed = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), how);
    packed.write_all(bytes)?;
    Ok(packed.finish()?.into())
}

/// Says that the body depends on what the caller takes, and whether it is packed.
fn mark(headers: &mut HeaderMap, packed: bool) {
    headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
}

/// An answer that is the same for everybody as long as the process runs: packed once, at the first time that it is
/// asked for. Browsers ask each time and get 304.
#[derive(Clone, Debug)]
pub struct Fixed(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    content_type: &'static str,
    bytes: Bytes,
    /// The packed bytes, where they are fewer.
    packed: OnceLock<Option<Bytes>>,
    tag: String,
}

impl Fixed {
    /// The answer of these bytes.
    pub fn new(content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let tag = sha256_hex(&bytes)[..16].to_owned();
        Self(Arc::new(Inner { content_type, bytes, packed: OnceLock::new(), tag }))
    }

    fn packed(&self) -> Option<&Bytes> {
        let pack = || pack(&self.0.bytes, Compression::best()).ok().filter(|packed| packed.len() < self.0.bytes.len());
        self.0.packed.get_or_init(pack).as_ref()
    }

    /// The answer to a caller with these headers.
    pub fn answer(&self, headers: &HeaderMap) -> Response {
        let packed = if is_taken(headers) { self.packed() } else { None };
        let tag = format!("\"{}{}\"", self.0.tag, if packed.is_some() { "-gzip" } else { "" });
        let known = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok()) == Some(tag.as_str());
        let mut response = match packed.unwrap_or(&self.0.bytes) {
            _ if known => StatusCode::NOT_MODIFIED.into_response(),
            bytes => bytes.clone().into_response(),
        };
        let out = response.headers_mut();
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.0.content_type));
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            out.insert(header::ETAG, tag);
        }
        mark(out, packed.is_some() && !known);
        response
    }
}

/// The places of answers that are packed at once.
#[derive(Clone, Debug)]
pub(super) struct Packing(Arc<Semaphore>);

impl Default for Packing {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE_MAX)))
    }
}

/// Whether packing makes an answer smaller, and its whole body is there: no stream, no picture, nothing packed already.
fn is_worth(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let text =
        kind.starts_with("text/") || kind.contains("json") || kind.contains("javascript") || kind.contains("xml");
    let size = response.body().size_hint().exact();
    text && size.is_some_and(|size| (BYTES_MIN..=BYTES_MAX).contains(&size))
        && !response.headers().contains_key(header::CONTENT_ENCODING)
        && response.status() != StatusCode::PARTIAL_CONTENT
}

/// Packs answers for callers who take them so.
pub(super) async fn packed(State(packing): State<Packing>, request: Request, next: Next) -> Response {
    let taken = is_taken(request.headers());
    let mut response = next.run(request).await;
    // A fixed answer says for itself what it depends on.
    if !is_worth(&response) || response.headers().contains_key(header::VARY) {
        return response;
    }
    let place = if taken { packing.0.try_acquire_owned().ok() } else { None };
    let Some(place) = place else {
        mark(response.headers_mut(), false);
        return response;
    };
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        // A body of known size is whole; one that fails none the less was cut off.
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let whole = bytes.clone();
    let done = tokio::task::spawn_blocking(move || {
        let _place = place;
        pack(&bytes, QUICK)
    });
    let packed = done.await.ok().and_then(Result::ok);
    mark(&mut parts.headers, packed.is_some());
    let body = packed.unwrap_or(whole);
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    Response::from_parts(parts, Body::from(body))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn gzip_is_taken_where_it_is_named_and_not_refused() {
        for (said, taken) in [
            ("gzip", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("deflate, gzip;q=0", false),
            ("gzip;q=0.000", false),
            ("br", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(said))]);
            assert_eq!(is_taken(&headers), taken, "{said}");
        }
    }

    #[test]
    fn what_does_not_shrink_stays_as_it_is() {
        let noise: Vec<u8> = (0..2000).map(|_| rand::random()).collect();
        let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"))]);
        let answer = Fixed::new("text/plain", noise).answer(&headers);
        assert!(!answer.headers().contains_key(header::CONTENT_ENCODING));
        assert_eq!(answer.body().size_hint().exact().unwrap(), 2000);
    }
}
