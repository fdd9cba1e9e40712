//! Legal holds on a person's page, and the button that erases somebody.

use maud::{Markup, html};
use sanbao_platform::http::Ctx;
use sanbao_platform::page::{Choice, Errors, Field, Select, Send, Tone, Words, badge, form, notice};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use crate::App;
use crate::account::person::PersonStateName;
use crate::account::person::erasure::ErasureCause;
use crate::account::person::hold::{self, HoldView};
use crate::account::person::sheet::{PersonSheet, PersonStanding};

/// The part of the page of a person; nothing where no hold was ever set and the reader may set none.
pub(super) async fn part(app: &App, ctx: &Ctx, words: Words, sheet: &PersonSheet) -> Result<Markup, Problem> {
    let holds = hold::listed(app, ctx, sheet.person.id).await?;
    let may = sheet.keeps == Decision::Allow;
    // A record that was handed over is held, not erased: that is asked for of the living one.
    let erases = may && sheet.standing != PersonStanding::Former;
    if holds.is_empty() && !may {
        return Ok(Markup::default());
    }
    let standing = holds.iter().any(|hold| hold.lifted_at.is_none());
    let own = holds.iter().any(|hold| hold.own && hold.lifted_at.is_none());
    Ok(html! {
        section.card #holds aria-labelledby="holds-title" {
            h2 #holds-title { (words.t("hold-title")) }
            @if standing { (notice(Tone::Warn, &words.t("hold-stands"))) }
            @if holds.is_empty() { p.faint { (words.t("hold-none")) } }
            ul.plain-list { @for hold in &holds { li { (line(words, hold)) } } }
            @if may { (reasoned(words, sheet, own)) }
        }
        @if erases && !standing && sheet.person.state != PersonStateName::Registered { (erase(words, sheet)) }
    })
}

fn line(words: Words, hold: &HoldView) -> Markup {
    let stands = hold.lifted_at.is_none();
    html! {
        p {
            (hold.organisation) " "
            @if stands { (badge(Tone::Warn, &words.t("hold-standing"))) } @else { (badge(Tone::Plain, &words.t("hold-lifted"))) }
            @if let Some(reason) = &hold.reason { " " (reason) }
        }
        p.faint {
            (words.time(hold.set_at)) " " (hold.set_by.as_deref().unwrap_or_default())
            @if let Some(at) = hold.lifted_at {
                " · " (words.t("hold-lifted")) " " (words.time(at)) " " (hold.lift_reason.as_deref().unwrap_or_default())
            }
        }
    }
}

/// The form that sets the organisation's hold, or lifts it.
fn reasoned(words: Words, sheet: &PersonSheet, own: bool) -> Markup {
    let (call, id, key) = if own { ("lift-hold", "lift-hold", "hold-lift") } else { ("hold", "set-hold", "hold-set") };
    let (reason, call) = (words.t("hold-reason"), format!("POST /v1/persons/{}/{call}", sheet.person.id));
    let field = Field { name: "reason", label: &reason, required: true, chars_max: 200, ..Field::default() };
    let fields = html! {
        p.help { (words.t("hold-what")) }
        (field.draw(words.lang, &Errors::default()))
        button.button type="submit" { (words.t(key)) }
    };
    html! { details { summary { (words.t(key)) } (form(words.lang, Some(id), "stack", Send::to(&call), &fields)) } }
}

fn erase(words: Words, sheet: &PersonSheet) -> Markup {
    let choice = |cause: &ErasureCause| Choice {
        value: cause.as_str().to_owned(),
        words: words.t(&format!("erase-{}", cause.as_str())),
        chosen: false,
    };
    let (cause, ask) = (words.t("erase-cause"), words.t("erase-ask"));
    let choices: Vec<_> = ErasureCause::ALL.iter().map(choice).collect();
    let fields = html! {
        p.help { (words.t("erase-what")) }
        (Select { name: "cause", label: &cause, required: true, ..Select::default() }.draw(&choices))
        button.button.danger type="submit" { (words.t("erase-do")) }
    };
    let call = format!("POST /v1/persons/{}/erase", sheet.person.id);
    let send = Send { confirm: Some(&ask), then: Some("/persons"), ..Send::to(&call) };
    html! {
        details.card {
            summary { (words.t("erase-title")) }
            (form(words.lang, Some("erase"), "stack", send, &fields))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::page::TEXTS;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let causes = ErasureCause::ALL.iter().map(|cause| format!("erase-{}", cause.as_str()));
        assert_eq!(TEXTS.lacking(causes), [""; 0]);
    }
}
