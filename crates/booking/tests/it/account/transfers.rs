//! Moving from one care home to another, and home: asked for, answered, and what each side sees then.

use futures_util::future::join_all;
use sanbao_platform::testing::{TestEngine, on_both};
use serde_json::{Value, json};

use crate::account::kit::{Browser, Site, audited, published};

const ID: &str = "11010519491231002X";
const AREA: &str = "330211001001";

/// A second care home of the street, and the token of its nurse.
async fn second_home(site: &Site, name: &str, login: &str) -> (String, String) {
    let admin = site.token("admin").await;
    let new = json!({ "kind": "care_home", "name_zh": name, "name_en": name, "area_code": AREA });
    let made = site.api(&admin, "POST", "/v1/organisations", new).await.expect(201);
    let id = made["id"].as_str().unwrap().to_owned();
    let nurse = site.newcomer(&admin, &id, login, json!({ "roles": ["care_staff"] })).await;
    (id, nurse)
}

fn resident() -> Value {
    json!({ "name": "许桂兰", "national_id": ID, "phone": "13812345678", "address": "甲弄 1 号",
        "guardian_name": "许小明", "guardian_phone": "13912345678" })
}

async fn register(site: &Site, token: &str, person: Value) -> String {
    site.api(token, "POST", "/v1/persons", person).await.expect(201)["id"].as_str().unwrap().to_owned()
}

fn wish(person: &str) -> Value {
    json!({ "person_id": person, "agreed_by": "guardian", "agreed_name": "许小明", "agreed_how": "telephone",
        "agreed_on": "2026-11-22", "note": "离家近" })
}

async fn ask(site: &Site, token: &str, person: &str) -> Value {
    site.api(token, "POST", "/v1/transfers", wish(person)).await.expect(201)
}

fn step(transfer: &Value, step: &str) -> String {
    format!("/v1/transfers/{}/{step}", transfer["id"].as_str().unwrap())
}

