//! The ways on from a consult that is over: the same asked for again, and a follow-up of the opinion.

use maud::{Markup, html};
use sanbao_platform::lang::Lang;
use sanbao_platform::policy::Decision;

use super::prefill::{may_copy, may_follow_up};
use super::sheet::Sheet;
use super::t;
use crate::consult::policy::ConsultAction;

/// The links, for those who may invite, as long as the person is known.
pub(super) fn again(lang: Lang, sheet: &Sheet) -> Markup {
    let (consult, state) = (&sheet.consult, sheet.consult.state.name());
    let invites = consult.decide(&sheet.ctx.actor, None, ConsultAction::Invite) == Decision::Allow
        && !consult.about(&sheet.ctx.shows).name.is_empty();
    html! {
        @if invites && may_copy(state) {
            div.toolbar {
                @if may_follow_up(state) {
                    a.button href=(format!("/consults/new?follow_up={}", consult.id)) { (t(lang, "do-follow-up")) }
                }
                a.button href=(format!("/consults/new?copy={}", consult.id)) { (t(lang, "do-ask-again")) }
            }
        }
    }
}
