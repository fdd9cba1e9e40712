//! The end of an organisation, on its page: whether it is closed, what is open at it, and the buttons of its maker.

use maud::{Markup, html};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::http::Ctx;
use sanbao_platform::lang::Lang;
use sanbao_platform::lifecycle::actions;
use sanbao_platform::page::{Errors, Field, Send, Tone, badge, form, press};
use sanbao_platform::problem::Problem;

use super::TEXTS;
use crate::account::organisation::{Organisation, OrganisationStance, OrganisationState, OrganisationStepName};
use crate::{consult, visit};

/// The work that is open at an organisation.
struct Open {
    consults: i64,
    visits: i64,
}

impl Open {
    async fn at(conn: &mut Conn, organisation: &Organisation) -> Result<Self, DbError> {
        let consults = consult::open_at(conn, organisation.id).await?;
        Ok(Self { consults, visits: visit::open_at(conn, organisation.id).await? })
    }

    fn words(&self, lang: Lang, key: &str, name: &str) -> String {
        let (consults, visits) = (self.consults.to_string(), self.visits.to_string());
        TEXTS.with(lang, key, &[("name", name), ("consults", &consults), ("visits", &visits)])
    }
}

/// Whether an organisation takes part, as a badge.
pub(super) fn state(lang: Lang, organisation: &Organisation) -> Markup {
    let tone = match organisation.state {
        OrganisationState::Open => Tone::Ok,
        OrganisationState::Closed => Tone::Bad,
    };
    badge(tone, &TEXTS.get(lang, &format!("organisation-{}", organisation.state.as_str())))
}

/// The part that its maker may end it by; nothing for others.
pub(super) async fn part(conn: &mut Conn, ctx: &Ctx, organisation: &Organisation) -> Result<Markup, Problem> {
    let stance = OrganisationStance::of(conn, ctx, organisation).await?;
    let legal = actions(organisation, ctx, &stance);
    let Some(step) = legal.iter().find(|step| **step != OrganisationStepName::Edit) else {
        return Ok(Markup::default());
    };
    let open = Open::at(conn, organisation).await?;
    let lang = ctx.lang;
    let name = lang.pick(&organisation.name_zh, &organisation.name_en);
    Ok(html! {
        section.card #end aria-labelledby="end-title" {
            h2 #end-title { (TEXTS.get(lang, "end-title")) }
            p { (open.words(lang, "end-open", name)) }
            @match step {
                OrganisationStepName::Reopen => { (reopen(lang, organisation, name)) }
                _ => { (close(lang, organisation, &open.words(lang, "end-ask", name))) }
            }
        }
    })
}

fn close(lang: Lang, organisation: &Organisation, ask: &str) -> Markup {
    let (label, help) = (TEXTS.get(lang, "end-reason"), TEXTS.get(lang, "end-reason-help"));
    let field =
        Field { name: "reason", label: &label, help: Some(&help), required: true, chars_max: 500, ..Field::default() };
    let fields = html! {
        (field.draw(lang, &Errors::default()))
        button.button.danger type="submit" { (TEXTS.get(lang, "end-close")) }
    };
    let call = format!("POST /v1/organisations/{}/close", organisation.id);
    form(lang, None, "stack", Send { confirm: Some(ask), ..Send::step(&call, organisation.version) }, &fields)
}

fn reopen(lang: Lang, organisation: &Organisation, name: &str) -> Markup {
    let call = format!("POST /v1/organisations/{}/reopen", organisation.id);
    let ask = TEXTS.with(lang, "end-ask-reopen", &[("name", name)]);
    let send = Send { confirm: Some(&ask), ..Send::step(&call, organisation.version) };
    press("reopen", "button primary", send, &TEXTS.get(lang, "end-reopen"))
}