async fn list(site: &Site, token: &str, which: &str) -> Vec<Value> {
    let page = site.get(token, &format!("/v1/transfers?list={which}")).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

/// An answer without what differs from one asking to the next.
fn plain(transfer: &Value) -> Value {
    let mut plain = transfer.clone();
    for field in ["id", "person_id", "asked_at"] {
        plain.as_object_mut().unwrap().remove(field);
    }
    plain
}

#[tokio::test]
async fn a_resident_of_another_home_is_asked_for_and_handed_over() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let (_, second) = second_home(&site, "海港养老院", "second.nurse").await;
        let old = register(&site, &nurse, resident()).await;
        let new = json!({ "name": "许桂兰", "national_id": ID, "guardian_phone": "13712345678" });
        let made = site.api(&second, "POST", "/v1/persons", new).await.expect(201);
        assert_eq!(made["perhaps_same"], Value::Null, "registering tells nothing of others");
        let new = made["id"].as_str().unwrap().to_owned();
        let asked = ask(&site, &second, &new).await;
        assert_eq!((&asked["state"], &asked["side"], &asked["from"]), (&json!("asked"), &json!("asker"), &Value::Null));
        assert_eq!(asked["actions"], json!(["withdraw"]));

        let of_us = list(&site, &nurse, "asked_of").await;
        assert_eq!(of_us.len(), 1);
        assert_eq!((&of_us[0]["person_id"], &of_us[0]["person_name"]), (&json!(old), &json!("许桂兰")));
        assert_eq!(of_us[0]["to"]["name_zh"], "海港养老院");
        assert_eq!(
            of_us[0]["agreement"],
            json!({ "by": "guardian", "name": "许小明", "how": "telephone", "on": "2026-11-22" })
        );
        assert_eq!((&of_us[0]["note"], &of_us[0]["actions"]), (&json!("离家近"), &json!(["accept", "decline"])));
        let stale = [("if-match", "\"9\"")];
        let late = site.api_with(&nurse, "POST", &step(&asked, "accept"), Value::Null, &stale).await;
        late.refused(412, "precondition-failed");
        let key = [("idempotency-key", "one"), ("if-match", "\"1\"")];
        let accepted = site.api_with(&nurse, "POST", &step(&asked, "accept"), Value::Null, &key).await.expect(200);
        assert_eq!((&accepted["state"], &accepted["side"]), (&json!("accepted"), &json!("holder")));
        let again = site.api_with(&nurse, "POST", &step(&asked, "accept"), Value::Null, &key).await.expect(200);
        assert_eq!(again, accepted, "a repeat gets the first answer");
        site.api(&nurse, "POST", &step(&asked, "accept"), Value::Null).await.refused(409, "invalid-transition");

        let theirs = site.get(&second, &format!("/v1/persons/{new}")).await.expect(200);
        for (field, value) in [
            ("phone", json!("138****5678")),
            ("address", json!("甲弄 1 号")),
            ("guardian_name", json!("许小明")),
            ("guardian_phone", json!("137****5678")),
        ] {
            assert_eq!(theirs[field], value, "{field}: what is missing is taken, what the new side says stays");
        }
        assert_eq!(site.get(&second, &format!("/v1/persons/{old}")).await.expect(200)["id"], json!(new), "it leads on");
        site.api(&second, "PATCH", &format!("/v1/persons/{new}"), json!({ "phone": "13612345678" })).await.checked(200);
        let ours = site.get(&nurse, &format!("/v1/persons/{old}")).await.expect(200);
        assert_eq!((&ours["id"], &ours["phone"]), (&json!(old), &json!("138****5678")), "as it was had");
        for (method, path) in [
            ("PATCH", format!("/v1/persons/{old}")),
            ("GET", format!("/v1/persons/{old}/national-id")),
            ("GET", format!("/v1/persons/{new}")),
            ("GET", format!("/v1/persons/{old}/joins")),
        ] {
            let body = if method == "GET" { Value::Null } else { json!({}) };
            site.api(&nurse, method, &path, body).await.refused(404, "not-found");
        }
        let found = site.get(&nurse, "/v1/persons?q=%E8%AE%B8").await.expect(200);
        assert_eq!(found["items"], json!([]), "she is no resident any more");
        let back = json!({ "other": old });
        site.api(&second, "POST", &format!("/v1/persons/{new}/unjoin"), back).await.refused(404, "not-found");
        assert_eq!(published(&site, "booking.person.moved").await, 1);
        assert_eq!((audited(&site, "transfer.ask").await, audited(&site, "transfer.accept").await), (1, 1));
        assert_eq!(audited(&site, "person.move").await, 2);
        register(&site, &nurse, resident()).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_asked_tells_no_stranger_anything() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let (_, second) = second_home(&site, "海港养老院", "second.nurse").await;
        let (_, third) = second_home(&site, "江南养老院", "third.nurse").await;
        register(&site, &nurse, resident()).await;
        let held = register(&site, &second, json!({ "name": "许某", "national_id": ID })).await;
        let unknown = register(&site, &second, json!({ "name": "许某", "national_id": "110101194901010026" })).await;
        let (held, unknown) = (ask(&site, &second, &held).await, ask(&site, &second, &unknown).await);
        assert_eq!(plain(&held), plain(&unknown), "whether anybody has the person is not told");
        for login in ["doctor", "analyst", "caregiver"] {
            let token = site.token(login).await;
            site.get(&token, "/v1/transfers").await.refused(403, "forbidden");
            site.get(&token, &step(&held, "")[..step(&held, "").len() - 1]).await.refused(404, "not-found");
            site.api(&token, "POST", &step(&held, "accept"), Value::Null).await.refused(404, "not-found");
        }
        for token in [&third, &site.token("dispatcher").await, &site.token("desk").await] {
            assert_eq!(list(&site, token, "asked_of").await, Vec::<Value>::new());
            site.api(token, "POST", &step(&held, "decline"), json!({ "reason": "不" })).await.refused(404, "not-found");
        }
        site.api(&second, "POST", &step(&held, "accept"), Value::Null).await.refused(403, "forbidden");
        site.api(&nurse, "POST", &step(&held, "withdraw"), Value::Null).await.refused(403, "forbidden");
        site.api(&nurse, "POST", &step(&held, "decline"), json!({ "reason": " " })).await.refused(422, "invalid");
        let declined = site.api(&nurse, "POST", &step(&held, "decline"), json!({ "reason": "家属没有同意" })).await;
        let declined = declined.expect(200);
        assert_eq!((&declined["state"], &declined["person_name"]), (&json!("declined"), &json!("许桂兰")));
        let read = list(&site, &second, "asked_by").await;
        let read = read.iter().find(|t| t["id"] == held["id"]).unwrap();
        assert_eq!((&read["reason"], &read["from"]), (&json!("家属没有同意"), &Value::Null), "not by whom");
        let back = site.api(&second, "POST", &step(&unknown, "withdraw"), Value::Null).await.expect(200);
        assert_eq!((&back["state"], &back["actions"]), (&json!("withdrawn"), &json!([])));
        assert_eq!(published(&site, "booking.person.moved").await, 0);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_asked_says_why() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let (nurse, agency) = (site.token("nurse").await, site.token("dispatcher").await);
        let person = register(&site, &nurse, resident()).await;
        let call = async |token: &str, body: Value| site.api(token, "POST", "/v1/transfers", body).await;
        let mut wrong = wish(&person);
        (wrong["agreed_name"], wrong["agreed_on"]) = (json!(" "), json!("2026-08-01"));
        let refused = call(&nurse, wrong).await.refused(422, "invalid").body;
        let pointers: Vec<&Value> = refused["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
        assert_eq!(pointers, [&json!("/agreed_name"), &json!("/agreed_on")]);
        let nameless = register(&site, &nurse, json!({ "name": "许桂兰" })).await;
        let refused = call(&nurse, wish(&nameless)).await.refused(422, "invalid").body;
        assert_eq!(refused["errors"][0]["pointer"], "/person_id");
        let elder = register(&site, &agency, json!({ "name": "吴婆婆", "national_id": ID })).await;
        call(&agency, wish(&elder)).await.refused(403, "forbidden");
        call(&nurse, wish(&elder)).await.refused(404, "not-found");
        call(&nurse, wish(&person)).await.checked(201);
        call(&nurse, wish(&person)).await.refused(409, "transfer-asked");
        let mine = list(&site, &nurse, "asked_by").await;
        site.api(&nurse, "POST", &step(&mine[0], "withdraw"), Value::Null).await.checked(200);
        call(&nurse, wish(&person)).await.checked(201);
    })
    .await;
}

