//! The fields of each step of a request, for its page.

use chrono::Duration;
use maud::{Markup, html};
use sanbao_platform::http::Ctx;
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Choice, Errors, Field, Select};
use sanbao_platform::problem::Problem;

use super::areas;
use crate::App;
use crate::request::category::{Category, Urgency};
use crate::request::directory::{self, Organisation};
use crate::request::input::{ADDRESS_CHARS_MAX, NAME_CHARS_MAX, NOTE_CHARS_MAX};
use crate::request::model::Assignee;
use crate::request::queue::people;
use crate::request::step::{RequestStepName, Satisfaction};
use crate::request::view::RequestView;
use crate::texts::{self, TEXTS};
use crate::{ZONE, local_day};

/// How long the elder is waited for where nobody says otherwise, in hours.
const PAUSE_HOURS: i64 = 24;

/// The choices that the steps let take.
pub(super) struct Choices {
    agencies: Vec<Organisation>,
    people: Vec<Assignee>,
    /// When a pause ends where nobody says otherwise, as a field has it.
    until: String,
    /// The area where it is, and those that the caller may choose.
    areas: Vec<Choice>,
}

impl Choices {
    pub(super) async fn of(app: &App, ctx: &Ctx, r: &RequestView) -> Result<Self, Problem> {
        let may = |step| r.legal.contains(&step);
        let mut conn = app.deps.db.read().await?;
        let agencies = if may(RequestStepName::Dispatch) { directory::agencies(&mut conn).await? } else { Vec::new() };
        let people = if may(RequestStepName::Assign) {
            people::list(&mut conn, &ctx.actor, local_day(ctx.now())).await?
        } else {
            Vec::new()
        };
        drop(conn);
        let mut areas = vec![page::pick(&r.area_code, &r.area_name, true)];
        if may(RequestStepName::Edit) {
            areas.extend(areas::first(app, ctx).await?.into_iter().filter(|choice| choice.value != r.area_code));
        }
        let until =
            (ctx.now() + Duration::hours(PAUSE_HOURS)).with_timezone(&ZONE).format("%Y-%m-%dT%H:%M").to_string();
        Ok(Self { agencies, people, until, areas })
    }
}

/// A step's fields: ids are those of the step, for a page has many of them.
struct Fields<'a> {
    lang: Lang,
    step: RequestStepName,
    request: &'a RequestView,
}

