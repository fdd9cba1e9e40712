//! The small parts of pages: badge, notice, empty state, dialog, live part.

use maud::{Markup, html};

/// The meaning of a badge or a notice beside its words; a sign goes with each colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Neither good nor bad.
    Plain,
    /// Done, well.
    Ok,
    /// Going on.
    Info,
    /// Wants somebody.
    Warn,
    /// Went wrong, or is late.
    Bad,
}

impl Tone {
    fn class(self, part: &str) -> String {
        let tone = match self {
            Self::Plain => "",
            Self::Ok => " ok",
            Self::Info => " info",
            Self::Warn => " warn",
            Self::Bad => " bad",
        };
        format!("{part}{tone}")
    }
}

/// A word with a sign.
pub fn badge(tone: Tone, words: &str) -> Markup {
    html! { span class=(tone.class("badge")) { (words) } }
}

/// A sentence that stands out.
pub fn notice(tone: Tone, words: &str) -> Markup {
    html! { p class=(tone.class("notice")) { (words) } }
}

/// The text in the place of an empty list: that it is empty, and what to do next.
pub fn empty(words: &str, next: Option<(&str, &str)>) -> Markup {
    html! {
        div.empty {
            p { (words) }
            @if let Some((href, label)) = next { p { a.button href=(href) { (label) } } }
        }
    }
}

/// A dialog, opened by a button with `data-action="open"` and `data-target` of its id.
pub fn dialog(id: &str, title: &str, body: &Markup) -> Markup {
    html! {
        dialog.dialog id=(id) aria-labelledby=(format!("{id}-title")) {
            h2 id=(format!("{id}-title")) { (title) }
            (body)
        }
    }
}

/// Buttons that put an often used text into the field `target`.
pub fn fill(target: &str, texts: &[String]) -> Markup {
    html! {
        div.toolbar {
            @for text in texts { button.button type="button" data-action="fill" data-target=(target) { (text) } }
        }
    }
}

/// A part that is read anew when its service tells that something changed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Live<'a> {
    /// Where changes are told.
    pub events: &'a str,
    /// Where the part is read, if not at the page's own address.
    pub source: Option<&'a str>,
    /// The form by whose fields it is read.
    pub form: Option<&'a str>,
    /// The page of the list that is shown.
    pub after: Option<&'a str>,
    /// It is also read so often, for what time alone changes.
    pub seconds: Option<u32>,
}

/// A live part with `id`.
pub fn live(id: &str, how: Live<'_>, body: &Markup) -> Markup {
    html! {
        div id=(id) data-live=(how.events) data-live-source=[how.source] data-live-form=[how.form]
            data-live-after=[how.after] data-live-seconds=[how.seconds] { (body) }
    }
}