#[tokio::test]
async fn the_home_that_asks_does_not_read_on_its_own_page_who_was_asked() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let (home, second) = second_home(&site, "海港养老院", "second.nurse").await;
        register(&site, &nurse, resident()).await;
        let new = register(&site, &second, json!({ "name": "许桂兰", "national_id": ID })).await;
        ask(&site, &second, &new).await;
        assert_eq!(list(&site, &nurse, "asked_of").await.len(), 1);
        let admin = site.token("admin").await;
        let roles = json!({ "roles": ["administrator", "care_staff"] });
        site.newcomer(&admin, &home, "second.head", roles).await;
        let mut head = Browser::new();
        let typed = [("login", "second.head"), ("password", "correct horse"), ("next", "/")];
        head.form(&site, "/session", &typed).await.checked(303);
        let page = head.open(&site, &format!("/persons/{new}")).await.checked(200).text;
        assert!(page.contains("海港养老院") && !page.contains("安和"), "its own readers alone: {page}");
    })
    .await;
}

#[tokio::test]
async fn of_two_homes_that_ask_for_one_person_one_gets_her() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let old = register(&site, &nurse, resident()).await;
        let mut asked = Vec::new();
        for (name, login) in [("海港养老院", "second.nurse"), ("江南养老院", "third.nurse")] {
            let (_, token) = second_home(&site, name, login).await;
            let person = register(&site, &token, json!({ "name": "许桂兰", "national_id": ID })).await;
            asked.push((ask(&site, &token, &person).await, token, person));
        }
        assert_eq!(list(&site, &nurse, "asked_of").await.len(), 2);
        let paths = [step(&asked[0].0, "accept"), step(&asked[1].0, "accept")];
        let both = join_all(paths.iter().map(|path| site.api(&nurse, "POST", path, Value::Null))).await;
        let got = both.iter().position(|answer| answer.status == 200).expect("one of them is accepted");
        // At the same time it is refused; a moment later the one who handed over has nobody to answer for any more.
        assert!(matches!(both[1 - got].status.as_u16(), 409 | 404), "{}", both[1 - got].text);
        for (n, (transfer, token, person)) in asked.iter().enumerate() {
            let mine = list(&site, token, "asked_by").await;
            let state = if n == got { "accepted" } else { "overtaken" };
            assert_eq!((&mine[0]["id"], &mine[0]["state"]), (&transfer["id"], &json!(state)));
            let answer = site.get(token, &format!("/v1/persons/{old}")).await;
            if n == got {
                assert_eq!(answer.expect(200)["id"], json!(person));
            } else {
                answer.refused(404, "not-found");
            }
        }
        assert_eq!(published(&site, "booking.person.moved").await, 1);
    })
    .await;
}

