//! An organisation's accounts on its page: listed, added, disabled and enabled.

use std::collections::{HashMap, HashSet};

use maud::{Markup, html};
use sanbao_platform::db::Conn;
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Errors, Field, Send, Tone, address, badge, count, form, head, press};
use sanbao_platform::problem::Problem;

use super::super::{TEXTS, account_link};
use super::areas::Areas;
use super::dual;
use super::offers;
use crate::account::id::AccountId;
use crate::account::member::{self, Account, AccountStatus, Membership};
use crate::account::organisation::Organisation;
use crate::account::second_factor;

/// Accounts that the page shows; the API pages further.
const ACCOUNTS_SHOWN_MAX: i64 = 200;

/// The accounts of an organisation, with what is known of them.
struct People {
    accounts: Vec<Account>,
    roles: HashMap<AccountId, Vec<String>>,
    areas: HashMap<AccountId, Vec<String>>,
    /// Those with a second factor.
    holders: HashSet<AccountId>,
    /// Those that began in another organisation, with its names.
    guests: HashMap<AccountId, (String, String)>,
}

/// An organisation's accounts, and the form for another.
pub(super) async fn part(conn: &mut Conn, ctx: &Ctx, own: &Organisation) -> Result<Markup, Problem> {
    let people = People {
        accounts: member::list(conn, own.id, None, ACCOUNTS_SHOWN_MAX + 1).await?,
        roles: member::roles_by_account(conn, own.id).await?,
        areas: member::areas_by_account(conn, own.id).await?,
        holders: second_factor::holders(conn, own.id).await?,
        guests: member::guests(conn, own.id).await?,
    };
    let offers = offers::part(conn, ctx, own).await?;
    let (waiting, dual) = (dual::waiting(conn, ctx, own).await?, dual::part(conn, ctx, own).await?);
    let areas = Areas::of(conn, own, own.day(ctx.now())).await?;
    let lang = ctx.lang;
    let shown = people.accounts.len().min(usize::try_from(ACCOUNTS_SHOWN_MAX).unwrap_or(usize::MAX));
    Ok(html! {
        (account_link::shown_once(lang))
        (waiting)
        (count(lang, shown, people.accounts.len() > shown))
        (table(ctx, own, &people, &areas, shown))
        section.card #add aria-labelledby="add-title" {
            h2 #add-title { (TEXTS.get(lang, "admin-add")) }
            (add_form(lang, own, &areas))
            p { a href=(import_of(own.id)) { (TEXTS.get(lang, "accounts-import")) } }
        }
        (offers)
        (dual)
    })
}

/// The page of an organisation's accounts.
pub(super) fn accounts_of(organisation: OrganisationId) -> String {
    address("/admin", &[("organisation", Some(&organisation.to_string()))])
}

/// The page on which an organisation's accounts are imported.
fn import_of(organisation: OrganisationId) -> String {
    address("/accounts/import", &[("organisation", Some(&organisation.to_string()))])
}

fn role_names(lang: Lang, roles: &[String]) -> String {
    let names: Vec<_> = roles.iter().map(|role| TEXTS.get(lang, &format!("role-{role}"))).collect();
    names.join(&TEXTS.get(lang, "list-join"))
}

fn table(ctx: &Ctx, own: &Organisation, people: &People, areas: &Areas, shown: usize) -> Markup {
    let t = |key: &str| TEXTS.get(ctx.lang, key);
    let governs = own.kind.governs();
    let mut keys = vec!["display-name", "login-name", "roles", "account-status", "actions"];
    if governs {
        keys.insert(3, "areas-of-account");
    }
    let heads: Vec<_> = keys.into_iter().map(t).collect();
    html! {
        div.scroll { table.table {
            (head(&heads.iter().map(String::as_str).collect::<Vec<_>>()))
            tbody { @for account in people.accounts.iter().take(shown) { (row(ctx, own, account, people, governs.then_some(areas))) } }
        } }
    }
}

