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

/// One system's steps in both languages.
type Steps = (&'static str, &'static [&'static str], &'static [&'static str]);

const STEPS: &[Steps] = &[
    (
        "iPhone · iPad",
        &[
            "用 Safari 打开本页，点上面的按钮，选“允许”下载描述文件。",
            "打开“设置”，点最上面的“已下载描述文件”，点“安装”。",
            "打开“设置 → 通用 → 关于本机 → 证书信任设置”，打开“Sanbao demo”的开关。",
        ],
        &[
            "Open this page in Safari, tap the button above and allow the profile to be downloaded.",
            "Open Settings, tap “Profile Downloaded” at the top, then Install.",
            "Open Settings → General → About → Certificate Trust Settings and switch “Sanbao demo” on.",
        ],
    ),
    (
        "Android",
        &[
            "点上面的按钮下载证书文件。",
            "打开“设置”，搜索“CA 证书”（一般在“安全 → 加密与凭据 → 安装证书”），选“CA 证书 → 仍然安装”。",
            "选刚才下载的 sanbao-ca.crt。请用 Chrome 打开演示。",
        ],
        &[
            "Tap the button above to download the certificate.",
            "Open Settings and search for “CA certificate” (usually Security → Encryption & credentials → Install a certificate), then CA certificate → Install anyway.",
            "Choose the downloaded sanbao-ca.crt. Open the demo in Chrome.",
        ],
    ),
    (
        "Windows",
        &[
            "点上面的按钮下载证书，双击打开，点“安装证书”。",
            "选“当前用户”，再选“将所有的证书都放入下列存储 → 浏览 → 受信任的根证书颁发机构”，完成。",
            "重新打开浏览器(Edge 或 Chrome)。",
        ],
        &[
            "Download the certificate, open it and press Install Certificate.",
            "Choose Current User, then “Place all certificates in the following store → Browse → Trusted Root Certification Authorities”, and finish.",
            "Start the browser (Edge or Chrome) anew.",
        ],
    ),
];

fn body(lang: Lang, page: &TrustPage) -> Markup {
    html! {
        h1 { (lang.pick("让这台设备信任三宝演示", "Let this device trust the Sanbao demo")) }
        p { (lang.pick(
            "视频需要加密连接。请先安装本屋的演示证书，每台设备只做一次。",
            "Video needs an encrypted connection. Install this house's demo certificate first, once on each device."
        )) }
        p { a.button href="/sanbao-ca.crt" { (lang.pick("① 下载证书", "1. Download the certificate")) } }
        h2 { (lang.pick("② 安装并信任", "2. Install and trust it")) }
        @for (system, zh, en) in STEPS {
            section {
                h3 { (system) }
                ol { @for (zh, en) in zh.iter().zip(*en) { li { (lang.pick(zh, en)) } } }
            }
        }
        h2 { (lang.pick("③ 打开演示", "3. Open the demo")) }
        p { a.button href=(page.site) { (page.site) } }
        h2 { (lang.pick("核对与删除", "Check it, remove it")) }
        p {
            (lang.pick(
                "证书指纹（SHA-256）应与电脑屏幕上显示的相同。这张证书只能为内网地址和这台电脑作保；不用时请在同一处删除。",
                "Its SHA-256 fingerprint must be the one on the computer's screen. It vouches for private addresses and this computer only; remove it in the same place when you are done."
            ))
        }
        p { code { (page.certificate.fingerprint) } }
    }
}

async fn show(visitor: Visitor, State(page): State<TrustPage>) -> Response {
    let lang = visitor.lang;
    let title = lang.pick("信任证书", "Trust the certificate");
    Frame::new(Vec::new()).page(lang, title, None, "/", &[], &body(lang, &page)).into_response()
}
