//! A hospital's doctors: who can be booked, and who is not yet.

use maud::{Markup, html};
use sanbao_platform::db::Conn;
use sanbao_platform::http::Ctx;
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Tone};
use sanbao_platform::problem::Problem;

use super::t;
use crate::App;
use crate::account::organisation::{self, Organisation, OrganisationKind};
use crate::account::policy::AccountAction;
use crate::consult::practitioner::store::{self, STAFF_MAX, StaffDoctor};
use crate::role::{self, ADMINISTRATOR};
use crate::texts;

/// Organisations of an office that are looked through.
const ORGANISATIONS_MAX: i64 = 200;

pub(super) async fn draw(app: &App, ctx: &Ctx) -> Result<Markup, Problem> {
    if !role::holds(&ctx.actor, ADMINISTRATOR) {
        return Err(Problem::forbidden());
    }
    let lang = ctx.lang;
    let mut conn = app.deps.db.read().await?;
    let mut parts = Vec::new();
    for hospital in hospitals(&mut conn, ctx).await? {
        let staff = store::staff(&mut conn, hospital.id, hospital.day(ctx.now())).await?;
        parts.push((hospital, staff));
    }
    let body = html! {
        h1 { (t(lang, "doctors-title")) }
        @if parts.is_empty() { (page::empty(&t(lang, "doctors-no-hospital"), Some(("/admin", &t(lang, "doctors-to-admin"))))) }
        @for (hospital, staff) in &parts { (part(lang, hospital, staff)) }
    };
    Ok(app.deps.frame.page(lang, &t(lang, "doctors-title"), Some(&ctx.actor), "/practitioners", &[], &body))
}

/// Whether consults are asked of organisations of a kind: a care home's own doctors are booked by nobody.
pub(super) fn is_invited(kind: OrganisationKind) -> bool {
    matches!(kind, OrganisationKind::Hospital | OrganisationKind::HealthCentre)
}

/// The organisations with doctors whose accounts the reader runs: the own one, and those that the office governs.
async fn hospitals(conn: &mut Conn, ctx: &Ctx) -> Result<Vec<Organisation>, Problem> {
    let own = organisation::own(conn, ctx).await?;
    if is_invited(own.kind) {
        return Ok(vec![own]);
    }
    let mut hospitals = Vec::new();
    for other in organisation::list(conn, &own, own.day(ctx.now()), None, ORGANISATIONS_MAX).await? {
        if is_invited(other.kind) && organisation::load(conn, ctx, other.id, AccountAction::AccountUpdate).await.is_ok()
        {
            hospitals.push(other);
        }
    }
    Ok(hospitals)
}

fn part(lang: Lang, hospital: &Organisation, staff: &[StaffDoctor]) -> Markup {
    let most = usize::try_from(STAFF_MAX).unwrap_or(usize::MAX);
    let (more, staff) = (staff.len() > most, &staff[..staff.len().min(most)]);
    let waiting = staff.iter().filter(|doctor| doctor.lines == 0).count();
    let count = waiting.to_string();
    html! {
        section {
            div.spread {
                h2 { (lang.pick(&hospital.name_zh, &hospital.name_en)) }
                a.button href=(format!("/practitioners/days?organisation={}", hospital.id)) { (t(lang, "workdays-title")) }
            }
            @if staff.is_empty() {
                (page::empty(&t(lang, "doctors-none"), Some((&*format!("/admin?organisation={}", hospital.id), &*t(lang, "doctors-to-admin")))))
            } @else {
                @if waiting > 0 { (page::notice(Tone::Warn, &texts::CONSULT.with(lang, "doctors-waiting", &[("count", &count)]))) }
                (page::count(lang, staff.len(), more))
                (table(lang, staff))
            }
        }
    }
}

fn table(lang: Lang, staff: &[StaffDoctor]) -> Markup {
    let heads = ["doctors-name", "part-specialty", "doctors-rank", "doctors-hours"].map(|key| t(lang, key));
    // Those whom nobody can book yet stand first.
    let mut staff: Vec<&StaffDoctor> = staff.iter().collect();
    staff.sort_by_key(|doctor| doctor.lines > 0);
    html! {
        div.scroll { table.table {
            (page::head(&heads.each_ref().map(String::as_str)))
            tbody {
                @for doctor in staff {
                    tr {
                        th scope="row" { a href=(format!("/practitioners/{}", doctor.id)) { (doctor.name) } }
                        td data-label=(heads[1]) { (specialty(lang, doctor)) }
                        td data-label=(heads[2]) { (doctor.title.map_or_else(|| "—".to_owned(), |title| texts::title(lang, title))) }
                        td data-label=(heads[3]) {
                            @if doctor.title.is_none() { (page::badge(Tone::Warn, &t(lang, "doctors-no-profile"))) }
                            @else if doctor.lines == 0 { (page::badge(Tone::Warn, &t(lang, "doctors-no-hours"))) }
                            @else { (page::badge(Tone::Ok, &t(lang, "doctors-has-hours"))) }
                        }
                    }
                }
            }
        } }
    }
}

fn specialty(lang: Lang, doctor: &StaffDoctor) -> String {
    match (&doctor.specialty_zh, &doctor.specialty_en) {
        (Some(zh), Some(en)) => lang.pick(zh, en).to_owned(),
        _ => "—".to_owned(),
    }
}
