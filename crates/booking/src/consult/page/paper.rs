//! A document of a consult, to be printed alone on A4.

use axum::extract::State as AppState;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};
use sanbao_platform::http::{PageCtx, Path, SiteHost};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::address;
use sanbao_platform::problem::Problem;

use super::{age, name_or_erased, prose, styles};
use crate::App;
use crate::account::qr;
use crate::consult::consent::{self, ConsentView, GivenBy};
use crate::consult::id::ConsultId;
use crate::consult::model::{About, Consult};
use crate::consult::opinion::{self, Opinion, Signature};
use crate::consult::paper::{self, PaperCode, PaperKind};
use crate::consult::policy::ConsultAction;
use crate::consult::practitioner::specialty;
use crate::consult::problems::PAPER_NOT_READY;
use crate::consult::state::ConsultStateName;
use crate::consult::store;
use crate::texts::{self, PAPER};

pub(super) fn p(lang: Lang, key: &str) -> String {
    PAPER.get(lang, key)
}

/// A day with its year, as documents write it.
pub(super) fn day(lang: Lang, zone: Tz, at: DateTime<Utc>) -> String {
    at.with_timezone(&zone).format(&p(lang, "day-format")).to_string()
}

fn moment(lang: Lang, zone: Tz, at: DateTime<Utc>) -> String {
    at.with_timezone(&zone).format(&p(lang, "moment-format")).to_string()
}

/// All that a document is drawn from.
struct Paper<'a> {
    lang: Lang,
    /// Of the inviting side: two prints by the two sides say the same.
    zone: Tz,
    consult: &'a Consult,
    about: &'a About,
    now: DateTime<Utc>,
}

/// Which documents there are of a consult, as links.
pub(super) fn papers(lang: Lang, consult: &Consult, is_signed: bool) -> Markup {
    let there = |kind: &PaperKind| match kind {
        PaperKind::Request => consult.state.name() != ConsultStateName::Draft,
        PaperKind::Consent => true,
        PaperKind::Opinion => is_signed,
    };
    html! {
        section.card #papers aria-labelledby="papers-title" {
            h2 #papers-title { (p(lang, "papers")) }
            ul.plain-list {
                @for kind in PaperKind::ALL.iter().filter(|kind| there(kind)) {
                    li { a href=(format!("/consults/{}/papers/{kind}", consult.id)) { (p(lang, kind.as_str())) } }
                }
            }
        }
    }
}

/// `GET /consults/{id}/papers/{kind}`; each read is audited.
pub(super) async fn paper(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Path((id, kind)): Path<(ConsultId, PaperKind)>,
    SiteHost(host): SiteHost,
) -> Result<Markup, Problem> {
    let mut conn = app.deps.db.read().await?;
    let action = if kind == PaperKind::Opinion { ConsultAction::ReadOpinion } else { ConsultAction::Read };
    let consult = store::load(&mut conn, &ctx, id, action).await?;
    let (lang, keys, about) = (ctx.lang, &app.deps.fields, consult.about(&ctx.shows));
    let drawn = Paper { lang, zone: consult.zones.0, consult: &consult, about, now: ctx.now() };
    let (code, text) = match kind {
        PaperKind::Request if consult.state.name() == ConsultStateName::Draft => {
            return Err(Problem::new(&PAPER_NOT_READY));
        }
        PaperKind::Request => (paper::request_code(keys, &consult, about), drawn.request()),
        PaperKind::Consent => {
            let all = consent::list(&mut conn, id).await?.shown(&ctx.shows, &consult);
            let given = all.into_iter().rfind(|consent| consent.withdrawn_at.is_none());
            (paper::consent_code(keys, &consult, about, given.as_ref()), drawn.consent(given.as_ref()))
        }
        PaperKind::Opinion => {
            let opinion = opinion::find(&mut conn, id).await?.map(|opinion| opinion.shown(&ctx.shows, &consult));
            let signed = opinion.as_ref().and_then(|o| Some((o, o.signature.as_ref()?)));
            let (opinion, signature) = signed.ok_or_else(|| Problem::new(&PAPER_NOT_READY))?;
            let code = paper::opinion_code(keys, &consult, about, &signature.content_hash);
            (code, drawn.opinion(opinion, signature))
        }
    };
    let scheme = if app.deps.secure { "https" } else { "http" };
    let foot = drawn.foot(&code, &format!("{scheme}://{host}"), &ctx.actor.name);
    let title = format!("{} · {}", p(lang, kind.as_str()), paper::number(&consult));
    let body = html! {
        (styles())
        div.toolbar {
            a.button href=(format!("/consults/{id}")) { "← " (name_or_erased(lang, &about.name)) }
            button.button.primary type="button" data-action="print" { (p(lang, "print")) }
        }
        p.help { (p(lang, "papers-help")) }
        article.document.handed { (drawn.head(kind)) (text) (foot) }
    };
    Ok(app.deps.frame.page(lang, &title, Some(&ctx.actor), "/consults", &[], &body))
}

