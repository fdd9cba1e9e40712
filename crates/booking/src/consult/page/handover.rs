//! The hand-over of a shift (交接班): what is open now, with the words of the one who goes; and what was handed over before, each
//! on one page of paper.

use axum::extract::State as AppState;
use maud::{Markup, html};
use sanbao_platform::db::Conn;
use sanbao_platform::http::{Ctx, Page, PageCtx, Paging, Path, Query};
use sanbao_platform::page::{self, Errors, Field, Send, Tone, Words, area};
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::{styles, t, urgency_badge, words};
use crate::App;
use crate::account::organisation;
use crate::consult::handover::{
    self, HandoverAction, HandoverFacts, HandoverSide, ShiftHandoverLine, ShiftHandoverView, WORDS_CHARS_MAX,
};
use crate::consult::id::{ConsultId, ShiftHandoverId};
use crate::consult::state::ConsultStateName;

const PATH: &str = "/consults/handover";
const HEADS: [&str; 5] = ["time", "resident", "handover-with", "handover-waiting", "handover-promised"];
/// Hand-overs of a page.
const ROWS: i64 = 30;
/// A hand-over that nobody has taken is pointed out for so long.
const WAITS_HOURS: i64 = 24;
/// Characters of the hash that stand on paper.
const CODE_CHARS: usize = 16;

/// Where the list of the past begins.
#[derive(Debug, Deserialize)]
pub(super) struct HandoverQuery {
    after: Option<String>,
}

/// `GET /consults/handover`
pub(super) async fn handovers(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Query(query): Query<HandoverQuery>,
) -> Result<Markup, Problem> {
    let mut conn = app.deps.db.read().await?;
    let open = handover::open_now(&mut conn, &ctx).await?;
    let before = Paging { after: query.after, limit: None }.after()?;
    let past = handover::list(&mut conn, &ctx, open.side, before, ROWS + 1).await?;
    let past = Page::of(past, ROWS, |handover| (handover.signed_at, handover.id));
    let words = words(ctx.lang, organisation::own(&mut conn, &ctx).await?.zone());
    let (waits, title) = (waiting(&ctx, &mut conn, words).await?, words.t("handover"));
    let items: Vec<_> = open.items.iter().map(|(id, facts)| (*id, facts)).collect();
    let body = html! {
        (styles())
        p { a href="/consults" { "← " (words.t("consults")) } }
        h1 { (title) }
        (waits)
        section aria-labelledby="now" {
            h2 #now { (words.t("handover-now")) }
            (sheet(words, open.side, &items))
            (beside(words, open.later_count, open.is_cut))
            (form(words, open.version()))
        }
        (list(words, &past))
    };
    Ok(app.deps.frame.page(ctx.lang, &title, Some(&ctx.actor), "/consults", &["/static/send.js"], &body))
}

/// The hand-over of a colleague that waits for the reader, or nothing.
pub(super) async fn waiting(ctx: &Ctx, conn: &mut Conn, words: Words) -> Result<Markup, Problem> {
    let Ok(side) = handover::side_of(&ctx.actor) else { return Ok(Markup::default()) };
    let since = ctx.now() - chrono::Duration::hours(WAITS_HOURS);
    let found = handover::waits(conn, ctx, side, since).await?;
    Ok(html! {
        @if let Some((id, name, at)) = found {
            p.notice.info {
                (words.with("handover-waits", &[("name", &name), ("time", &words.near_text(at, ctx.now()))])) " "
                a href=(format!("{PATH}/{id}")) { (words.t("handover-read")) }
            }
        }
    })
}

fn form(words: Words, version: i64) -> Markup {
    let [label, help, ask, done] =
        ["handover-words", "handover-words-help", "handover-ask-sign", "handover-done"].map(|key| words.t(key));
    let field = Field { help: Some(&help), ..area("words", &label, 4, WORDS_CHARS_MAX) };
    let then = format!("{PATH}/{{id}}");
    let send = Send {
        confirm: Some(&ask),
        done: Some(&done),
        then: Some(&then),
        ..Send::step("POST /v1/shift-handovers", version)
    };
    let fields = html! {
        (field.draw(words.lang, &Errors::default()))
        button.button.primary type="submit" { (words.t("handover-sign")) }
    };
    page::form(words.lang, Some("handover-form"), "stack", send, &fields)
}

