//! The plain-HTTP page from which tablets and phones fetch the demo's authority, with how to trust it.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{Markup, html};
use sanbao_platform::http::{Routes, Visitor};
use sanbao_platform::lang::Lang;
use sanbao_platform::web::{self, Frame};

use crate::lan::LanCertificate;
use crate::texts::TEXTS;

/// The content of the page.
#[derive(Clone, Debug)]
pub struct TrustPage {
    /// The certificate of the house.
    pub certificate: LanCertificate,
    /// Where the demo itself is: `https://192.168.1.20:8080`.
    pub site: String,
}

/// The routes of the second port.
pub fn routes(page: TrustPage) -> Router {
    let own = Routes::new().page("/", get(show)).page("/sanbao-ca.crt", get(authority)).build(page);
    own.router.merge(web::routes().router)
}

async fn authority(State(page): State<TrustPage>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/x-x509-ca-cert"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"sanbao-ca.crt\""),
    ];
    (headers, page.certificate.authority_pem).into_response()
}

/// The systems with steps of their own, as keys name them.
pub(crate) const SYSTEMS: &[&str] = &["apple", "android", "windows"];

/// The keys of a system's name and its steps.
pub(crate) fn keys(system: &str) -> [String; 4] {
    ["", "-1", "-2", "-3"].map(|step| format!("trust-{system}{step}"))
}

fn body(lang: Lang, page: &TrustPage) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    html! {
        h1 { (t("trust-heading")) }
        p { (t("trust-why")) }
        p { a.button href="/sanbao-ca.crt" { (t("trust-download")) } }
        h2 { (t("trust-install")) }
        @for [name, steps @ ..] in SYSTEMS.iter().map(|system| keys(system)) {
            section {
                h3 { (t(&name)) }
                ol { @for step in &steps { li { (t(step)) } } }
            }
        }
        h2 { (t("trust-open")) }
        p { a.button href=(page.site) { (page.site) } }
        h2 { (t("trust-check")) }
        p { (t("trust-fingerprint")) }
        p { code { (page.certificate.fingerprint) } }
    }
}

async fn show(visitor: Visitor, State(page): State<TrustPage>) -> Response {
    let lang = visitor.lang;
    let title = TEXTS.get(lang, "trust-title");
    Frame::default().page(lang, &title, None, "/", &[], &body(lang, &page)).into_response()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::lan;

    #[test]
    fn every_step_is_told_in_both_languages() {
        let folder = tempfile::tempdir().unwrap();
        let now = "2026-11-23T04:00:00Z".parse().unwrap();
        let certificate = lan::certificate(folder.path(), &[[192, 168, 1, 20].into()], now).unwrap();
        let page = TrustPage { certificate, site: "https://192.168.1.20:8080".into() };
        for (lang, words) in [
            (Lang::Zh, ["让这台设备信任三宝演示", "iPhone · iPad", "重新打开浏览器（Edge 或 Chrome）。"]),
            (
                Lang::En,
                ["Let this device trust the Sanbao demo", "iPhone · iPad", "Start the browser (Edge or Chrome) anew."],
            ),
        ] {
            let drawn = body(lang, &page).into_string();
            assert_eq!(drawn.matches("<li>").count(), 3 * SYSTEMS.len(), "{drawn}");
            assert!(words.iter().all(|word| drawn.contains(word)) && drawn.contains(&page.site), "{drawn}");
        }
    }
}
