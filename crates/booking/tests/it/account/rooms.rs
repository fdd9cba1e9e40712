//! Rooms are renamed, resized, closed and reopened by those who run their organisation.

use sanbao_booking::account::location::LocationStepName;
use sanbao_platform::on;
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::account::kit::{Site, audited};

const STEPS: &str = "select step from history where aggregate = 'location' order by version";

#[tokio::test]
async fn a_room_is_renamed_closed_and_reopened_and_keeps_its_history() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let admin = site.token("admin").await;
        let rooms = format!("/v1/organisations/{}/locations", site.network.care_home);
        let made = site.api(&admin, "POST", &rooms, json!({ "name": "谈话室" })).await.expect(201);
        assert_eq!((&made["state"], &made["version"]), (&json!("open"), &json!(1)));
        let room = format!("/v1/locations/{}", made["id"].as_str().unwrap());
        let renamed = json!({ "name": "会诊室 3" });
        let read = [("if-match", "\"1\""), ("idempotency-key", "r1")];
        let first = site.api_with(&admin, "PATCH", &room, renamed.clone(), &read).await.expect(200);
        assert_eq!((&first["name"], &first["version"]), (&json!("会诊室 3"), &json!(2)));
        assert_eq!(site.api_with(&admin, "PATCH", &room, renamed.clone(), &read).await.expect(200), first);
        let late = site.api_with(&admin, "PATCH", &room, renamed, &[("if-match", "\"1\"")]).await;
        late.refused(412, "precondition-failed");
        let blank = site.api(&admin, "PATCH", &room, json!({ "name": " " })).await.refused(422, "invalid");
        assert_eq!(blank.body["errors"][0]["pointer"], "/name");

        let closed = site.api(&admin, "POST", &format!("{room}/close"), Value::Null).await.expect(200);
        assert_eq!(closed["state"], "closed");
        let twice = site.api(&admin, "POST", &format!("{room}/close"), Value::Null).await;
        assert_eq!(twice.refused(409, "invalid-transition").body["legal"], json!(["reopen"]));
        let listed = site.get(&admin, &rooms).await.expect(200);
        assert_eq!(listed["items"].as_array().unwrap().last().unwrap()["state"], "closed", "those in use come first");
        let open = site.api(&admin, "POST", &format!("{room}/reopen"), Value::Null).await.expect(200);
        assert_eq!((&open["state"], &open["version"]), (&json!("open"), &json!(4)));
        let two = json!({ "capacity": 2 });
        let read = [("if-match", "\"4\""), ("idempotency-key", "r2")];
        let wide = site.api_with(&admin, "POST", &format!("{room}/resize"), two.clone(), &read).await.expect(200);
        assert_eq!((&wide["capacity"], &wide["version"]), (&json!(2), &json!(5)));
        let again = site.api_with(&admin, "POST", &format!("{room}/resize"), two.clone(), &read).await;
        assert_eq!(again.expect(200), wide);
        let late = [("if-match", "\"4\"")];
        let late = site.api_with(&admin, "POST", &format!("{room}/resize"), two, &late).await;
        late.refused(412, "precondition-failed");
        for action in ["location.create", "location.rename", "location.close", "location.reopen", "location.resize"] {
            assert_eq!(audited(&site, action).await, 1, "{action}");
        }
        let mut conn = site.deps.db.read().await.unwrap();
        let steps: Vec<String> = on!(conn, |c| sqlx::query_scalar(STEPS).fetch_all(c).await).unwrap();
        assert_eq!(steps, ["create", "rename", "close", "reopen", "resize"]);
    })
    .await;
}

#[tokio::test]
async fn nobody_else_touches_a_room() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (_, second) = site.second_office("330211002").await;
        let room = format!("/v1/locations/{}", site.network.rooms[0]);
        let (nurse, doctor) = (site.token("nurse").await, site.token("doctor").await);
        for (token, status, kind) in
            [(&nurse, 403, "forbidden"), (&doctor, 404, "not-found"), (&second, 404, "not-found")]
        {
            site.api(token, "PATCH", &room, json!({ "name": "x" })).await.refused(status, kind);
            let two = json!({ "capacity": 2 });
            site.api(token, "POST", &format!("{room}/resize"), two).await.refused(status, kind);
            for step in ["close", "reopen"] {
                site.api(token, "POST", &format!("{room}/{step}"), Value::Null).await.refused(status, kind);
            }
        }
        let document = serde_json::to_value(&site.openapi).unwrap();
        for step in LocationStepName::ALL {
            let (route, method) = match step {
                LocationStepName::Rename => ("/v1/locations/{id}".to_owned(), "patch"),
                step => (format!("/v1/locations/{{id}}/{}", step.as_str()), "post"),
            };
            assert!(document["paths"][&route][method].is_object(), "{route}");
        }
    })
    .await;
}
