//! Writing or changing an invitation: the five parts on one page.

use axum::extract::State as AppState;
use chrono::{DateTime, Days, Duration, TimeZone as _, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};
use sanbao_platform::db::Conn;
use sanbao_platform::http::{PageCtx, Query};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lang::Lang;
use sanbao_platform::on;
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::{day, t};
use crate::App;
use crate::account::PersonId;
use crate::consult::id::ConsultId;
use crate::consult::input::{LONG_TEXT_CHARS_MAX, TEXT_CHARS_MAX, Title};
use crate::consult::model::Consult;
use crate::consult::policy::{self, Action};
use crate::consult::practitioner::{Practitioner, store as doctors};
use crate::consult::store;

const RESIDENTS: &str = "select id, name from person where organisation_id = $1 and merged_into is null
    order by name, id limit 500";
const ZONE: &str = "select time_zone from organisation where id = $1";

/// Which consult is changed, if one is.
#[derive(Debug, Deserialize)]
pub(super) struct Which {
    id: Option<ConsultId>,
}

/// `GET /consults/new`, and with `?id=` for one that was returned.
pub(super) async fn page(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Query(which): Query<Which>,
) -> Result<Markup, Problem> {
    sanbao_platform::policy::Decision::over(&ctx.actor.roles, policy::may_invite).require()?;
    let mut conn = app.deps.db.read().await?;
    let old = match which.id {
        Some(id) => Some(store::load(&mut conn, &ctx, id, Action::Invite).await?),
        None => None,
    };
    let residents: Vec<(PersonId, String)> =
        on!(conn, |c| sqlx::query_as(RESIDENTS).bind(ctx.actor.organisation).fetch_all(c).await)?;
    let wishes = wishes(&mut conn).await?;
    let zone = zone(&mut conn, ctx.actor.organisation).await?;
    let times = times(ctx.lang, zone, ctx.now());
    let lang = ctx.lang;
    let title = t(lang, if old.is_some() { "revise-consult" } else { "new-consult" });
    let body = html! {
        h1 { (title) }
        @if residents.is_empty() {
            div.empty { p { (t(lang, "no-residents")) } p { a.button href="/residents" { (t(lang, "to-residents")) } } }
        } @else if wishes.is_empty() {
            div.empty { p { (t(lang, "no-doctors")) } }
        } @else {
            (form(lang, old.as_ref(), &residents, &wishes, &times))
        }
    };
    Ok(app.deps.frame.page(lang, &title, Some(&ctx.actor), "/consults", &["/static/consult-new.js"], &body))
}

async fn zone(conn: &mut Conn, organisation: OrganisationId) -> Result<Tz, Problem> {
    let zone: String = on!(conn, |c| sqlx::query_scalar(ZONE).bind(organisation).fetch_one(c).await)?;
    zone.parse().map_err(Problem::internal)
}

/// One entry per hospital and specialty.
async fn wishes(conn: &mut Conn) -> Result<Vec<Practitioner>, Problem> {
    let mut found = doctors::search(conn, None, None, None).await?;
    found.dedup_by(|a, b| a.organisation_id == b.organisation_id && a.specialty == b.specialty);
    Ok(found)
}

/// Label, from, until: ranges and single days, as moments in the care home's zone.
fn times(lang: Lang, zone: Tz, now: DateTime<Utc>) -> Vec<(String, DateTime<Utc>, DateTime<Utc>)> {
    let today = now.with_timezone(&zone).date_naive();
    let midnight = |days: u64| {
        let local = (today + Days::new(days)).and_hms_opt(0, 0, 0).unwrap_or_default();
        zone.from_local_datetime(&local).earliest().map_or(now + Duration::days(1), |at| at.with_timezone(&Utc))
    };
    let mut times = vec![
        (t(lang, "within-3-days"), now, midnight(3)),
        (t(lang, "within-7-days"), now, midnight(7)),
        (format!("{} · {}", t(lang, "today"), day(lang, today)), now, midnight(1)),
        (format!("{} · {}", t(lang, "tomorrow"), day(lang, today + Days::new(1))), midnight(1), midnight(2)),
    ];
    times.extend((2..14).map(|n| (day(lang, today + Days::new(n)), midnight(n), midnight(n + 1))));
    times
}

fn area(lang: Lang, name: &str, rows: u32, max: usize, value: &str) -> Markup {
    html! {
        div.field {
            label for=(name) { (t(lang, &format!("part-{name}"))) }
            textarea id=(name) name=(name) rows=(rows) maxlength=(max) required { (value) }
            p.help { (t(lang, &format!("part-{name}-help"))) }
        }
    }
}

fn form(
    lang: Lang,
    old: Option<&Consult>,
    residents: &[(PersonId, String)],
    wishes: &[Practitioner],
    times: &[(String, DateTime<Utc>, DateTime<Utc>)],
) -> Markup {
    let wish = |p: &Practitioner| format!("{}|{}", p.organisation_id, p.specialty);
    let chosen = old.map(|c| format!("{}|{}", c.invited.id, c.wanted_specialty));
    html! {
        form #invitation.stack novalidate data-id=[old.map(|c| c.id)] {
            div.field {
                label for="resident_id" { (t(lang, "resident")) }
                select id="resident_id" name="resident_id" required {
                    option value="" { (t(lang, "choose")) }
                    @for (id, name) in residents {
                        option value=(id) selected[old.is_some_and(|c| c.resident_id == *id)] { (name) }
                    }
                }
            }
            (area(lang, "reason", 3, TEXT_CHARS_MAX, old.map_or("", |c| &c.reason)))
            (area(lang, "purpose", 3, TEXT_CHARS_MAX, old.map_or("", |c| &c.purpose)))
            div.field {
                label for="wanted" { (t(lang, "part-wanted")) }
                select id="wanted" name="wanted" required {
                    @for (label, from, until) in times {
                        option value=(format!("{}|{}", from.to_rfc3339(), until.to_rfc3339())) { (label) }
                    }
                }
            }
            (area(lang, "case_summary", 8, LONG_TEXT_CHARS_MAX, old.map_or("", |c| &c.case_summary)))
            div.pair {
                div.field {
                    label for="wish" { (t(lang, "part-specialty")) }
                    select id="wish" name="wish" required {
                        option value="" { (t(lang, "choose")) }
                        @for p in wishes {
                            option value=(wish(p)) selected[chosen.as_deref() == Some(&wish(p))] {
                                (lang.pick(&p.hospital_zh, &p.hospital_en)) " · " (lang.pick(&p.specialty_zh, &p.specialty_en))
                            }
                        }
                    }
                }
                div.field {
                    label for="wanted_title" { (t(lang, "part-title")) }
                    select id="wanted_title" name="wanted_title" {
                        option value="" { (t(lang, "any-title")) }
                        @for title in Title::ALL.iter().copied() {
                            option value=(title.as_str()) selected[old.is_some_and(|c| c.wanted_title == Some(title))] {
                                (lang.pick(title.zh(), title.en()))
                            }
                        }
                    }
                }
            }
            div.toolbar {
                button.button.primary.large type="submit" { (t(lang, "send-invitation")) }
                button.button type="submit" name="draft" value="1" data-draft { (t(lang, "keep-draft")) }
            }
        }
    }
}
