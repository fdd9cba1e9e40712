//! A site with a relay, TURN, and what the booking side gives the page: tickets and a summary.

use std::net::SocketAddr;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::TimeDelta;
use sanbao_platform::auth::{Keys, Scope};
use sanbao_platform::clock::Clock;
use sanbao_platform::config::RootSecret;
use sanbao_platform::testing::{TestEngine, port, ports, sqlite};
use sanbao_signalling::Config;
use sanbao_signalling::config::EmbeddedTurn;
use serde_json::{Value, json};

use super::{Browser, STILL};
use crate::support::{Relay, config, person, relay_at};

const PHONE: &str = "0574-86250000";

/// The people and their roles: what stands in the cookie `as`, number, name, role.
const PEOPLE: &[(&str, u128, &str, &str)] = &[
    ("nurse", 10, "王秀英", "host"),
    ("doctor", 20, "陈立新", "clinician"),
    ("family", 30, "李小明", "guest"),
    ("interpreter", 40, "周怡", "interpreter"),
    ("surgeon", 50, "何建国", "clinician"),
    ("radiologist", 60, "沈文", "clinician"),
    ("cardiologist", 70, "吴敏", "clinician"),
];

pub fn keys() -> Keys {
    RootSecret::from_bytes([42; 32]).keys().unwrap()
}

/// The booking side's answers to the page, as far as the page knows.
pub fn booking() -> Router {
    Router::new()
        .route("/v1/consults/{id}/ticket", post(staff_ticket))
        .route("/v1/guest-tickets", post(guest_ticket))
        .route("/consults/{id}/summary", get(summary))
        .with_state(keys())
}

/// A ticket for `who` of [`PEOPLE`].
pub fn ticket(keys: &Keys, consult: u128, who: &str) -> String {
    let (_, number, name, role) = *PEOPLE.iter().find(|p| p.0 == who).unwrap();
    let now = Clock::system().now();
    let scope =
        Scope { purpose: "ticket", audience: "signalling", not_before: now, expires: now + TimeDelta::hours(1) };
    // Staff of one house meet directly; family and the interpreter by way of TURN.
    let organisation = matches!(role, "host" | "clinician").then(|| person(1));
    let claims = json!({ "consult": person(consult), "sub": person(number), "name": name, "role": role, "org": organisation, "lobby": role == "guest", "phone": PHONE });
    keys.sign(scope, now, &claims).unwrap()
}

async fn staff_ticket(State(keys): State<Keys>, Path(consult): Path<uuid::Uuid>, headers: HeaderMap) -> Json<Value> {
    let cookies = headers.get("cookie").map_or("", |c| c.to_str().unwrap());
    let who = cookies.split("; ").find_map(|c| c.strip_prefix("as=")).unwrap_or("nurse");
    let ticket = ticket(&keys, consult.as_u128(), who);
    Json(json!({ "ticket": ticket, "summary_url": format!("/consults/{consult}/summary") }))
}

async fn guest_ticket(State(keys): State<Keys>, Json(body): Json<Value>) -> Json<Value> {
    assert_eq!(body["token"], "family-link");
    Json(json!({ "ticket": ticket(&keys, 1, "family") }))
}

async fn summary() -> Html<&'static str> {
    Html(
        "<dl class=\"facts\"><dt>老人</dt><dd>李桂芳 女 82 岁</dd><dt>事由</dt><dd>左小腿肿胀三天</dd>\
         <dt>目的</dt><dd>明确是否需要转院</dd><dt>病史</dt><dd>高血压二十年，去年左髋骨折术后，平时助行器行走。</dd></dl>\
         <h3>近日情况</h3><p>11月20日起左小腿肿胀，按压有凹陷，皮温略高；体温 36.8 ℃，血压 142/86。无胸闷气促。</p>",
    )
}

/// A relay's configuration with TURN on loopback.
pub fn with_turn() -> Config {
    let mut config = config();
    config.turn = Some(EmbeddedTurn {
        listen: SocketAddr::new([127, 0, 0, 1].into(), port()),
        tls: None,
        public_ips: vec![[127, 0, 0, 1].into()],
        relay_ports: ports(200).into_inner(),
        allow_peers: Vec::new(),
        deny_peers: Vec::new(),
    });
    config
}

/// A site.
pub async fn start() -> Relay {
    start_with(with_turn(), sqlite(), "127.0.0.1:0".parse().unwrap()).await
}

/// A site of a configuration, at an address.
pub async fn start_with(config: Config, engine: TestEngine, at: SocketAddr) -> Relay {
    relay_at(config, engine, Clock::system(), at, booking()).await
}

/// A thing that has a page at an address: a relay, or the balancer before several.
pub trait At {
    fn at(&self) -> SocketAddr;
}

impl At for Relay {
    fn at(&self) -> SocketAddr {
        self.address
    }
}

impl At for SocketAddr {
    fn at(&self) -> SocketAddr {
        *self
    }
}

impl Browser {
    /// Is somebody of [`PEOPLE`] from now on, in a language.
    pub async fn is(&self, site: &impl At, who: &str, lang: &str) {
        self.open(&format!("http://{}/static/icon.svg", site.at())).await;
        self.run(&format!("document.cookie = 'as={who}; path=/'; document.cookie = 'sanbao_lang={lang}; path=/'"))
            .await;
    }

    /// Opens the room by a link and waits until it may be entered. On a machine with more to do than it can, the
    /// picture would give way to the sound: `picture=always` keeps it.
    pub async fn prepare(&self, site: &impl At, consult: u128, more: &str) {
        self.prepare_by(site, consult, &format!("&picture=always{more}")).await;
    }

    /// The same with a picture that gives way.
    pub async fn prepare_by(&self, site: &impl At, consult: u128, more: &str) {
        self.open(&format!("http://{}/room?consult={}{more}", site.at(), person(consult))).await;
        self.state("prejoin").await;
        self.until("document.getElementById('preview').videoWidth > 0").await;
    }

    /// Opens the room and enters.
    pub async fn enter(&self, site: &impl At, consult: u128, more: &str) {
        self.prepare(site, consult, more).await;
        self.click("#enter").await;
        self.until("['joined', 'connected'].includes(document.body.dataset.state)").await;
    }

    /// From `others` people frames arrive, and both ends of the chosen path are relayed.
    pub async fn relayed(&self, others: usize) -> Value {
        // The frames of a connection that is given up may be there before the next one has chosen its path.
        let seen = format!(
            "sanbaoStats().then((s) => s.frames.length === {others} && s.frames.every((f) => f > 10) \
             && s.localCandidateType && s.remoteCandidateType && s)"
        );
        let stats = self.when(&seen, STILL).await;
        assert_eq!(
            (&stats["localCandidateType"], &stats["remoteCandidateType"]),
            (&json!("relay"), &json!("relay")),
            "{stats}"
        );
        stats
    }

    /// A script's expression as text.
    pub async fn text(&self, expression: &str) -> String {
        self.run(&format!("return String({expression})")).await.as_str().unwrap().to_owned()
    }

    /// Presses a button of a person's entry in the list.
    pub async fn press(&self, name: &str, action: &str) {
        self.click("#tab-people").await;
        let entry =
            format!("[...document.querySelectorAll('#people > li')].find((l) => l.innerText.includes({name:?}))");
        self.until(&format!("{entry}?.querySelector('[data-action={action}]')")).await;
        self.run(&format!("{entry}.querySelector('[data-action={action}]').click()")).await;
    }
}