/// Notes on what is open and stands in no row.
fn beside(words: Words, later_count: i32, is_cut: bool) -> Markup {
    html! {
        @if later_count > 0 { p.faint { (words.with("handover-later", &[("count", &later_count.to_string())])) } }
        @if is_cut { p.faint { (words.t("handover-cut")) } }
    }
}

fn list(words: Words, past: &Page<handover::ShiftHandover>) -> Markup {
    let heads = ["handover-at", "handover-by", "handover-taken-by", "handover-count"].map(|key| words.t(key));
    html! {
        section aria-labelledby="past" {
            h2 #past { (words.t("handover-past")) }
            @if past.items.is_empty() { (page::empty(&words.t("handover-past-none"), None)) }
            @else {
                (page::count(words.lang, past.items.len(), past.next.is_some()))
                div.scroll { table.table {
                    (page::head(&heads.each_ref().map(String::as_str)))
                    tbody { @for one in &past.items { tr {
                        th scope="row" { a href=(format!("{PATH}/{}", one.id)) { (words.when(one.signed_at)) } }
                        td data-label=(heads[1]) { (one.written_by_name) }
                        td data-label=(heads[2]) { (taken(words, one.taken_by_name.as_deref())) }
                        td data-label=(heads[3]) { (one.item_count) }
                    } } }
                } }
                @if let Some(next) = &past.next {
                    p { a.button href=(page::address(PATH, &[("after", Some(next))])) { (words.t("handover-older")) } }
                }
            }
        }
    }
}

fn taken(words: Words, name: Option<&str>) -> Markup {
    html! {
        @match name {
            Some(name) => { (name) },
            None => { (page::badge(Tone::Warn, &words.t("handover-not-taken"))) }
        }
    }
}

/// `GET /consults/handover/{id}`
pub(super) async fn handed_over(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Path(id): Path<ShiftHandoverId>,
) -> Result<Markup, Problem> {
    let mut conn = app.deps.db.read().await?;
    let found = handover::load(&mut conn, &ctx, id, HandoverAction::Read).await?;
    let view = ShiftHandoverView::of(&mut conn, &ctx, &found).await?;
    let own = organisation::own(&mut conn, &ctx).await?;
    let words = words(ctx.lang, own.zone());
    let (title, line) = (words.t("handover-sheet"), &view.line);
    let items: Vec<_> = view.items.iter().map(|item| (item.id, &item.facts)).collect();
    let body = html! {
        (styles())
        div.toolbar {
            a.button href=(PATH) { "← " (words.t("handover")) }
            button.button type="button" data-action="print" { (words.t("print")) }
            @if line.may_take { (take(words, line)) }
        }
        @if line.taken_at.is_none() && !line.may_take { (page::notice(Tone::Info, &words.t("handover-own"))) }
        section.paper {
            h1 { (title) }
            p { (ctx.lang.pick(&own.name_zh, &own.name_en)) " · " (words.when(line.signed_at)) }
            (signatures(words, line))
            h2 { (words.t("handover-words-said")) }
            @if view.words.is_empty() { p { "—" } } @else { p.lines { (view.words) } }
            h2 { (words.t("handover-open-then")) }
            (sheet(words, line.side, &items))
            (beside(words, line.later_count, line.is_cut))
            (proof(words, &view))
        }
    };
    Ok(app.deps.frame.page(ctx.lang, &title, Some(&ctx.actor), "/consults", &["/static/send.js"], &body))
}

fn take(words: Words, line: &ShiftHandoverLine) -> Markup {
    let call = format!("POST /v1/shift-handovers/{}/take", line.id);
    let (ask, done) = (words.t("handover-ask-take"), words.t("handover-taken"));
    let send = Send { confirm: Some(&ask), done: Some(&done), ..Send::step(&call, 1) };
    page::press("take", "button primary", send, &words.t("handover-take"))
}

/// Names of those who go and come; lines to sign on paper where nobody has come yet.
fn signatures(words: Words, line: &ShiftHandoverLine) -> Markup {
    html! {
        dl.facts {
            dt { (words.t("handover-by")) }
            dd { (line.written_by_name) " · " (words.when(line.signed_at)) }
            dt { (words.t("handover-taken-by")) }
            dd {
                @match (&line.taken_by_name, line.taken_at) {
                    (Some(name), Some(at)) => { (name) " · " (words.when(at)) },
                    _ => { (words.t("handover-not-taken")) span.to-sign {} }
                }
            }
        }
    }
}

