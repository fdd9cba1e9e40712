//! The panel beside the picture: people, chat, the case, recording and devices, one tab each.

use maud::{Markup, html};

use super::icon::icon;

/// The tabs and their panels.
pub(super) fn panels(t: &impl Fn(&str) -> String) -> Markup {
    html! {
        div.tabs role="tablist" aria-label=(t("panels")) {
            (tab("case", true, &html! { (t("case")) }))
            (tab("people", false, &html! { (t("people-tab")) " " span #people-count .count { "1" } }))
            (tab("chat", false, &html! { (t("chat")) " " span #chat-unread .count.new aria-live="polite" {} }))
            (tab("more", false, &html! { (t("more")) }))
        }
        section #panel-case role="tabpanel" aria-labelledby="tab-case" hidden {
            div #case { div #case-text {} }
        }
        (people(t))
        (chat(t))
        (more(t))
    }
}

fn tab(name: &str, hidden: bool, words: &Markup) -> Markup {
    html! {
        button #{"tab-" (name)} type="button" role="tab" aria-selected="false" tabindex="-1" hidden[hidden]
            aria-controls=(format!("panel-{name}")) { (words) }
    }
}

fn people(t: &impl Fn(&str) -> String) -> Markup {
    html! {
        section #panel-people role="tabpanel" aria-labelledby="tab-people" hidden {
            ul #people .people aria-label=(t("people")) {}
            div #removed hidden {
                h2 { (t("removed")) }
                p.faint { (t("removed-text")) }
                ul #removed-list .people {}
            }
        }
    }
}

fn chat(t: &impl Fn(&str) -> String) -> Markup {
    html! {
        section #panel-chat role="tabpanel" aria-labelledby="tab-chat" hidden {
            ol #chat-lines role="log" aria-label=(t("chat")) tabindex="0" {}
            p #chat-none .faint { (t("chat-none")) }
            form #chat-form method="post" {
                label.visually-hidden for="chat-text" { (t("chat-label")) }
                textarea #chat-text rows="1" maxlength="2000" placeholder=(t("chat-label")) {}
                button.button.primary type="submit" { (t("chat-send")) }
            }
        }
    }
}

/// Consent, its order and its sign, for recording or transcription.
fn record(t: &impl Fn(&str) -> String, what: &str, sign: &str) -> Markup {
    html! {
        label.choice { input #{"consent-" (what)} type="checkbox"; (t(&format!("{what}-consent"))) }
        button #{"start-" (what)} .button.wide type="button" aria-pressed="false" hidden {
            (icon(sign)) span { (t(&format!("{what}-start"))) }
        }
        p #{"missing-" (what)} .faint role="status" {}
    }
}

fn more(t: &impl Fn(&str) -> String) -> Markup {
    html! {
        section #panel-more role="tabpanel" aria-labelledby="tab-more" hidden {
            h2 { (t("record")) }
            p.faint { (t("record-text")) }
            (record(t, "recording", "record"))
            (record(t, "transcription", "write"))
            h2 { (t("devices")) }
            div data-devices {}
        }
    }
}
