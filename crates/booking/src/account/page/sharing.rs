//! Consents to keep and to hand over, on a person's page: asked where nobody has asked yet, listed, and withdrawn.

use maud::{Markup, html};
use sanbao_platform::http::Ctx;
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Choice, Errors, Field, Select, Send, Tone, Words, badge, form, notice, press};
use sanbao_platform::problem::Problem;
use sanbao_platform::text_enum::TextEnum;

use super::TEXTS;
use crate::App;
use crate::account::id::PersonId;
use crate::account::person::sharing::{SharingConsentView, SharingScope, SharingStateName, api};
use crate::account::person::sheet::PersonSheet;
use crate::account::person::transfer::{AgreementBy, AgreementHow};

/// The part of the page of a person.
pub(super) async fn part(app: &App, ctx: &Ctx, words: Words, sheet: &PersonSheet) -> Result<Markup, Problem> {
    let consents = api::listed(app, ctx, sheet.person.id).await?;
    let may_give = !sheet.actions.is_empty();
    let asked = |scope: SharingScope| consents.iter().any(|consent| consent.scope == scope);
    let unasked = SharingScope::ALL.iter().any(|scope| !asked(*scope));
    Ok(html! {
        section.card #sharing aria-labelledby="sharing-title" {
            h2 #sharing-title { (words.t("sharing-title")) }
            @if unasked && may_give { (notice(Tone::Warn, &words.t("sharing-unasked"))) }
            @if consents.is_empty() { p.faint { (words.t("sharing-none")) } }
            ul.plain-list { @for consent in &consents { li { (line(words, consent)) } } }
            @if may_give {
                details open[consents.is_empty()] {
                    summary { (words.t("sharing-give")) }
                    (give(words.lang, sheet.person.id))
                }
            }
        }
    })
}

fn line(words: Words, consent: &SharingConsentView) -> Markup {
    let by = words.t(&format!("agreement-by-{}", consent.given_by.as_str()));
    let how = words.t(&format!("agreement-how-{}", consent.told.as_str()));
    let day = words.day(consent.given_on);
    let of = [("by", &*by), ("name", &*consent.given_name), ("how", &*how), ("day", &*day)];
    let tone = if consent.state == SharingStateName::Given { Tone::Ok } else { Tone::Plain };
    html! {
        p {
            (words.t(&format!("sharing-{}", consent.scope.as_str()))) " "
            (badge(tone, &words.t(&format!("sharing-{}", consent.state.as_str()))))
        }
        p.faint {
            (words.with("transfer-agreed", &of))
            @if let Some(with) = &consent.shared_with { " · " (words.t("sharing-with")) " " (with) }
            @if let Some(name) = &consent.recorded_by_name { " · " (words.with("sharing-by", &[("name", name)])) }
            @if let Some(at) = consent.withdrawn_at { " · " (words.t("sharing-withdrawn")) " " (words.time(at)) }
        }
        @for step in &consent.actions {
            @let call = format!("POST /v1/sharing-consents/{}/{}", consent.id, step.as_str());
            @let ask = words.t(&format!("sharing-ask-{}", consent.scope.as_str()));
            (press(&format!("withdraw-{}", consent.id), "button", Send { confirm: Some(&ask), ..Send::step(&call, consent.version) }, &words.t("sharing-withdraw")))
        }
    }
}

fn choices<T: TextEnum>(lang: Lang, of: &str) -> Vec<Choice> {
    let choice = |value: &T| Choice {
        value: value.as_str().to_owned(),
        words: TEXTS.get(lang, &format!("{of}-{}", value.as_str())),
        chosen: false,
    };
    T::ALL.iter().map(choice).collect()
}

fn give(lang: Lang, person: PersonId) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let [scope, with, by, name, told, on] =
        ["sharing-scope", "sharing-with", "agreement-by", "agreement-name", "agreement-how", "agreement-on"].map(t);
    let select = |name, id, label| Select { name, id, label, required: true, ..Select::default() };
    let name_field = Field {
        name: "given_name",
        id: "sharing-name",
        label: &name,
        required: true,
        chars_max: 40,
        ..Field::default()
    };
    let on_field =
        Field { name: "given_on", id: "sharing-on", label: &on, kind: "date", required: true, ..Field::default() };
    let with_field =
        Field { name: "shared_with", id: "sharing-with", label: &with, chars_max: 100, ..Field::default() };
    let fields = html! {
        p.help { (t("sharing-what")) }
        (select("scope", "sharing-scope", &scope).draw(&choices::<SharingScope>(lang, "sharing")))
        (with_field.draw(lang, &Errors::default()))
        (select("given_by", "sharing-by", &by).draw(&choices::<AgreementBy>(lang, "agreement-by")))
        (name_field.draw(lang, &Errors::default()))
        (select("told", "sharing-told", &told).draw(&choices::<AgreementHow>(lang, "agreement-how")))
        (on_field.draw(lang, &Errors::default()))
        button.button type="submit" { (t("sharing-save")) }
    };
    form(lang, Some("give"), "stack", Send::to(&format!("POST /v1/persons/{person}/sharing-consents")), &fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let scopes = SharingScope::ALL.iter();
        let scopes = scopes.flat_map(|s| [format!("sharing-{}", s.as_str()), format!("sharing-ask-{}", s.as_str())]);
        let states = SharingStateName::ALL.iter().map(|state| format!("sharing-{}", state.as_str()));
        assert_eq!(TEXTS.lacking(scopes.chain(states)), [""; 0]);
    }
}
