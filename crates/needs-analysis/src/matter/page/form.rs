//! Raising a matter: three fields.

use axum::extract::State as AppState;
use maud::{Markup, html};
use sanbao_platform::http::{PageCtx, Query};
use sanbao_platform::page::{self, Errors, Select, Send};
use sanbao_platform::problem::Problem;
use serde::Deserialize;
use uuid::Uuid;

use super::{areas, back, choices, styles, t};
use crate::App;
use crate::area::{AreaCode, Level};
use crate::matter::api;
use crate::matter::input::{MATTER_CHARS_MAX, NewMatter};
use crate::matter::model::MatterKind;
use crate::texts;

/// The thing that it is to be about, by its id.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct AboutQuery {
    door: Option<Uuid>,
    request: Option<Uuid>,
}

pub(super) async fn new(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Query(about): Query<AboutQuery>,
) -> Result<Markup, Problem> {
    api::raisable(&ctx)?;
    let asked = NewMatter { door_id: about.door, request_id: about.request, ..NewMatter::default() };
    let place = {
        let mut conn = app.deps.db.read().await?;
        api::subject(&app, &mut conn, &ctx, &asked).await?.1
    };
    let areas = areas(&app, &ctx, Level::Building).await?;
    let lang = ctx.lang;
    let only = areas.first().filter(|_| areas.len() == 1).map(|area| area.code.as_str());
    let choices = choices(lang, &areas, place.as_ref().map(AreaCode::as_str).or(only));
    let kinds = MatterKind::ALL.iter().map(|kind| {
        let words = texts::matter_kind(lang, *kind);
        page::pick(kind, words, asked.door_id.is_some() && *kind == MatterKind::Elders)
    });
    let [what, help, kind, area, none] =
        ["matter-title", "matter-title-help", "matter-kind", "matter-area", "choose"].map(|key| t(lang, key));
    let words = page::Field {
        required: true,
        help: Some(&help),
        first: true,
        ..page::area("title", &what, 3, MATTER_CHARS_MAX)
    };
    let select = |name, label| Select { name, label, none: Some(&none), required: true, ..Select::default() };
    let about = if about.door.is_some() { "matter-about-door" } else { "matter-about-request" };
    let fields = html! {
        @if asked.door_id.or(asked.request_id).is_some() { p.notice { (t(lang, about)) } }
        @if let Some(door) = asked.door_id { input type="hidden" name="door_id" value=(door); }
        @if let Some(request) = asked.request_id { input type="hidden" name="request_id" value=(request); }
        (words.draw(lang, &Errors::default()))
        (select("kind", &kind).draw(&kinds.collect::<Vec<_>>()))
        (select("area_code", &area).draw(&choices))
        button.button.primary.large.wide type="submit" { (t(lang, "matter-raise")) }
    };
    let done = t(lang, "matter-raised");
    let send = Send { then: Some("/matters"), done: Some(&done), ..Send::to("POST /v1/matters") };
    let body = html! {
        (styles())
        (back(lang))
        h1 { (t(lang, "matter-new")) }
        (page::form(lang, None, "narrow", send, &fields))
    };
    Ok(app.deps.frame.page(lang, &t(lang, "matter-new"), Some(&ctx.actor), "/matters", &["/static/send.js"], &body))
}
