//! The page of the installation's state: each thing with its verdict, what was measured, and what to do.

use axum::extract::State as AppState;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use sanbao_needs_analysis::ZONE;
use sanbao_platform::http::{Ctx, PageCtx};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Tone, Words, badge, head, notice};
use sanbao_platform::problem::Problem;

use super::{Operated, kept, operates, parked, parked_page};
use crate::check::{Finding, Standing};
use crate::role::Role;
use crate::texts::TEXTS;

pub(super) const PATH: &str = "/admin/installation";

/// The last measure; one of now where there is none, or it is old.
pub(super) async fn shown(PageCtx(ctx): PageCtx, AppState(app): AppState<Operated>) -> Response {
    answer(&app, &ctx, false).await
}

/// The same, measured again.
pub(super) async fn measured(PageCtx(ctx): PageCtx, AppState(app): AppState<Operated>) -> Response {
    answer(&app, &ctx, true).await
}

async fn answer(app: &Operated, ctx: &Ctx, anew: bool) -> Response {
    draw(app, ctx, anew).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw(app: &Operated, ctx: &Ctx, anew: bool) -> Result<Markup, Problem> {
    operates(ctx)?;
    let measured = app.installation.measured(&app.stores, &app.deps.clock, anew).await;
    let lang = ctx.lang;
    let words = Words::new(&TEXTS, lang, ZONE);
    let body = html! {
        h1 { (words.t("state-title")) }
        (verdict(lang, &measured.findings))
        form.toolbar method="post" action=(PATH) {
            span { (words.t("state-measured")) " " (words.time(measured.at)) }
            button.button.primary type="submit" { (words.t("state-again")) }
        }
        (table(lang, &measured.findings))
        p.faint { (words.t("state-from-outside")) }
        (kept::section(&words, &measured.kept))
        h2 { (words.t("parked-title")) }
        p { (words.t("parked-where")) }
        nav.toolbar aria-label=(words.t("parked-places")) {
            @for role in Role::ALL { a.button href=(parked::page_of(*role)) { (words.t(parked_page::name_of(*role))) } }
        }
    };
    Ok(app.deps.frame.page(lang, &words.t("state-title"), Some(&ctx.actor), PATH, &[], &body))
}

/// The whole in one sentence. That something is unknown is said beside that the rest is well.
fn verdict(lang: Lang, findings: &[Finding]) -> Markup {
    let count = |standing| findings.iter().filter(|finding| finding.standing == standing).count();
    let [bad, soon, unknown] = [Standing::Bad, Standing::Soon, Standing::Unknown].map(count);
    let said = |key: &str, count: usize| TEXTS.with(lang, key, &[("count", &count.to_string())]);
    html! {
        @if bad > 0 { (notice(Tone::Bad, &said("state-some-bad", bad))) }
        @else if soon > 0 { (notice(Tone::Warn, &said("state-some-soon", soon))) }
        @else if findings.len() > unknown { (notice(Tone::Ok, &said("state-all-good", findings.len() - unknown))) }
        @if unknown > 0 { (notice(Tone::Plain, &said("state-some-unknown", unknown))) }
    }
}

fn tone(standing: Standing) -> Tone {
    match standing {
        Standing::Good => Tone::Ok,
        Standing::Soon => Tone::Warn,
        Standing::Bad => Tone::Bad,
        Standing::Unknown => Tone::Plain,
    }
}

/// The order of the lines: those that want somebody stand first.
fn rank(finding: &Finding) -> u8 {
    match finding.standing {
        Standing::Bad => 0,
        Standing::Soon => 1,
        Standing::Unknown => 2,
        Standing::Good => 3,
    }
}

fn table(lang: Lang, findings: &[Finding]) -> Markup {
    let heads = ["state-what", "state-standing", "state-said", "state-advice"].map(|key| TEXTS.get(lang, key));
    let [what, standing, said, advice] = &heads;
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| rank(finding));
    html! {
        div.scroll { table.table {
            (head(&heads.each_ref().map(String::as_str)))
            tbody { @for finding in sorted { tr {
                th scope="row" data-label=(what) { (finding.what.text(lang)) }
                td data-label=(standing) { (badge(tone(finding.standing), &TEXTS.get(lang, finding.standing.key()))) }
                td data-label=(said) { (finding.said.text(lang)) }
                td data-label=(advice) { @if let Some(key) = finding.advice { (TEXTS.get(lang, key)) } @else { "—" } }
            } } }
        } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Sentence;

    #[test]
    fn what_is_unknown_is_never_called_good() {
        let of = |standing| Finding { what: "state-clock".into(), standing, said: Sentence::cause(&"x"), advice: None };
        let said = |all: &[Finding]| verdict(Lang::Zh, all).into_string();
        let unknown = said(&[of(Standing::Unknown)]);
        assert!(!unknown.contains("notice ok"), "{unknown}");
        let mixed = said(&[of(Standing::Unknown), of(Standing::Good)]);
        assert!(mixed.contains("notice ok") && mixed.contains("1 项从这里看不到"), "{mixed}");
        let bad = said(&[of(Standing::Bad), of(Standing::Soon), of(Standing::Good)]);
        assert!(bad.contains("notice bad") && !bad.contains("notice ok"), "{bad}");
    }
}
