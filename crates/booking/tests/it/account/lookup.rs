//! Finding somebody while one types, and never a stranger.

use sanbao_booking::account::person::lookup::fill;
use sanbao_platform::on;
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::account::kit::{Site, audited};

async fn register(site: &Site, token: &str, body: Value) -> Value {
    site.api(token, "POST", "/v1/persons", body).await.expect(201)
}

/// The names and the signs of those whom something typed finds.
async fn found(site: &Site, token: &str, typed: &str) -> Vec<(String, String)> {
    let path = format!("/v1/persons/lookup?q={}", sanbao_platform::page::encode(typed));
    let list = site.get(token, &path).await.expect(200);
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    list["items"].as_array().unwrap().iter().map(|p| (text(&p["name"]), text(&p["because"]))).collect()
}

fn chen() -> Value {
    json!({ "name": "谌某香", "national_id": "11010519491231002X", "phone": "13812345678",
        "address": "丙弄 3 号 201 室", "guardian_phone": "0574-86259753" })
}

#[tokio::test]
async fn any_part_finds_the_person_and_says_by_what() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        register(&site, &nurse, chen()).await;
        register(&site, &nurse, json!({ "name": "𠮷某", "paper_number": "E12349876" })).await;
        for (typed, name, sign) in [
            ("5678", "谌某香", "phone"),
            ("138 1234", "谌某香", "phone"),
            ("9753", "谌某香", "phone"),
            ("谌", "谌某香", "name"),
            ("某 香", "谌某香", "name"),
            ("cmx", "谌某香", "initials"),
            ("chenmoux", "谌某香", "pinyin"),
            ("丙弄3号", "谌某香", "address"),
            ("11010519491231002x", "谌某香", "paper"),
            ("110105491231002", "谌某香", "paper"),
            ("002X", "谌某香", "paper_tail"),
            ("𠮷", "𠮷某", "name"),
            ("e1234 9876", "𠮷某", "paper"),
            ("9876", "𠮷某", "paper_tail"),
        ] {
            let all = found(&site, &nurse, typed).await;
            assert!(all.contains(&(name.to_owned(), sign.to_owned())), "{typed}: {all:?}");
        }
        assert_eq!(found(&site, &nurse, "谌某香香").await, []);
        site.get(&nurse, "/v1/persons/lookup?q=%20").await.refused(422, "invalid");
        assert!(audited(&site, "GET /v1/persons/lookup").await > 0);
    })
    .await;
}

#[tokio::test]
async fn strangers_never_show() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (nurse, desk, agency) =
            (site.token("nurse").await, site.token("desk").await, site.token("dispatcher").await);
        register(&site, &nurse, chen()).await;
        let near = json!({ "name": "谌某近", "phone": "13812345679", "area_code": "330211001001" });
        let far = json!({ "name": "谌某远", "phone": "13812345670", "area_code": "330299001001" });
        register(&site, &agency, near).await;
        register(&site, &agency, far).await;
        let names = async |token: &str, typed: &str| {
            let mut names: Vec<_> = found(&site, token, typed).await.into_iter().map(|(name, _)| name).collect();
            names.sort();
            names
        };
        for typed in ["谌某", "1381234567", "chenm"] {
            assert_eq!(names(&nurse, typed).await, ["谌某香"], "{typed}");
            assert_eq!(names(&agency, typed).await, ["谌某近", "谌某远"], "{typed}");
            assert_eq!(names(&desk, typed).await, ["谌某近"], "{typed}");
        }
        let (_, second) = site.second_office("330288001").await;
        assert_eq!(names(&second, "谌某").await, [""; 0]);
        for login in ["doctor", "caregiver", "analyst"] {
            let token = site.token(login).await;
            site.get(&token, "/v1/persons/lookup?q=13812345679").await.refused(403, "forbidden");
        }
    })
    .await;
}

