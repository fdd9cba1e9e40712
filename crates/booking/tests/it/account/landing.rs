//! Nobody logs in to a page that refuses them, and the page of an error keeps the navigation and says whom to ask.

use sanbao_booking::account::organisation::OrganisationKind;
use sanbao_platform::testing::on_both;
use serde_json::json;

use crate::account::kit::{Browser, Site};

/// The pages of this service; the others are asked for in the tests of the whole.
const OWN_PAGES: &[&str] = &["/consults", "/visits", "/visits/today", "/admin", "/me"];

/// Somebody logs in and is let into the page that follows.
async fn comes_in(site: &Site, kind: OrganisationKind, login: &str, has_area: bool) {
    let mut browser = Browser::new();
    let fields = [("login", login), ("password", "correct horse"), ("next", "/")];
    let first = browser.form(site, "/session", &fields).await.checked(303);
    let home = first.header("location").to_owned();
    if !OWN_PAGES.contains(&&*home) {
        assert!(kind.governs() && has_area, "{login} comes to {home}");
        assert!(["/requests", "/needs", "/doors"].contains(&&*home), "{login} comes to {home}");
        return;
    }
    let page = browser.open(site, &home).await.checked(200).text;
    if home == "/me" {
        assert!(page.contains("还没有负责的区域") && page.contains("管理员"), "{login}: {page}");
    }
}

#[tokio::test]
async fn the_first_page_of_every_role_in_every_kind_of_organisation_opens() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let admin = site.token("admin").await;
        for kind in OrganisationKind::ALL {
            let area = if *kind == OrganisationKind::StreetOffice { "330211005" } else { "330211001" };
            let new = json!({ "kind": kind.as_str(), "name_zh": format!("新{kind}"), "area_code": area });
            let made = site.api(&admin, "POST", "/v1/organisations", new).await.expect(201);
            // An office whose administrator has come in runs itself, so everybody is added before anybody comes.
            let mut people = Vec::new();
            for (role, areas) in kind.roles().iter().flat_map(|role| [(role, Vec::new()), (role, vec![area])]) {
                let login = format!("{kind}.{role}.{}", areas.len());
                let new = json!({ "login": login, "display_name": login, "roles": [role], "areas": areas });
                let path = format!("/v1/organisations/{}/accounts", made["id"].as_str().unwrap());
                let account = site.api(&admin, "POST", &path, new).await.expect(201);
                site.choose(&account["link"], "correct horse").await;
                people.push((login, !areas.is_empty()));
            }
            for (login, has_area) in people {
                comes_in(&site, *kind, &login, has_area).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_page_of_an_error_knows_who_reads_it_and_says_whom_to_ask() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let mut browser = Browser::new();
        browser.log_in(&site, "nurse").await;
        for (path, status, words) in [
            ("/admin", 403, "请本机构的管理员为您开通"),
            ("/consults/0198c1f0-0000-7000-8000-000000000000", 404, "可能是链接过期了"),
            ("/no/such/page", 404, "可能是链接过期了"),
        ] {
            let page = browser.open(&site, path).await.checked(status).text;
            assert!(page.contains(words) && page.contains("林晓月"), "{path}: {page}");
            let stranger = Browser::new().open(&site, path).await;
            assert!(!stranger.text.contains("林晓月"), "{path}");
        }
    })
    .await;
}
