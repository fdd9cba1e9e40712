//! Nobody logs in to a page that refuses them: every role of every kind of organisation, with an area and without one.

use sanbao_booking::account::organisation::OrganisationKind;
use sanbao_platform::testing;
use serde_json::json;

use crate::common::{Client, Served, flow};

const PASSWORD: &str = "correct horse";

/// Adds somebody to an organisation, who chooses a password.
async fn add(admin: &Client, organisation: &str, login: &str, role: &str, areas: &[&str]) {
    let body = json!({ "login": login, "display_name": login, "roles": [role], "areas": areas });
    let made = admin.post(&format!("/v1/organisations/{organisation}/accounts"), &body).await.expect(201);
    let path = flow::text(&made, "/link/path");
    let chosen = json!({ "token": path.split_once('#').unwrap().1, "password": PASSWORD });
    admin.post("/setup/account", &chosen).await.expect(204);
}

/// Opens a page as a browser does: the status, and where it leads if it leads elsewhere.
async fn open(client: &Client, path: &str) -> (u16, Option<String>) {
    let answer = client.send(client.request("get", path).header("accept", "text/html")).await;
    let to = answer.headers.get("location").map(|to| to.to_str().unwrap().to_owned());
    (answer.status.as_u16(), to)
}

#[tokio::test]
async fn the_first_page_of_every_role_in_every_kind_of_organisation_opens() {
    let served = Served::demo(testing::sqlite()).await;
    let admin = served.nobody().demo("admin").await;
    for kind in OrganisationKind::ALL {
        // The office's area is one that the tree does not know yet.
        let area = if *kind == OrganisationKind::StreetOffice { "330211005" } else { "330211001001" };
        let new = json!({ "kind": kind.as_str(), "name_zh": format!("新{kind}"), "area_code": area });
        let organisation = flow::text(&admin.post("/v1/organisations", &new).await.expect(201), "/id");
        // An office whose administrator has come in runs itself, so everybody is added before anybody comes.
        let mut logins = Vec::new();
        for (role, areas) in kind.roles().iter().flat_map(|role| [(role, &[][..]), (role, &[area][..])]) {
            let login = format!("{kind}.{role}.{}", areas.len());
            add(&admin, &organisation, &login, role, areas).await;
            logins.push(login);
        }
        for login in logins {
            let client = admin.log_in(&login, PASSWORD).await;
            let (status, home) = open(&client, "/").await;
            let home = home.unwrap();
            assert_eq!((status, open(&client, &home).await), (303, (200, None)), "{login} comes to {home}");
        }
    }
    served.stop().await;
}
