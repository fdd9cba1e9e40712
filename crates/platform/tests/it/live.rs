//! Event streams: an account has so many at once, and each gives its place back.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response};
use axum::response::IntoResponse as _;
use axum::routing::get;
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Migrations;
use sanbao_platform::http::{Ctx, STREAMS_PER_ACCOUNT_MAX, live};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;
use sanbao_platform::service::Deps;
use sanbao_platform::testing::{Answer, Person, Site, sqlite};
use tower::ServiceExt as _;
use uuid::Uuid;

async fn events(State(deps): State<Deps>, ctx: Ctx) -> Result<Response<Body>, Problem> {
    Ok(live(&deps.db, "things", Uuid::nil(), &ctx)?.into_response())
}

/// The answer with its stream, which lasts as long as it is held.
async fn listen(site: &Site, who: &Person) -> Response<Body> {
    let request = Request::get("/events").header("authorization", format!("Bearer {}", site.token(who)));
    site.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

#[tokio::test]
async fn an_account_has_so_many_streams_at_once() {
    let none = Migrations { sqlite: &[], postgres: &[] };
    let deps = sqlite().deps("live", &none, Clock::system()).await;
    let site = Site::over(Router::new().route("/events", get(events)).with_state(deps.clone()), &deps);
    let person = |n| Person::new(Uuid::from_u128(n), OrganisationId(Uuid::from_u128(9)), &["nurse"], "林护工");
    let mut open = Vec::new();
    for _ in 0..STREAMS_PER_ACCOUNT_MAX {
        let answer = listen(&site, &person(1)).await;
        assert_eq!(answer.status(), 200);
        open.push(answer);
    }
    let refused = Answer::read(listen(&site, &person(1)).await).await.refused(429, "too-many-requests");
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(listen(&site, &person(2)).await.status(), 200, "another account has its own");
    open.pop();
    assert_eq!(listen(&site, &person(1)).await.status(), 200, "a place was given back");
}
