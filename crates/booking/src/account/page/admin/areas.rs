//! Areas as an administrator chooses them: by name, within the organisation's own area.

use chrono::NaiveDate;
use maud::{Markup, html};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Choice, Errors, Field, Select, pick};

use super::super::TEXTS;
use crate::account::area::{self, Named};
use crate::account::organisation::Organisation;

/// The areas that can be given in an organisation.
pub(crate) struct Areas {
    /// The organisation's own area.
    top: Option<String>,
    /// It and those within it; empty while the tree does not know it.
    tree: Vec<Named>,
}

impl Areas {
    /// Those of an organisation, as the tree is on a day.
    pub(crate) async fn of(conn: &mut Conn, own: &Organisation, on: NaiveDate) -> Result<Self, DbError> {
        let tree = match &own.area_code {
            Some(top) => area::under(conn, top, on).await?,
            None => Vec::new(),
        };
        Ok(Self { top: own.area_code.clone(), tree })
    }

    fn name<'a>(&'a self, lang: Lang, code: &'a str) -> &'a str {
        self.tree.iter().find(|area| area.code == code).map_or(code, |area| area.name(lang))
    }

    /// The names of the areas that an account has. One that is smaller than a community, or that the tree does not know, is
    /// told by its code.
    pub(super) fn names(&self, lang: Lang, codes: &[String]) -> String {
        let names: Vec<_> = codes.iter().map(|code| self.name(lang, code)).collect();
        names.join(&TEXTS.get(lang, "list-join"))
    }

    /// The boxes of an account's areas, those that it holds ticked.
    pub(super) fn boxes(&self, lang: Lang, organisation: &Organisation, held: &[String]) -> Markup {
        let t = |key: &str| TEXTS.get(lang, key);
        let beside = held.iter().filter(|code| !self.tree.iter().any(|area| area.code == **code));
        let unknown = self.tree.is_empty().then_some(self.top.as_deref()).flatten();
        html! {
            fieldset {
                legend { (t("areas-of-account")) }
                @if self.top.is_none() {
                    p.help {
                        (t("areas-no-top")) " "
                        a href=(format!("/admin/organisations/{}", organisation.id)) { (t("organisation-edit")) }
                    }
                } @else {
                    p.help { (t("areas-of-account-help")) }
                }
                @for area in self.tree.iter().filter(|area| area.parent.is_none()) { (tick(&area.code, &TEXTS.with(lang, "areas-whole", &[("area", area.name(lang))]), held)) }
                @for area in self.first() { (self.part(lang, area, held)) }
                @if let Some(code) = unknown.filter(|code| !held.iter().any(|had| had == code)) {
                    p.help { (t("areas-unknown")) " " a href="/areas" { (t("areas-page")) } }
                    (tick(code, &TEXTS.with(lang, "areas-whole-unnamed", &[("code", code)]), held))
                }
                @for code in beside { (tick(code, code, held)) }
            }
        }
    }

    fn first(&self) -> impl Iterator<Item = &Named> {
        let top = self.top.as_deref();
        self.tree.iter().filter(move |area| area.parent.is_some() && area.parent.as_deref() == top)
    }

    /// An area of the first row, with those within it folded away.
    fn part(&self, lang: Lang, area: &Named, held: &[String]) -> Markup {
        let within: Vec<_> = self.tree.iter().filter(|a| a.parent.as_deref() == Some(&area.code)).collect();
        let open = within.iter().any(|a| held.contains(&a.code));
        html! {
            (tick(&area.code, area.name(lang), held))
            @if !within.is_empty() {
                details open[open] {
                    summary { (TEXTS.with(lang, "areas-within", &[("area", area.name(lang))])) }
                    @for area in within { (tick(&area.code, area.name(lang), held)) }
                }
            }
        }
    }

    /// The field of the area in which an organisation lies: by name where the tree is known, by code until then.
    pub(super) fn field(&self, lang: Lang, chosen: Option<&str>) -> Markup {
        self.field_of(lang, "area_code", &TEXTS.get(lang, "area"), chosen)
    }

    /// The same of any area, under a name and a label of its own.
    pub(crate) fn field_of(&self, lang: Lang, name: &str, label: &str, chosen: Option<&str>) -> Markup {
        let (help, none) = (TEXTS.get(lang, "area-code-help"), TEXTS.get(lang, "area-none"));
        if self.tree.is_empty() {
            let value = chosen.unwrap_or_default();
            let field = Field { name, label, help: Some(&help), value, ..Field::default() };
            return field.draw(lang, &Errors::default());
        }
        let is = |code: &str| chosen == Some(code);
        let mut choices: Vec<Choice> =
            self.tree.iter().map(|area| pick(&area.code, self.path(lang, area), is(&area.code))).collect();
        if let Some(code) = chosen.filter(|code| !self.tree.iter().any(|area| area.code == *code)) {
            choices.push(pick(code, code, true));
        }
        let select = Select { name, label, none: Some(&none), ..Select::default() };
        select.draw(&choices)
    }

    /// Its name, behind that of the one around it where this is not the top.
    fn path(&self, lang: Lang, area: &Named) -> String {
        match area.parent.as_deref().filter(|parent| Some(*parent) != self.top.as_deref()) {
            Some(parent) => format!("{} · {}", self.name(lang, parent), area.name(lang)),
            None => area.name(lang).to_owned(),
        }
    }
}

fn tick(code: &str, words: &str, held: &[String]) -> Markup {
    html! {
        label.choice {
            input type="checkbox" name="areas" value=(code) data-list checked[held.iter().any(|had| had == code)];
            span { (words) }
        }
    }
}
