//! The markup of the consult room: one section for each stage; the script shows one at a time.

use maud::{Markup, html};
use sanbao_platform::i18n::Texts;
use sanbao_platform::lang::Lang;

use super::icon::icon;
use super::panel::panels;
use super::words::words;

/// A button for something that is off as a rule.
fn press(id: &str, sign: &str, words: &str) -> Markup {
    html! {
        button.button id=(id) type="button" aria-pressed="false" { (icon(sign)) span { (words) } }
    }
}

/// A button that says whether something is on.
fn toggle(id: &str, sign: &str, words: &str) -> Markup {
    html! {
        button.button.toggle id=(id) type="button" aria-pressed="true" { (icon(sign)) span { (words) } }
    }
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
            p #enter-problem .notice.bad role="alert" hidden {}
            div #check-opened hidden {
                h2 { (t("check")) }
                ul #check aria-live="polite" {}
                p { button #check-again .plain type="button" { (t("check-again")) } }
            }
            details { summary { (t("devices")) } div data-devices {} }
            (phone(&t("phone")))
        }
    }
}

fn phone(words: &str) -> Markup {
    html! { p.phone hidden { (words) " " a.strong href="tel:" {} } }
}

fn lobby(t: &impl Fn(&str) -> String) -> Markup {
    html! {
        section #lobby.narrow hidden {
            h1 { (t("lobby-title")) }
            p #lobby-text .lead { (t("lobby-text")) }
            p #waited .strong role="status" {}
            div.preview { video data-own muted autoplay playsinline aria-label=(t("preview")) {} }
            (phone(&t("phone")))
            p { button #ring-again .button.wide type="button" disabled { (t("ring-again")) } }
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
                    div.signs {
                        p #rec-recording .rec role="status" hidden { (t("recording-on")) }
                        p #rec-transcription .rec role="status" hidden { (t("transcription-on")) }
                        p #verdict .badge.info role="status" { (t("verdict-waiting")) }
                    }
                    button #sound .button.primary.large type="button" hidden { (t("sound")) }
                }
                div.under {
                    div #audio-first .notice.warn role="status" hidden {
                        (t("audio-first")) " "
                        button #picture-back .button type="button" { (t("picture-back")) }
                    }
                    (bar(t))
                }
                div.beside {
                    (phone(&t("phone")))
                    (panels(t))
                }
            }
        }
    }
}

fn bar(t: &impl Fn(&str) -> String) -> Markup {
    html! {
        div.bar role="group" aria-label=(t("controls")) {
            (toggle("audio", "microphone", &t("microphone-on")))
            (toggle("video", "camera", &t("camera-on")))
            (press("hand", "hand", &t("hand")))
            (press("screen", "screen", &t("screen")))
            button #hang-up .button.primary.danger type="button" { (icon("hang-up")) span { (t("hang-up")) } }
            button #finish .button type="button" hidden { (icon("finish")) span { (t("finish")) } }
        }
    }
}

fn over(t: &impl Fn(&str) -> String) -> Markup {
    html! {
        section #over.narrow hidden {
            h1 #over-title tabindex="-1" {}
            p #over-text .lead {}
            (phone(&t("phone-ask")))
            p { button #again .button.primary.large.wide type="button" hidden { (t("again")) } }
            p { a #home .button.wide href="/" { (t("home")) } }
        }
    }
}

/// The page's body.
pub(super) fn body(lang: Lang, texts: &Texts) -> Markup {
    let t = |key: &str| texts.get(lang, &format!("room-{key}"));
    html! {
        link rel="stylesheet" href="/static/signalling/room.css";
        @for module in super::modules() { link rel="modulepreload" href=(module); }
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
            p #finish-text { (t("finish-text")) }
            p #finish-text-apart hidden { (t("finish-text-apart")) }
            div.toolbar {
                button #finish-no .button type="button" autofocus { (t("finish-no")) }
                button #finish-yes .button.danger type="button" { (t("finish-yes")) }
            }
        }
        dialog #ask-dialog .dialog aria-labelledby="ask-title" aria-describedby="ask-text" {
            h2 #ask-title {}
            p #ask-text {}
            div #ask-answers .toolbar {}
        }
    }
}
