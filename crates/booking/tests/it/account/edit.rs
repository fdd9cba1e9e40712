//! An organisation is edited by those who run it, its area by the office; nobody takes an area of others.

use sanbao_booking::account::organisation::OrganisationKind;
use sanbao_platform::bus::Outbox;
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::account::kit::{Site, audited};

fn path(organisation: impl std::fmt::Display) -> String {
    format!("/v1/organisations/{organisation}")
}

/// The newest `booking.organisation.registered` of an organisation.
async fn told(site: &Site, id: &str) -> Value {
    let events = Outbox::new("booking", site.deps.db.clone()).read(0, 1000).await.unwrap();
    let mut of = events.iter().filter(|e| e.kind == "booking.organisation.registered");
    of.rfind(|e| e.data["organisation_id"] == id).unwrap().data.clone()
}

async fn make(site: &Site, by: &str, new: Value) -> String {
    site.api(by, "POST", "/v1/organisations", new).await.expect(201)["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_organisation_of_every_kind_is_made_with_its_roles_and_needs_no_english_name() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let admin = site.token("admin").await;
        for kind in OrganisationKind::ALL {
            let area = if *kind == OrganisationKind::StreetOffice { "330211005" } else { "330211001" };
            let new = json!({ "kind": kind.as_str(), "name_zh": format!("新{kind}"), "area_code": area });
            let id = make(&site, &admin, new).await;
            let told = told(&site, &id).await;
            assert_eq!((&told["kind"], &told["name_en"]), (&json!(kind.as_str()), &json!("")));
            for role in kind.roles() {
                let login = format!("{kind}.{role}");
                site.newcomer(&admin, &id, &login, json!({ "roles": [role] })).await;
            }
        }
        // Areas in a community's tokens open what lies in them: it has one, within the office that makes it.
        for area in [Value::Null, json!("330211002001"), json!("330211")] {
            let new = json!({ "kind": "community", "name_zh": "别处社区", "area_code": area });
            let refused = site.api(&admin, "POST", "/v1/organisations", new).await.refused(422, "invalid").body;
            assert_eq!(refused["errors"][0]["pointer"], "/area_code", "{area}");
        }
    })
    .await;
}

#[tokio::test]
async fn its_own_administrator_changes_name_and_telephone_and_the_office_the_area_too() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (admin, home) = (site.token("admin").await, site.network.care_home);
        let chief = site.newcomer(&admin, home, "home.chief", json!({ "roles": ["administrator"] })).await;
        let change = json!({ "name_zh": "安和养老院", "name_en": "", "phone": "0574 8627 0000" });
        let read = [("if-match", "\"1\""), ("idempotency-key", "e1")];
        let first = site.api_with(&chief, "PATCH", &path(home), change.clone(), &read).await.expect(200);
        assert_eq!((&first["name_zh"], &first["name_en"]), (&json!("安和养老院"), &json!("")));
        assert_eq!((&first["phone"], &first["version"]), (&json!("057486270000"), &json!(2)));
        assert_eq!(site.api_with(&chief, "PATCH", &path(home), change.clone(), &read).await.expect(200), first);
        let late = site.api_with(&chief, "PATCH", &path(home), change, &[("if-match", "\"1\"")]).await;
        late.refused(412, "precondition-failed");
        assert_eq!(told(&site, &home.to_string()).await["name_zh"], "安和养老院");
        assert_eq!(audited(&site, "organisation.edit").await, 1);
        for (wrong, pointer) in [
            (json!({ "phone": "123" }), "/phone"),
            (json!({ "name_zh": "" }), "/name_zh"),
            (json!({ "area_code": "?" }), "/area_code"),
        ] {
            let refused = site.api(&admin, "PATCH", &path(home), wrong).await.refused(422, "invalid").body;
            assert_eq!(refused["errors"][0]["pointer"], pointer);
        }
        let moved = json!({ "area_code": "330211001" });
        site.api(&chief, "PATCH", &path(home), moved.clone()).await.refused(403, "forbidden");
        let nurse = site.token("nurse").await;
        site.api(&nurse, "PATCH", &path(home), json!({ "phone": "13800000001" })).await.refused(403, "forbidden");
        let doctor = site.token("doctor").await;
        site.api(&doctor, "PATCH", &path(home), json!({ "phone": "13800000001" })).await.refused(404, "not-found");
        site.api(&admin, "PATCH", &path(home), moved).await.checked(200);
        let no_phone = site.api(&chief, "PATCH", &path(home), json!({ "phone": "" })).await.expect(200);
        assert_eq!(no_phone["phone"], Value::Null, "what is empty is taken away");
        site.api(&admin, "PATCH", &path(home), json!({ "area_code": "" })).await.refused(422, "invalid");
        site.api(&admin, "POST", &format!("{}/close", path(home)), json!({ "reason": "x" })).await.checked(200);
        let closed = site.api(&admin, "PATCH", &path(home), json!({ "phone": "13800000001" })).await;
        closed.refused(409, "invalid-transition");
    })
    .await;
}