impl Paper<'_> {
    fn t(&self, key: &str) -> String {
        p(self.lang, key)
    }

    /// The title, the number, both institutions, the patient.
    fn head(&self, kind: PaperKind) -> Markup {
        let (consult, about) = (self.consult, self.about);
        let issued_by = if kind == PaperKind::Opinion { &consult.invited } else { &consult.inviting };
        let born = about.birth_date.map(|day| day.format(&self.t("day-format")).to_string());
        html! {
            p.institution { (issued_by.name(self.lang)) }
            h1 { (self.t(kind.as_str())) }
            dl.facts {
                dt { (self.t("number")) } dd { (paper::number(consult)) }
                dt { (self.t("resident")) }
                dd {
                    strong { (name_or_erased(self.lang, &about.name)) } " · " (self.t(&format!("sex-{}", about.sex)))
                    @if let Some((day, born)) = about.birth_date.zip(born) {
                        " · " (PAPER.with(self.lang, "age", &[("years", &age(day, self.now).to_string())]))
                        " · " (PAPER.with(self.lang, "born", &[("date", &born)]))
                    }
                }
                dt { (self.t("inviting")) } dd { (consult.inviting.name(self.lang)) }
                dt { (self.t("invited")) } dd { (consult.invited.name(self.lang)) }
            }
        }
    }

    fn booked(&self) -> Markup {
        html! {
            @if let Some(a) = self.consult.state.appointment() {
                dt { (self.t("booked")) } dd { (moment(self.lang, self.zone, a.interval.starts_at())) }
            }
            @if let Some(doctor) = &self.consult.doctor_name { dt { (self.t("doctor")) } dd { (doctor) } }
        }
    }

    fn request(&self) -> Markup {
        let (consult, lang) = (self.consult, self.lang);
        let specialty = specialty::find(&consult.wanted_specialty)
            .map_or(consult.wanted_specialty.as_str(), |known| lang.pick(known.zh, known.en));
        html! {
            dl.facts {
                dt { (self.t("requested-by")) } dd { (consult.requested_by_name) }
                dt { (self.t("begun")) } dd { (moment(lang, self.zone, paper::begun_at(consult))) }
                dt { (self.t("specialty")) } dd { (specialty) }
                @if let Some(title) = consult.wanted_title {
                    dt { (self.t("wanted-title")) }
                    dd { (PAPER.with(lang, "at-least", &[("title", &texts::title(lang, title))])) }
                }
                dt { (self.t("wanted")) }
                dd { (moment(lang, self.zone, consult.wanted.0)) " – " (moment(lang, self.zone, consult.wanted.1)) }
            }
            h2 { (self.t("reason")) } (prose(&self.about.reason))
            h2 { (self.t("purpose")) } (prose(&self.about.purpose))
            h2 { (self.t("case_summary")) } (prose(&self.about.case_summary))
            (self.lines(&["sign-requester", "sign-date"]))
        }
    }

    fn consent(&self, given: Option<&ConsentView>) -> Markup {
        let names =
            [("inviting", self.consult.inviting.name(self.lang)), ("invited", self.consult.invited.name(self.lang))];
        html! {
            p { (self.t("told")) }
            ol {
                li { (PAPER.with(self.lang, "told-what", &names)) }
                @for key in ["told-data", "told-limits", "told-cost", "told-withdraw"] { li { (self.t(key)) } }
            }
            p.strong { (self.t("agreed")) }
            @if let Some(given) = given { (self.given(given)) }
            (self.lines(&["sign-resident", "sign-guardian", "sign-witness", "sign-teller", "sign-date"]))
        }
    }

    /// A consent as it was recorded.
    fn given(&self, given: &ConsentView) -> Markup {
        let whose = match given.given_by {
            GivenBy::Resident => self.t("given-by-resident"),
            GivenBy::Guardian => self.t("given-by-guardian"),
        };
        html! {
            dl.facts {
                dt { (self.t("given")) }
                dd {
                    (given.name) " · " (whose) @if let Some(relation) = &given.relation { " · " (relation) }
                    " · " (self.t(&format!("method-{}", given.method))) " · " (moment(self.lang, self.zone, given.given_at))
                }
                @if let Some(witness) = &given.witness { dt { (self.t("witness")) } dd { (witness) } }
                dt { (self.t("recorded-by")) }
                dd { (given.recorded_by_name) " · " (moment(self.lang, self.zone, given.recorded_at)) }
            }
        }
    }

    fn opinion(&self, opinion: &Opinion, signature: &Signature) -> Markup {
        html! {
            dl.facts { (self.booked()) }
            @for (name, text) in opinion.parts.named() {
                @if !text.is_empty() { h2 { (self.t(&format!("opinion-{name}"))) } (prose(text)) }
            }
            dl.facts {
                dt { (self.t("signed")) }
                dd { (signature.name) " · " (signature.title) " · " (signature.institution) " · " (moment(self.lang, self.zone, signature.signed_at)) }
                dt { (self.t("licence")) } dd { (signature.licence_no) }
            }
            p.faint { (self.t("decided-by-inviting")) }
            (self.lines(&["sign-doctor", "sign-date"]))
        }
    }

    /// Lines to be signed by hand.
    fn lines(&self, keys: &[&str]) -> Markup {
        html! { div.signature { @for key in keys { span { (self.t(key)) } } } }
    }

    /// The code, as text and to be scanned, and who printed it.
    fn foot(&self, code: &PaperCode, site: &str, printed_by: &str) -> Markup {
        let text = code.to_string();
        let to = format!("{site}{}", address("/verify", &[("code", Some(&text))]));
        let printed = [("name", printed_by), ("at", &moment(self.lang, self.zone, self.now))];
        html! {
            div.proof {
                @if let Some(drawing) = qr::draw(&to) {
                    svg.qr role="img" aria-label=(self.t("qr")) viewBox=(format!("0 0 {0} {0}", drawing.side)) shape-rendering="crispEdges" {
                        path fill="#000" d=(drawing.path) {}
                    }
                }
                div {
                    p { (self.t("code")) " " strong.code { (text) } }
                    p.faint { (PAPER.with(self.lang, "code-help", &[("site", &format!("{site}/verify"))])) }
                    p.faint { (PAPER.with(self.lang, "printed", &printed)) }
                    @if self.consult.zones.0 != self.consult.zones.1 {
                        p.faint { (PAPER.with(self.lang, "local-time", &[("zone", self.zone.name())])) }
                    }
                }
            }
        }
    }
}
