//! Records that were handed over: whose they are not any more, what their consents are, and where somebody may be let go.

use sanbao_platform::testing::{TestEngine, on_both};
use serde_json::{Value, json};

use crate::account::kit::{Site, published};

const ID: &str = "11010519491231002X";
const PHONE: &str = "13812345678";
const AREA: &str = "330211001001";

fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap().to_owned()
}

async fn register(site: &Site, token: &str, person: Value) -> String {
    site.minutes_pass(1);
    id(&site.api(token, "POST", "/v1/persons", person).await.expect(201))
}

/// A second care home of the street: its nurse's token.
async fn second_home(site: &Site) -> String {
    let admin = site.token("admin").await;
    let new = json!({ "kind": "care_home", "name_zh": "海港养老院", "name_en": "Haigang", "area_code": AREA });
    let made = site.api(&admin, "POST", "/v1/organisations", new).await.expect(201);
    site.newcomer(&admin, id(&made), "second.nurse", json!({ "roles": ["care_staff"] })).await
}

/// A wish for a person by those who have registered one with the same paper.
async fn ask(site: &Site, token: &str, person: &str) -> String {
    let wish = json!({ "person_id": person, "agreed_by": "person", "agreed_name": "许桂兰", "agreed_how": "in_person",
        "agreed_on": "2026-11-22" });
    format!("/v1/transfers/{}", id(&site.api(token, "POST", "/v1/transfers", wish).await.expect(201)))
}

fn home(area: &str) -> Value {
    json!({ "agreed_by": "person", "agreed_name": "许桂兰", "agreed_how": "writing", "agreed_on": "2026-11-22",
        "address": "乙弄 2 号", "area_code": area })
}

/// The people whom a list has.
async fn items(site: &Site, token: &str, path: &str) -> Vec<Value> {
    site.get(token, path).await.expect(200)["items"].as_array().unwrap().clone()
}

/// An elder whom `registrar` has registered goes into the care home, and home again into `area`: the ids of the record that was
/// had, and of the one that lives.
async fn there_and_back(site: &Site, registrar: &str, area: &str) -> (String, String) {
    let nurse = site.token("nurse").await;
    let elder = json!({ "name": "许桂兰", "national_id": ID, "phone": PHONE, "area_code": AREA });
    let elder = register(site, registrar, elder).await;
    let resident = register(site, &nurse, json!({ "name": "许桂兰", "national_id": ID })).await;
    let asked = ask(site, &nurse, &resident).await;
    site.api(registrar, "POST", &format!("{asked}/accept"), Value::Null).await.checked(200);
    site.api(&nurse, "POST", &format!("/v1/persons/{resident}/discharge"), home(area)).await.checked(201);
    let mut conn = site.deps.db.read().await.unwrap();
    let living = "select merged_into from person where id = $1";
    let living: Option<uuid::Uuid> = sanbao_platform::on!(conn, |c| {
        sqlx::query_scalar(living).bind(resident.parse::<uuid::Uuid>().unwrap()).fetch_one(c).await
    })
    .unwrap();
    (elder, living.unwrap().to_string())
}

/// The registrar reads the record as it was had, and nothing of the one that lives.
async fn knows_it_as_it_was(site: &Site, registrar: &str, elder: &str, living: &str) {
    let had = site.get(registrar, &format!("/v1/persons/{elder}")).await.expect(200);
    assert_eq!((&had["id"], &had["organisation_id"]), (&json!(elder), &Value::Null), "as it was had");
    for (method, path) in [
        ("PATCH", format!("/v1/persons/{elder}")),
        ("PATCH", format!("/v1/persons/{living}")),
        ("GET", format!("/v1/persons/{living}")),
        ("GET", format!("/v1/persons/{living}/care")),
        ("GET", format!("/v1/persons/{living}/sharing-consents")),
        ("GET", format!("/v1/persons/{living}/joins")),
    ] {
        let body = if method == "GET" { Value::Null } else { json!({ "address": "丙弄" }) };
        let answer = site.api(registrar, method, &path, body).await;
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text);
    }
    for path in ["/v1/persons?q=%E8%AE%B8%E6%A1%82%E5%85%B0", "/v1/persons/lookup?q=%E8%AE%B8%E6%A1%82%E5%85%B0"] {
        assert_eq!(items(site, registrar, path).await, Vec::<Value>::new(), "{path}");
    }
    let other = json!({ "name": "许桂兰", "phone": PHONE });
    let other = site.api(registrar, "POST", "/v1/persons", other).await.expect(201);
    assert_eq!(other["perhaps_same"], Value::Null, "no record of others is named");
    assert_eq!(items(site, registrar, "/v1/persons/pairs").await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_agency_that_has_handed_somebody_over_knows_nothing_of_her_at_home_again() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let (agency, desk) = (site.token("dispatcher").await, site.token("desk").await);
        let (elder, living) = there_and_back(&site, &agency, AREA).await;
        let seen = site.get(&desk, &format!("/v1/persons/{elder}")).await.expect(200);
        assert_eq!(seen["id"], json!(living), "the street of the area knows her");
        knows_it_as_it_was(&site, &agency, &elder, &living).await;
        // What it registers anew is its own.
        let again = json!({ "name": "许桂兰", "national_id": ID });
        let again = register(&site, &agency, again).await;
        assert_eq!(site.get(&agency, &format!("/v1/persons/{again}")).await.expect(200)["id"], json!(again));
    })
    .await;
}

