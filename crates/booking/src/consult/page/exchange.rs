//! The form by which a consult takes the time of another one, which takes its own.

use maud::{Markup, html};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Select};

use super::sheet::Sheet;
use super::{TEXTS, t, words};
use crate::consult::exchange::OFFERED_MAX;
use crate::consult::model::Consult;

/// The other one and its time; the value is `id|version`. Nothing where there is no other one.
pub(super) fn form(lang: Lang, sheet: &Sheet) -> Markup {
    html! {
        @if !sheet.partners.is_empty() {
            details #ask-exchange { summary { (t(lang, "do-exchange")) } (choice(lang, sheet)) }
        }
    }
}

fn choice(lang: Lang, sheet: &Sheet) -> Markup {
    let zone = sheet.consult.zone_of(&sheet.ctx.actor);
    let others = sheet.partners.iter().take(OFFERED_MAX);
    let others: Vec<_> = others
        .map(|other| page::pick(format!("{}|{}", other.id, other.version), said(lang, sheet, other), false))
        .collect();
    let (label, help) = (t(lang, "exchange-with"), t(lang, "exchange-help"));
    let with = Select { name: "with", id: "exchange-with", label: &label, help: Some(&help), ..Select::default() };
    html! {
        form #exchange.stack method="post" novalidate data-exchange data-zone=(zone.name())
            data-conflicts=(t(lang, "exchange-conflicts")) data-confirm=(t(lang, "ask-exchange"))
            data-send=(sheet.call("POST", "/exchange")) data-version=(sheet.consult.version) {
            noscript { (page::notice(page::Tone::Warn, &t(lang, "needs-script"))) }
            (Select { required: true, ..with }.draw(&others))
            @if sheet.partners.len() > OFFERED_MAX {
                p.faint { (TEXTS.with(lang, "exchange-more", &[("count", &OFFERED_MAX.to_string())])) }
            }
            button.button type="submit" { (t(lang, "send-exchange")) }
        }
    }
}

/// When it is, whom it is about, and its doctor.
fn said(lang: Lang, sheet: &Sheet, other: &Consult) -> String {
    let words = words(lang, sheet.consult.zone_of(&sheet.ctx.actor));
    let when = other.state.appointment().map(|a| {
        let day = words.day(a.interval.starts_at().with_timezone(&words.zone).date_naive());
        format!("{day} {}", words.span(a.interval.starts_at(), a.interval.ends_at()))
    });
    let name = &other.about(&sheet.ctx.shows).name;
    [when.as_deref(), Some(name.as_str()), other.doctor_name.as_deref()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" · ")
}
