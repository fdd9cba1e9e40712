//! The network grows by its street office; each organisation's administrator runs its accounts.

use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::account::kit::{Site, audited};

fn account(login: &str, roles: &[&str]) -> Value {
    json!({ "login": login, "display_name": "新人", "roles": roles })
}

#[tokio::test]
async fn the_street_office_adds_a_care_home_and_its_administrator_who_runs_it() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let admin = site.token("admin").await;
        let new = json!({ "kind": "care_home", "name_zh": "望海苑", "name_en": "Sea View", "phone": "0574-86270001" });
        let key = [("idempotency-key", "o1")];
        let made = site.api_with(&admin, "POST", "/v1/organisations", new.clone(), &key).await.expect(201);
        let again = site.api_with(&admin, "POST", "/v1/organisations", new, &key).await.expect(201);
        assert_eq!(made, again);
        assert_eq!(made["time_zone"], "Asia/Shanghai");
        let list = site.get(&admin, "/v1/organisations?limit=3").await.expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 3);
        let rest = format!("/v1/organisations?limit=3&after={}", list["next"].as_str().unwrap());
        assert_eq!(site.get(&admin, &rest).await.expect(200)["items"].as_array().unwrap().len(), 2);

        let home = format!("/v1/organisations/{}", made["id"].as_str().unwrap());
        let chief = account("chief", &["administrator"]);
        let made = site.api(&admin, "POST", &format!("{home}/accounts"), chief.clone()).await.expect(201);
        site.choose(&made["link"], "correct horse").await;
        site.api(&admin, "POST", &format!("{home}/accounts"), chief).await.refused(409, "login-taken");
        let chief = site.log_in("chief", "correct horse").await.expect(200);
        let chief = chief["access_token"].as_str().unwrap();
        site.get(chief, &home).await.checked(200);
        let nurse = account("new.nurse", &["care_staff"]);
        let nurse = site.api(chief, "POST", &format!("{home}/accounts"), nurse).await.expect(201);
        assert_eq!((&nurse["roles"], &nurse["pin_set"]), (&json!(["care_staff"]), &json!(false)));
        assert!(nurse.get("password_hash").is_none());
        let room = json!({ "name": "会诊室" });
        site.api(chief, "POST", &format!("{home}/locations"), room).await.checked(201);
        let rooms = site.get(chief, &format!("{home}/locations")).await.expect(200);
        assert_eq!(rooms["items"][0]["name"], "会诊室");
        let listed = site.get(chief, &format!("{home}/accounts?limit=1")).await.expect(200);
        assert!(listed["next"].is_string());

        for foreign in [site.network.hospital, site.network.street_office] {
            site.get(chief, &format!("/v1/organisations/{foreign}")).await.refused(404, "not-found");
            let path = format!("/v1/organisations/{foreign}/accounts");
            site.get(chief, &path).await.refused(404, "not-found");
            let intruder = account("intruder", &["administrator"]);
            site.api(chief, "POST", &path, intruder).await.refused(404, "not-found");
        }
        let stranger = format!("/v1/accounts/{}", site.account("doctor"));
        site.get(chief, &stranger).await.refused(404, "not-found");
        site.get(chief, "/v1/organisations").await.refused(403, "forbidden");
        assert_eq!(audited(&site, "account.create").await, 2);
    })
    .await;
}

#[tokio::test]
async fn an_account_is_changed_by_its_administrator_one_hand_at_a_time() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let admin = site.token("admin").await;
        let path = format!("/v1/accounts/{}", site.account("dispatcher"));
        let tag = site.get(&admin, &path).await.checked(200).header("etag").to_owned();
        let change = json!({ "roles": ["dispatcher", "caregiver"], "areas": ["330211001001"] });
        let changed = site.api_with(&admin, "PATCH", &path, change.clone(), &[("if-match", &tag)]).await.checked(200);
        assert_eq!(changed.body["roles"], json!(["caregiver", "dispatcher"]));
        assert_eq!(changed.body["areas"], json!(["330211001001"]));
        assert_eq!(changed.body["display_name"], "方佳宁", "what was left out stays");
        let late = site.api_with(&admin, "PATCH", &path, change, &[("if-match", &tag)]).await;
        late.refused(412, "precondition-failed");
        let foreign_role = json!({ "roles": ["doctor"] });
        let refused = site.api(&admin, "PATCH", &path, foreign_role).await.refused(422, "invalid").body;
        assert_eq!(refused["errors"][0]["pointer"], "/roles");
        site.api(&admin, "PATCH", &path, json!({ "roles": [] })).await.refused(422, "invalid");

        let own = format!("/v1/accounts/{}", site.account("admin"));
        site.api(&admin, "POST", &format!("{own}/disable"), Value::Null).await.refused(409, "conflict");
        let down = json!({ "roles": ["analyst"] });
        site.api(&admin, "PATCH", &own, down).await.refused(409, "conflict");
    })
    .await;
}

#[tokio::test]
async fn who_is_no_administrator_manages_nothing() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        for (login, organisation) in [
            ("nurse", site.network.care_home),
            ("doctor", site.network.hospital),
            ("dispatcher", site.network.agency),
            ("caregiver", site.network.agency),
            ("analyst", site.network.street_office),
        ] {
            let token = site.token(login).await;
            let own = format!("/v1/organisations/{organisation}");
            site.get(&token, &own).await.checked(200);
            site.get(&token, &format!("{own}/locations")).await.checked(200);
            site.get(&token, &format!("{own}/accounts")).await.refused(403, "forbidden");
            let (room, new) = (json!({ "name": "x" }), account("x.y", &["administrator"]));
            site.api(&token, "POST", &format!("{own}/locations"), room).await.refused(403, "forbidden");
            site.api(&token, "POST", &format!("{own}/accounts"), new).await.refused(403, "forbidden");
            let me = format!("/v1/accounts/{}", site.account(login));
            let up = json!({ "roles": ["administrator"] });
            site.api(&token, "PATCH", &me, up).await.refused(403, "forbidden");
            let body = json!({ "kind": "hospital", "name_zh": "x", "name_en": "x" });
            site.api(&token, "POST", "/v1/organisations", body).await.refused(403, "forbidden");
            let admin = format!("/v1/accounts/{}/disable", site.account("admin"));
            let answer = site.api(&token, "POST", &admin, Value::Null).await;
            assert!(matches!(answer.status.as_u16(), 403 | 404), "{login}: {}", answer.text);
        }
    })
    .await;
}