#[tokio::test]
async fn keys_follow_corrections_joins_and_what_was_there_before() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let one = register(&site, &nurse, chen()).await;
        let other = register(&site, &nurse, json!({ "name": "谌某芗", "phone": "13911110000" })).await;
        let (path, id) = (format!("/v1/persons/{}", one["id"].as_str().unwrap()), &other["id"]);
        let change = json!({ "phone": "13822220000", "address": null });
        site.api_with(&nurse, "PATCH", &path, change, &[("if-match", "\"1\"")]).await.expect(200);
        assert_eq!((found(&site, &nurse, "13812345").await, found(&site, &nurse, "丙弄").await), (vec![], vec![]));
        assert_eq!(found(&site, &nurse, "2222").await.len(), 1);
        let with = [("if-match", "\"2\"")];
        site.api_with(&nurse, "POST", &format!("{path}/join"), json!({ "other": id }), &with).await.expect(200);
        for typed in ["1391111", "谌某芗", "2222"] {
            let all: Vec<_> = found(&site, &nurse, typed).await;
            assert_eq!(all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["谌某香"], "{typed}");
        }
        let with = [("if-match", "\"3\"")];
        site.api_with(&nurse, "POST", &format!("{path}/unjoin"), json!({ "other": id }), &with).await.expect(200);
        let apart = found(&site, &nurse, "1391111").await;
        assert_eq!(apart, [("谌某芗".to_owned(), "phone".to_owned())]);
        // As it was before there were keys.
        let mut tx = site.deps.db.begin().await.unwrap();
        for forget in
            ["delete from person_key", "update person set keys_form = 0, national_id_tail = null, paper_tail = null"]
        {
            on!(tx, |c| sqlx::query(sqlx::AssertSqlSafe(forget)).execute(c).await.map(drop)).unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(found(&site, &nurse, "谌某").await, []);
        assert!(fill(&site.deps.db, &site.deps.fields).await.unwrap() >= 8);
        assert_eq!(found(&site, &nurse, "谌某").await.len(), 2);
        assert_eq!(found(&site, &nurse, "002X").await, [("谌某香".to_owned(), "paper_tail".to_owned())]);
        assert_eq!(fill(&site.deps.db, &site.deps.fields).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn each_of_several_telephones_finds_the_person() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let phones = json!([{ "number": "138 1111 2222", "whose": "daughter" }, { "number": "0574-86259753-8" },
            { "number": "13811112222" }]);
        let person = register(&site, &nurse, json!({ "name": "谌某香", "phones": phones })).await;
        let masked =
            json!([{ "number": "138****2222", "whose": "daughter" }, { "number": "057*****9753", "whose": "own" }]);
        assert_eq!((&person["phones"], &person["phone"]), (&masked, &json!("138****2222")));
        for typed in ["2222", "9753", "86259753"] {
            assert_eq!(found(&site, &nurse, typed).await.len(), 1, "{typed}");
        }
        let path = format!("/v1/persons/{}", person["id"].as_str().unwrap());
        let change = async |version: u32, body: Value| {
            let tag = format!("\"{version}\"");
            site.api_with(&nurse, "PATCH", &path, body, &[("if-match", &tag)]).await
        };
        let wrong = change(1, json!({ "phones": [{ "number": "13811112222" }, { "number": "12" }] })).await;
        assert_eq!(wrong.refused(422, "invalid").body["errors"][0]["pointer"], "/phones/1/number");
        let out = change(1, json!({ "phone": null })).await.expect(200);
        assert_eq!((&out["phone"], out["phones"].as_array().unwrap().len()), (&json!("057*****9753"), 1));
        assert_eq!((found(&site, &nurse, "2222").await.len(), found(&site, &nurse, "9753").await.len()), (0, 1));
        let none = change(2, json!({ "phones": [] })).await.expect(200);
        assert_eq!((&none["phone"], &none["phones"]), (&Value::Null, &json!([])));
    })
    .await;
}
