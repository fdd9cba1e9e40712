//! The log as a page: its filters, its rows, the way to the logs of the other services, and the button for the file.

use maud::{Markup, html};
use uuid::Uuid;

use super::{AuditEvent, AuditQuery, AuditReader};
use crate::http::Page;
use crate::lang::Lang;
use crate::page::{Errors, Field, OWN, Pager, Select, Tone, Words, badge, count_of_page, empty, head, pager, pick};
use crate::problem::Problem;
use crate::web::Frame;

/// Rows of a page.
const ROWS: u32 = 50;
const FORM: &str = "filters";

/// The place of one service's log among those of all.
#[derive(Clone, Copy, Debug)]
pub struct AuditPlace {
    /// The page.
    pub path: &'static str,
    /// The operation that gives the file.
    pub file: &'static str,
    /// The pages of all services' logs, each with the key of its name.
    pub places: &'static [(&'static str, &'static str)],
    /// The page of a thing of a kind, if it has one.
    pub link: fn(&str, Uuid) -> Option<String>,
}

impl AuditReader<'_> {
    /// The page of what was asked for.
    pub async fn page(&self, frame: &Frame, place: AuditPlace, query: AuditQuery) -> Result<Markup, Problem> {
        let query = AuditQuery { limit: Some(ROWS), ..query };
        let rows = self.list(&query).await?;
        let lang = self.ctx.lang;
        let t = |key: &str| OWN.get(lang, key);
        let later = query.after.as_deref().is_some_and(|after| !after.is_empty());
        let at = Pager { form: FORM, later, next: rows.next.as_deref() };
        let body = html! {
            h1 { (t("audit-title")) }
            p.faint { (t("audit-what")) }
            (self.filters(place, &query))
            @if rows.items.is_empty() { (empty(&t("audit-none"), None)) }
            @else {
                (self.table(place, &rows))
                (count_of_page(lang, rows.items.len(), at))
            }
            (pager(lang, at))
        };
        let scripts = ["/static/send.js", "/static/audit.js"];
        Ok(frame.page(lang, &t("audit-title"), Some(&self.ctx.actor), place.path, &scripts, &body))
    }

    /// The fields go by POST, to this log or to another's.
    fn filters(&self, place: AuditPlace, query: &AuditQuery) -> Markup {
        let lang = self.ctx.lang;
        let t = |key: &str| OWN.get(lang, key);
        let value = |text: &Option<String>| text.clone().unwrap_or_default();
        let [account, anybody, outcome, all, refused] =
            ["audit-account", "audit-anybody", "audit-outcome", "audit-all", "audit-refused"].map(t);
        let text = |name, key, kind, value: &str| {
            let label = t(key);
            Field { name, label: &label, kind, value, chars_max: 80, ..Field::default() }.draw(lang, &Errors::default())
        };
        let only = query.outcome.as_deref() == Some("refused");
        html! {
            form.toolbar id=(FORM) method="post" action=(place.path) role="search" {
                (Select { name: "account", label: &account, none: Some(&anybody), ..Select::default() }.draw(&self.accounts(query)))
                (text("action", "audit-action", "search", &value(&query.action)))
                (text("thing", "audit-thing", "search", &value(&query.thing)))
                (text("from", "audit-from", "date", &value(&query.from)))
                (text("until", "audit-until", "date", &value(&query.until)))
                (Select { name: "outcome", label: &outcome, none: Some(&all), ..Select::default() }.draw(&[pick("refused", &refused, only)]))
                button.button type="submit" { (t("audit-apply")) }
                button.button #audit-file type="button" data-file=(place.file) data-form=(FORM) data-failed=(t("audit-file-failed")) {
                    (t("audit-file"))
                }
            }
            @if place.places.len() > 1 { nav.toolbar aria-label=(t("audit-places")) {
                @for (path, key) in place.places {
                    button.button type="submit" form=(FORM) formaction=(path) aria-current=[(*path == place.path).then_some("page")] { (t(key)) }
                }
            } }
        }
    }

    /// The accounts that may be chosen, by name; one that was chosen elsewhere stays chosen.
    fn accounts(&self, query: &AuditQuery) -> Vec<crate::page::Choice> {
        let chosen = query.account.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let mut named: Vec<(&String, String)> = self.names.iter().map(|(id, name)| (name, id.to_string())).collect();
        named.sort();
        let mut choices: Vec<_> =
            named.into_iter().map(|(name, id)| pick(&id, name, chosen == Some(id.as_str()))).collect();
        if let Some(id) = chosen.filter(|_| !choices.iter().any(|choice| choice.chosen)) {
            choices.push(pick(id, id, true));
        }
        choices
    }

    fn table(&self, place: AuditPlace, rows: &Page<AuditEvent>) -> Markup {
        let lang = self.ctx.lang;
        let heads =
            ["at", "who", "did", "of", "outcome", "where"].map(|key| OWN.get(lang, &format!("audit-head-{key}")));
        html! {
            div.scroll {
                table.table {
                    (head(&heads.each_ref().map(String::as_str)))
                    tbody { @for event in &rows.items { (self.row(place, event, &heads)) } }
                }
            }
        }
    }

    fn row(&self, place: AuditPlace, event: &AuditEvent, heads: &[String; 6]) -> Markup {
        let lang = self.ctx.lang;
        let words = Words::new(&OWN, lang, self.zone);
        let [at, who, did, of, outcome, from] = heads;
        html! {
            tr {
                td data-label=(at) { (words.time(event.at)) }
                td data-label=(who) { (self.who(place, event)) }
                td data-label=(did) {
                    @match told(lang, &event.action) {
                        Some(told) => { (told) br; span.faint { (event.action) } }
                        None => {
                            @if event.action.starts_with("GET ") { (badge(Tone::Plain, &words.t("audit-read"))) " " }
                            code { (event.action) }
                        }
                    }
                    @if event.times > 1 { " " (words.with("audit-times", &[("times", &event.times.to_string())])) }
                }
                td data-label=(of) { (self.of(place, event)) }
                td data-label=(outcome) { (outcome_of(lang, &event.outcome)) }
                td data-label=(from) { (event.address.as_deref().unwrap_or("—")) }
            }
        }
    }

    fn who(&self, place: AuditPlace, event: &AuditEvent) -> Markup {
        let Some(account) = event.account else { return html! { (OWN.get(self.ctx.lang, "audit-nobody")) } };
        let words = event.account_name.clone().unwrap_or_else(|| short(account));
        linked((place.link)("account", account), &words)
    }

    fn of(&self, place: AuditPlace, event: &AuditEvent) -> Markup {
        let lang = self.ctx.lang;
        html! {
            @if let Some(thing) = event.thing {
                @let words = self.names.get(&thing).cloned().unwrap_or_else(|| short(thing));
                (told(lang, &event.kind).as_ref().unwrap_or(&event.kind)) " " (linked((place.link)(&event.kind, thing), &words))
            } @else { (told(lang, &event.kind).as_ref().unwrap_or(&event.kind)) }
            @if event.shown > 1 {
                br; span.faint { (OWN.with(lang, "audit-shown", &[("count", &event.shown.to_string())])) }
            }
        }
    }
}

