//! Calls that ring at a telephone system: told to the desks of its area that are open, for some minutes.

use std::collections::BTreeSet;

use axum::body::Bytes;
use axum::extract::State as AppState;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Duration, Utc};
use maud::{Markup, html};
use sanbao_platform::cn::Phone;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::{Ctx, Json, PageCtx, live_of};
use sanbao_platform::on;
use sanbao_platform::page::{self, Live};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{SignalTaken, signed};
use crate::area::{AreaCode, scope_codes};
use crate::policy::{self, Action, Relation};
use crate::request::list::ListQuery;
use crate::request::{self, RequestId};
use crate::texts::TEXTS;
use crate::{App, ZONE, local_day};

const TOPIC: &str = "calls";
/// So long a call is shown.
const SHOWN_MINUTES: i64 = 10;
/// So long it is kept: a signal that comes again within this time is known.
const KEPT_MINUTES: i64 = 60;
/// Calls that are shown.
const SHOWN_MAX: i64 = 5;

const TAKE: &str = "insert into _incoming_call (id, hook, signal, area_code, phone, at) values ($1, $2, $3, $4, $5, $6)
    on conflict do nothing";
const FORGET: &str = "delete from _incoming_call where at < $1";
// The areas are a list of codes with commas: those of the senders, of which there are few.
const RINGING: &str = "select phone, at from _incoming_call where at >= $1
    and replace(',' || $2 || ',', ',' || area_code || ',', '') <> ',' || $2 || ',' order by at desc, id desc limit $3";

/// A call that rings.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"phone": "13800138000"}))]
pub(crate) struct IncomingCall {
    /// The number that calls.
    phone: String,
}

/// Tells the desks of its area that somebody calls. By a telephone system alone, signed by Standard Webhooks: `webhook-id`,
/// `webhook-timestamp` within five minutes, `webhook-signature`. A signal that comes again changes nothing.
#[utoipa::path(post, path = "/v1/calls", tag = "signals", request_body = IncomingCall, security(()), responses(
    (status = 200, body = SignalTaken), (status = 401), (status = 413), (status = 422)))]