impl Fields<'_> {
    fn id(&self, field: &str) -> String {
        format!("{}-{field}", self.step.as_str())
    }

    fn text(&self, name: &'static str, label: &str, value: &str, chars_max: usize, required: bool) -> Markup {
        let (id, label) = (self.id(name), TEXTS.get(self.lang, label));
        let field = Field { name, id: &id, label: &label, value, required, chars_max, ..Field::default() };
        field.draw(self.lang, &Errors::default())
    }

    fn line(&self, name: &'static str, label: &str, required: bool) -> Markup {
        self.text(name, label, "", NOTE_CHARS_MAX, required)
    }

    fn select(&self, name: &'static str, field: &str, label: &str, choices: &[Choice]) -> Markup {
        let (id, label) = (self.id(field), TEXTS.get(self.lang, label));
        Select { name, id: &id, label: &label, required: true, ..Select::default() }.draw(choices)
    }

    fn urgencies(&self) -> Markup {
        let pick = |u: &Urgency| page::pick(u.as_str(), texts::urgency(self.lang, *u), *u == self.request.urgency);
        self.select("urgency", "urgency", "field-urgency", &Urgency::ALL.iter().map(pick).collect::<Vec<_>>())
    }

    fn categories(&self) -> Markup {
        let pick = |c: &Category| page::pick(c.as_str(), texts::category(self.lang, *c), *c == self.request.category);
        self.select("category", "category", "field-category", &Category::ALL.iter().map(pick).collect::<Vec<_>>())
    }

    fn edit(&self, choices: &Choices) -> Markup {
        let (r, t) = (self.request, |key: &str| TEXTS.get(self.lang, key));
        let (find, find_label) = (self.id("area-find"), t("intake-area-find"));
        html! {
            p.help { (t("edit-help")) }
            (self.text("elder_name", "field-name", &r.elder_name, NAME_CHARS_MAX, true))
            (self.text("phone", "field-phone", r.phone.as_deref().unwrap_or_default(), 30, false))
            div.field {
                label for=(find) { (find_label) }
                input type="search" id=(find) data-area-find autocomplete="off";
            }
            (self.select("area_code", "area", "field-area", &choices.areas))
            (self.text("address", "field-address", r.address.as_deref().unwrap_or_default(), ADDRESS_CHARS_MAX, false))
            (self.categories())
            (self.urgencies())
            (self.text("note", "field-note", r.note.as_deref().unwrap_or_default(), NOTE_CHARS_MAX, false))
            (self.line("reason", "reason", false))
        }
    }

    fn follow_up(&self) -> Markup {
        let t = |key: &str| TEXTS.get(self.lang, key);
        let pick = |said: &Satisfaction| {
            page::pick(said, texts::satisfaction(self.lang, *said), *said == Satisfaction::Satisfied)
        };
        let choices: Vec<Choice> = Satisfaction::ALL.iter().map(pick).collect();
        html! {
            (self.select("satisfaction", "satisfaction", "satisfied", &choices))
            p.help { (t("help-satisfied")) }
            (self.line("reason", "reason", false))
            (self.line("note", "note", false))
        }
    }

    fn pause(&self, choices: &Choices) -> Markup {
        let t = |key: &str| TEXTS.get(self.lang, key);
        let (id, label, help) = (self.id("until"), t("pause-until"), t("help-pause"));
        let until = Field {
            name: "until",
            id: &id,
            label: &label,
            help: Some(&help),
            kind: "datetime-local",
            value: &choices.until,
            required: true,
            ..Field::default()
        };
        html! {
            (until.draw(self.lang, &Errors::default()))
            (self.line("reason", "reason", true))
        }
    }
}

pub(super) fn fields(lang: Lang, r: &RequestView, step: RequestStepName, choices: &Choices) -> Markup {
    let f = Fields { lang, step, request: r };
    let t = |key: &str| TEXTS.get(lang, key);
    let agency = |a: &Organisation| page::pick(a.id, lang.pick(&a.name_zh, &a.name_en), Some(a.id) == r.agency_id);
    match step {
        RequestStepName::Edit => return f.edit(choices),
        RequestStepName::FollowUp => return f.follow_up(),
        RequestStepName::Pause => return f.pause(choices),
        RequestStepName::Comment => return f.line("note", "note-needed", true),
        RequestStepName::Assign => {
            let chosen = r.assignee.as_ref().map(|a| a.id);
            let pick = |person: &Assignee| page::pick(person.id, &person.name, Some(person.id) == chosen);
            let people: Vec<Choice> = choices.people.iter().map(pick).collect();
            let (id, label, nobody) = (f.id("assignee"), t("assignee"), t("assignee-nobody"));
            let select = Select { name: "assignee", id: &id, label: &label, none: Some(&nobody), ..Select::default() };
            return select.draw(&people);
        }
        _ => {}
    }
    html! {
        @match step {
            RequestStepName::Triage => {
                (f.categories())
                (f.urgencies())
            }
            RequestStepName::Dispatch => {
                @if choices.agencies.is_empty() { p.help { (t("agency-none")) } }
                (f.select("agency_id", "agency", "agency", &choices.agencies.iter().map(agency).collect::<Vec<_>>()))
            }
            RequestStepName::Merge => (f.line("into", "into", true)),
            _ => {}
        }
        @if step.needs_reason() { (f.line("reason", "reason", true)) } @else { (f.line("note", "note", false)) }
    }
}
