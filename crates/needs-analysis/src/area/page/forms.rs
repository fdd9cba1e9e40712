//! The forms of an area: another below it, other names, another place.

use std::collections::HashMap;

use maud::{Markup, html};
use sanbao_platform::cn;
use sanbao_platform::db::Conn;
use sanbao_platform::http::Ctx;
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Choice, Field, Select, Send};
use sanbao_platform::problem::Problem;

use super::{field, level, name, t};
use crate::area::model::{Area, Level};
use crate::area::store;
use crate::local_day;
use crate::texts::TEXTS;

/// Places that the choice of a new one offers; any other is named by its code.
const PLACES_MAX: i64 = 500;

pub(super) async fn all(
    conn: &mut Conn,
    ctx: &Ctx,
    area: &Area,
    parent: Option<&Area>,
    main: bool,
) -> Result<Markup, Problem> {
    let lang = ctx.lang;
    let version = store::version(conn, &area.code).await?.unwrap_or_default();
    let taken = store::codes_below(conn, &area.code).await?;
    let places = match parent {
        Some(parent) => places(conn, ctx, area, parent).await?,
        None => Vec::new(),
    };
    Ok(html! {
        @if area.level > Level::Building {
            section.card #add aria-labelledby="add-title" {
                h2 #add-title { (TEXTS.with(lang, "areas-add-to", &[("name", name(lang, area))])) }
                (add(lang, area, &taken, main))
            }
        }
        details.card {
            summary { (t(lang, "areas-rename")) }
            (rename(lang, area, version))
        }
        @if let Some(parent) = parent {
            details.card {
                summary { (t(lang, "areas-move")) }
                (move_to(ctx, area, parent, &places))
            }
        }
    })
}

/// The two names of an area.
pub(super) fn names(lang: Lang, zh: &str, en: &str) -> Markup {
    let any = Field { chars_max: 60, ..Field::default() };
    html! {
        (field(lang, "name_zh", "areas-name-zh", Field { value: zh, required: true, ..any }))
        (field(lang, "name_en", "areas-name-en", Field { value: en, ..any }))
    }
}

/// The code to suggest for a new area of a level: the next of the parent's own; of a community the digits of its street.
fn suggestion(area: &Area, level: Level, taken: &[String]) -> String {
    let next = |letter| cn::next_local_code(area.code.as_str(), letter, taken.iter().map(String::as_str));
    match level {
        Level::Street => String::new(),
        Level::Community => area.code.to_string(),
        Level::Compound => next('C'),
        Level::Grid => next('G'),
        Level::Building => next('B'),
    }
}

fn add(lang: Lang, area: &Area, taken: &[String], main: bool) -> Markup {
    let below: Vec<Level> = Level::ALL.iter().rev().copied().filter(|l| *l < area.level).collect();
    let choices: Vec<Choice> = below.iter().map(|l| page::pick(l, level(lang, *l), false)).collect();
    let first = below.first().map(|l| suggestion(area, *l, taken)).unwrap_or_default();
    let label = t(lang, "areas-level");
    let levels = Select { name: "level", label: &label, required: true, ..Select::default() };
    let fields = html! {
        input type="hidden" name="parent" value=(area.code);
        (levels.draw(&choices))
        (names(lang, "", ""))
        (field(lang, "code", "areas-new-code", Field { value: &first, required: true, chars_max: 40, ..Field::default() }))
        // A suggestion for each level, which the page's script puts in when another is chosen.
        @for l in &below { data value=(suggestion(area, *l, taken)) data-level=(l) hidden {} }
        button.button.primary[main] type="submit" { (t(lang, "areas-add")) }
    };
    page::form(lang, Some("add-area"), "stack", Send::to("POST /v1/areas"), &fields)
}

fn rename(lang: Lang, area: &Area, version: i64) -> Markup {
    let call = format!("PATCH /v1/areas/{}", area.code);
    let [zh, en] = ["areas-name-zh", "areas-name-en"].map(|key| t(lang, key));
    let any = Field { chars_max: 60, ..Field::default() };
    let zh = Field { name: "name_zh", id: "rename-zh", label: &zh, value: &area.name_zh, required: true, ..any };
    let value = area.name_en.as_deref().unwrap_or_default();
    let en = Field { name: "name_en", id: "rename-en", label: &en, value, ..any };
    let fields = html! {
        (zh.draw(lang, &page::Errors::default()))
        (en.draw(lang, &page::Errors::default()))
        button.button type="submit" { (t(lang, "areas-rename-do")) }
    };
    page::form(lang, Some("rename"), "stack", Send::step(&call, version), &fields)
}

/// Where an area may move: to what is like its present parent, within the reader's areas.
async fn places(conn: &mut Conn, ctx: &Ctx, area: &Area, parent: &Area) -> Result<Vec<Area>, Problem> {
    let scope = store::scope_codes(conn, &ctx.actor, local_day(ctx.now())).await?;
    let mut places = store::list(conn, Some(parent.level), "", PLACES_MAX).await?;
    places.retain(|place| scope.contains(&place.code) && place.code != parent.code && place.code != area.code);
    Ok(places)
}

fn move_to(ctx: &Ctx, area: &Area, parent: &Area, places: &[Area]) -> Markup {
    let lang = ctx.lang;
    let call = format!("POST /v1/areas/{}/move", area.code);
    let today = local_day(ctx.now()).to_string();
    let mut same: HashMap<&str, usize> = HashMap::new();
    for place in places {
        *same.entry(name(lang, place)).or_default() += 1;
    }
    let said = |place: &Area| match same.get(name(lang, place)) {
        Some(1) => name(lang, place).to_owned(),
        _ => TEXTS.with(lang, "areas-with-code", &[("name", name(lang, place)), ("code", place.code.as_str())]),
    };
    let fields = html! {
        p { (TEXTS.with(lang, "areas-lies-in", &[("name", name(lang, parent))])) }
        div.field {
            label for="move-parent" { (t(lang, "areas-move-to")) }
            input #move-parent name="parent" list="places" required autocomplete="off" maxlength="120" aria-describedby="move-parent-help";
            datalist #places { @for place in places { option value=(said(place)) data-code=(place.code) {} } }
            p.help #move-parent-help { (t(lang, "areas-move-to-help")) }
        }
        (field(lang, "from", "areas-from", Field { id: "move-from", kind: "date", value: &today, required: true, ..Field::default() }))
        button.button type="submit" { (t(lang, "areas-move-do")) }
    };
    page::form(lang, Some("move"), "stack", Send::to(&call), &fields)
}