#[tokio::test]
async fn an_office_that_has_handed_somebody_over_knows_nothing_of_her_in_anothers_area() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        site.second_office("330211002").await;
        let desk = site.token("desk").await;
        let (elder, living) = there_and_back(&site, &desk, "330211002").await;
        knows_it_as_it_was(&site, &desk, &elder, &living).await;
    })
    .await;
}

#[tokio::test]
async fn a_record_that_was_joined_before_goes_by_the_hand_over_of_the_one_that_it_leads_to() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let (nurse, second) = (site.token("nurse").await, second_home(&site).await);
        let one = register(&site, &nurse, json!({ "name": "许桂兰", "national_id": ID })).await;
        let other = register(&site, &nurse, json!({ "name": "许桂兰", "phone": PHONE })).await;
        let consents = |person: &str| format!("/v1/persons/{person}/sharing-consents");
        let consent = |scope: &str| {
            json!({ "scope": scope, "given_by": "person", "given_name": "许桂兰", "told": "in_person",
                "given_on": "2026-11-22" })
        };
        let mut given = Vec::new();
        for (person, scope) in [(&other, "keep"), (&other, "hand_over"), (&one, "keep")] {
            site.minutes_pass(1);
            given.push(site.api(&nurse, "POST", &consents(person), consent(scope)).await.expect(201));
        }
        let withdraw = |n: usize| format!("/v1/sharing-consents/{}/withdraw", given[n]["id"].as_str().unwrap());
        let count = async |token: &str, person: &str| {
            site.get(token, &consents(person)).await.expect(200).as_array().unwrap().len()
        };
        let join = format!("/v1/persons/{one}/join");
        site.api(&nurse, "POST", &join, json!({ "other": other })).await.checked(200);
        assert_eq!(count(&nurse, &one).await, 3, "those of a joined record are the survivor's");
        let undo = format!("/v1/persons/{one}/unjoin");
        site.api(&nurse, "POST", &undo, json!({ "other": other })).await.checked(200);
        assert_eq!((count(&nurse, &one).await, count(&nurse, &other).await), (1, 2), "undone, each has its own");
        site.api(&nurse, "POST", &join, json!({ "other": other })).await.checked(200);

        let new = register(&site, &second, json!({ "name": "许桂兰", "national_id": ID })).await;
        let asked = ask(&site, &second, &new).await;
        site.minutes_pass(1);
        site.api(&nurse, "POST", &withdraw(1), Value::Null).await.checked(200);
        let accept = format!("{asked}/accept");
        site.api(&nurse, "POST", &accept, Value::Null).await.refused(409, "sharing-withdrawn");
        site.minutes_pass(1);
        site.api(&nurse, "POST", &consents(&one), consent("hand_over")).await.checked(201);
        site.api(&nurse, "POST", &accept, Value::Null).await.checked(200);

        for person in [&new, &one, &other] {
            assert_eq!(count(&second, person).await, 0, "nothing was told to the new side");
        }
        let had = site.get(&nurse, &consents(&one)).await.expect(200);
        let states: Vec<&str> = had.as_array().unwrap().iter().map(|c| c["state"].as_str().unwrap()).collect();
        assert_eq!(states, ["given", "given", "withdrawn", "given"], "all stay with those to whom they were given");
        for consent in had.as_array().unwrap() {
            assert_eq!(consent["actions"], json!([]), "{consent}");
        }
        // The id of the record that was joined leads on to the one that was had, for those who had it.
        for path in ["", "/sharing-consents"] {
            let [had, by_other] = [&one, &other].map(|person| format!("/v1/persons/{person}{path}"));
            assert_eq!(site.get(&nurse, &by_other).await.expect(200), site.get(&nurse, &had).await.expect(200));
        }
        let theirs = site.get(&second, &format!("/v1/persons/{other}")).await.expect(200);
        assert_eq!(theirs["id"], json!(new), "for the others it leads to where she is");
        for n in [0, 2] {
            site.api(&second, "POST", &withdraw(n), Value::Null).await.refused(404, "not-found");
            assert_ne!(site.api(&nurse, "POST", &withdraw(n), Value::Null).await.status, 200, "history is not changed");
        }
        for token in [&nurse, &second] {
            let answer = site.api(token, "POST", &format!("/v1/persons/{new}/unjoin"), json!({ "other": other })).await;
            assert_eq!(answer.status, 404, "what was joined before it went is not undone: {}", answer.text);
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_is_let_go_to_where_no_street_looks_after_her() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let resident = register(&site, &nurse, json!({ "name": "许桂兰", "national_id": ID })).await;
        let discharge = format!("/v1/persons/{resident}/discharge");
        site.api(&nurse, "POST", &discharge, home("330211002")).await.refused(409, "area-without-office");
        assert_eq!(published(&site, "booking.person.moved").await, 0);
        let (office, second) = site.second_office("330211002").await;
        site.api(&nurse, "POST", &discharge, home("330211002")).await.checked(201);
        let elder = site.get(&second, &format!("/v1/persons/{resident}")).await;
        assert_eq!(elder.expect(200)["area_code"], "330211002", "{office} looks after her");
    })
    .await;
}