fn proof(words: Words, view: &ShiftHandoverView) -> Markup {
    let code: String = view.line.content_hash.chars().take(CODE_CHARS).collect();
    let gone = view.line.item_count - i32::try_from(view.items.len()).unwrap_or(0);
    html! {
        @if gone > 0 { p { (words.with("handover-erased", &[("count", &gone.to_string())])) } }
        p.faint {
            (words.with("handover-code", &[("code", &code)]))
            @match view.is_genuine {
                Some(true) => { " · " (words.t("handover-genuine")) },
                Some(false) => { " · " strong { (words.t("handover-altered")) } },
                None => {}
            }
        }
    }
}

/// The consults in rows: of now, or as they stood.
fn sheet(words: Words, side: HandoverSide, items: &[(ConsultId, &HandoverFacts)]) -> Markup {
    let heads = HEADS.map(|key| words.t(key));
    html! {
        @if items.is_empty() { (page::empty(&words.t("handover-none"), None)) }
        @else {
            (page::count(words.lang, items.len(), false))
            div.scroll { table.table {
                (page::head(&heads.each_ref().map(String::as_str)))
                tbody { @for (id, facts) in items { (row(words, side, &heads, (*id, facts))) } }
            } }
        }
    }
}

fn row(words: Words, side: HandoverSide, heads: &[String; 5], (id, f): (ConsultId, &HandoverFacts)) -> Markup {
    html! {
        tr {
            td data-label=(heads[0]) {
                @match (f.starts_at, f.ends_at) {
                    (Some(from), Some(until)) => { (words.day(from.with_timezone(&words.zone).date_naive())) br; strong { (words.span(from, until)) } },
                    _ => { (words.with("handover-since", &[("time", &words.when(f.state_since))])) }
                }
            }
            th scope="row" {
                a href=(format!("/consults/{id}")) { (f.resident_name) } (urgency_badge(words.lang, f.urgency))
            }
            td data-label=(heads[2]) {
                @if let Some(doctor) = &f.doctor_name { (doctor) " · " }
                (words.lang.pick(&f.other_zh, &f.other_en))
                @if let Some(phone) = &f.other_phone { br; (words.with("day-sheet-phone", &[("phone", phone)])) }
                @if let Some(room) = &f.room_name { br; (room) }
            }
            td data-label=(heads[3]) {
                strong { (words.t(&format!("handover-place-{}", f.place))) } br;
                (t(words.lang, &format!("next-{}-{}", if side == HandoverSide::Inviting { "inviting" } else { "invited" }, f.state)))
            }
            td data-label=(heads[4]) { (promised(words, side, f)) }
        }
    }
}

/// Words on what people were told and what is held for them, and what is amiss with a booked time.
fn promised(words: Words, side: HandoverSide, f: &HandoverFacts) -> Markup {
    let is_ahead = f.state == ConsultStateName::Scheduled;
    let mut lines = Vec::new();
    if let (Some(at), Some(doctor)) = (f.asked_at, &f.asked_doctor_name) {
        lines.push(words.with("handover-held", &[("doctor", doctor), ("time", &words.when(at))]));
    }
    if f.delay_minutes > 0 {
        lines.push(words.with("handover-delay", &[("minutes", &f.delay_minutes.to_string())]));
    }
    if let Some(since) = f.waiting_since {
        lines.push(words.with("handover-inside", &[("time", &words.clock(since))]));
    }
    if is_ahead && !f.has_consent {
        lines.push(words.t("no-consent"));
    }
    match &f.fetcher_name {
        Some(name) => lines.push(words.with("handover-fetch", &[("name", name)])),
        None if is_ahead && side == HandoverSide::Inviting => lines.push(words.t("handover-nobody")),
        None => {}
    }
    if f.starts_at.is_none() {
        lines.push(words.with("handover-before", &[("time", &words.when(f.wanted_until))]));
    }
    html! { @for (n, line) in lines.iter().enumerate() { @if n > 0 { br; } (line) } }
}
