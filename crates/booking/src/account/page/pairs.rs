//! Records that may be of one person, side by side: to be joined, or to be told apart for good.

use axum::extract::State as AppState;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx, Paging, Query};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Send, Tone, address, badge, count, empty, press};
use sanbao_platform::problem::Problem;

use super::TEXTS;
use crate::App;
use crate::account::input::Sex;
use crate::account::person::field::PersonField;
use crate::account::person::pair::{PairView, api::listed};
use crate::account::person::{PersonView, join};

pub(super) async fn pairs(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Query(paging): Query<Paging>,
) -> Response {
    draw(&app, &ctx, &paging).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw(app: &App, ctx: &Ctx, paging: &Paging) -> Result<Markup, Problem> {
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let found = listed(app, ctx, paging).await?;
    let joined = join::api::lately(app, ctx).await?;
    let next = found.next.as_deref().map(|next| address("/persons/pairs", &[("after", Some(next))]));
    let body = html! {
        h1 { (t("pairs-title")) }
        p { (t("pairs-what")) }
        @if found.items.is_empty() && next.is_none() { (empty(&t("pairs-none"), None)) } @else {
            (count(lang, found.items.len(), next.is_some()))
        }
        @for pair in &found.items { (card(lang, pair)) }
        @if let Some(next) = next { p { a.button href=(next) { (t("pairs-next")) } } }
        @if !joined.is_empty() {
            section aria-labelledby="joined-title" {
                h2 #joined-title { (t("joins-lately")) }
                ul.plain-list { @for person in &joined {
                    li { a href=(format!("/persons/{}/joins", person.id)) { (person.name) } }
                } }
            }
        }
    };
    let scripts = ["/static/send.js"];
    Ok(app.deps.frame.page(lang, &t("pairs-title"), Some(&ctx.actor), "/persons/pairs", &scripts, &body))
}

fn card(lang: Lang, pair: &PairView) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let (one, other) = (pair.person.id, pair.other.id);
    let decline = format!("POST /v1/persons/{one}/pairs/{other}/decline");
    let ask = t("pairs-ask-decline");
    html! {
        section.card aria-labelledby=(format!("pair-{one}-{other}")) {
            h2 id=(format!("pair-{one}-{other}")) {
                (pair.person.name) " · " (pair.other.name) " "
                @for sign in &pair.because { (badge(Tone::Info, &t(&format!("pair-sign-{}", sign.as_str())))) " " }
            }
            (table(lang, pair, None))
            div.toolbar {
                a.button href=(format!("/persons/{one}/join/{other}")) { (t("pairs-join")) }
                (press(&format!("decline-{one}-{other}"), "button", Send { confirm: Some(&ask), ..Send::to(&decline) }, &t("pairs-decline")))
            }
        }
    }
}

/// A pair field by field; `choose` adds, to each field in which they differ, a box that takes the other's.
pub(super) fn table(lang: Lang, pair: &PairView, choose: Option<&[PersonField]>) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let heads = if choose.is_some() { ["join-stays", "join-goes"] } else { ["pairs-older", "pairs-younger"] };
    html! {
        div.scroll { table.table.keep.compare {
            thead { tr {
                th scope="col" { (t("pairs-field")) }
                @for head in heads { th scope="col" { (t(head)) } }
            } }
            tbody { @for field in PersonField::ALL {
                @let differs = pair.differing.contains(field);
                tr {
                    th scope="row" {
                        (t(&format!("pair-field-{}", field.as_str())))
                        @if differs { " " (badge(Tone::Warn, &t("pairs-differ"))) }
                    }
                    td { (value(lang, &pair.person, *field)) }
                    td {
                        (value(lang, &pair.other, *field))
                        @if choose.is_some_and(|fields| fields.contains(field)) {
                            br;
                            label { input type="checkbox" name="take" value=(field.as_str()) data-list; " " (t("join-take")) }
                        }
                    }
                }
            } }
        } }
    }
}

/// A field as it is shown: masked where the whole is not needed.
fn value(lang: Lang, person: &PersonView, field: PersonField) -> String {
    let text = match field {
        PersonField::Name => Some(person.name.clone()),
        PersonField::Sex => {
            Some(person.sex).filter(|s| *s != Sex::Unknown).map(|s| TEXTS.get(lang, &format!("sex-{}", s.as_str())))
        }
        PersonField::BirthDate => person.birth_date.map(|date| date.to_string()),
        PersonField::NationalId if person.national_id_unreadable => Some(TEXTS.get(lang, "unreadable")),
        PersonField::NationalId => person.national_id.clone(),
        PersonField::Paper => other_paper(lang, person),
        PersonField::Phone => person.phone.clone(),
        PersonField::Address => person.address.clone(),
        PersonField::AreaCode => person.area_code.clone(),
        PersonField::GuardianName => person.guardian_name.clone(),
        PersonField::GuardianPhone => person.guardian_phone.clone(),
    };
    text.unwrap_or_else(|| "—".to_owned())
}

/// The paper that is no resident id, by its kind and its mask.
pub(super) fn other_paper(lang: Lang, person: &PersonView) -> Option<String> {
    let paper = person.papers.iter().find(|paper| !paper.kind.is_resident_id())?;
    let kind = TEXTS.get(lang, &format!("paper-{}", paper.kind.as_str()));
    Some(format!("{kind} {}", paper.number.as_deref().unwrap_or_default()).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::person::pair::PairSign;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let fields = PersonField::ALL.iter().map(|field| format!("pair-field-{}", field.as_str()));
        let signs = PairSign::ALL.iter().map(|sign| format!("pair-sign-{}", sign.as_str()));
        assert_eq!(TEXTS.lacking(fields.chain(signs)), [""; 0]);
    }
}
