//! Writing or changing an invitation: the five parts on one page.

use axum::extract::State as AppState;
use chrono::{DateTime, Days, Duration, TimeZone as _, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};
use sanbao_platform::db::Conn;
use sanbao_platform::http::{Ctx, PageCtx, Query};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lang::Lang;
use sanbao_platform::on;
use sanbao_platform::page::{self, Errors, Field, Select, Send, Tone};
use sanbao_platform::problem::Problem;

use super::choices::{Choices, Choosable, choices};
use super::prefill::{InvitationQuery, Origin, Prefill, begin};
use super::times;
use super::{TEXTS, named, t, words};
use crate::App;
use crate::account::LocationId;
use crate::consult::draft::KEEP_DAYS;
use crate::consult::id::ConsultDraftId;
use crate::consult::input::{DEVICES_MAX, LONG_TEXT_CHARS_MAX, TEXT_CHARS_MAX, Title, Urgency};
use crate::consult::model::Consult;
use crate::consult::policy;
use crate::consult::state::ConsultState;
use crate::consult::store::is_resident;
use crate::texts;

const ZONE: &str = "select time_zone from organisation where id = $1";

/// The words of a range of time, and its first and its last moment.
type WantedRange = (String, DateTime<Utc>, DateTime<Utc>);

/// `GET /consults/new`, and with a query for one that begins with more than nothing.
pub(super) async fn invitation_form(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Query(query): Query<InvitationQuery>,
) -> Result<Markup, Problem> {
    sanbao_platform::policy::Decision::over(crate::role::held(&ctx.actor), policy::may_invite).require()?;
    let mut conn = app.deps.db.read().await?;
    let (origin, prefill) = begin(&mut conn, &ctx, &app.deps.fields, &query).await?;
    let zone = zone(&mut conn, ctx.actor.organisation).await?;
    let choices = choices(&mut conn, (ctx.actor.organisation, ctx.now()), prefill.resident).await?;
    let asked = match prefill.sought() {
        Some(sought) if is_resident(&mut conn, ctx.actor.organisation, sought.resident).await? => {
            times::part(&mut conn, &ctx, &sought).await?
        }
        _ => html! {},
    };
    let lang = ctx.lang;
    let title = t(lang, if matches!(origin, Origin::Old(_)) { "revise-consult" } else { "new-consult" });
    let form = InvitationForm { ctx: &ctx, zone, origin: &origin, prefill: &prefill };
    let body = html! {
        h1 { (title) }
        @if choices.residents.is_empty() {
            (page::empty(&t(lang, "no-residents"), Some(("/residents", &t(lang, "to-residents")))))
        } @else if choices.wishes.is_empty() {
            (page::empty(&t(lang, "no-doctors"), None))
        } @else {
            (form.kept())
            (form.draw(&choices, &asked))
        }
    };
    let scripts = ["/static/send.js", "/static/booking/consult-new.js"];
    Ok(app.deps.frame.page(lang, &title, Some(&ctx.actor), "/consults", &scripts, &body))
}

pub(super) async fn zone(conn: &mut Conn, organisation: OrganisationId) -> Result<Tz, Problem> {
    let zone: String = on!(conn, |c| sqlx::query_scalar(ZONE).bind(organisation).fetch_one(c).await)?;
    zone.parse().map_err(Problem::internal)
}

/// Label, from, until: ranges and single days, as moments in the care home's zone.
fn times(lang: Lang, zone: Tz, now: DateTime<Utc>) -> Vec<WantedRange> {
    let words = words(lang, zone);
    let today = now.with_timezone(&zone).date_naive();
    let midnight = |days: u64| {
        let local = (today + Days::new(days)).and_hms_opt(0, 0, 0).unwrap_or_default();
        zone.from_local_datetime(&local).earliest().map_or(now + Duration::days(1), |at| at.with_timezone(&Utc))
    };
    let mut times = vec![
        (t(lang, "within-3-days"), now, midnight(3)),
        (t(lang, "within-7-days"), now, midnight(7)),
        (format!("{} · {}", t(lang, "today"), words.day(today)), now, midnight(1)),
        (format!("{} · {}", t(lang, "tomorrow"), words.day(today + Days::new(1))), midnight(1), midnight(2)),
    ];
    times.extend((2..14).map(|n| (words.day(today + Days::new(n)), midnight(n), midnight(n + 1))));
    times
}

fn area(lang: Lang, name: &str, rows: u8, max: usize, value: &str) -> Markup {
    let (label, help) = (t(lang, &format!("part-{name}")), t(lang, &format!("part-{name}-help")));
    let field = Field { help: Some(&help), value, required: true, ..page::area(name, &label, rows, max) };
    field.draw(lang, &Errors::default())
}

/// The form, with what it begins with.
struct InvitationForm<'a> {
    ctx: &'a Ctx,
    zone: Tz,
    origin: &'a Origin,
    prefill: &'a Prefill,
}