#[tokio::test]
async fn somebody_who_has_died_goes_nowhere() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let (_, second) = second_home(&site, "海港养老院", "second.nurse").await;
        let old = register(&site, &nurse, resident()).await;
        let new = register(&site, &second, json!({ "name": "许桂兰", "national_id": ID })).await;
        let asked = ask(&site, &second, &new).await;
        let died = json!({ "kind": "died", "on": "2026-11-20" });
        site.api(&nurse, "POST", &format!("/v1/persons/{old}/end"), died.clone()).await.checked(200);
        assert_eq!(list(&site, &nurse, "asked_of").await[0]["actions"], json!(["decline"]));
        site.api(&nurse, "POST", &step(&asked, "accept"), Value::Null).await.refused(409, "person-ended");
        let home = json!({ "agreed_by": "person", "agreed_name": "许桂兰", "agreed_how": "writing",
            "agreed_on": "2026-11-22", "address": "乙弄 2 号", "area_code": AREA });
        let discharge = format!("/v1/persons/{old}/discharge");
        site.api(&nurse, "POST", &discharge, home).await.refused(409, "person-ended");
        let back = json!({ "reason": "登记错了人" });
        site.api(&nurse, "POST", &format!("/v1/persons/{old}/restore"), back).await.checked(200);
        site.api(&second, "POST", &format!("/v1/persons/{new}/end"), died).await.checked(200);
        site.api(&nurse, "POST", &step(&asked, "accept"), Value::Null).await.refused(409, "person-ended");
        assert_eq!(published(&site, "booking.person.moved").await, 0);
    })
    .await;
}

#[tokio::test]
async fn after_a_week_without_an_answer_the_street_office_answers() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let (_, second) = second_home(&site, "海港养老院", "second.nurse").await;
        let (old, new) = (
            register(&site, &nurse, resident()).await,
            register(&site, &second, json!({ "name": "许桂兰", "national_id": ID })).await,
        );
        let asked = ask(&site, &second, &new).await;
        let desk = site.token("desk").await;
        assert_eq!(list(&site, &desk, "asked_of").await, Vec::<Value>::new());
        site.api(&desk, "POST", &step(&asked, "accept"), Value::Null).await.refused(404, "not-found");
        site.minutes_pass(7 * 24 * 60);
        let (desk, other) = (site.token("desk").await, site.second_office("330211002").await.1);
        let seen = list(&site, &desk, "asked_of").await;
        assert_eq!((&seen[0]["side"], &seen[0]["person_name"]), (&json!("over"), &json!("许桂兰")));
        site.api(&other, "POST", &step(&asked, "accept"), Value::Null).await.refused(404, "not-found");
        let accepted = site.api(&desk, "POST", &step(&asked, "accept"), Value::Null).await.expect(200);
        assert_eq!((&accepted["state"], &accepted["side"]), (&json!("accepted"), &json!("over")));
        let nurse = site.token("nurse").await;
        let told = list(&site, &nurse, "asked_of").await;
        assert_eq!((&told[0]["state"], &told[0]["person_id"]), (&json!("accepted"), &json!(old)));
    })
    .await;
}

