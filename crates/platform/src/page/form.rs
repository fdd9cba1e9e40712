//! Forms: labels above, help below, errors at the field and in a summary; and what a form or a button sends.
//!
//! Every form says `method="post"`, so that without a script nothing that was typed gets into an address.

use maud::{Markup, html};

use super::words::own;
use crate::lang::Lang;
use crate::problem::Problem;

/// The call of a form or a button, as `send.js` reads it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Send<'a> {
    /// `POST /v1/…`
    pub call: &'a str,
    /// The version that the page shows; a change since then is not overwritten.
    pub version: Option<i64>,
    /// The question to confirm first.
    pub confirm: Option<&'a str>,
    /// The words for success.
    pub done: Option<&'a str>,
    /// Where to go then: an address, `stay`, `close`; the page is read anew when it does not say.
    pub then: Option<&'a str>,
}

impl<'a> Send<'a> {
    /// A call.
    pub fn to(call: &'a str) -> Self {
        Self { call, ..Self::default() }
    }

    /// A step of something that has a version.
    pub fn step(call: &'a str, version: i64) -> Self {
        Self { call, version: Some(version), ..Self::default() }
    }
}

/// A form that `send.js` sends. Without scripts it sends nothing, and says so.
pub fn form(lang: Lang, id: Option<&str>, class: &str, send: Send<'_>, fields: &Markup) -> Markup {
    html! {
        form id=[id] class=(class) method="post" novalidate data-send=(send.call) data-version=[send.version]
            data-confirm=[send.confirm] data-done=[send.done] data-then=[send.then] {
            noscript { p.notice.warn { (own(lang, "needs-script")) } }
            (fields)
        }
    }
}

/// A button that sends by itself; `id` keeps the focus where the part is read anew.
pub fn press(id: &str, class: &str, send: Send<'_>, label: &str) -> Markup {
    html! {
        button id=(id) class=(class) type="button" data-send=(send.call) data-version=[send.version]
            data-confirm=[send.confirm] data-done=[send.done] data-then=[send.then] { (label) }
    }
}

/// The faults of a form, in the reader's language.
#[derive(Debug, Default)]
pub struct Errors {
    title: String,
    fields: Vec<(String, String)>,
}

impl Errors {
    /// The errors of a problem; the pointer `/name` is the field `name`.
    pub fn of(problem: &Problem, lang: Lang) -> Self {
        let body = problem.body(lang, "");
        let text = |value: &serde_json::Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let errors = body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let fields =
            errors.iter().map(|e| (text(e, "pointer").trim_start_matches(['/', '?']).to_owned(), text(e, "detail")));
        let title = problem.detail_text(lang).unwrap_or_else(|| problem.title(lang)).to_owned();
        Self { title, fields: fields.collect() }
    }

    /// The fault of a field.
    pub fn at(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, text)| text.as_str())
    }

    /// The summary above a form; empty when nothing is wrong.
    pub fn summary(&self) -> Markup {
        html! {
            @if !self.title.is_empty() {
                div.error-summary role="alert" tabindex="-1" {
                    h2 { (self.title) }
                    @if !self.fields.is_empty() {
                        ul { @for (name, text) in &self.fields { li { a href=(format!("#{name}")) { (text) } } } }
                    }
                }
            }
        }
    }
}

/// One field of text with its words.
#[derive(Clone, Copy, Debug, Default)]
pub struct Field<'a> {
    /// Its key in what is sent.
    pub name: &'a str,
    /// Its id; the name when empty.
    pub id: &'a str,
    /// The words above it.
    pub label: &'a str,
    /// The words below it.
    pub help: Option<&'a str>,
    /// The input's type; `text` when empty.
    pub kind: &'a str,
    /// The value in it.
    pub value: &'a str,
    /// Whether it must be filled in; else the label says that it need not.
    pub required: bool,
    /// The browser's hint for filling in; nothing when empty.
    pub autocomplete: &'a str,
    /// The keyboard of a telephone.
    pub inputmode: Option<&'a str>,
    /// A check that `check.js` makes as one types, and what it says.
    pub check: Option<(&'a str, &'a str)>,
    /// Characters at most; 120 when 0.
    pub chars_max: usize,
    /// Lines of a larger field; a single line when 0.
    pub rows: u8,
    /// Whether the page starts in it.
    pub first: bool,
}

impl<'a> Field<'a> {
    /// The field for a code that an app or a list shows, which browsers offer to fill in.
    pub fn one_time_code(label: &'a str, help: &'a str) -> Self {
        Self {
            name: "code",
            label,
            help: Some(help),
            required: true,
            autocomplete: "one-time-code",
            inputmode: Some("numeric"),
            chars_max: 20,
            ..Self::default()
        }
    }

    fn id(&self) -> &str {
        if self.id.is_empty() { self.name } else { self.id }
    }

