//! The records: consults looked for by person, doctor, state and period, the newest first.

use axum::Form;
use axum::extract::State as AppState;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, Page, PageCtx, Query};
use sanbao_platform::page::{self, Errors, Field, Pager, Select, Tone};
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::{TEXTS, age, badge, name_or_erased, short, t, words};
use crate::App;
use crate::account::organisation;
use crate::consult::api::side;
use crate::consult::model::Consult;
use crate::consult::records::{self, RecordForm, RecordQuery, RecordSearch, TYPED_CHARS_MAX};
use crate::consult::state::ConsultStateName;
use crate::consult::store::Side;

/// Rows of a page: a screen and a half of a desktop.
const ROWS: i64 = 30;
const FORM: &str = "filters";
const PATH: &str = "/consults/records";

/// The part of a search that may stand in an address: no word that somebody typed.
#[derive(Debug, Deserialize)]
pub(super) struct RecordLink {
    #[serde(default)]
    resident: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    until: String,
}

/// `GET /consults/records`
pub(super) async fn records(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Query(link): Query<RecordLink>,
) -> Response {
    let RecordLink { resident, state, until } = link;
    let form = RecordForm { state, until, resident, ..RecordForm::default() };
    draw(&app, &ctx, &form).await.unwrap_or_else(Problem::into_response)
}

/// The same by what was filled in: a name stands in no address.
pub(super) async fn found(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Form(form): Form<RecordForm>,
) -> Response {
    draw(&app, &ctx, &form).await.unwrap_or_else(Problem::into_response)
}

/// The rows of an answer, and what is to be said above them.
#[derive(Default)]
struct Found {
    rows: Option<Page<Consult>>,
    /// Whether more people, or more doctors, have the name than were looked for.
    more_persons: bool,
    more_doctors: bool,
}

async fn draw(app: &App, ctx: &Ctx, form: &RecordForm) -> Result<Response, Problem> {
    let side = side(&ctx.actor)?;
    let zone = organisation::own(&mut app.deps.db.read().await?, ctx).await?.zone();
    let (found, problem) = match form.asked(zone, ctx.now()) {
        Ok(asked) => (search(app, ctx, side, &asked).await?, None),
        Err(problem) => (Found::default(), Some(problem)),
    };
    let lang = ctx.lang;
    let errors = problem.as_ref().map(|problem| Errors::of(problem, lang)).unwrap_or_default();
    let reader = Reader { ctx, side, zone, form };
    let title = t(lang, "records");
    let body = html! {
        p { a href="/consults" { "← " (t(lang, "consults")) } }
        h1 { (title) }
        (errors.summary())
        (reader.filters(&errors))
        (reader.found(&found))
    };
    let page = app.deps.frame.page(lang, &title, Some(&ctx.actor), "/consults", &[], &body);
    Ok(match problem {
        Some(problem) => (problem.status(), page).into_response(),
        None => page.into_response(),
    })
}

async fn search(app: &App, ctx: &Ctx, side: Side, asked: &RecordQuery) -> Result<Found, Problem> {
    let (mut conn, actor) = (app.deps.db.read().await?, &ctx.actor);
    let mut found = Found::default();
    let persons = match (&asked.resident, asked.person.as_str()) {
        (Some(resident), _) => Some(records::records_of(&mut conn, *resident).await?),
        (None, "") => None,
        (None, typed) => {
            let named = records::persons_named(&mut conn, actor, side, typed).await?;
            found.more_persons = named.more;
            Some(named.ids)
        }
    };
    let doctors = match asked.doctor.as_str() {
        "" => None,
        typed => {
            let named = records::doctors_named(&mut conn, actor, side, typed).await?;
            found.more_doctors = named.more;
            Some(named.ids)
        }
    };
    let RecordQuery { state, from, until, after, .. } = *asked;
    let wanted = RecordSearch { persons, doctors, state, from, until, after, limit: ROWS };
    found.rows = Some(records::search(&mut conn, actor, side, &wanted).await?);
    Ok(found)
}

/// The page as its reader sees it.
struct Reader<'a> {
    ctx: &'a Ctx,
    side: Side,
    zone: Tz,
    form: &'a RecordForm,
}

