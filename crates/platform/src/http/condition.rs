//! Versions as entity tags, and the condition under which a change may be made (RFC 9110 §8.8.3, §13.1.1).

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::{HeaderValue, header, request::Parts};
use axum::response::{IntoResponseParts, ResponseParts};

use crate::problem::{BAD_REQUEST, PRECONDITION_FAILED, Problem};

/// How many tags one request may name; more are no list that anybody read.
const TAGS_MAX: usize = 64;

/// The suffixes that proxies append to the opaque part of a tag when they compress (Apache httpd `-gzip`, Jetty
/// `--gzip`).
const CODINGS: &[&str] = &["gzip", "br", "zstd", "deflate"];

/// A resource's version as an entity tag, for what two people may edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ETag(pub i64);

impl IntoResponseParts for ETag {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        if let Ok(value) = HeaderValue::from_str(&format!("\"{}\"", self.0)) {
            parts.headers_mut().insert(header::ETAG, value);
        }
        Ok(parts)
    }
}

/// The condition of `If-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `*`: any version, as long as there is one.
    Any,
    /// One of these versions. Tags that name no version of ours are left out, for they match nothing.
    OneOf(Vec<i64>),
}

/// The condition of a request, if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfMatch(pub Option<Condition>);

impl IfMatch {
    /// Refuses when somebody else has changed the resource since it was read (412).
    pub fn check(&self, current: i64) -> Result<(), Problem> {
        match &self.0 {
            Some(Condition::OneOf(versions)) if !versions.contains(&current) => Err(Problem::new(&PRECONDITION_FAILED)),
            _ => Ok(()),
        }
    }

    /// The newest version that the caller has read, where the condition names one.
    pub fn newest(&self) -> Option<i64> {
        match &self.0 {
            Some(Condition::OneOf(versions)) => versions.iter().copied().max(),
            Some(Condition::Any) | None => None,
        }
    }

    /// The same for a thing that may not be there yet: a caller that overwrites a version must have named it, and a
    /// first version takes no condition (412).
    pub fn check_over(&self, current: Option<i64>) -> Result<(), Problem> {
        match (current, &self.0) {
            (None, None) => Ok(()),
            (Some(version), Some(_)) => self.check(version),
            (None, Some(_)) | (Some(_), None) => Err(Problem::new(&PRECONDITION_FAILED)),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Several lines of one header are one list (RFC 9110 §5.3).
        let lines = parts.headers.get_all(header::IF_MATCH).iter();
        let lines = lines.map(|value| value.as_bytes().to_vec()).collect::<Vec<_>>();
        if lines.is_empty() {
            return Ok(Self(None));
        }
        let malformed = || {
            Problem::new(&BAD_REQUEST).detail("If-Match 不是有效的实体标签列表", "If-Match is no list of entity tags")
        };
        parse(&lines.join(&b','), TAGS_MAX).map(|condition| Self(Some(condition))).ok_or_else(malformed)
    }
}

/// Reads `"*" / #entity-tag`; `None` for anything else, and for more than `tags_max` tags.
fn parse(value: &[u8], tags_max: usize) -> Option<Condition> {
    if value.trim_ascii() == b"*" {
        return Some(Condition::Any);
    }
    let (mut rest, mut tags, mut versions) = (value.trim_ascii_start(), 0, Vec::new());
    while let Some(first) = rest.first() {
        // Empty elements of a list are passed over (RFC 9110 §5.6.1.2).
        if *first != b',' {
            let (opaque, after) = entity_tag(rest)?;
            tags += 1;
            versions.extend(version_of(opaque));
            rest = after.trim_ascii_start();
        }
        match rest.split_first() {
            Some((b',', after)) => rest = after.trim_ascii_start(),
            Some(_) => return None,
            None => {}
        }
    }
    (tags <= tags_max).then_some(Condition::OneOf(versions))
}

/// The opaque part of the tag that `text` begins with, and what follows. A weak tag is taken like a strong one although
/// `If-Match` compares strongly: our tags are numbers of versions, and only a proxy that compresses has weakened one.
fn entity_tag(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let quoted = text.strip_prefix(b"W/").unwrap_or(text).strip_prefix(b"\"")?;
    let end = quoted.iter().position(|byte| *byte == b'"')?;
    let opaque = &quoted[..end];
    let allowed = |byte: &u8| matches!(*byte, 0x21 | 0x23..=0x7e | 0x80..);
    opaque.iter().all(allowed).then_some((opaque, &quoted[end + 1..]))
}

/// The version that a tag's opaque part names, with or without what a proxy appended.
fn version_of(opaque: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(opaque).ok()?;
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, appended) = text.split_at(digits);
    let coding = appended.strip_prefix("--").or_else(|| appended.strip_prefix(['-', ';']));
    if !appended.is_empty() && !coding.is_some_and(|coding| CODINGS.contains(&coding)) {
        return None;
    }
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use axum::http::Request;

    use super::*;

    async fn of(lines: &[&str]) -> Result<IfMatch, Problem> {
        let mut request = Request::builder();
        for line in lines {
            request = request.header("if-match", *line);
        }
        IfMatch::from_request_parts(&mut request.body(()).unwrap().into_parts().0, &()).await
    }

    #[tokio::test]
    async fn a_version_is_found_in_whatever_a_proxy_has_made_of_its_tag() {
        let named: &[&[&str]] = &[
            &[],
            &["*"],
            &["\"3\""],
            &["W/\"3\""],
            &["\"3-gzip\""],
            &["W/\"3-br\""],
            &["\"3--gzip\""],
            &["\"3;br\""],
            &["\"2\", \"3\""],
            &["\"2\",W/\"3-gzip\" , \"x\""],
            &["\"of,another,server\",\"3\""],
            &[", ,\"3\",,"],
            &["\"2\"", "\"3\""],
        ];
        for lines in named {
            let condition = of(lines).await;
            assert!(condition.is_ok_and(|c| c.check(3).is_ok()), "{lines:?}");
        }
        let others: &[&[&str]] = &[
            &["\"2\""],
            &["\"33\""],
            &["\"-3\""],
            &["\"3-\""],
            &["\"3-gzip-gzip\""],
            &["\"3x\""],
            &["\"\""],
            &["\"99999999999999999999\""],
            &["\"1\", \"2\""],
            &[""],
            &[" , "],
        ];
        for lines in others {
            assert_eq!(of(lines).await.unwrap().check(3).unwrap_err().status(), 412, "{lines:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_list_of_tags_is_a_bad_request() {
        let many = vec!["\"1\""; TAGS_MAX + 1].join(",");
        for line in ["3", "\"3", "3\"", "w/\"3\"", "W/3", "\"2\" \"3\"", "*, \"3\"", "\"a b\"", &many] {
            assert_eq!(of(&[line]).await.unwrap_err().status(), 400, "{line}");
        }
    }

    #[tokio::test]
    async fn what_stands_there_is_written_over_only_by_name() {
        let (none, any, second) = (of(&[]).await.unwrap(), of(&["*"]).await.unwrap(), of(&["\"2\""]).await.unwrap());
        let allowed = |given: &IfMatch, current| given.check_over(current).is_ok();
        assert_eq!([allowed(&none, None), allowed(&any, None), allowed(&second, None)], [true, false, false]);
        assert_eq!([allowed(&none, Some(2)), allowed(&any, Some(2)), allowed(&second, Some(2))], [false, true, true]);
        assert!(!allowed(&second, Some(3)));
    }
}