    /// The field, with its error if it has one.
    pub fn draw(&self, lang: Lang, errors: &Errors) -> Markup {
        let (id, error) = (self.id(), errors.at(self.name));
        let optional = !self.required && !matches!(self.kind, "search" | "date" | "time");
        html! {
            div.field {
                label for=(id) { (self.label) @if optional { span.faint { (own(lang, "optional")) } } }
                (self.input(id, error))
                @if let Some(help) = self.help { p.help id=(format!("{id}-help")) { (help) } }
                @if let Some(error) = error { p.error id=(format!("{id}-error")) { (error) } }
            }
        }
    }

    fn input(&self, id: &str, error: Option<&str>) -> Markup {
        let described = self.help.map(|_| format!("{id}-help"));
        let message = error.map(|_| format!("{id}-error"));
        let invalid = error.map(|_| "true");
        let max = if self.chars_max == 0 { 120 } else { self.chars_max };
        let kind = if self.kind.is_empty() { "text" } else { self.kind };
        let off = if self.autocomplete.is_empty() { "off" } else { self.autocomplete };
        html! {
            @if self.rows > 0 {
                textarea id=(id) name=(self.name) rows=(self.rows) maxlength=(max) required[self.required] autofocus[self.first]
                    aria-describedby=[described] aria-invalid=[invalid] aria-errormessage=[message] { (self.value) }
            } @else {
                input id=(id) name=(self.name) type=(kind) value=(self.value) autocomplete=(off) inputmode=[self.inputmode]
                    data-check=[self.check.map(|c| c.0)] data-wrong=[self.check.map(|c| c.1)] maxlength=(max)
                    required[self.required] autofocus[self.first] aria-describedby=[described] aria-invalid=[invalid]
                    aria-errormessage=[message] autocapitalize="none" spellcheck="false";
            }
        }
    }
}

/// A larger field of text.
pub fn area<'a>(name: &'a str, label: &'a str, rows: u8, chars_max: usize) -> Field<'a> {
    Field { name, label, chars_max, rows, ..Field::default() }
}

/// One of a list: its value, its words, whether it is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The value that is sent.
    pub value: String,
    /// The words to read.
    pub words: String,
    /// Whether it is the one.
    pub chosen: bool,
}

/// A choice of a list.
#[expect(clippy::needless_pass_by_value, reason = "ids and made-up texts are given as they come, not as references")]
pub fn pick(value: impl ToString, words: impl ToString, chosen: bool) -> Choice {
    Choice { value: value.to_string(), words: words.to_string(), chosen }
}

/// A field in which one of a list is chosen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Select<'a> {
    /// Its key in what is sent.
    pub name: &'a str,
    /// Its id; the name when empty.
    pub id: &'a str,
    /// The words above it.
    pub label: &'a str,
    /// The words below it.
    pub help: Option<&'a str>,
    /// The words of choosing nothing, if one may.
    pub none: Option<&'a str>,
    /// Whether one must be chosen.
    pub required: bool,
}

impl Select<'_> {
    /// The field.
    pub fn draw(&self, choices: &[Choice]) -> Markup {
        let id = if self.id.is_empty() { self.name } else { self.id };
        html! {
            div.field {
                label for=(id) { (self.label) }
                select id=(id) name=(self.name) required[self.required] aria-describedby=[self.help.map(|_| format!("{id}-help"))] {
                    @if let Some(none) = self.none { option value="" { (none) } }
                    @for c in choices { option value=(c.value) selected[c.chosen] { (c.words) } }
                }
                @if let Some(help) = self.help { p.help id=(format!("{id}-help")) { (help) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_keeps_what_is_typed_out_of_addresses_and_names_the_version_it_shows() {
        let sent = Send::step("POST /v1/consults/1/accept", 3);
        let drawn = form(Lang::Zh, None, "stack", sent, &html! {}).into_string();
        for part in
            [r#"method="post""#, r#"data-version="3""#, "<noscript>", r#"data-send="POST /v1/consults/1/accept""#]
        {
            assert!(drawn.contains(part), "{part}: {drawn}");
        }
    }

    #[test]
    fn an_error_stands_at_its_field_and_in_the_summary() {
        let errors = Errors::of(&Problem::field("/phone", "手机号不对", "Not a number"), Lang::Zh);
        let field =
            Field { name: "phone", label: "手机号", help: Some("11 位"), required: true, ..Field::default() };
        let drawn = field.draw(Lang::Zh, &errors).into_string();
        assert!(drawn.contains(r#"aria-errormessage="phone-error""#) && drawn.contains("手机号不对"), "{drawn}");
        assert!(drawn.find("<input") < drawn.find("11 位"), "help stands below");
        assert!(errors.summary().into_string().contains(r##"href="#phone""##));
    }
}