/// An action in words, such as `consult.guest_link.revoke`: those of its parts, the thing first. A part that means something else of
/// one thing than of others has words of its own there. None where a part has no words, as in the operation of a read.
pub fn told(lang: Lang, action: &str) -> Option<String> {
    let word = |part: &str| {
        let known = !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'-');
        let key = format!("audit-did-{part}");
        known.then(|| OWN.starting_with(lang, &key).remove(key.as_str())).flatten()
    };
    let mut thing = "";
    let words = action.split('.').map(|part| {
        let of_thing = word(&format!("{thing}-{part}"));
        thing = part;
        of_thing.or_else(|| word(part))
    });
    let words: Option<Vec<String>> = words.collect();
    words.map(|words| words.join(" · "))
}

fn linked(page: Option<String>, words: &str) -> Markup {
    html! { @if let Some(page) = page { a href=(page) { (words) } } @else { (words) } }
}

/// The end of an id, by which rows of one thing are known again; its beginning is a time, which many share.
fn short(id: Uuid) -> String {
    let text = id.simple().to_string();
    format!("…{}", &text[24..])
}

fn outcome_of(lang: Lang, outcome: &str) -> Markup {
    match outcome {
        "done" => badge(Tone::Ok, &OWN.get(lang, "audit-done")),
        "refused" | "refused_often" => badge(Tone::Warn, &OWN.get(lang, "audit-was-refused")),
        "failed" => badge(Tone::Warn, &OWN.get(lang, "audit-failed")),
        other => badge(Tone::Plain, other),
    }
}