impl Reader<'_> {
    fn t(&self, key: &str) -> String {
        t(self.ctx.lang, key)
    }

    fn filters(&self, errors: &Errors) -> Markup {
        let (lang, form) = (self.ctx.lang, self.form);
        let [person, doctor, state, all, from, until, help] = [
            "records-person",
            "records-doctor",
            "state",
            "records-any-state",
            "records-from",
            "records-until",
            "records-name-help",
        ]
        .map(|key| self.t(key));
        let text = |name, label: &str, kind, value: &str, help| {
            Field { name, label, kind, value, help, chars_max: TYPED_CHARS_MAX, ..Field::default() }.draw(lang, errors)
        };
        let states =
            ConsultStateName::ALL.iter().filter(|s| self.side == Side::Inviting || **s != ConsultStateName::Draft);
        let states: Vec<_> =
            states.map(|s| page::pick(s, self.t(&format!("state-{s}")), form.state == s.as_str())).collect();
        let fields = html! {
            @if form.resident.is_empty() { (text("person", &person, "search", &form.person, Some(help.as_str()))) }
            @else { input type="hidden" name="resident" value=(form.resident); }
            @if self.side != Side::Doctor { (text("doctor", &doctor, "search", &form.doctor, Some(help.as_str()))) }
            (Select { name: "state", label: &state, none: Some(&all), ..Select::default() }.draw(&states))
            (text("from", &from, "date", &form.from, None))
            (text("until", &until, "date", &form.until, None))
        };
        page::filters(FORM, PATH, &self.t("records-search"), &fields)
    }

    fn found(&self, found: &Found) -> Markup {
        let Some(rows) = &found.rows else { return html! {} };
        let lang = self.ctx.lang;
        let at = Pager { form: FORM, later: !self.form.after.is_empty(), next: rows.next.as_deref() };
        html! {
            @if !self.form.resident.is_empty() {
                p { span.strong { (self.of_one(&rows.items)) } " " a href=(PATH) { (self.t("records-of-all")) } }
            }
            @if found.more_persons { (page::notice(Tone::Warn, &self.t("records-more-persons"))) }
            @if found.more_doctors { (page::notice(Tone::Warn, &self.t("records-more-doctors"))) }
            @if rows.items.is_empty() { (page::empty(&self.t(self.none()), None)) }
            @else {
                (page::count_of_page(lang, rows.items.len(), at))
                (self.table(&rows.items))
            }
            (page::pager(lang, at))
        }
    }

    /// The person of whom all of them are, by name as far as one of the rows tells it.
    fn of_one(&self, consults: &[Consult]) -> String {
        let name = consults.first().map(|consult| consult.about(&self.ctx.shows).name.as_str()).unwrap_or_default();
        match name {
            "" => self.t("records-of-one"),
            name => TEXTS.with(self.ctx.lang, "records-of-one-named", &[("name", name)]),
        }
    }

    /// The key of the words for no consult.
    fn none(&self) -> &'static str {
        match self.form {
            asked if asked.is_plain() => "records-none",
            asked if asked.asks_for_one() => "records-none-of-one",
            _ => "records-none-found",
        }
    }

    fn table(&self, consults: &[Consult]) -> Markup {
        let heads = ["time", "resident", self.other(), "part-reason", "state"].map(|key| self.t(key));
        html! {
            div.scroll { table.table {
                (page::head(&heads.each_ref().map(String::as_str)))
                tbody { @for consult in consults { (self.row(consult, &heads)) } }
            } }
        }
    }

    /// The key of the other side's name.
    fn other(&self) -> &'static str {
        if self.side == Side::Inviting { "invited-side" } else { "inviting-side" }
    }

    fn row(&self, consult: &Consult, [time, resident, other, reason, state]: &[String; 5]) -> Markup {
        let (lang, now) = (self.ctx.lang, self.ctx.now());
        let about = consult.about(&self.ctx.shows);
        let side = if self.side == Side::Inviting { &consult.invited } else { &consult.inviting };
        html! {
            tr {
                td data-label=(time) { (self.when(consult, now)) }
                th scope="row" data-label=(resident) {
                    a href=(format!("/consults/{}", consult.id)) { (name_or_erased(lang, &about.name)) }
                    @if let Some(born) = about.birth_date { " " span.faint { (t(lang, &format!("sex-{}", about.sex))) " " (age(born, now)) } }
                }
                td data-label=(other) {
                    (side.name(lang))
                    @if let Some(doctor) = &consult.doctor_name { " · " (doctor) }
                }
                td data-label=(reason) { (short(&about.reason)) }
                td data-label=(state) { (badge(lang, consult.state.name())) }
            }
        }
    }

    /// When it is or was; of what was never booked, since when it was wanted.
    fn when(&self, consult: &Consult, now: DateTime<Utc>) -> Markup {
        let words = words(self.ctx.lang, self.zone);
        html! {
            @match consult.state.appointment() {
                Some(a) => (words.near(a.interval.starts_at(), now)),
                None => { span.faint { (self.t("records-wanted")) } " " (words.near(consult.wanted.0, now)) }
            }
        }
    }
}
