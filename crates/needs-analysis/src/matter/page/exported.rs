//! Matters in the file about a person, as a part of another service's page.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use sanbao_platform::db::copy::ToldRow;
use sanbao_platform::lang::Lang;

use super::{t, words};
use crate::texts;

/// A matter and what was done with it.
pub(crate) fn exported(lang: Lang, matter: &ToldRow, history: &[ToldRow]) -> Markup {
    let text = |row: &ToldRow, name: &str| {
        let (_, value) = row.0.iter().find(|(column, _)| *column == name)?;
        value.as_str().map(str::to_owned)
    };
    let line = |row: &ToldRow| {
        let at = text(row, "at").and_then(|at| at.parse::<DateTime<Utc>>().ok());
        let said = text(row, "reason").or_else(|| text(row, "note")).unwrap_or_default();
        html! {
            @if let Some(at) = at { (words(lang).when(at)) " " }
            strong { (texts::matter_line(lang, &text(row, "step").unwrap_or_default())) } " "
            (text(row, "actor_name").unwrap_or_default()) " " (said)
        }
    };
    html! {
        section.card {
            h3 { (t(lang, "matters-title")) }
            p { (text(matter, "title").unwrap_or_default()) }
            ul { @for row in history { li { (line(row)) } } }
        }
    }
}
