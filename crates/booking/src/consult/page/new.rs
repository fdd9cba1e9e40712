//! Writing or changing an invitation: the five parts on one page.

use axum::extract::State as AppState;
use chrono::{DateTime, Days, Duration, TimeZone as _, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};
use sanbao_platform::audit::{Personal, Subject, Subjects};
use sanbao_platform::db::Conn;
use sanbao_platform::http::{Ctx, PageCtx, Query};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lang::Lang;
use sanbao_platform::on;
use sanbao_platform::page::{self, Errors, Field, Select, Send};
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::times::{self, Sought};
use super::{TEXTS, t, words};
use crate::App;
use crate::account::PersonId;
use crate::consult::id::ConsultId;
use crate::consult::input::{LONG_TEXT_CHARS_MAX, TEXT_CHARS_MAX, Title, Urgency};
use crate::consult::model::Consult;
use crate::consult::policy::{self, ConsultAction};
use crate::consult::practitioner::{Practitioner, Rank, store as doctors};
use crate::consult::store;
use crate::texts;

const RESIDENTS: &str = "select id, name from person where organisation_id = $1 and merged_into is null
    and state = 'registered' order by name, id limit 500";
const ZONE: &str = "select time_zone from organisation where id = $1";

/// The words of a range of time, and its first and its last moment.
type WantedRange = (String, DateTime<Utc>, DateTime<Utc>);

/// A resident who can be chosen.
#[derive(sqlx::FromRow)]
struct Choosable {
    id: PersonId,
    #[sqlx(flatten)]
    who: Personal<ResidentName>,
}

/// The resident's name.
#[derive(sqlx::FromRow)]
struct ResidentName {
    name: String,
}

impl Subjects for Choosable {
    fn subjects(&self) -> Vec<Subject> {
        vec![Subject::new("person", self.id)]
    }
}

/// Which consult is changed, if one is.
#[derive(Debug, Deserialize)]
pub(super) struct RevisionQuery {
    id: Option<ConsultId>,
    /// The resident for whom a new one is.
    resident: Option<PersonId>,
}

/// `GET /consults/new`, and with `?id=` for one that was returned.
pub(super) async fn invitation_form(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Query(which): Query<RevisionQuery>,
) -> Result<Markup, Problem> {
    sanbao_platform::policy::Decision::over(crate::role::held(&ctx.actor), policy::may_invite).require()?;
    let mut conn = app.deps.db.read().await?;
    let old = match which.id {
        Some(id) => Some(store::load(&mut conn, &ctx, id, ConsultAction::Invite).await?),
        None => None,
    };
    let residents: Vec<Choosable> =
        on!(conn, |c| sqlx::query_as(RESIDENTS).bind(ctx.actor.organisation).fetch_all(c).await)?;
    let wishes = wishes(&mut conn).await?;
    let zone = zone(&mut conn, ctx.actor.organisation).await?;
    let times = times(ctx.lang, zone, ctx.now());
    let asked = match &old {
        Some(consult) => times::part(&mut conn, &ctx, &sought(consult)).await?,
        None => html! {},
    };
    let lang = ctx.lang;
    let title = t(lang, if old.is_some() { "revise-consult" } else { "new-consult" });
    let body = html! {
        h1 { (title) }
        @if residents.is_empty() {
            (page::empty(&t(lang, "no-residents"), Some(("/residents", &t(lang, "to-residents")))))
        } @else if wishes.is_empty() {
            (page::empty(&t(lang, "no-doctors"), None))
        } @else {
            (form(&ctx, (old.as_ref(), which.resident), &residents, &wishes, (&times, &asked)))
        }
    };
    let scripts = ["/static/send.js", "/static/booking/consult-new.js"];
    Ok(app.deps.frame.page(lang, &title, Some(&ctx.actor), "/consults", &scripts, &body))
}

pub(super) async fn zone(conn: &mut Conn, organisation: OrganisationId) -> Result<Tz, Problem> {
    let zone: String = on!(conn, |c| sqlx::query_scalar(ZONE).bind(organisation).fetch_one(c).await)?;
    zone.parse().map_err(Problem::internal)
}

