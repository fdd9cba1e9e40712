//! The markup of the consult room: one section for each stage; the script shows one at a time.

use maud::{Markup, PreEscaped, html};
use sanbao_platform::i18n::Texts;
use sanbao_platform::lang::Lang;

/// The words that the script fills in, by their keys without `room-`.
const SCRIPT_WORDS: &[&str] = &[
    "title",
    "microphone-on",
    "microphone-off",
    "camera-on",
    "camera-off",
    "camera",
    "microphone",
    "own",
    "muted",
    "off",
    "role-host",
    "role-clinician",
    "role-guest",
    "role-observer",
    "as",
    "waited",
    "waited-short",
    "rings",
    "ring-title",
    "admit",
    "refuse",
    "link-lost",
    "case-none",
    "verdict-good",
    "verdict-waiting",
    "verdict-video",
    "verdict-audio",
    "verdict-slow",
    "verdict-lost",
    "verdict-phone",
    "device-insecure",
    "device-denied",
    "device-missing",
    "device-busy",
    "device-no-camera",
    "over-finished",
    "over-finished-text",
    "over-left",
    "over-left-text",
    "over-refused",
    "over-refused-text",
    "over-replaced",
    "over-replaced-text",
    "over-expired",
    "over-expired-text",
    "over-early",
    "over-early-text",
    "over-failed",
    "over-failed-text",
    "over-no-link",
    "over-no-link-text",
    "error-room-full",
    "error-lobby-full",
    "error-other",
];

/// A drawn sign beside a word; never alone.
fn icon(name: &str) -> Markup {
    let path = match name {
        "microphone" => {
            "M12 15a3.5 3.5 0 0 0 3.5-3.5v-5a3.5 3.5 0 1 0-7 0v5A3.5 3.5 0 0 0 12 15Zm-6-4a6 6 0 0 0 12 0M12 17v4m-3.5 0h7"
        }
        "camera" => "M3 7h12v10H3zM15 10.5l6-3.5v10l-6-3.5",
        "hang-up" => "M3.5 14.5c4.7-4.7 12.3-4.7 17 0l-2.3 2.8-3.7-1.8v-2.6c-1.6-.6-3.4-.6-5 0v2.6l-3.7 1.8z",
        _ => "M5 12.5l4.5 4.5L19 7.5",
    };
    html! {
        svg.sign viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" fill="none" stroke="currentColor"
            stroke-width="2" stroke-linecap="round" stroke-linejoin="round" {
            path d=(path) {}
            line.strike x1="4" y1="3" x2="20" y2="21" {}
        }
    }
}

/// A button that says whether something is on.
fn toggle(id: &str, sign: &str, words: &str) -> Markup {
    html! {
        button.button.toggle id=(id) type="button" aria-pressed="true" { (icon(sign)) span { (words) } }
    }
}

