//! What is known of an organisation: the page on which it is changed, and the form for another.

use axum::extract::{Path, State as AppState};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sanbao_platform::db::Conn;
use sanbao_platform::http::{Ctx, PageCtx, StaticFile};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Errors, Field, Select, Send, count, form, head, pick};
use sanbao_platform::problem::Problem;

use super::super::{JS, TEXTS, end};
use super::areas::Areas;
use super::people::{accounts_of, field};
use crate::App;
use crate::account::area;
use crate::account::organisation::{self, ENGLISH_CHARS_MAX, NAME_CHARS_MAX, Organisation, OrganisationKind};
use crate::account::policy::AccountAction;

/// Organisations that the page shows; the API pages further.
const ORGANISATIONS_SHOWN_MAX: i64 = 200;

/// The script of both forms: an emptied field is sent as empty, and the question about a name that exists is shown when it
/// comes.
pub(super) const SCRIPT: &str = "/static/booking/organisation.js";
pub(in crate::account::page) const FILE: StaticFile =
    (SCRIPT, JS, include_bytes!("../../../../assets/organisation.js"));

pub(in crate::account::page) async fn page(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Path(id): Path<OrganisationId>,
) -> Response {
    draw(&app, &ctx, id).await.map_or_else(Problem::into_response, Markup::into_response)
}

async fn draw(app: &App, ctx: &Ctx, id: OrganisationId) -> Result<Markup, Problem> {
    let mut conn = app.deps.db.read().await?;
    let known = organisation::load(&mut conn, ctx, id, AccountAction::OrganisationUpdate).await?;
    let area = area_part(&mut conn, ctx, &known).await?;
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let fields = html! {
        (named(lang, Some(&known)))
        (area)
        (same_name(lang))
        button.button.primary type="submit" { (t("organisation-save")) }
    };
    let (call, then) = (format!("PATCH /v1/organisations/{id}"), accounts_of(id));
    let send = Send { then: Some(&then), ..Send::step(&call, known.version) };
    let title = t("organisation-edit");
    let body = html! {
        h1 { (title) }
        p.faint { (t(&format!("kind-{}", known.kind))) " · " (lang.pick(&known.name_zh, &known.name_en)) }
        (form(lang, Some("organisation"), "stack", send, &fields))
        p { a href=(then) { (t("back")) } }
    };
    Ok(app.deps.frame.page(lang, &title, Some(&ctx.actor), "/admin", &["/static/send.js", SCRIPT], &body))
}

/// The area: a field for those who may give it, its name for the others.
async fn area_part(conn: &mut Conn, ctx: &Ctx, known: &Organisation) -> Result<Markup, Problem> {
    let lang = ctx.lang;
    let own = organisation::own(conn, ctx).await?;
    let office = own.kind == OrganisationKind::StreetOffice;
    let name = match &known.area_code {
        Some(code) => area::named(conn, code).await?.map_or_else(|| code.clone(), |area| area.name(lang).to_owned()),
        None => TEXTS.get(lang, "area-none"),
    };
    let fixed = own.id == known.id && (known.area_code.is_some() || known.kind.governs()) && !office;
    Ok(html! {
        @if fixed {
            p { (TEXTS.with(lang, "area-fixed", &[("area", &name)])) }
        } @else if office && own.id != known.id {
            (Areas::of(conn, &own, own.day(ctx.now())).await?.field(lang, known.area_code.as_deref()))
        } @else {
            @let (label, help) = (TEXTS.get(lang, "area-code"), TEXTS.with(lang, "area-own-help", &[("area", &name)]));
            @let value = known.area_code.as_deref().unwrap_or_default();
            (Field { name: "area_code", label: &label, help: Some(&help), value, ..Field::default() }.draw(lang, &Errors::default()))
        }
    })
}

/// Names and telephone.
fn named(lang: Lang, known: Option<&Organisation>) -> Markup {
    let (label, help) = (TEXTS.get(lang, "organisation-name-en"), TEXTS.get(lang, "organisation-name-en-help"));
    let (phone, phone_help) = (TEXTS.get(lang, "organisation-phone"), TEXTS.get(lang, "phone-help"));
    let name = Field { value: known.map_or("", |o| &o.name_zh), chars_max: NAME_CHARS_MAX, ..Field::default() };
    let english = Field {
        name: "name_en",
        label: &label,
        help: Some(&help),
        value: known.map_or("", |o| &o.name_en),
        chars_max: ENGLISH_CHARS_MAX,
        ..Field::default()
    };
    let telephone = Field {
        name: "phone",
        label: &phone,
        help: Some(&phone_help),
        value: known.and_then(|o| o.phone.as_deref()).unwrap_or_default(),
        inputmode: Some("tel"),
        ..Field::default()
    };
    html! {
        (field(lang, "name_zh", "organisation-name-zh", name))
        (english.draw(lang, &Errors::default()))
        (telephone.draw(lang, &Errors::default()))
    }
}

/// The question whether another organisation of the name is meant; the script shows it when the name exists.
fn same_name(lang: Lang) -> Markup {
    html! {
        div.field #same-name hidden {
            label.choice {
                input #same_name type="checkbox" name="same_name";
                span { (TEXTS.get(lang, "organisation-same-name")) }
            }
        }
    }
}

/// The organisations that an office reaches, and the form for another.
pub(super) async fn network(conn: &mut Conn, ctx: &Ctx, office: &Organisation) -> Result<Markup, Problem> {
    let day = office.day(ctx.now());
    let mut network = organisation::list(conn, office, day, None, ORGANISATIONS_SHOWN_MAX + 1).await?;
    let areas = Areas::of(conn, office, day).await?;
    let shown = usize::try_from(ORGANISATIONS_SHOWN_MAX).unwrap_or(usize::MAX);
    let more = network.len() > shown;
    network.truncate(shown);
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let heads = ["organisation-name", "organisation-kind", "organisation-phone", "organisation-state"].map(t);
    Ok(html! {
        h2 { (t("network-title")) }
        (count(lang, network.len(), more))
        div.scroll { table.table {
            (head(&heads.each_ref().map(String::as_str)))
            tbody {
                @for o in &network {
                    tr {
                        th scope="row" { a href=(accounts_of(o.id)) { (lang.pick(&o.name_zh, &o.name_en)) } }
                        td data-label=(t("organisation-kind")) { (t(&format!("kind-{}", o.kind.as_str()))) }
                        td data-label=(t("organisation-phone")) { (o.phone.as_deref().unwrap_or("—")) }
                        td data-label=(t("organisation-state")) { (end::state(lang, o)) }
                    }
                }
            }
        } }
        section.card #add-organisation aria-labelledby="add-organisation-title" {
            h2 #add-organisation-title { (t("network-add")) }
            (add(lang, &areas))
        }
    })
}

fn add(lang: Lang, areas: &Areas) -> Markup {
    let kind = TEXTS.get(lang, "organisation-kind");
    let kinds: Vec<_> = OrganisationKind::ALL
        .iter()
        .map(|k| pick(k.as_str(), TEXTS.get(lang, &format!("kind-{}", k.as_str())), false))
        .collect();
    let fields = html! {
        (Select { name: "kind", label: &kind, ..Select::default() }.draw(&kinds))
        (named(lang, None))
        (areas.field(lang, None))
        (same_name(lang))
        button.button type="submit" { (TEXTS.get(lang, "network-save")) }
    };
    form(lang, None, "stack", Send { then: Some("/admin"), ..Send::to("POST /v1/organisations") }, &fields)
}