pub(crate) async fn call(
    AppState(app): AppState<App>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<SignalTaken>, Problem> {
    let (hook, signal, call) = signed::<IncomingCall>(&app, &headers, &body)?;
    let phone = Phone::parse(call.phone.trim(), app.deps.dialling_code.as_ref())
        .map_err(|error| Problem::field("/phone", error.advice().0, error.advice().1))?;
    let now = app.deps.clock.now();
    let mut tx = app.deps.db.begin().await?;
    let before = now - Duration::minutes(KEPT_MINUTES);
    on!(tx, |c| sqlx::query(FORGET).bind(before).execute(c).await.map(drop)).map_err(DbError::from)?;
    let row = (hook.name.as_str(), signal.as_str(), phone.as_str());
    let taken = take(&mut tx, row, &hook.area, now).await?;
    if taken {
        tx.touch(TOPIC, hook.area.live_key());
    }
    tx.commit().await?;
    Ok(Json(SignalTaken { taken }))
}

async fn take(tx: &mut Tx, row: (&str, &str, &str), area: &AreaCode, now: DateTime<Utc>) -> Result<bool, DbError> {
    let (id, (hook, signal, phone)) = (Uuid::from(RequestId::new(now)), row);
    let rows = on!(tx, |c| {
        let row = sqlx::query(TAKE).bind(id).bind(hook).bind(signal).bind(area).bind(phone).bind(now);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Refuses as taking a request down does: calls are told to those who answer them.
fn require(ctx: &Ctx) -> Result<(), Problem> {
    let relation = if ctx.actor.areas.is_empty() { Relation::Outside } else { Relation::InScope };
    policy::allows(&ctx.actor, Action::RequestCreate, relation).require()
}

/// Tells when a call comes in for the caller's areas, as server-sent events.
#[utoipa::path(get, path = "/v1/calls/events", operation_id = "call_events", tag = "signals", responses(
    (status = 200, description = "`change` events without data", content_type = "text/event-stream"),
    (status = 401), (status = 403), (status = 404), (status = 429)))]
pub(crate) async fn events(AppState(app): AppState<App>, ctx: Ctx) -> Result<Response, Problem> {
    require(&ctx)?;
    let scope = scope_codes(&mut app.deps.db.read().await?, &ctx.actor, local_day(ctx.now())).await?;
    let keys: Vec<Uuid> = scope.iter().map(AreaCode::live_key).collect();
    Ok(live_of(&app.deps.db, TOPIC, keys, &ctx)?.into_response())
}

pub(super) async fn page(PageCtx(ctx): PageCtx, AppState(app): AppState<App>) -> Response {
    part(&app, &ctx).await.map_or_else(Problem::into_response, Markup::into_response)
}

#[derive(sqlx_macros::FromRow)]
struct Ringing {
    phone: String,
    at: DateTime<Utc>,
}

async fn ringing(conn: &mut Conn, since: DateTime<Utc>, areas: &str) -> Result<Vec<Ringing>, DbError> {
    Ok(on!(conn, |c| sqlx::query_as(RINGING).bind(since).bind(areas).bind(SHOWN_MAX).fetch_all(c).await)?)
}

/// The areas for which somebody sends and which the reader has, with commas.
async fn areas(app: &App, conn: &mut Conn, ctx: &Ctx) -> Result<String, DbError> {
    if app.config.hooks.is_empty() {
        return Ok(String::new());
    }
    let scope = scope_codes(conn, &ctx.actor, local_day(ctx.now())).await?;
    let heard: BTreeSet<&str> =
        app.config.hooks.areas().filter(|area| scope.contains(area)).map(AreaCode::as_str).collect();
    Ok(heard.into_iter().collect::<Vec<_>>().join(","))
}

/// The calls of the last minutes in the reader's areas, as a part of a page that follows them.
pub(crate) async fn part(app: &App, ctx: &Ctx) -> Result<Markup, Problem> {
    require(ctx)?;
    let mut conn = app.deps.db.read().await?;
    let areas = areas(app, &mut conn, ctx).await?;
    let calls = ringing(&mut conn, ctx.now() - Duration::minutes(SHOWN_MINUTES), &areas).await?;
    drop(conn);
    let mut lines = Vec::new();
    for call in &calls {
        lines.push(line(ctx, call, known(app, ctx, &call.phone).await?.as_deref()));
    }
    let live =
        Live { events: "/v1/calls/events", source: Some("/requests/calls"), seconds: Some(60), ..Live::default() };
    Ok(page::live("calls", live, &html! { @for line in &lines { (line) } }))
}

/// The name by which the last request of a number was taken down.
async fn known(app: &App, ctx: &Ctx, phone: &str) -> Result<Option<String>, Problem> {
    if policy::allows(&ctx.actor, Action::RequestReadPersonal, Relation::InScope) != Decision::Allow {
        return Ok(None);
    }
    let query = ListQuery { q: Some(phone.to_owned()), limit: Some(1), ..ListQuery::default() };
    let found = request::listed(app, ctx, &query).await?.items.into_iter().next();
    Ok(found.filter(|r| r.phone.as_deref() == Some(phone)).map(|r| r.elder_name))
}

fn line(ctx: &Ctx, call: &Ringing, name: Option<&str>) -> Markup {
    let words = page::Words::new(&TEXTS, ctx.lang, ZONE);
    let key = if name.is_some() { "call-known" } else { "call-unknown" };
    let told = TEXTS.with(ctx.lang, key, &[("phone", &call.phone), ("name", name.unwrap_or_default())]);
    html! {
        div.notice.info.spread {
            span { strong { (told) } " " (words.near(call.at, ctx.now())) }
            button.button type="button" data-ringing=(call.phone) { (TEXTS.get(ctx.lang, "call-open")) }
        }
    }
}
