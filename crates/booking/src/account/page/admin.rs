//! An organisation's accounts: listed, added, disabled and enabled.

use std::collections::HashSet;

use axum::extract::{Query, State as AppState};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sanbao_platform::db::Conn;
use sanbao_platform::http::{Ctx, PageCtx};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Errors, Field, Select, Send, Tone, address, badge, count, form, head, pick, press};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use serde::Deserialize;

use super::{TEXTS, account_link, end};
use crate::App;
use crate::account::id::AccountId;
use crate::account::member::{self, Account, AccountStatus};
use crate::account::organisation::{self, Organisation, OrganisationKind, OrganisationStance};
use crate::account::policy::AccountAction;
use crate::account::second_factor;

/// Accounts that the page shows; the API pages further.
const ACCOUNTS_SHOWN_MAX: i64 = 200;

/// Organisations that the page shows; the API pages further.
const ORGANISATIONS_SHOWN_MAX: i64 = 200;

/// Whose accounts: one's own organisation's when nothing is said.
#[derive(Deserialize)]
pub(super) struct AccountsQuery {
    organisation: Option<OrganisationId>,
}

pub(super) async fn administration(
    PageCtx(ctx): PageCtx,
    AppState(app): AppState<App>,
    Query(which): Query<AccountsQuery>,
) -> Response {
    match draw(&app, &ctx, which.organisation.unwrap_or(ctx.actor.organisation)).await {
        Ok(page) => page.into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn draw(app: &App, ctx: &Ctx, which: OrganisationId) -> Result<Markup, Problem> {
    let mut conn = app.deps.db.read().await?;
    // The maker of an organisation that runs itself sees it, and not its accounts.
    let least =
        if which == ctx.actor.organisation { AccountAction::AccountRead } else { AccountAction::OrganisationRead };
    let own = organisation::load(&mut conn, ctx, which, least).await?;
    let stance = OrganisationStance::of(&mut conn, ctx, &own).await?;
    let people = if stance.allows(ctx, AccountAction::AccountRead) == Decision::Allow {
        people(&mut conn, ctx, &own).await?
    } else {
        html! { p { (TEXTS.get(ctx.lang, "admin-runs-itself")) } }
    };
    let network = if own.id == ctx.actor.organisation && own.kind == OrganisationKind::StreetOffice {
        organisation::list(&mut conn, &own, own.day(ctx.now()), None, ORGANISATIONS_SHOWN_MAX).await?
    } else {
        Vec::new()
    };
    let end = end::part(&mut conn, ctx, &own).await?;
    let lang = ctx.lang;
    let title = TEXTS.get(lang, "admin-title");
    let body = html! {
        h1 { (title) }
        p.faint { (lang.pick(&own.name_zh, &own.name_en)) " " (end::state(lang, &own)) }
        (people)
        (end)
        @if own.id != ctx.actor.organisation { p { a href="/admin" { (TEXTS.get(lang, "back")) } } }
        @if !network.is_empty() { (organisations(lang, &network)) }
    };
    let scripts = ["/static/send.js", "/static/booking/account-link.js"];
    Ok(app.deps.frame.page(lang, &title, Some(&ctx.actor), "/admin", &scripts, &body))
}

/// An organisation's accounts, and the form for another.
async fn people(conn: &mut Conn, ctx: &Ctx, own: &Organisation) -> Result<Markup, Problem> {
    let accounts = member::list(conn, own.id, None, ACCOUNTS_SHOWN_MAX + 1).await?;
    let roles = member::roles_by_account(conn, own.id).await?;
    let holders = second_factor::holders(conn, own.id).await?;
    let shown = usize::try_from(ACCOUNTS_SHOWN_MAX).unwrap_or(usize::MAX);
    let lang = ctx.lang;
    let more = accounts.len() > shown;
    let rows = accounts.iter().take(shown).map(|a| (a, roles.get(&a.id).map(Vec::as_slice).unwrap_or_default()));
    Ok(html! {
        (account_link::shown_once(lang))
        (count(lang, accounts.len().min(shown), more))
        (table(lang, ctx, rows, &holders))
        section.card #add aria-labelledby="add-title" {
            h2 #add-title { (TEXTS.get(lang, "admin-add")) }
            (add_form(lang, own))
        }
    })
}

/// The page of an organisation's accounts.
fn accounts_of(organisation: OrganisationId) -> String {
    address("/admin", &[("organisation", Some(&organisation.to_string()))])
}

fn role_names(lang: Lang, roles: &[String]) -> String {
    let names: Vec<_> = roles.iter().map(|role| TEXTS.get(lang, &format!("role-{role}"))).collect();
    names.join(&TEXTS.get(lang, "list-join"))
}

fn table<'a>(
    lang: Lang,
    ctx: &Ctx,
    rows: impl Iterator<Item = (&'a Account, &'a [String])>,
    holders: &HashSet<AccountId>,
) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let heads = ["display-name", "login-name", "roles", "account-status", "actions"].map(t);
    let own = |id: AccountId| id == AccountId::from(ctx.actor.subject);
    html! {
        div.scroll { table.table {
            (head(&heads.each_ref().map(String::as_str)))
            tbody {
                @for (account, roles) in rows {
                    @let active = account.status == AccountStatus::Active;
                    tr {
                        th scope="row" { (account.display_name) }
                        td data-label=(t("login-name")) { (account.login) }
                        td data-label=(t("roles")) { (role_names(lang, roles)) }
                        td data-label=(t("account-status")) {
                            @if active { (badge(Tone::Ok, &t("status-active"))) }
                            @else { (badge(Tone::Bad, &t("status-disabled"))) }
                        }
                        td {
                            @if !own(account.id) {
                                (switch(lang, account)) " " (reset(lang, account))
                                @if holders.contains(&account.id) { " " (reset_factor(lang, account)) }
                            }
                        }
                    }
                }
            }
        } }
    }
}