/// One entry per hospital and specialty.
async fn wishes(conn: &mut Conn) -> Result<Vec<Practitioner>, Problem> {
    let mut found = doctors::search(conn, None, Rank::Any, None).await?;
    found.dedup_by(|a, b| a.organisation_id == b.organisation_id && a.specialty == b.specialty);
    Ok(found)
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

fn form(
    ctx: &Ctx,
    (old, wanted): (Option<&Consult>, Option<PersonId>),
    residents: &[Choosable],
    wishes: &[Practitioner],
    (times, asked): (&[WantedRange], &Markup),
) -> Markup {
    let (lang, about) = (ctx.lang, old.map(|c| c.about(&ctx.shows)));
    let choose = t(lang, "choose");
    let (resident, part_wanted) = (t(lang, "resident"), t(lang, "part-wanted"));
    let change = old.map(|_| t(lang, "resident-change-help"));
    let choice = |resident: &Choosable| {
        let chosen = old.map_or(wanted, |c| Some(c.resident_id)) == Some(resident.id);
        page::pick(resident.id, &resident.who.show(&ctx.shows, resident).name, chosen)
    };
    let residents: Vec<_> = residents.iter().map(choice).collect();
    let times: Vec<_> = times
        .iter()
        .map(|(label, from, until)| page::pick(format!("{}|{}", from.to_rfc3339(), until.to_rfc3339()), label, false))
        .collect();
    let who = Select {
        name: "resident_id",
        label: &resident,
        help: change.as_deref(),
        none: Some(&choose),
        required: true,
        ..Select::default()
    };
    let fields = html! {
        (who.draw(&residents))
        (area(lang, "reason", 3, TEXT_CHARS_MAX, about.map_or("", |a| &a.reason)))
        (area(lang, "purpose", 3, TEXT_CHARS_MAX, about.map_or("", |a| &a.purpose)))
        (Select { name: "wanted", label: &part_wanted, required: true, ..Select::default() }.draw(&times))
        (area(lang, "case_summary", 8, LONG_TEXT_CHARS_MAX, about.map_or("", |a| &a.case_summary)))
        div.pair { (doctor(lang, old, wishes)) }
        (urgency(lang, old))
        div #times aria-live="polite" data-held=(TEXTS.with(lang, "ask-held", &[("time", "{$time}")])) data-taken=(t(lang, "ask-taken")) data-not-held=(t(lang, "ask-not-held")) { (asked) }
        div.toolbar {
            button.button.primary.large type="submit" { (t(lang, "send-invitation")) }
            button.button type="submit" name="draft" value="1" { (t(lang, "keep-draft")) }
        }
    };
    let call = old.map_or_else(|| "POST /v1/consults".to_owned(), |c| format!("PUT /v1/consults/{}", c.id));
    let send = Send { version: old.map(|c| c.version), then: Some("/consults/{id}"), ..Send::to(&call) };
    page::form(lang, Some("invitation"), "stack", send, &fields)
}

/// The times that a consult may ask for, with what it has asked for.
fn sought(consult: &Consult) -> Sought<'_> {
    let (resident, hospital, title) = (consult.resident_id, consult.invited.id, consult.wanted_title);
    Sought { resident, hospital, specialty: &consult.wanted_specialty, title, chosen: consult.asked }
}

/// How soon an answer is needed: three choices side by side.
fn urgency(lang: Lang, old: Option<&Consult>) -> Markup {
    let chosen = old.map_or(Urgency::Routine, |c| c.urgency);
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
fn doctor(lang: Lang, old: Option<&Consult>, wishes: &[Practitioner]) -> Markup {
    let [choose, any, specialty, title] =
        ["choose", "any-title", "part-specialty", "part-title"].map(|key| t(lang, key));
    let wish = |hospital: OrganisationId, specialty: &str| format!("{hospital}|{specialty}");
    let chosen = old.map(|c| wish(c.invited.id, &c.wanted_specialty));
    let wishes: Vec<_> = wishes
        .iter()
        .map(|p| {
            let value = wish(p.organisation_id, &p.specialty);
            let hospital = lang.pick(&p.hospital_zh, &p.hospital_en);
            let said = format!("{hospital} · {}", lang.pick(&p.specialty_zh, &p.specialty_en));
            page::pick(&value, said, chosen.as_ref() == Some(&value))
        })
        .collect();
    let titles: Vec<_> = Title::ALL
        .iter()
        .map(|t| page::pick(t.as_str(), texts::title(lang, *t), old.is_some_and(|c| c.wanted_title == Some(*t))))
        .collect();
    let wished = Select { name: "wish", label: &specialty, none: Some(&choose), required: true, ..Select::default() };
    html! {
        (wished.draw(&wishes))
        (Select { name: "wanted_title", label: &title, none: Some(&any), ..Select::default() }.draw(&titles))
    }
}
