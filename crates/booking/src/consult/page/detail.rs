//! One consult: where it stands, what to do next, the case, the opinion, the history.

use axum::extract::State as AppState;
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx, Path, Query};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::Age;
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::again::again;
use super::door::{door, expected};
use super::fetch::fetching;
use super::history::history;
use super::overbook::overbooked;
use super::sheet::{Sheet, may_enter, sheet};
use super::{
    badge, forms, late, meeting as spoken, name_or_erased, near, paper, readable, record, styles, t, urgency_badge,
    words,
};
use crate::App;
use crate::consult::id::ConsultId;
use crate::consult::meeting::{self, Absent, MeetingView};
use crate::consult::model::Consult;
use crate::consult::policy::ConsultRelation;
use crate::consult::state::{ConsultStateName, ConsultStepName};
use crate::consult::timing::is_due;
use crate::consult::view::actions;

/// Nobody tells when somebody is absent; a page that waits for it asks so often.
const REREAD_SECONDS: u32 = 60;

/// The parts that a reader wants to see beside the consult.
#[derive(Debug, Deserialize)]
pub(super) struct ConsultPageQuery {
    /// The times of other doctors, where the key is there, whatever it says.
    #[serde(default)]
    colleague: Option<String>,
}

/// `GET /consults/{id}`; each read is audited.
pub(super) async fn consult_page(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Path(id): Path<ConsultId>,
    Query(asked): Query<ConsultPageQuery>,
) -> Result<Markup, Problem> {
    let sheet = sheet(&mut app.deps.db.read().await?, ctx, id, asked.colleague.is_some()).await?;
    let lang = sheet.ctx.lang;
    let name = name_or_erased(lang, &sheet.consult.about(&sheet.ctx.shows).name);
    let title = format!("{name} · {}", t(lang, "consult"));
    let scripts =
        ["/static/live.js", "/static/send.js", "/static/booking/consult-page.js", "/static/booking/consult-opinion.js"];
    Ok(app.deps.frame.page(lang, &title, Some(&sheet.ctx.actor), "/consults", &scripts, &body(lang, &sheet)))
}

fn body(lang: Lang, sheet: &Sheet) -> Markup {
    let (consult, zone) = (&sheet.consult, sheet.consult.zone_of(&sheet.ctx.actor));
    let writes = sheet.can("save_opinion");
    html! {
        (styles())
        p { a href="/consults" { "← " (t(lang, "consults")) } }
        div #status data-live="/consults/events" data-live-source=(format!("/consults/{}/status", consult.id))
            data-live-seconds=[(consult.state.name() == ConsultStateName::Scheduled).then_some(REREAD_SECONDS)]
            data-changed=(t(lang, "changed-meanwhile")) { (status(&sheet.ctx, consult, (sheet.inviting, sheet.enters), &sheet.actions, &sheet.meeting)) }
        div.columns {
            div.stack {
                @if let Some(o) = sheet.opinion.as_ref().filter(|o| o.signature.is_some()) {
                    (record::opinion(&sheet.ctx, consult, o, sheet.feedback.as_ref()))
                }
                @if writes { (forms::opinion(lang, sheet)) }
                (spoken::absent(lang, sheet))
                (late::conflicts(lang, sheet))
                (forms::next(lang, sheet))
                section.card { (record::case(lang, consult, &sheet.ctx)) }
                (again(lang, sheet))
                (history(lang, zone, sheet))
                p { a href=(format!("/consults/records?resident={}", consult.resident_id)) { (t(lang, "records-of-person")) } }
            }
            div.stack {
                section.card { (record::facts(lang, consult, &sheet.ctx)) }
                (spoken::card(&sheet.ctx, zone, &sheet.meeting))
                (forms::consent(lang, sheet))
                @if sheet.inviting { (forms::guests(lang, sheet)) }
                (spoken::tickets(lang, sheet))
                (paper::papers(lang, consult, sheet.opinion.as_ref().is_some_and(|o| o.signature.is_some())))
                (forms::change(lang, sheet))
            }
        }
    }
}

/// `GET /consults/{id}/status`: the part that follows by itself, alone.
pub(super) async fn status_part(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Path(id): Path<ConsultId>,
) -> Result<Markup, Problem> {
    let mut conn = app.deps.db.read().await?;
    let (consult, specialty) = readable(&mut conn, &ctx, id).await?;
    let actions = actions(&consult, &ctx, specialty.as_deref());
    let inviting = consult.relation(&ctx.actor, specialty.as_deref()) == ConsultRelation::Inviting;
    let meeting = meeting::of(&mut conn, &consult, ctx.now()).await?;
    let meeting = meeting.show(&ctx.shows, &consult);
    let enters = may_enter(&consult, &ctx, specialty.as_deref());
    Ok(html! { div #status { (status(&ctx, &consult, (inviting, enters), &actions, meeting)) } })
}

fn status(
    ctx: &Ctx,
    consult: &Consult,
    (inviting, enters): (bool, bool),
    actions: &[&str],
    meeting: &MeetingView,
) -> Markup {
    let (lang, zone) = (ctx.lang, consult.zone_of(&ctx.actor));
    let state = consult.state.name();
    let side = if inviting { "inviting" } else { "invited" };
    let running = consult
        .state
        .appointment()
        .filter(|_| matches!(state, ConsultStateName::Scheduled | ConsultStateName::InSession));
    let absent = meeting.absent.map_or("", Absent::as_str);
    let due = [ConsultStepName::Finish, ConsultStepName::NoShow].map(|step| is_due(&consult.state, step, ctx.now()));
    html! {
        div data-state=(format!("{}-{}-{absent}-{}-{}", state, consult.has_consent, due[0], due[1])) data-can-sign[actions.contains(&"sign")] {
            div.spread { h1 { (name_or_erased(lang, &consult.about(&ctx.shows).name)) } span { (badge(lang, state)) (urgency_badge(lang, consult.urgency)) (overbooked(lang, running)) } }
            p.strong { (t(lang, &format!("next-{side}-{state}"))) }
            @if let Some(note) = consult.state.note() { p.notice.warn { (note) } }
            @if let Some(a) = running {
                @let is_late = state == ConsultStateName::Scheduled && a.delay_minutes > 0;
                p.big {
                    @if is_late { (expected(words(lang, zone), a, &near(ctx, zone, a.expected_at()))) }
                    @else { (near(ctx, zone, a.interval.starts_at())) }
                }
                @if state == ConsultStateName::Scheduled { p.faint { (words(lang, zone).age(Age::Left, a.expected_at(), ctx.now())) } }
                (spoken::inside(lang, meeting))
                @if inviting && state == ConsultStateName::Scheduled { div.toolbar { (fetching(ctx, consult)) } }
                @if enters { p { (door(lang, consult, ctx.now(), "enter-room")) } }
            }
        }
    }
}
