//! Two records of one person made one, and two again: fields, ids that lead on, permission, and what stays whole.

use sanbao_platform::db::Engine;
use sanbao_platform::testing::{TestEngine, on_both};
use serde_json::{Value, json};

use crate::account::kit::{Site, audited, published};

const ID: &str = "11010519491231002X";
const REFUSE_SQLITE: &str = "create trigger no_joins before insert on audit when new.action = 'person.join'
    begin select raise(abort, 'not now'); end";
const REFUSE_POSTGRES: &str = "create function no_joins() returns trigger language plpgsql as
    'begin raise exception ''not now''; end';
    create trigger no_joins before insert on audit for each row when (new.action = 'person.join')
    execute function no_joins()";
const ALLOW_SQLITE: &str = "drop trigger no_joins";
const ALLOW_POSTGRES: &str = "drop trigger no_joins on audit";

fn path(person: &Value) -> String {
    format!("/v1/persons/{}", person["id"].as_str().unwrap())
}

async fn register(site: &Site, token: &str, person: Value) -> Value {
    site.api(token, "POST", "/v1/persons", person).await.expect(201)
}

/// A person as the API shows it, without what counts changes.
async fn shown(site: &Site, token: &str, person: &Value) -> Value {
    let mut body = site.get(token, &path(person)).await.expect(200);
    body.as_object_mut().unwrap().remove("version");
    body
}

async fn run(site: &Site, sqlite: &'static str, postgres: &'static str) {
    let mut tx = site.deps.db.begin().await.unwrap();
    match tx.engine() {
        Engine::Sqlite(c) => sqlx::raw_sql(sqlite).execute(c).await.map(drop).unwrap(),
        Engine::Postgres(c) => sqlx::raw_sql(postgres).execute(c).await.map(drop).unwrap(),
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_hold_is_told_of_the_record_that_goes_into_a_held_one() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let (dispatcher, admin) = (site.token("dispatcher").await, site.token("admin").await);
        let elder = |name: &str| json!({ "name": name, "area_code": "330211001001" });
        let one = register(&site, &dispatcher, elder("许桂兰")).await;
        let other = register(&site, &dispatcher, elder("许 桂兰")).await;
        site.api(&admin, "POST", &format!("{}/hold", path(&one)), json!({ "reason": "纠纷" })).await.checked(200);
        assert_eq!(published(&site, "booking.person.held").await, 1);
        let body = json!({ "other": other["id"] });
        let join = format!("{}/join", path(&one));
        site.api_with(&dispatcher, "POST", &join, body, &[("if-match", "\"1\"")]).await.checked(200);
        assert_eq!(published(&site, "booking.person.held").await, 3, "of both records");
    })
    .await;
}

#[tokio::test]
async fn what_is_missing_is_taken_over_and_the_old_id_leads_on_until_it_is_undone() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let one = json!({ "name": "许桂兰", "phone": "13812345678", "guardian_name": "许小明", "sex": "male" });
        let one = register(&site, &nurse, one).await;
        let other = json!({ "name": "许 桂兰", "phone": "13912345678", "address": "甲弄 1 号", "national_id": ID,
            "guardian_name": "许大明" });
        let other = register(&site, &nurse, other).await;
        let before = (shown(&site, &nurse, &one).await, shown(&site, &nurse, &other).await);
        let events = published(&site, "booking.person.joined").await;
        let body = json!({ "other": other["id"], "other_version": 1, "take": ["phone"] });
        let joined = site.api(&nurse, "POST", &format!("{}/join", path(&one)), body).await.checked(200);
        assert_eq!(joined.etag(), Some("\"2\""));
        let person = &joined.body["person"];
        for (field, value) in [
            ("name", "许桂兰"),
            ("phone", "139****5678"),
            ("address", "甲弄 1 号"),
            ("sex", "female"),
            ("birth_date", "1949-12-31"),
            ("national_id", "110105********002X"),
            ("guardian_name", "许小明"),
        ] {
            assert_eq!(person[field], value, "{field}");
        }
        assert_eq!(joined.body["joins"][0]["other"], other["id"]);
        assert_eq!(joined.body["joins"][0]["undo_until"], "2026-12-23T00:30:00Z");
        for read in [&one, &other] {
            let read = site.get(&nurse, &path(read)).await.checked(200);
            assert_eq!((&read.body, read.etag()), (person, Some("\"2\"")), "the old id leads on");
        }
        let number = site.get(&nurse, &format!("{}/national-id", path(&one))).await.expect(200);
        assert_eq!(number["national_id"], ID, "sealed anew for the survivor");
        let list = site.get(&nurse, "/v1/persons?q=%E8%AE%B8").await.expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        assert_eq!(published(&site, "booking.person.joined").await, events + 1);
        assert_eq!(audited(&site, "person.join").await, 2);

        let undo = site.api(&nurse, "POST", &format!("{}/unjoin", path(&one)), json!({ "other": other["id"] })).await;
        let undone = undo.expect(200);
        assert_eq!((&undone["person"]["id"], &undone["other"]["id"]), (&one["id"], &other["id"]));
        let after = (shown(&site, &nurse, &one).await, shown(&site, &nurse, &other).await);
        assert_eq!(after, before, "each is as it was");
        assert_eq!(published(&site, "booking.person.separated").await, 1);
        assert_eq!(audited(&site, "person.unjoin").await, 2);
        let again = json!({ "other": other["id"] });
        site.api(&nurse, "POST", &format!("{}/unjoin", path(&one)), again).await.refused(404, "not-found");
    })
    .await;
}

