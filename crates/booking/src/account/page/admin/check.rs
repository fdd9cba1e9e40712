//! The check list of what is still missing for the first consult, request and visit: each line leads to the page that mends it.

use maud::{Markup, html};
use sanbao_platform::db::Conn;
use sanbao_platform::http::Ctx;
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Tone, badge};
use sanbao_platform::problem::Problem;

use super::super::TEXTS;
use super::people::accounts_of;
use crate::account::organisation::{self, Organisation, OrganisationKind, OrganisationState};
use crate::account::readiness::Facts;

/// Organisations of which the first of a kind is looked for.
const LOOKED_AT_MAX: i64 = 200;
/// Where an office adds an organisation.
const ADD_ORGANISATION: &str = "/admin#add-organisation";

/// One thing that is needed: its words' key, whether it is there, and where it is mended.
struct Need {
    key: &'static str,
    met: bool,
    href: String,
}

fn need(key: &'static str, there: i64, href: impl Into<String>) -> Need {
    Need { key, met: there > 0, href: href.into() }
}

/// The things that one beginning needs.
struct Beginning {
    key: &'static str,
    needs: Vec<Need>,
}

/// The check list of the caller's own organisation.
pub(super) async fn part(conn: &mut Conn, ctx: &Ctx, own: &Organisation) -> Result<Markup, Problem> {
    let day = own.day(ctx.now());
    let facts = Facts::of(conn, own, day).await?;
    let beginnings = match own.kind {
        OrganisationKind::StreetOffice => {
            let reached = organisation::list(conn, own, day, None, LOOKED_AT_MAX).await?;
            of_office(ctx, own, &facts, &reached)
        }
        OrganisationKind::CareHome => vec![of_home(&facts)],
        OrganisationKind::Hospital | OrganisationKind::HealthCentre => vec![of_hospital(&facts)],
        OrganisationKind::HomeCareAgency => vec![of_agency(&facts)],
        OrganisationKind::Community => vec![of_community(own, &facts)],
    };
    Ok(draw(ctx.lang, &beginnings))
}

/// The page of the first open organisation of a kind; that of another one to add where there is none.
fn page_of(reached: &[Organisation], kinds: &[OrganisationKind], part: &str) -> String {
    let found = reached.iter().find(|o| kinds.contains(&o.kind) && o.state == OrganisationState::Open);
    found.map_or_else(|| ADD_ORGANISATION.to_owned(), |o| format!("{}#{part}", accounts_of(o.id)))
}

fn of_office(ctx: &Ctx, own: &Organisation, facts: &Facts, reached: &[Organisation]) -> Vec<Beginning> {
    use OrganisationKind::{CareHome, HealthCentre, HomeCareAgency, Hospital};
    let home = |part| page_of(reached, &[CareHome], part);
    let agency = || page_of(reached, &[HomeCareAgency], "add");
    let consult = vec![
        need("need-care-home", facts.care_homes, ADD_ORGANISATION),
        need("need-hospital", facts.hospitals, ADD_ORGANISATION),
        need("need-doctor", facts.doctors, page_of(reached, &[Hospital, HealthCentre], "add")),
        need("need-hours", facts.doctors_with_hours, "/practitioners"),
        need("need-care-staff", facts.care_staff, home("add")),
        need("need-room", facts.rooms, home("rooms")),
        need("need-resident-of-home", facts.residents, home("add")),
    ];
    let mut request = of_area(own, facts);
    let myself = format!("/admin/accounts/{}?organisation={}", ctx.actor.subject, own.id);
    request.insert(1, need("need-administrator-area", facts.administrators_with_area, myself));
    request.insert(2, need("need-areas", facts.areas_within, "/areas"));
    request.push(need("need-agency", facts.agencies, ADD_ORGANISATION));
    let visit = vec![
        need("need-agency", facts.agencies, ADD_ORGANISATION),
        need("need-agency-dispatcher", facts.agency_dispatchers, agency()),
        need("need-caregiver", facts.caregivers, agency()),
    ];
    let beginning = |key, needs| Beginning { key, needs };
    vec![beginning("consult", consult), beginning("request", request), beginning("visit", visit)]
}

/// The needs of those who take requests: an area, and somebody who dispatches in it.
fn of_area(own: &Organisation, facts: &Facts) -> Vec<Need> {
    let area = i64::from(own.area_code.is_some());
    vec![
        need("need-own-area", area, format!("/admin/organisations/{}", own.id)),
        need("need-dispatcher", facts.dispatchers_with_area, "/admin#add"),
    ]
}

fn of_community(own: &Organisation, facts: &Facts) -> Beginning {
    Beginning { key: "request", needs: of_area(own, facts) }
}

fn of_home(facts: &Facts) -> Beginning {
    let needs = vec![
        need("need-care-staff", facts.care_staff, "/admin#add"),
        need("need-room", facts.rooms, "/admin#rooms"),
        need("need-resident", facts.residents, "/residents"),
    ];
    Beginning { key: "consult", needs }
}

fn of_hospital(facts: &Facts) -> Beginning {
    let needs = vec![
        need("need-doctor", facts.doctors, "/admin#add"),
        need("need-hours", facts.doctors_with_hours, "/practitioners"),
    ];
    Beginning { key: "consult", needs }
}

fn of_agency(facts: &Facts) -> Beginning {
    let needs = vec![
        need("need-agency-dispatcher", facts.agency_dispatchers, "/admin#add"),
        need("need-caregiver", facts.caregivers, "/admin#add"),
    ];
    Beginning { key: "visit", needs }
}

fn draw(lang: Lang, beginnings: &[Beginning]) -> Markup {
    html! {
        section.card #check aria-labelledby="check-title" {
            h2 #check-title { (TEXTS.get(lang, "check-title")) }
            @for beginning in beginnings { (group(lang, beginning)) }
        }
    }
}

/// The needs of a beginning: those still open, and folded away those that are met.
fn group(lang: Lang, beginning: &Beginning) -> Markup {
    let (met, missing): (Vec<&Need>, Vec<&Need>) = beginning.needs.iter().partition(|need| need.met);
    let t = |key: &str| TEXTS.get(lang, key);
    let left = missing.len().to_string();
    html! {
        @if missing.is_empty() {
            h3 { (badge(Tone::Ok, &t(&format!("check-{}-ready", beginning.key)))) }
        } @else {
            h3 { (TEXTS.with(lang, &format!("check-{}-left", beginning.key), &[("count", &left)])) }
            ol { @for need in missing { li { a href=(need.href) { (t(need.key)) } } } }
        }
        @if !met.is_empty() {
            details {
                summary { (TEXTS.with(lang, "check-met", &[("count", &met.len().to_string())])) }
                ul { @for need in met { li { (badge(Tone::Ok, &t(need.key))) } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let beginnings = ["consult", "request", "visit"];
        let keys = beginnings.iter().flat_map(|b| [format!("check-{b}-left"), format!("check-{b}-ready")]);
        assert_eq!(TEXTS.lacking(keys), [""; 0]);
    }
}