impl InvitationForm<'_> {
    fn old(&self) -> Option<&Consult> {
        match self.origin {
            Origin::Old(consult) => Some(consult),
            _ => None,
        }
    }

    /// Where what is typed is kept, and when it was kept last. Changes of one that is there are not.
    fn kept(&self) -> Markup {
        let (lang, words) = (self.ctx.lang, words(self.ctx.lang, self.zone));
        let (id, kept) = match self.origin {
            Origin::Old(_) => return html! {},
            Origin::Draft(id, version, at) => (*id, Some((*version, *at))),
            Origin::Blank | Origin::Copy | Origin::FollowUp => (ConsultDraftId::new(self.ctx.now()), None),
        };
        let saved = |time: &str| TEXTS.with(lang, "draft-saved", &[("time", time)]);
        let (call, confirm) = (format!("DELETE /v1/consult-drafts/{id}"), t(lang, "draft-discard-confirm"));
        let discard = Send { confirm: Some(&confirm), then: Some("/consults"), ..Send::to(&call) };
        html! {
            @if let Origin::Copy | Origin::FollowUp = self.origin { (page::notice(Tone::Info, &t(lang, "copied"))) }
            div.toolbar {
                p #draft-state.faint aria-live="polite" data-draft=(id) data-version=[kept.map(|(version, _)| version)]
                    data-saved=(saved("{$time}")) data-unsaved=(t(lang, "unsaved")) data-apart=(t(lang, "draft-apart"))
                    data-sent=(t(lang, "draft-sent")) data-gone=(t(lang, "draft-gone")) data-lost=(t(lang, "draft-lost")) {
                    @if let Some((_, at)) = kept { (saved(&words.clock(at))) }
                    @else { (TEXTS.with(lang, "drafts-help", &[("days", &KEEP_DAYS.to_string())])) }
                }
                span #draft-discard hidden[kept.is_none()] { (page::press("discard-draft", "button", discard, &t(lang, "draft-discard"))) }
            }
        }
    }

    /// The wanted time: as it was, where there is one that has not passed.
    fn wanted(&self) -> Markup {
        let (lang, now, words) = (self.ctx.lang, self.ctx.now(), words(self.ctx.lang, self.zone));
        let value = |from: DateTime<Utc>, until: DateTime<Utc>| format!("{}|{}", from.to_rfc3339(), until.to_rfc3339());
        let before = self.prefill.wanted.filter(|(_, until)| *until > now);
        let as_before = before.map(|(from, until)| {
            let args = [("from", &*words.when(from)), ("until", &*words.when(until))];
            page::pick(value(from, until), TEXTS.with(lang, "wanted-as-before", &args), true)
        });
        let times = times(lang, self.zone, now).into_iter();
        let times = times.map(|(label, from, until)| page::pick(value(from, until), label, false));
        let passed = (before.is_none() && self.prefill.wanted.is_some()).then(|| t(lang, "wanted-has-passed"));
        let label = t(lang, "part-wanted");
        let wanted =
            Select { name: "wanted", label: &label, help: passed.as_deref(), required: true, ..Select::default() };
        wanted.draw(&as_before.into_iter().chain(times).collect::<Vec<_>>())
    }

    /// The resident: chosen from a list, which a house with many finds by typing.
    fn resident(&self, choices: &Choices) -> Markup {
        let (lang, shows) = (self.ctx.lang, &self.ctx.shows);
        let choice = |resident: &Choosable| {
            let chosen = self.prefill.resident == Some(resident.id);
            page::pick(resident.id, &resident.who.show(shows, resident).name, chosen)
        };
        let change = self.old().map(|_| t(lang, "resident-change-help"));
        let (label, choose, find) = (t(lang, "resident"), t(lang, "choose"), t(lang, "resident-find"));
        let (name, help) = ("resident_id", change.as_deref());
        let who = Select { name, label: &label, help, none: Some(&choose), required: true, ..Select::default() };
        html! {
            @if choices.more_residents {
                div.field {
                    label for="resident-find" { (find) }
                    input #resident-find type="search" autocomplete="off" maxlength="60" aria-controls="resident_id" data-none=(t(lang, "resident-none"));
                    p.help role="status" {}
                }
            }
            (who.draw(&choices.residents.iter().map(choice).collect::<Vec<_>>()))
        }
    }

    /// The room, which the house need not choose.
    fn room(&self, choices: &Choices) -> Markup {
        let (lang, chosen) = (self.ctx.lang, self.prefill.room);
        let (label, any) = (t(lang, "room"), t(lang, "any-room"));
        let room = |(id, name): &(LocationId, String)| page::pick(id, name, chosen == Some(*id));
        let rooms: Vec<_> = choices.rooms.iter().map(room).collect();
        html! {
            @if rooms.len() > 1 {
                details open[chosen.is_some()] {
                    summary { (t(lang, "more")) }
                    (Select { name: "room", label: &label, none: Some(&any), ..Select::default() }.draw(&rooms))
                }
            }
        }
    }

    /// The shared devices of the house that are to be brought.
    fn devices(&self, choices: &Choices) -> Markup {
        let (lang, chosen) = (self.ctx.lang, &self.prefill.devices);
        html! {
            @if !choices.devices.is_empty() {
                details open[!chosen.is_empty()] {
                    summary { (t(lang, "devices")) }
                    fieldset.field #device_ids tabindex="-1" {
                        legend { (t(lang, "devices-needed")) }
                        @for device in &choices.devices {
                            label.choice {
                                input id=(format!("device-{}", device.id)) type="checkbox" name="device_ids" value=(device.id) data-list checked[chosen.contains(&device.id)];
                                (device.name)
                            }
                        }
                        p.help { (TEXTS.with(lang, "devices-help", &[("max", &DEVICES_MAX.to_string())])) }
                    }
                }
            }
        }
    }

    /// The doctor's wish for more, beside the field in which it is answered.
    fn asked_for_more(&self) -> Markup {
        let note = self.old().and_then(|consult| match &consult.state {
            ConsultState::Returned { reason } => Some(reason),
            _ => None,
        });
        html! {
            @if let Some(note) = note {
                div #asked-for-more.notice.warn { strong { (t(self.ctx.lang, "asked-for-more")) } p.lines { (note) } }
            }
        }
    }

    fn draw(&self, choices: &Choices, asked: &Markup) -> Markup {
        let (lang, prefill) = (self.ctx.lang, self.prefill);
        let fields = html! {
            (self.resident(choices))
            (area(lang, "reason", 3, TEXT_CHARS_MAX, &prefill.reason))
            (area(lang, "purpose", 3, TEXT_CHARS_MAX, &prefill.purpose))
            (self.wanted())
            (self.asked_for_more())
            (area(lang, "case_summary", 8, LONG_TEXT_CHARS_MAX, &prefill.case_summary))
            div.pair { (doctor(lang, prefill, choices)) }
            (urgency(lang, prefill.urgency))
            (self.devices(choices))
            div #times aria-live="polite" data-held=(TEXTS.with(lang, "ask-held", &[("time", "{$time}")])) data-taken=(t(lang, "ask-taken")) data-not-held=(t(lang, "ask-not-held")) { (asked) }
            (self.room(choices))
            div.toolbar {
                button.button.primary.large type="submit" { (t(lang, "send-invitation")) }
                // A new one is kept by itself, see `kept`; changes of one that is there are not.
                @if self.old().is_some() { button.button type="submit" name="draft" value="1" { (t(lang, "keep-changes")) } }
            }
        };
        let old = self.old();
        let call = old.map_or_else(|| "POST /v1/consults".to_owned(), |c| format!("PUT /v1/consults/{}", c.id));
        let send = Send { version: old.map(|c| c.version), then: Some("/consults/{id}"), ..Send::to(&call) };
        page::form(lang, Some("invitation"), "stack", send, &fields)
    }
}