#[tokio::test]
async fn what_somebody_has_changed_since_stays_when_a_join_is_undone() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let one = register(&site, &nurse, json!({ "name": "许桂兰" })).await;
        let other = json!({ "name": "许桂兰", "phone": "13912345678", "address": "甲弄 1 号" });
        let other = register(&site, &nurse, other).await;
        let body = json!({ "other": other["id"] });
        site.api(&nurse, "POST", &format!("{}/join", path(&one)), body.clone()).await.checked(200);
        // By the old id too it is the survivor that is corrected.
        site.api(&nurse, "PATCH", &path(&other), json!({ "phone": "13712345678" })).await.checked(200);
        site.api(&nurse, "POST", &format!("{}/unjoin", path(&one)), body).await.checked(200);
        let (one, other) = (shown(&site, &nurse, &one).await, shown(&site, &nurse, &other).await);
        assert_eq!((&one["phone"], &one["address"]), (&json!("137****5678"), &Value::Null));
        assert_eq!((&other["phone"], &other["address"]), (&json!("139****5678"), &json!("甲弄 1 号")));
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_joined_or_separated_says_why() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let mut people = Vec::new();
        for _ in 0..3 {
            people.push(register(&site, &nurse, json!({ "name": "许桂兰" })).await);
        }
        let (join, unjoin) = (format!("{}/join", path(&people[0])), format!("{}/unjoin", path(&people[0])));
        let with = |other: &Value| json!({ "other": other["id"] });
        let call = async |path: &str, body: Value| site.api(&nurse, "POST", path, body).await;
        call(&join, with(&people[0])).await.refused(422, "invalid");
        call(&join, json!({ "other": "00000000-0000-7000-8000-000000000000" })).await.refused(404, "not-found");
        call(&join, json!({ "other": people[1]["id"], "other_version": 7 })).await.refused(412, "precondition-failed");
        let old = [("if-match", "\"7\"")];
        site.api_with(&nurse, "POST", &join, with(&people[1]), &old).await.refused(412, "precondition-failed");
        let resident = json!({ "id": site.network.residents[0] });
        let paper = register(&site, &nurse, json!({ "name": "许桂兰", "national_id": ID })).await;
        let of_two = call(&format!("{}/join", path(&resident)), with(&paper)).await;
        of_two.refused(409, "papers-differ");
        call(&join, with(&people[1])).await.checked(200);
        call(&join, with(&people[1])).await.refused(409, "already-joined");
        let third = format!("{}/join", path(&people[2]));
        call(&third, with(&people[1])).await.refused(409, "already-joined");
        // The later one is undone first: until then the first one's record is no record of its own.
        call(&third, with(&people[0])).await.checked(200);
        assert_eq!(shown(&site, &nurse, &people[1]).await["id"], people[2]["id"], "all lead on to the last");
        call(&unjoin, with(&people[1])).await.refused(404, "not-found");
        call(&format!("{}/unjoin", path(&people[2])), with(&people[0])).await.checked(200);
        assert_eq!(shown(&site, &nurse, &people[1]).await["id"], people[0]["id"]);
        site.minutes_pass(30 * 24 * 60 - 1);
        let nurse = site.token("nurse").await;
        call_as(&site, &nurse, &unjoin, with(&people[1]), &[("if-match", "\"1\"")])
            .await
            .refused(412, "precondition-failed");
        site.minutes_pass(1);
        let nurse = site.token("nurse").await;
        call_as(&site, &nurse, &unjoin, with(&people[1]), &[]).await.refused(409, "join-final");
    })
    .await;
}

