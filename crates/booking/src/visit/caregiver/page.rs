//! The pages of caregivers: an agency's list, and one caregiver with what is known and the week.

use axum::extract::State as AppState;
use axum::routing::get;
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx, Paging, Path, Query, Routes};
use sanbao_platform::moment::Day;
use sanbao_platform::page::{self as kit, Errors, Field, Select, Send, Tone, Words, badge, pick};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::input::LANGUAGES_CHARS_MAX;
use super::model::Profile;
use super::policy::{CaregiverAction, CaregiverRelation, allows};
use super::skill::Skill;
use super::view::{CaregiverHours, CaregiverLine};
use super::{api, store};
use crate::App;
use crate::account::input::Sex;
use crate::account::{AccountId, Areas, area, organisation};
use crate::calendar::week::page::{self as week, WeekOf};
use crate::texts::VISIT as TEXTS;

const SCRIPTS: [&str; 2] = ["/static/send.js", "/static/booking/week.js"];

/// The pages' routes; the script of the week comes with doctors.
pub(super) fn routes() -> Routes<App> {
    Routes::new().page("/caregivers", get(caregivers)).page("/caregivers/{id}", get(caregiver))
}

/// Which day the form of the week begins with.
#[derive(Debug, Deserialize)]
struct DayQuery {
    /// The day whose hours it starts from; today when absent.
    from: Option<Day>,
}

async fn caregivers(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Query(paging): Query<Paging>,
) -> Result<Markup, Problem> {
    let found = api::lines(&mut app.deps.db.read().await?, &ctx, &paging).await?;
    let next = found.next.as_deref().map(|next| kit::address("/caregivers", &[("after", Some(next))]));
    let t = |key: &str| TEXTS.get(ctx.lang, key);
    let skills = |line: &CaregiverLine| {
        let said: Vec<_> = line.skills.iter().map(|skill| t(&format!("skill-{skill}"))).collect();
        said.join(&t("list-join"))
    };
    let heads = ["caregiver-name", "caregiver-skills", "caregiver-hours"].map(t);
    let body = html! {
        h1 { (t("caregivers-title")) }
        p { (t("caregivers-what")) }
        @if found.items.is_empty() { (kit::empty(&t("plan-no-caregivers"), None)) }
        @else {
            (kit::count(ctx.lang, found.items.len(), next.is_some()))
            div.scroll { table.table {
                (kit::head(&heads.each_ref().map(String::as_str)))
                tbody { @for line in &found.items { tr {
                    th scope="row" { a href=(format!("/caregivers/{}", line.id)) { (line.name) } }
                    td data-label=(heads[1]) {
                        @if line.skills.is_empty() { (badge(Tone::Plain, &t("caregiver-unknown"))) } @else { (skills(line)) }
                    }
                    td data-label=(heads[2]) {
                        @if line.has_hours { (t("caregiver-has-hours")) } @else { (badge(Tone::Plain, &t("caregiver-unknown"))) }
                    }
                } } }
            } }
        }
        @if let Some(next) = next { p { a.button href=(next) { (t("caregivers-next")) } } }
    };
    Ok(app.deps.frame.page(ctx.lang, &t("caregivers-title"), Some(&ctx.actor), "/visits", &[], &body))
}

async fn caregiver(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Path(id): Path<AccountId>,
    Query(query): Query<DayQuery>,
) -> Result<Markup, Problem> {
    let mut conn = app.deps.db.read().await?;
    let (agency, one) = api::load(&mut conn, &ctx, id, CaregiverAction::Read).await?;
    let profile = store::find(&mut conn, agency.id, id).await?;
    let weekly = store::weekly(&mut conn, agency.id, id).await?;
    let planned = store::planned(&mut conn, agency.id, id, ctx.now()).await?;
    let own = organisation::find(&mut conn, agency.id).await?.ok_or_else(Problem::not_found)?;
    let (words, today) = (Words::new(&TEXTS, ctx.lang, agency.zone), agency.today(ctx.now()));
    let areas = Areas::of(&mut conn, &own, today).await?;
    let home = match &profile.home_area {
        Some(code) => area::named(&mut conn, code).await?.map_or_else(|| code.clone(), |a| a.name(ctx.lang).to_owned()),
        None => words.t("caregiver-unknown"),
    };
    let writes = allows(&ctx.actor, CaregiverAction::Write, CaregiverRelation::Agency) == Decision::Allow;
    let (call, page) = (format!("PUT /v1/caregivers/{id}/week"), format!("/caregivers/{id}"));
    let of = WeekOf { people: "caregiver", call: &call, page: &page, slot_minutes: None };
    let from = query.from.map_or(today, |day| today.max(*day));
    let outside = CaregiverHours::of(agency.zone, &weekly, planned).outside.len();
    let body = html! {
        @if lists(&ctx) { p { a href="/caregivers" { "← " (words.t("caregivers-title")) } } }
        h1 { (one.name) }
        p { (words.t("caregiver-what")) }
        @if outside > 0 {
            (kit::notice(Tone::Warn, &words.with("caregiver-outside", &[("count", &outside.to_string())])))
        }
        (facts(words, &profile, &home))
        @if writes {
            details.card open[profile.version == 0] {
                summary { (words.t("caregiver-edit")) }
                (form(words, id, &profile, &areas))
            }
        }
        (week::section(week::words(ctx.lang, agency.zone), of, &weekly, from, today, writes))
    };
    Ok(app.deps.frame.page(ctx.lang, &one.name, Some(&ctx.actor), "/visits", &SCRIPTS, &body))
}

