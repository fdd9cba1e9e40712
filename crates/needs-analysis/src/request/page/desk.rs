//! The open requests that a call may be about, and the agencies with the nearest first: a part of the desk's page that is read
//! anew while one types. What is typed comes by POST, since it is a name and a number.

use axum::Form;
use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use sanbao_platform::cn::Phone;
use sanbao_platform::http::{Ctx, PageCtx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Select, Tone};
use sanbao_platform::problem::Problem;
use serde::Deserialize;
use uuid::Uuid;

use super::list::{may, require};
use super::words;
use crate::App;
use crate::area::{self, AreaCode, Level};
use crate::local_day;
use crate::policy::Action;
use crate::request::category::Urgency;
use crate::request::directory::{self, Organisation};
use crate::request::list::ListQuery;
use crate::request::view::RequestView;
use crate::request::{RequestId, api, serving};
use crate::texts::{self, TEXTS};

/// Rows of each kind of double.
const ROWS: u32 = 8;
/// Doubles that are shown.
const DOUBLES_MAX: usize = 10;
/// Characters of a name that is worth comparing.
const NAME_CHARS_MIN: usize = 2;
/// Characters of what a request says that are shown.
const NOTE_CHARS_MAX: usize = 120;

/// The fields as they are typed so far.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DeskTyped {
    pub(super) phone: String,
    pub(super) elder_name: String,
    pub(super) area_code: String,
    pub(super) person_id: String,
}

/// Why a request may be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alike {
    Elder,
    Phone,
    Name,
}

/// The part beside the form.
pub(super) struct Desk {
    doubles: Vec<(RequestView, Alike)>,
    agencies: Vec<Organisation>,
    last: Option<OrganisationId>,
    around: Vec<OrganisationId>,
}