#[tokio::test]
async fn a_resident_goes_home_and_comes_back() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let (nurse, desk) = (site.token("nurse").await, site.token("desk").await);
        let resident_id = register(&site, &nurse, resident()).await;
        let home = json!({ "agreed_by": "person", "agreed_name": "许桂兰", "agreed_how": "in_person",
            "agreed_on": "2026-11-22", "address": "乙弄 2 号", "area_code": AREA });
        let path = format!("/v1/persons/{resident_id}/discharge");
        site.api(&desk, "POST", &path, home.clone()).await.refused(404, "not-found");
        let mut nowhere = home.clone();
        nowhere["area_code"] = json!("x");
        site.api(&nurse, "POST", &path, nowhere).await.refused(422, "invalid");
        let key = [("idempotency-key", "home"), ("if-match", "\"1\"")];
        let gone = site.api_with(&nurse, "POST", &path, home.clone(), &key).await.expect(201);
        assert_eq!(
            (&gone["state"], &gone["to"], &gone["person_id"]),
            (&json!("accepted"), &Value::Null, &json!(resident_id))
        );
        let again = site.api_with(&nurse, "POST", &path, home.clone(), &key).await.expect(201);
        assert_eq!(again, gone, "a repeat gets the first answer");
        site.api(&nurse, "POST", &path, home).await.refused(404, "not-found");
        let ours = site.get(&nurse, &format!("/v1/persons/{resident_id}")).await.expect(200);
        assert_eq!(ours["address"], "甲弄 1 号", "as it was had");
        let elder = site.get(&desk, &format!("/v1/persons/{resident_id}")).await.expect(200);
        assert_eq!((&elder["organisation_id"], &elder["address"]), (&Value::Null, &json!("乙弄 2 号")));
        assert_eq!((&elder["national_id"], &elder["phone"]), (&json!("110105********002X"), &json!("138****5678")));

        let again = register(&site, &nurse, json!({ "name": "许桂兰", "national_id": ID })).await;
        let asked = ask(&site, &nurse, &again).await;
        let of_desk = list(&site, &desk, "asked_of").await;
        assert_eq!((&of_desk[0]["person_id"], &of_desk[0]["side"]), (&elder["id"], &json!("holder")));
        site.api(&site.token("admin").await, "POST", &step(&asked, "accept"), Value::Null)
            .await
            .refused(403, "forbidden");
        site.api(&desk, "POST", &step(&asked, "accept"), Value::Null).await.checked(200);
        for id in [&resident_id, &elder["id"].as_str().unwrap().to_owned()] {
            assert_eq!(site.get(&nurse, &format!("/v1/persons/{id}")).await.expect(200)["id"], json!(again));
        }
        site.get(&desk, &format!("/v1/persons/{again}")).await.refused(404, "not-found");
        assert_eq!(published(&site, "booking.person.moved").await, 2);
    })
    .await;
}

#[tokio::test]
async fn both_sides_find_it_on_their_pages() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let (_, second) = second_home(&site, "海港养老院", "second.nurse").await;
        let old = register(&site, &nurse, resident()).await;
        let new = register(&site, &second, json!({ "name": "许桂兰", "national_id": ID })).await;
        let mut here = Browser::new();
        here.log_in(&site, "nurse").await;
        let mut there = Browser::new();
        there.form(&site, "/session", &[("login", "second.nurse"), ("password", "correct horse"), ("next", "/")]).await;
        let page = there.open(&site, &format!("/persons/{new}")).await.checked(200).text;
        assert!(
            page.contains("POST /v1/transfers") && page.contains("请原机构移交") && !page.contains("安和"),
            "{page}"
        );
        let asked = ask(&site, &second, &new).await;
        let page = there.open(&site, &format!("/persons/{new}")).await.checked(200).text;
        assert!(page.contains("等待答复") && !page.contains("\"POST /v1/transfers\""));
        let page = here.open(&site, "/transfers").await.checked(200).text;
        for words in [
            "请本机构移交",
            "许桂兰",
            "海港养老院",
            "监护人许小明电话同意",
            &step(&asked, "accept"),
            &step(&asked, "decline"),
        ] {
            assert!(page.contains(words), "{words}");
        }
        site.api(&nurse, "POST", &step(&asked, "accept"), Value::Null).await.checked(200);
        let page = here.open(&site, &format!("/persons/{old}")).await.checked(200).text;
        assert!(
            page.contains("老人已转到别处") && !page.contains("/consults/new") && !page.contains("discharge"),
            "{page}"
        );
        let page = there.open(&site, "/transfers").await.checked(200).text;
        assert!(page.contains("已移交") && page.contains("来自："));
        let mut doctor = Browser::new();
        doctor.log_in(&site, "doctor").await;
        doctor.open(&site, "/transfers").await.checked(403);
    })
    .await;
}