/// How soon an answer is needed: three choices side by side.
fn urgency(lang: Lang, chosen: Option<Urgency>) -> Markup {
    let chosen = chosen.unwrap_or(Urgency::Routine);
    html! {
        fieldset.field {
            legend { (t(lang, "urgency")) }
            @for one in Urgency::ALL.iter().rev() {
                label.choice { input id=(format!("urgency-{one}")) type="radio" name="urgency" value=(one) checked[*one == chosen]; (t(lang, &format!("urgency-{one}"))) }
            }
        }
    }
}

/// Which hospital, specialty and rank.
fn doctor(lang: Lang, prefill: &Prefill, choices: &Choices) -> Markup {
    let [choose, any, specialty, title] =
        ["choose", "any-title", "part-specialty", "part-title"].map(|key| t(lang, key));
    let wish = |hospital: OrganisationId, specialty: &str| format!("{hospital}|{specialty}");
    let chosen = prefill.hospital.map(|hospital| wish(hospital, &prefill.specialty));
    let wishes: Vec<_> = (choices.wishes.iter())
        .map(|p| {
            let value = wish(p.organisation_id, &p.specialty);
            let hospital = lang.pick(&p.hospital_zh, &p.hospital_en);
            let said = format!("{hospital} · {}", lang.pick(&p.specialty_zh, &p.specialty_en));
            let agreed = choices.affiliated.contains(&p.organisation_id);
            let said = if agreed { named(lang, &said, &t(lang, "has-agreement")) } else { said };
            page::pick(&value, said, chosen.as_ref() == Some(&value))
        })
        .collect();
    let titles: Vec<_> =
        Title::ALL.iter().map(|t| page::pick(t.as_str(), texts::title(lang, *t), prefill.title == Some(*t))).collect();
    let wished = Select { name: "wish", label: &specialty, none: Some(&choose), required: true, ..Select::default() };
    html! {
        (wished.draw(&wishes))
        (Select { name: "wanted_title", label: &title, none: Some(&any), ..Select::default() }.draw(&titles))
    }
}