pub(super) async fn desk(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Form(typed): Form<DeskTyped>,
) -> Response {
    draw(&app, &ctx, &typed).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw(app: &App, ctx: &Ctx, typed: &DeskTyped) -> Result<Markup, Problem> {
    require(ctx, Action::RequestCreate)?;
    let desk = Desk::of(app, ctx, typed).await?;
    Ok(html! {
        div #doubles { (desk.doubles(ctx)) }
        @if may(ctx, Action::RequestHandle) { div #agencies { (desk.agencies(ctx.lang)) } }
    })
}

impl Desk {
    pub(super) async fn of(app: &App, ctx: &Ctx, typed: &DeskTyped) -> Result<Self, Problem> {
        let phone = Phone::parse(typed.phone.trim(), app.deps.dialling_code.as_ref()).ok();
        let phone = phone.as_ref().map(Phone::as_str);
        let person = typed.person_id.parse::<Uuid>().ok();
        let community = community(app, ctx, &typed.area_code).await?;
        let doubles = doubles(app, ctx, typed, phone, person, community.as_ref()).await?;
        let mut conn = app.deps.db.read().await?;
        let agencies = if may(ctx, Action::RequestHandle) { directory::agencies(&mut conn).await? } else { Vec::new() };
        let last = serving::last(&mut conn, person, phone).await?;
        let around = match &community {
            Some(code) => serving::around(&mut conn, code, local_day(ctx.now())).await?,
            None => Vec::new(),
        };
        Ok(Self { doubles, agencies, last, around })
    }

    /// The open requests that it may be about, with what they say and since when.
    pub(super) fn doubles(&self, ctx: &Ctx) -> Markup {
        let t = |key: &str| TEXTS.get(ctx.lang, key);
        html! {
            @if !self.doubles.is_empty() {
                h3 { (t("doubles-title")) }
                ul.plain-list { @for (request, alike) in &self.doubles { (double(ctx, request, *alike)) } }
            }
        }
    }

    /// The choice of an agency, with the nearest chosen: the one that served the elder last, then those of the neighbourhood.
    pub(super) fn agencies(&self, lang: Lang) -> Markup {
        let nearest: Vec<OrganisationId> = self.last.iter().chain(&self.around).copied().collect();
        let place = |a: &&Organisation| nearest.iter().position(|id| *id == a.id).unwrap_or(usize::MAX);
        let mut sorted: Vec<&Organisation> = self.agencies.iter().collect();
        sorted.sort_by_key(place);
        let sole = sorted.len() == 1;
        let chosen = sorted.first().filter(|a| sole || nearest.contains(&a.id)).map(|a| a.id);
        let words = |a: &Organisation| {
            let name = lang.pick(&a.name_zh, &a.name_en);
            match (self.last == Some(a.id), self.around.contains(&a.id)) {
                (true, _) => TEXTS.with(lang, "agency-last", &[("name", name)]),
                (false, true) => TEXTS.with(lang, "agency-around", &[("name", name)]),
                (false, false) => name.to_owned(),
            }
        };
        let choices: Vec<_> = sorted.iter().map(|a| page::pick(a.id, words(a), Some(a.id) == chosen)).collect();
        let [label, none, lacking] = ["agency", "choose", "agency-none"].map(|key| TEXTS.get(lang, key));
        html! {
            @if choices.is_empty() { p.help { (lacking) } }
            (Select { name: "agency_id", label: &label, none: Some(&none), ..Select::default() }.draw(&choices))
        }
    }
}

/// The community in which an area lies; none for a whole street, where a name says nothing.
async fn community(app: &App, ctx: &Ctx, code: &str) -> Result<Option<AreaCode>, Problem> {
    let Ok(code) = AreaCode::parse(code) else { return Ok(None) };
    let mut conn = app.deps.db.read().await?;
    let Some(own) = area::find(&mut conn, &code).await? else { return Ok(None) };
    if own.level >= Level::Community {
        return Ok(Some(code).filter(|_| own.level == Level::Community));
    }
    let above = area::ancestors(&mut conn, &code, local_day(ctx.now())).await?;
    Ok(above.into_iter().find(|area| area.level == Level::Community).map(|area| area.code))
}

/// Open requests of the same elder, of the same telephone, or of a like name in the same community; the surest first.
async fn doubles(
    app: &App,
    ctx: &Ctx,
    typed: &DeskTyped,
    phone: Option<&str>,
    person: Option<Uuid>,
    community: Option<&AreaCode>,
) -> Result<Vec<(RequestView, Alike)>, Problem> {
    let open = || ListQuery { open: Some("true".to_owned()), limit: Some(ROWS), ..ListQuery::default() };
    let name = Some(typed.elder_name.trim()).filter(|name| name.chars().count() >= NAME_CHARS_MIN);
    let queries = [
        person.map(|person| (Alike::Elder, ListQuery { person: Some(person), ..open() })),
        phone.map(|phone| (Alike::Phone, ListQuery { q: Some(phone.to_owned()), ..open() })),
        name.zip(community).map(|(name, area)| {
            let (area, q) = (Some(area.to_string()), Some(name.to_owned()));
            (Alike::Name, ListQuery { area, q, ..open() })
        }),
    ];
    let mut found: Vec<(RequestView, Alike)> = Vec::new();
    for (alike, query) in queries.into_iter().flatten() {
        for request in api::listed(app, ctx, &query).await?.items {
            let meant = match alike {
                Alike::Elder => true,
                Alike::Phone => request.masked || request.phone.as_deref() == phone,
                Alike::Name => request.masked || name.is_some_and(|name| request.elder_name.contains(name)),
            };
            if meant && !found.iter().any(|(known, _)| known.id == request.id) {
                found.push((request, alike));
            }
        }
    }
    found.truncate(DOUBLES_MAX);
    Ok(found)
}

/// The requests that another may be merged with, for its own page.
pub(super) async fn like(app: &App, ctx: &Ctx, own: RequestId, typed: &DeskTyped) -> Result<Vec<RequestView>, Problem> {
    let desk = Desk::of(app, ctx, typed).await?;
    Ok(desk.doubles.into_iter().map(|(request, _)| request).filter(|request| request.id != own).collect())
}

fn double(ctx: &Ctx, r: &RequestView, alike: Alike) -> Markup {
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let because = match alike {
        Alike::Elder => "double-elder",
        Alike::Phone => "double-phone",
        Alike::Name => "double-name",
    };
    html! {
        li.card {
            (told(ctx, r))
            p.faint { (t(because)) }
            @if may(ctx, Action::RequestHandle) {
                div.toolbar {
                    button.button type="submit" form="intake" name="merge" formnovalidate data-into=(r.id) data-elder=(r.elder_name)
                        data-place=(r.area_code) data-need=(r.category.as_str()) { (t("double-merge")) }
                    a.button href=(format!("/requests/{}", r.id)) target="_blank" { (t("open-request")) }
                }
            }
        }
    }
}

/// The words of a request, since when, and where it stands.
pub(super) fn told(ctx: &Ctx, r: &RequestView) -> Markup {
    let lang = ctx.lang;
    html! {
        p {
            strong { (r.elder_name) " · " (texts::category(lang, r.category)) } " "
            @if r.urgency != Urgency::Normal { (page::badge(Tone::Warn, &texts::urgency(lang, r.urgency))) " " }
            (words::state(lang, r.state)) (words::departed(lang, r))
        }
        p.faint {
            (TEXTS.get(lang, "double-since")) " " (words::moment(ctx, r.received_at)) " · " (r.area_name)
            @if let Some(agency) = &r.agency_name { " · " (agency) }
        }
        @if let Some(note) = &r.note { p { (short(note)) } }
    }
}

fn short(note: &str) -> String {
    let mut text: String = note.chars().take(NOTE_CHARS_MAX).collect();
    if note.chars().count() > NOTE_CHARS_MAX {
        text.push('…');
    }
    text
}
