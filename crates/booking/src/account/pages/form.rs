//! Fields with their labels, help and errors, and the summary that leads to them.

use maud::{Markup, html};
use sanbao_platform::lang::Lang;
use sanbao_platform::problem::Problem;

use super::TEXTS;

/// What went wrong with a form, in the reader's language.
#[derive(Debug, Default)]
pub(super) struct Errors {
    title: String,
    fields: Vec<(String, String)>,
}

impl Errors {
    /// The errors of a problem; the pointer `/name` is the field `name`.
    pub(super) fn of(problem: &Problem, lang: Lang) -> Self {
        let body = problem.body(lang, "");
        let text = |value: &serde_json::Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let errors = body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let fields = errors.iter().map(|e| (text(e, "pointer").trim_start_matches('/').to_owned(), text(e, "detail")));
        let title = problem.detail_text(lang).unwrap_or_else(|| problem.title(lang)).to_owned();
        Self { title, fields: fields.collect() }
    }

    fn at(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, text)| text.as_str())
    }

    /// The summary above a form; empty when nothing is wrong.
    pub(super) fn summary(&self) -> Markup {
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

/// One input with its words.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Field<'a> {
    /// Its name, id and JSON key.
    pub(super) name: &'static str,
    /// The key of its label; its help is `{label}-help` when `help` is set.
    pub(super) label: &'static str,
    pub(super) help: bool,
    /// `text` when empty.
    pub(super) kind: &'static str,
    pub(super) value: &'a str,
    pub(super) required: bool,
    pub(super) autocomplete: &'static str,
    pub(super) inputmode: Option<&'static str>,
    /// A check that the page's script makes as one types.
    pub(super) check: Option<&'static str>,
    pub(super) chars_max: u16,
}

impl Field<'_> {
    /// The field as markup, with its error if it has one.
    pub(super) fn draw(&self, lang: Lang, errors: &Errors) -> Markup {
        let error = errors.at(self.name);
        let help = self.help.then(|| TEXTS.get(lang, &format!("{}-help", self.label)));
        let kind = if self.kind.is_empty() { "text" } else { self.kind };
        let described = self.help.then(|| format!("{}-help", self.name));
        let off = if self.autocomplete.is_empty() { "off" } else { self.autocomplete };
        html! {
            div.field {
                label for=(self.name) {
                    (TEXTS.get(lang, self.label))
                    @if !self.required { span.faint { " " (TEXTS.get(lang, "optional")) } }
                }
                @if let Some(help) = help { p.help id=(format!("{}-help", self.name)) { (help) } }
                input id=(self.name) name=(self.name) type=(kind) value=(self.value) autocomplete=(off)
                    inputmode=[self.inputmode] data-check=[self.check] aria-describedby=[described]
                    maxlength=(if self.chars_max == 0 { 120 } else { self.chars_max })
                    required[self.required] aria-invalid=[error.map(|_| "true")]
                    aria-errormessage=[error.map(|_| format!("{}-error", self.name))]
                    autocapitalize="none" spellcheck="false";
                @if let Some(error) = error { p.error id=(format!("{}-error", self.name)) { (error) } }
            }
        }
    }
}
