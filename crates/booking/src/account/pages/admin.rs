//! An organisation's accounts: listed, added, disabled and enabled.

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sanbao_platform::http::{Ctx, PageCtx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lang::Lang;
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::TEXTS;
use super::form::{Errors, Field};
use crate::App;
use crate::account::id::AccountId;
use crate::account::member::{self, Account, AccountStatus};
use crate::account::organisation::{Organisation, OrganisationKind, api as organisation};
use crate::account::policy::Action;

/// Accounts that the page shows; the API pages further.
const ACCOUNTS_SHOWN_MAX: i64 = 200;

/// Whose accounts: one's own organisation's when nothing is said.
#[derive(Deserialize)]
pub(super) struct Which {
    organisation: Option<OrganisationId>,
}

pub(super) async fn page(PageCtx(ctx): PageCtx, State(app): State<App>, Query(which): Query<Which>) -> Response {
    match draw(&app, &ctx, which.organisation.unwrap_or(ctx.actor.organisation)).await {
        Ok(page) => page.into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn draw(app: &App, ctx: &Ctx, which: OrganisationId) -> Result<Markup, Problem> {
    let mut conn = app.deps.db.read().await?;
    let own = organisation::load(&mut conn, ctx, which, Action::AccountRead).await?;
    let accounts = member::list(&mut conn, own.id, None, ACCOUNTS_SHOWN_MAX).await?;
    let roles = member::roles_by_account(&mut conn, own.id).await?;
    let network = if own.id == ctx.actor.organisation && own.kind == OrganisationKind::StreetOffice {
        crate::account::organisation::list_all(&mut conn).await?
    } else {
        Vec::new()
    };
    let lang = ctx.lang;
    let title = TEXTS.get(lang, "admin-title");
    let rows = accounts.iter().map(|a| (a, roles.get(&a.id).map(Vec::as_slice).unwrap_or_default()));
    let body = html! {
        h1 { (title) }
        p.faint { (lang.pick(&own.name_zh, &own.name_en)) }
        (table(lang, ctx, rows))
        section.card #add aria-labelledby="add-title" {
            h2 #add-title { (TEXTS.get(lang, "admin-add")) }
            (add_form(lang, &own))
        }
        @if own.id != ctx.actor.organisation { p { a href="/admin" { (TEXTS.get(lang, "back")) } } }
        @if !network.is_empty() { (organisations(lang, &network)) }
    };
    let scripts = ["/static/account-form.js"];
    Ok(app.deps.frame.page(lang, &title, Some(&ctx.actor), "/admin", &scripts, &body))
}

/// The page of an organisation's accounts.
fn address(organisation: OrganisationId) -> String {
    format!("/admin?organisation={organisation}")
}

fn role_names(lang: Lang, roles: &[String]) -> String {
    let names: Vec<_> = roles.iter().map(|role| TEXTS.get(lang, &format!("role-{role}"))).collect();
    names.join(lang.pick("、", ", "))
}

fn table<'a>(lang: Lang, ctx: &Ctx, rows: impl Iterator<Item = (&'a Account, &'a [String])>) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let own = |id: AccountId| id == AccountId::from(ctx.actor.subject);
    html! {
        div.scroll { table.table {
            thead { tr {
                @for head in ["display-name", "login-name", "roles", "account-status"] { th scope="col" { (t(head)) } }
                th scope="col" { span.visually-hidden { (t("actions")) } }
            } }
            tbody {
                @for (account, roles) in rows {
                    @let active = account.status == AccountStatus::Active;
                    tr {
                        th scope="row" { (account.display_name) }
                        td data-label=(t("login-name")) { (account.login) }
                        td data-label=(t("roles")) { (role_names(lang, roles)) }
                        td data-label=(t("account-status")) {
                            @if active { span.badge.ok { (t("status-active")) } }
                            @else { span.badge.bad { (t("status-disabled")) } }
                            @if account.locked_seconds(ctx.now()).is_some() { " " span.badge.warn { (t("status-locked")) } }
                        }
                        td {
                            @if !own(account.id) {
                                @let action = if active { "disable" } else { "enable" };
                                button.button type="button" data-call=(format!("POST /v1/accounts/{}/{action}", account.id))
                                    data-ask=[active.then(|| TEXTS.with(lang, "admin-ask-disable", &[("name", &account.display_name)]))] {
                                    (t(if active { "admin-disable" } else { "admin-enable" }))
                                }
                            }
                        }
                    }
                }
            }
        } }
    }
}

fn add_form(lang: Lang, own: &Organisation) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let none = Errors::default();
    let field = |name, label| Field { name, label, required: true, help: true, ..Field::default() };
    let password =
        Field { kind: "password", autocomplete: "new-password", chars_max: 256, ..field("password", "new-password") };
    html! {
        form.stack data-api=(format!("POST /v1/organisations/{}/accounts", own.id)) data-then=(address(own.id)) novalidate {
            (Field { chars_max: 40, ..field("display_name", "display-name") }.draw(lang, &none))
            (Field { chars_max: 40, ..field("login", "new-login") }.draw(lang, &none))
            (password.draw(lang, &none))
            fieldset {
                legend { (t("roles")) }
                @for role in own.kind.roles() {
                    label.choice {
                        input type="checkbox" name="roles" value=(role) data-list;
                        span { (t(&format!("role-{role}"))) }
                    }
                }
            }
            button.button.primary type="submit" { (t("admin-save")) }
        }
    }
}

fn organisations(lang: Lang, network: &[Organisation]) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let field = |name, label| Field { name, label, required: true, help: true, ..Field::default() };
    let none = Errors::default();
    html! {
        h2 { (t("network-title")) }
        div.scroll { table.table {
            thead { tr {
                @for head in ["organisation-name", "organisation-kind", "organisation-phone"] { th scope="col" { (t(head)) } }
            } }
            tbody {
                @for o in network {
                    tr {
                        th scope="row" { a href=(address(o.id)) { (lang.pick(&o.name_zh, &o.name_en)) } }
                        td data-label=(t("organisation-kind")) { (t(&format!("kind-{}", o.kind.as_str()))) }
                        td data-label=(t("organisation-phone")) { (o.phone.as_deref().unwrap_or("—")) }
                    }
                }
            }
        } }
        section.card aria-labelledby="add-organisation" {
            h2 #add-organisation { (t("network-add")) }
            form.stack data-api="POST /v1/organisations" data-then="/admin" novalidate {
                div.field {
                    label for="kind" { (t("organisation-kind")) }
                    select id="kind" name="kind" {
                        @for kind in OrganisationKind::ALL { option value=(kind.as_str()) { (t(&format!("kind-{}", kind.as_str()))) } }
                    }
                }
                (field("name_zh", "organisation-name-zh").draw(lang, &none))
                (field("name_en", "organisation-name-en").draw(lang, &none))
                (Field { required: false, help: false, ..field("phone", "organisation-phone") }.draw(lang, &none))
                button.button.primary type="submit" { (t("network-save")) }
            }
        }
    }
}