#[tokio::test]
async fn an_office_does_not_move_its_elders_to_where_nobody_looks_after_them() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let (nurse, desk, agency) =
            (site.token("nurse").await, site.token("desk").await, site.token("dispatcher").await);
        let resident = register(&site, &nurse, json!({ "name": "许桂兰", "national_id": ID })).await;
        let discharge = format!("/v1/persons/{resident}/discharge");
        site.api(&nurse, "POST", &discharge, home(AREA)).await.checked(201);
        let path = format!("/v1/persons/{resident}");
        let elsewhere = json!({ "area_code": "330299001" });
        site.api(&desk, "PATCH", &path, elsewhere.clone()).await.refused(409, "area-without-office");
        site.api(&desk, "PATCH", &path, json!({ "area_code": "330211001" })).await.checked(200);
        // A record of an agency's own is the agency's, wherever it is.
        let own = register(&site, &agency, json!({ "name": "吴婆婆" })).await;
        site.api(&agency, "PATCH", &format!("/v1/persons/{own}"), elsewhere).await.checked(200);
    })
    .await;
}

#[tokio::test]
async fn an_administrator_who_answers_for_two_homes_gets_the_first_answer_again() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        second_home(&site).await;
        for (national_id, step, body) in
            [(ID, "accept", Value::Null), ("110101194901010026", "decline", json!({ "reason": "家属没有同意" }))]
        {
            let (nurse, second) = (site.token("nurse").await, site.access("second.nurse", "correct horse").await);
            let person = json!({ "name": "许桂兰", "national_id": national_id });
            let held = register(&site, &nurse, person.clone()).await;
            let new = register(&site, &second, person).await;
            let asked = ask(&site, &second, &new).await;
            site.minutes_pass(7 * 24 * 60);
            let (admin, key) = (site.token("admin").await, [("idempotency-key", step), ("if-match", "\"1\"")]);
            let path = format!("{asked}/{step}");
            let answer = site.api_with(&admin, "POST", &path, body.clone(), &key).await.expect(200);
            let again = site.api_with(&admin, "POST", &path, body.clone(), &key).await.expect(200);
            assert_eq!(again, answer, "{step}: a repeat gets the first answer");
            assert_eq!(site.get(&admin, &asked).await.expect(200)["state"], answer["state"]);
            site.api(&admin, "POST", &path, body).await.refused(409, "invalid-transition");
            if step == "accept" {
                let nurse = site.token("nurse").await;
                assert_eq!(site.get(&nurse, &asked).await.expect(200)["person_id"], json!(held));
            }
        }
    })
    .await;
}