fn row(ctx: &Ctx, own: &Organisation, account: &Account, people: &People, areas: Option<&Areas>) -> Markup {
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let active = account.status == AccountStatus::Active;
    let roles = people.roles.get(&account.id).map(Vec::as_slice).unwrap_or_default();
    let held = people.areas.get(&account.id).map(Vec::as_slice).unwrap_or_default();
    let guest = people.guests.get(&account.id);
    html! {
        tr {
            th scope="row" {
                a href=(page_of(own.id, account.id, guest.is_some())) { (account.display_name) }
                @if let Some((zh, en)) = guest { br; span.faint { (TEXTS.with(lang, "guest-of", &[("organisation", lang.pick(zh, en))])) } }
            }
            td data-label=(t("login-name")) { (account.login) }
            td data-label=(t("roles")) { (role_names(lang, roles)) }
            @if let Some(areas) = areas {
                td data-label=(t("areas-of-account")) {
                    @if held.is_empty() { (badge(Tone::Warn, &t("areas-none"))) } @else { (areas.names(lang, held)) }
                }
            }
            td data-label=(t("account-status")) {
                @if active { (badge(Tone::Ok, &t("status-active"))) } @else { (badge(Tone::Bad, &t("status-disabled"))) }
            }
            td {
                @if account.id == AccountId::from(ctx.actor.subject) {}
                @else if guest.is_some() { (leave(lang, own.id, account)) }
                @else {
                    (switch(lang, account)) " " (reset(lang, account))
                    @if people.holders.contains(&account.id) { " " (reset_factor(lang, account)) }
                }
            }
        }
    }
}

/// The page of an account in an organisation.
fn page_of(organisation: OrganisationId, account: AccountId, guest: bool) -> String {
    let organisation = organisation.to_string();
    address(&format!("/admin/accounts/{account}"), &[("organisation", guest.then_some(&*organisation))])
}

/// The button that ends the membership of somebody whose account began elsewhere.
fn leave(lang: Lang, organisation: OrganisationId, account: &Account) -> Markup {
    let call = format!("DELETE /v1/organisations/{organisation}/members/{}", account.id);
    let ask = TEXTS.with(lang, "guest-ask-end", &[("name", &account.display_name)]);
    let send = Send { confirm: Some(&ask), ..Send::to(&call) };
    press(&format!("leave-{}", account.id), "button", send, &TEXTS.get(lang, "guest-end"))
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
pub(super) fn field(lang: Lang, name: &str, key: &str, more: Field<'_>) -> Markup {
    let (label, help) = (TEXTS.get(lang, key), TEXTS.get(lang, &format!("{key}-help")));
    Field { name, label: &label, help: Some(&help), required: true, ..more }.draw(lang, &Errors::default())
}

/// The fields of an account that its administrator fills in: of a new one, or of one that is there.
pub(super) fn person_fields(
    lang: Lang,
    own: &Organisation,
    areas: &Areas,
    known: Option<(&Account, &Membership)>,
) -> Markup {
    let name = known.map_or("", |(account, _)| &account.display_name);
    let short = Field { chars_max: 40, ..Field::default() };
    let (roles, held) = known.map_or((&[][..], &[][..]), |(_, m)| (m.roles.as_slice(), m.areas.as_slice()));
    html! {
        (field(lang, "display_name", "display-name", Field { value: name, ..short }))
        @if known.is_none() { (field(lang, "login", "new-login", short)) }
        (member_fields(lang, own, areas, (roles, held)))
    }
}

/// The fields of what an account is in an organisation: its roles and its areas.
pub(super) fn member_fields(
    lang: Lang,
    own: &Organisation,
    areas: &Areas,
    (roles, held): (&[String], &[String]),
) -> Markup {
    html! {
        fieldset {
            legend { (TEXTS.get(lang, "roles")) }
            @for role in own.kind.roles() {
                label.choice {
                    input type="checkbox" name="roles" value=(role) data-list checked[roles.iter().any(|r| r == role)];
                    span { (TEXTS.get(lang, &format!("role-{role}"))) }
                }
            }
        }
        @if own.kind.governs() || !held.is_empty() { (areas.boxes(lang, own, held)) }
    }
}

fn add_form(lang: Lang, own: &Organisation, areas: &Areas) -> Markup {
    let fields = html! {
        (person_fields(lang, own, areas, None))
        button.button.primary type="submit" { (TEXTS.get(lang, "admin-save")) }
    };
    let (call, then) = (format!("POST /v1/organisations/{}/accounts", own.id), accounts_of(own.id));
    form(lang, None, "stack", Send { then: Some(&then), ..Send::to(&call) }, &fields)
}