/// Whether there is a list for the reader.
fn lists(ctx: &Ctx) -> bool {
    allows(&ctx.actor, CaregiverAction::List, CaregiverRelation::Agency) == Decision::Allow
}

fn facts(words: Words, profile: &Profile, home: &str) -> Markup {
    let unknown = || words.t("caregiver-unknown");
    let sex = profile.sex.map_or_else(unknown, |sex| words.t(&format!("caregiver-sex-{sex}")));
    html! {
        section.card aria-labelledby="facts-title" {
            h2 #facts-title { (words.t("caregiver-facts")) }
            dl.facts {
                dt { (words.t("caregiver-skills")) }
                dd {
                    @if profile.skills.is_empty() { (unknown()) }
                    @else { ul.plain-list { @for (skill, until) in &profile.skills { li {
                        (words.t(&format!("skill-{skill}")))
                        @if let Some(day) = until { " " span.faint { (words.with("skill-until", &[("day", &day.to_string())])) } }
                    } } } }
                }
                dt { (words.t("caregiver-home")) } dd { (home) }
                dt { (words.t("caregiver-languages")) } dd { (profile.languages.clone().unwrap_or_else(unknown)) }
                dt { (words.t("caregiver-sex")) } dd { (sex) }
            }
        }
    }
}

fn form(words: Words, id: AccountId, profile: &Profile, areas: &Areas) -> Markup {
    let (lang, none) = (words.lang, Errors::default());
    let [sex, unknown, languages, languages_help, home] =
        ["caregiver-sex", "caregiver-unknown", "caregiver-languages", "caregiver-languages-help", "caregiver-home"]
            .map(|key| words.t(key));
    let told = [Sex::Female, Sex::Male];
    let sexes = told.map(|s| pick(s.as_str(), words.t(&format!("caregiver-sex-{s}")), profile.sex == Some(s)));
    let spoken = Field { name: "languages", label: &languages, help: Some(&languages_help), ..Field::default() };
    let said = profile.languages.as_deref().unwrap_or_default();
    let fields = html! {
        fieldset {
            legend { (words.t("caregiver-skills")) }
            p.help { (words.t("caregiver-skills-help")) }
            @for skill in Skill::ALL { (tick(words, *skill, profile)) }
        }
        (areas.field_of(lang, "home_area", &home, profile.home_area.as_deref()))
        (Field { value: said, chars_max: LANGUAGES_CHARS_MAX, ..spoken }.draw(lang, &none))
        (Select { name: "sex", label: &sex, none: Some(&unknown), ..Select::default() }.draw(&sexes))
        button.button.primary type="submit" { (words.t("caregiver-save")) }
    };
    let (call, then) = (format!("PUT /v1/caregivers/{id}"), format!("/caregivers/{id}"));
    kit::form(lang, None, "stack", Send { then: Some(&then), ..Send::step(&call, profile.version) }, &fields)
}

/// A skill: whether it is there, and its last day.
fn tick(words: Words, skill: Skill, profile: &Profile) -> Markup {
    let (name, held) = (words.t(&format!("skill-{skill}")), profile.skills.get(&skill));
    let until = held.copied().flatten().map(|day| day.to_string());
    let label = words.with("skill-until-of", &[("skill", &name)]);
    html! {
        div.toolbar {
            label.choice {
                input type="checkbox" name="skills" value=(skill) data-list checked[held.is_some()];
                span { (name) }
            }
            input type="date" name=(format!("valid_until.{skill}")) value=[until] aria-label=(label);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visit::caregiver::Misfit;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let skills = Skill::ALL.iter().map(|s| format!("skill-{s}"));
        let doubts = Misfit::ALL.iter().map(|d| format!("doubt-{d}"));
        let sexes = Sex::ALL.iter().map(|s| format!("caregiver-sex-{s}"));
        assert_eq!(TEXTS.lacking(skills.chain(doubts).chain(sexes)), [""; 0]);
    }
}