#[tokio::test]
async fn a_name_that_exists_is_pointed_out_and_may_be_meant() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let admin = site.token("admin").await;
        let twin = json!({ "kind": "hospital", "name_zh": "海滨医院" });
        let refused = site.api(&admin, "POST", "/v1/organisations", twin.clone()).await.refused(422, "invalid").body;
        assert_eq!(refused["errors"][0]["pointer"], "/same_name");
        let other = make(&site, &admin, json!({ "kind": "hospital", "name_zh": "城东医院" })).await;
        let name = json!({ "name_zh": "海滨 医院" });
        site.api(&admin, "PATCH", &path(&other), name).await.refused(422, "invalid");
        let meant = json!({ "name_zh": "海滨医院", "same_name": true });
        assert_eq!(site.api(&admin, "PATCH", &path(&other), meant).await.expect(200)["name_zh"], "海滨医院");
        // An office that does not reach it is told nothing of it.
        let (_, second) = site.second_office("330211002").await;
        site.api(&second, "POST", "/v1/organisations", twin).await.checked(201);
    })
    .await;
}

#[tokio::test]
async fn an_office_without_an_area_gets_one_that_nobody_has_a_part_in() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (own, second) = site.second_office("").await;
        let admin = site.token("admin").await;
        // Organisations of the first office that lie elsewhere are not swallowed either.
        make(&site, &admin, json!({ "kind": "hospital", "name_zh": "远方医院", "area_code": "330211007" })).await;
        for taken in
            ["330211001", "330211001001", "330211001009", "330211", "330200", "33", "330211007", "330211007003"]
        {
            let refused = site.api(&second, "PATCH", &path(&own), json!({ "area_code": taken })).await;
            assert_eq!(refused.refused(422, "invalid").body["errors"][0]["pointer"], "/area_code", "{taken}");
        }
        let given = site.api(&second, "PATCH", &path(&own), json!({ "area_code": "330211002" })).await.expect(200);
        assert_eq!(given["area_code"], "330211002");
        assert_eq!(told(&site, &own).await["area_code"], "330211002");
        let (desk, day) = (json!({ "roles": ["dispatcher"], "areas": ["330211002"] }), "second.desk");
        site.newcomer(&second, &own, day, desk).await;
        // Nor is the first office's area taken by an organisation that is made or moved into it.
        for kind in ["street_office", "community"] {
            let new = json!({ "kind": kind, "name_zh": format!("抢{kind}"), "area_code": "330211001" });
            site.api(&second, "POST", "/v1/organisations", new).await.refused(422, "invalid");
        }
        let part = json!({ "kind": "community", "name_zh": "自己的社区", "area_code": "330211002" });
        let part = make(&site, &second, part).await;
        let moved = json!({ "area_code": "330211001001" });
        site.api(&second, "PATCH", &path(&part), moved.clone()).await.refused(422, "invalid");
        let chief = site.newcomer(&second, &part, "part.chief", json!({ "roles": ["administrator"] })).await;
        site.api(&chief, "PATCH", &path(&part), moved.clone()).await.refused(403, "forbidden");
        for foreign in [site.network.care_home, site.network.street_office] {
            site.api(&second, "PATCH", &path(foreign), moved.clone()).await.refused(404, "not-found");
        }
    })
    .await;
}

#[tokio::test]
async fn the_maker_of_one_that_runs_itself_does_not_bring_it_under_itself() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let admin = site.token("admin").await;
        let far = make(&site, &admin, json!({ "kind": "hospital", "name_zh": "远方医院" })).await;
        let chief = site.newcomer(&admin, &far, "far.chief", json!({ "roles": ["administrator"] })).await;
        let here = json!({ "area_code": "330211001" });
        site.api(&admin, "PATCH", &path(&far), here.clone()).await.refused(403, "forbidden");
        site.get(&admin, &format!("{}/accounts", path(&far))).await.refused(403, "forbidden");
        // Its own administrator says once where it lies, and the office there governs it.
        site.api(&chief, "PATCH", &path(&far), here).await.checked(200);
        site.get(&admin, &format!("{}/accounts", path(&far))).await.checked(200);
        let away = json!({ "area_code": "330211009" });
        site.api(&chief, "PATCH", &path(&far), away).await.refused(403, "forbidden");
    })
    .await;
}

#[tokio::test]
async fn accounts_lose_the_areas_that_their_organisation_has_left() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (admin, agency) = (site.token("admin").await, site.network.agency);
        let person = json!({ "roles": ["dispatcher"], "areas": ["330211001", "330211001001"] });
        let token = site.newcomer(&admin, agency, "mover", person).await;
        let list = site.get(&admin, &format!("{}/accounts", path(agency))).await.expect(200);
        let account = list["items"].as_array().unwrap().iter().find(|a| a["login"] == "mover").unwrap().clone();
        site.api(&admin, "PATCH", &path(agency), json!({ "area_code": "330211001001" })).await.checked(200);
        site.get(&token, "/v1/visits").await.refused(401, "unauthenticated");
        let now = site.get(&admin, &format!("/v1/accounts/{}", account["id"].as_str().unwrap())).await.expect(200);
        assert_eq!(now["areas"], json!(["330211001001"]));
        let claims = site.access("mover", "correct horse").await;
        let claims = site.deps.keys.verify_access(site.clock.now(), &claims).unwrap();
        assert_eq!(claims.areas, ["330211001001"]);
    })
    .await;
}