async fn call_as(
    site: &Site,
    token: &str,
    path: &str,
    body: Value,
    headers: &[(&str, &str)],
) -> sanbao_platform::testing::Answer {
    site.api_with(token, "POST", path, body, headers).await
}

#[tokio::test]
async fn a_repeated_join_is_given_the_first_answer_and_only_to_those_who_may() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let (nurse, doctor) = (site.token("nurse").await, site.token("doctor").await);
        let one = register(&site, &nurse, json!({ "name": "许桂兰" })).await;
        let other = register(&site, &nurse, json!({ "name": "许桂兰" })).await;
        let (join, body) = (format!("{}/join", path(&one)), json!({ "other": other["id"] }));
        let key = [("idempotency-key", "join")];
        let first = site.api_with(&nurse, "POST", &join, body.clone(), &key).await.checked(200);
        let again = site.api_with(&nurse, "POST", &join, body.clone(), &key).await.checked(200);
        assert_eq!((&again.body, again.etag()), (&first.body, first.etag()));
        assert_eq!(again.header("idempotent-replayed"), "true");
        site.api_with(&doctor, "POST", &join, body, &key).await.refused(404, "not-found");
        assert_eq!(published(&site, "booking.person.joined").await, 1);
    })
    .await;
}

#[tokio::test]
async fn those_who_registered_a_record_know_the_person_after_it_was_joined() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let (dispatcher, desk) = (site.token("dispatcher").await, site.token("desk").await);
        let admin = site.token("admin").await;
        let person = json!({ "name": "许阿婆", "phone": "13812345678", "area_code": "330211001001" });
        let agencys = register(&site, &dispatcher, person.clone()).await;
        let streets = register(&site, &desk, person).await;
        let (join, body) = (format!("{}/join", path(&streets)), json!({ "other": agencys["id"] }));
        site.api(&dispatcher, "POST", &join, body.clone()).await.refused(404, "not-found");
        site.api(&admin, "POST", &join, body.clone()).await.refused(403, "forbidden");
        site.api(&desk, "POST", &join, body).await.checked(200);
        for token in [&dispatcher, &desk, &admin] {
            assert_eq!(shown(&site, token, &agencys).await["id"], streets["id"]);
            let found = site.get(token, "/v1/persons?q=13812345678").await.expect(200);
            assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_join_that_fails_at_the_end_leaves_both_whole() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let one = register(&site, &nurse, json!({ "name": "许桂兰" })).await;
        let other = register(&site, &nurse, json!({ "name": "许桂兰", "phone": "13812345678" })).await;
        let before = (shown(&site, &nurse, &one).await, shown(&site, &nurse, &other).await);
        run(&site, REFUSE_SQLITE, REFUSE_POSTGRES).await;
        let (join, body) = (format!("{}/join", path(&one)), json!({ "other": other["id"] }));
        site.api(&nurse, "POST", &join, body.clone()).await.checked(500);
        assert_eq!((shown(&site, &nurse, &one).await, shown(&site, &nurse, &other).await), before);
        assert_eq!(published(&site, "booking.person.joined").await, 0);
        run(&site, ALLOW_SQLITE, ALLOW_POSTGRES).await;
        site.api(&nurse, "POST", &join, body).await.checked(200);
        assert_eq!(shown(&site, &nurse, &other).await["id"], one["id"]);
    })
    .await;
}

#[tokio::test]
async fn of_two_who_join_at_once_one_does() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let other = register(&site, &nurse, json!({ "name": "许桂兰" })).await;
        let mut into = Vec::new();
        for _ in 0..4 {
            into.push(register(&site, &nurse, json!({ "name": "许桂兰" })).await);
        }
        let body = json!({ "other": other["id"] });
        let tries = into.iter().map(|one| {
            let (site, nurse, body, path) = (&site, &nurse, body.clone(), format!("{}/join", path(one)));
            async move { site.api(nurse, "POST", &path, body).await }
        });
        let answers = futures_util::future::join_all(tries).await;
        assert_eq!(answers.iter().filter(|a| a.status == 200).count(), 1);
        assert!(answers.iter().all(|a| a.status == 200 || ["already-joined", "conflict"].contains(&a.problem())));
    })
    .await;
}