/// The words for the script, as data: no inline script runs under the content security policy.
fn words(lang: Lang, texts: &Texts) -> Markup {
    let words: serde_json::Map<String, serde_json::Value> =
        SCRIPT_WORDS.iter().map(|key| ((*key).to_owned(), texts.get(lang, &format!("room-{key}")).into())).collect();
    let json = serde_json::Value::Object(words).to_string().replace('<', "\\u003c");
    html! { script #words type="application/json" { (PreEscaped(json)) } }
}

fn pre_join(t: &impl Fn(&str) -> String) -> Markup {
    html! {
        section #prejoin.narrow hidden {
            h1 { (t("enter-title")) }
            p #as .faint {}
            div.preview {
                video #preview muted autoplay playsinline aria-label=(t("preview")) {}
                p.preview-off { (t("camera-is-off")) }
            }
            p #device-problem .notice.warn hidden {}
            div.field {
                label for="level" { (t("level")) }
                meter #level min="0" max="1" value="0" {}
                p.help { (t("enter-hint")) }
            }
            div.switches {
                (toggle("pre-audio", "microphone", &t("microphone-on")))
                (toggle("pre-video", "camera", &t("camera-on")))
            }
            p { button #enter .button.primary.large.wide type="button" { (t("enter")) } }
            p #enter-problem .notice.bad hidden {}
            details { summary { (t("devices")) } div data-devices {} }
            (phone(t))
        }
    }
}

fn phone(t: &impl Fn(&str) -> String) -> Markup {
    html! { p.phone hidden { (t("phone")) " " a.strong href="tel:" {} } }
}

fn lobby(t: &impl Fn(&str) -> String) -> Markup {
    html! {
        section #lobby.narrow hidden {
            h1 { (t("lobby-title")) }
            p.lead { (t("lobby-text")) }
            p #waited .strong role="status" {}
            div.preview { video data-own muted autoplay playsinline aria-label=(t("preview")) {} }
            (phone(t))
            p { button #lobby-leave .button type="button" { (t("lobby-leave")) } }
        }
    }
}

fn call(t: &impl Fn(&str) -> String) -> Markup {
    html! {
        section #call hidden {
            h1.visually-hidden { (t("title")) }
            div #rings role="alert" {}
            div.call {
                div.scene {
                    div #tiles role="list" aria-label=(t("people")) data-count="0" {}
                    p #alone { (t("alone")) }
                    div #own-tile { video data-own muted autoplay playsinline aria-label=(t("preview")) {} p { (t("own")) } }
                    p #verdict .badge.info role="status" { (t("verdict-waiting")) }
                }
                div.bar role="group" aria-label=(t("controls")) {
                    (toggle("audio", "microphone", &t("microphone-on")))
                    (toggle("video", "camera", &t("camera-on")))
                    button #hang-up .button.primary.danger type="button" { (icon("hang-up")) span { (t("hang-up")) } }
                    button #finish .button type="button" hidden { (icon("finish")) span { (t("finish")) } }
                }
                div.beside {
                    (phone(t))
                    section #case .card hidden aria-labelledby="case-title" {
                        h2 #case-title { (t("case")) }
                        div #case-text {}
                    }
                    details { summary { (t("devices")) } div data-devices {} }
                }
            }
        }
    }
}

fn over(t: &impl Fn(&str) -> String) -> Markup {
    html! {
        section #over.narrow hidden {
            h1 #over-title tabindex="-1" {}
            p #over-text .lead {}
            (phone(t))
            p { button #again .button.primary.large.wide type="button" hidden { (t("again")) } }
            p { a #home .button.wide href="/" { (t("home")) } }
        }
    }
}

/// The page's body.
pub(super) fn body(lang: Lang, texts: &Texts) -> Markup {
    let t = |key: &str| texts.get(lang, &format!("room-{key}"));
    html! {
        link rel="stylesheet" href="/static/room.css";
        (words(lang, texts))
        noscript { p.notice.warn { (t("needs-script")) } }
        p #link .notice.warn role="status" hidden {}
        section #opening { p { (t("opening")) } }
        (pre_join(&t))
        (lobby(&t))
        (call(&t))
        (over(&t))
        dialog #finish-dialog .dialog aria-labelledby="finish-title" {
            h2 #finish-title { (t("finish-title")) }
            p { (t("finish-text")) }
            div.toolbar {
                button #finish-no .button type="button" autofocus { (t("finish-no")) }
                button #finish-yes .button.danger type="button" { (t("finish-yes")) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_the_script_asks_for_is_given_to_it() {
        let texts = crate::page::texts();
        for key in SCRIPT_WORDS {
            let key = format!("room-{key}");
            assert_ne!(texts.get(Lang::Zh, &key), key);
        }
        let scripts = concat!(
            include_str!("../../assets/room.js"),
            include_str!("../../assets/room-devices.js"),
            include_str!("../../assets/room-verdict.js"),
        );
        for asked in scripts.split("say(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(SCRIPT_WORDS.contains(&asked), "the script asks for {asked}");
        }
    }
}