/// The button that disables an account, or enables it again.
fn switch(lang: Lang, account: &Account) -> Markup {
    let active = account.status == AccountStatus::Active;
    let action = if active { "disable" } else { "enable" };
    let call = format!("POST /v1/accounts/{}/{action}", account.id);
    let ask = active.then(|| TEXTS.with(lang, "admin-ask-disable", &[("name", &account.display_name)]));
    let send = Send { confirm: ask.as_deref(), ..Send::to(&call) };
    press(&format!("{action}-{}", account.id), "button", send, &TEXTS.get(lang, &format!("admin-{action}")))
}

/// The button that takes the password back and makes a link.
fn reset(lang: Lang, account: &Account) -> Markup {
    let call = format!("POST /v1/accounts/{}/link", account.id);
    let ask = TEXTS.with(lang, "admin-ask-link", &[("name", &account.display_name)]);
    let send = Send { confirm: Some(&ask), ..Send::to(&call) };
    press(&format!("link-{}", account.id), "button", send, &TEXTS.get(lang, "admin-link"))
}

/// The button that takes the second factor away.
fn reset_factor(lang: Lang, account: &Account) -> Markup {
    let call = format!("DELETE /v1/accounts/{}/second-factor", account.id);
    let ask = TEXTS.with(lang, "admin-ask-factor", &[("name", &account.display_name)]);
    let send = Send { confirm: Some(&ask), ..Send::to(&call) };
    press(&format!("factor-{}", account.id), "button", send, &TEXTS.get(lang, "admin-factor"))
}

/// A field that must be filled in, with its help if its key has one.
fn field(lang: Lang, name: &str, key: &str, more: Field<'_>) -> Markup {
    let (label, help) = (TEXTS.get(lang, key), TEXTS.get(lang, &format!("{key}-help")));
    Field { name, label: &label, help: Some(&help), required: true, ..more }.draw(lang, &Errors::default())
}

fn add_form(lang: Lang, own: &Organisation) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let short = Field { chars_max: 40, ..Field::default() };
    let fields = html! {
        (field(lang, "display_name", "display-name", short))
        (field(lang, "login", "new-login", short))
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
    };
    let (call, then) = (format!("POST /v1/organisations/{}/accounts", own.id), accounts_of(own.id));
    form(lang, None, "stack", Send { then: Some(&then), ..Send::to(&call) }, &fields)
}

fn organisations(lang: Lang, network: &[Organisation]) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let heads = ["organisation-name", "organisation-kind", "organisation-phone", "organisation-state"].map(t);
    html! {
        h2 { (t("network-title")) }
        (count(lang, network.len(), false))
        div.scroll { table.table {
            (head(&heads.each_ref().map(String::as_str)))
            tbody {
                @for o in network {
                    tr {
                        th scope="row" { a href=(accounts_of(o.id)) { (lang.pick(&o.name_zh, &o.name_en)) } }
                        td data-label=(t("organisation-kind")) { (t(&format!("kind-{}", o.kind.as_str()))) }
                        td data-label=(t("organisation-phone")) { (o.phone.as_deref().unwrap_or("—")) }
                        td data-label=(t("organisation-state")) { (end::state(lang, o)) }
                    }
                }
            }
        } }
        section.card aria-labelledby="add-organisation" {
            h2 #add-organisation { (t("network-add")) }
            (add_organisation(lang))
        }
    }
}

fn add_organisation(lang: Lang) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let (kind, phone) = (t("organisation-kind"), t("organisation-phone"));
    let (area, area_help) = (t("area-code"), t("area-code-help"));
    let kinds: Vec<_> =
        OrganisationKind::ALL.iter().map(|k| pick(k.as_str(), t(&format!("kind-{}", k.as_str())), false)).collect();
    let fields = html! {
        (Select { name: "kind", label: &kind, ..Select::default() }.draw(&kinds))
        (field(lang, "name_zh", "organisation-name-zh", Field::default()))
        (field(lang, "name_en", "organisation-name-en", Field::default()))
        (Field { name: "phone", label: &phone, ..Field::default() }.draw(lang, &Errors::default()))
        (Field { name: "area_code", label: &area, help: Some(&area_help), ..Field::default() }.draw(lang, &Errors::default()))
        button.button.primary type="submit" { (t("network-save")) }
    };
    form(lang, None, "stack", Send { then: Some("/admin"), ..Send::to("POST /v1/organisations") }, &fields)
}
