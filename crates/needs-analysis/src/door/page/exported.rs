//! Doors in the file about a person, as a part of another service's page.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use sanbao_platform::db::copy::ToldRow;
use sanbao_platform::lang::Lang;
use sanbao_platform::text_enum::TextEnum as _;

use super::{t, words};
use crate::door::state::DoorStateName;
use crate::texts;

/// A door and what was seen there.
pub(crate) fn exported(lang: Lang, door: &ToldRow, history: &[ToldRow]) -> Markup {
    let text = |row: &ToldRow, name: &str| {
        let (_, value) = row.0.iter().find(|(column, _)| *column == name)?;
        value.as_str().map(str::to_owned)
    };
    let told = ["elder_name", "phone", "address", "remark"].map(|name| text(door, name)).into_iter().flatten();
    let told: Vec<String> = told.filter(|text| !text.is_empty()).collect();
    let line = |row: &ToldRow| {
        let at = text(row, "at").and_then(|at| at.parse::<DateTime<Utc>>().ok());
        let state = text(row, "to_state").as_deref().and_then(DoorStateName::from_text);
        html! {
            @if let Some(at) = at { (words(lang).when(at)) " " }
            @if let Some(state) = state { strong { (texts::door_state(lang, state)) } " " }
            (text(row, "actor_name").unwrap_or_default()) " " (text(row, "note").unwrap_or_default())
        }
    };
    html! {
        section.card {
            h3 { (t(lang, "doors-title")) }
            p { (told.join(" · ")) }
            ul { @for row in history { li { (line(row)) } } }
        }
    }
}
