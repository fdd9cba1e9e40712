//! Compressed answers: what does not change is compressed once, the rest by a few at a time, and all say the same.

use std::io::Read as _;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::get;
use flate2::read::GzDecoder;
use futures_util::future::join_all;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Migrations;
use sanbao_platform::http::{Routes, StaticFile};
use sanbao_platform::testing::{Site, sqlite};
use tower::ServiceExt as _;

const TEXT: &str = include_str!("packing.rs");

const FILES: &[StaticFile] = &[("/file.js", "text/javascript", TEXT.as_bytes())];

async fn site() -> Site {
    let none = Migrations { sqlite: &[], postgres: &[] };
    let deps = sqlite().deps("packing", &none, Clock::system()).await;
    let files = Routes::new().files(FILES).build(());
    let large = TEXT.repeat(200);
    let own = Router::new()
        .route("/page", get(async || ([("content-type", "text/html; charset=utf-8")], TEXT)))
        .route("/large", get(async move || large.clone()))
        .route("/small", get(async || "a few words"))
        .route("/picture", get(async || ([("content-type", "image/png")], TEXT)))
        .route("/packed", get(async || ([("content-encoding", "br")], TEXT)));
    Site::over(own.merge(files.router), &deps)
}

async fn ask(site: &Site, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Bytes) {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, body) = site.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().into_parts();
    (parts.status, parts.headers, axum::body::to_bytes(body, usize::MAX).await.unwrap())
}

fn unpacked(headers: &HeaderMap, bytes: &[u8]) -> String {
    let mut text = String::new();
    if headers.get("content-encoding").is_some_and(|coding| coding == "gzip") {
        GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    } else {
        text.push_str(std::str::from_utf8(bytes).unwrap());
    }
    text
}

const GZIP: (&str, &str) = ("accept-encoding", "br, gzip");

#[tokio::test]
async fn a_fixed_file_is_compressed_once_for_all() {
    let site = site().await;
    let (_, headers, first) = ask(&site, "/file.js", &[GZIP]).await;
    assert_eq!(headers["content-encoding"], "gzip");
    assert_eq!(headers["vary"], "accept-encoding");
    assert_eq!(unpacked(&headers, &first), TEXT);
    let (_, _, again) = ask(&site, "/file.js", &[GZIP]).await;
    assert_eq!(first.as_ptr(), again.as_ptr(), "the same bytes, not the like");
    let (_, plain, bytes) = ask(&site, "/file.js", &[]).await;
    assert!(!plain.contains_key("content-encoding") && bytes == TEXT.as_bytes());
    assert_ne!(plain["etag"], headers["etag"], "two representations");
    for (known, with) in [(&headers, &[GZIP][..]), (&plain, &[])] {
        let known = ("if-none-match", known["etag"].to_str().unwrap());
        let (status, _, body) = ask(&site, "/file.js", &[with, &[known]].concat()).await;
        assert_eq!((status.as_u16(), body.len()), (304, 0));
    }
}

#[tokio::test]
async fn text_is_compressed_and_what_gains_nothing_is_not() {
    let site = site().await;
    for (path, packed) in [("/page", true), ("/large", true), ("/small", false), ("/picture", false)] {
        let (_, headers, body) = ask(&site, path, &[GZIP]).await;
        assert_eq!(headers.get("content-encoding").is_some(), packed, "{path}");
        assert_eq!(headers["content-length"].to_str().unwrap(), body.len().to_string(), "{path}");
        let (_, plain, whole) = ask(&site, path, &[]).await;
        assert!(!plain.contains_key("content-encoding"), "{path}");
        assert_eq!(unpacked(&headers, &body).as_bytes(), whole, "{path}");
    }
    assert_eq!(ask(&site, "/packed", &[GZIP]).await.1["content-encoding"], "br");
}

#[tokio::test]
async fn many_at_once_get_the_same_and_those_that_find_no_place_get_it_as_it_is() {
    let site = site().await;
    let answers = join_all((0..64).map(|_| ask(&site, "/large", &[GZIP]))).await;
    let packed = answers.iter().filter(|(_, headers, _)| headers.contains_key("content-encoding")).count();
    assert!((1..64).contains(&packed), "{packed} of 64 compressed at once");
    let whole = TEXT.repeat(200);
    assert!(answers.iter().all(|(_, headers, body)| unpacked(headers, body) == whole));
}
