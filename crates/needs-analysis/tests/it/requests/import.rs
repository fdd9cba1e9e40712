//! Requests from files: ten thousand rows with every kind of broken one, both encodings, again and again.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::Request;
use sanbao_needs_analysis::area::AreaCode;
use sanbao_needs_analysis::import::{self, ImportOptions, Importer, Report};
use sanbao_platform::cn::ResidentId;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::testing::{Answer, Person, TestEngine, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::requests::house::{
    CHENGDONG, House, STREET, XIMEN, administrator, agency, agency_id, analyst, carer, officer, sample, street,
};

pub(super) const HEADER: &str = "编号,受理时间,区域编码,类别,紧急程度,姓名,电话,身份证号,地址,备注\n";
const ROWS: usize = 10_000;

/// A broken row each: the text, the column and the code of its error.
const BROKEN: &[(&str, &str, &str)] = &[
    (",2026-11-01 09:00,330211001001,助餐,普通,林某,19900000001,,,", "external_id", "required"),
    ("b1,昨天下午,330211001001,助餐,普通,林某,19900000001,,,", "received_at", "time_format"),
    ("b2,2031-01-01 09:00,330211001001,助餐,普通,林某,19900000001,,,", "received_at", "time_out_of_range"),
    ("b3,1999-01-01,330211001001,助餐,普通,林某,19900000001,,,", "received_at", "time_out_of_range"),
    ("b4,2026-11-01 09:00,330299999999,助餐,普通,林某,19900000001,,,", "area_code", "area_unknown"),
    ("b5,2026-11-01 09:00,330211001001,,普通,林某,19900000001,,,", "category", "required"),
    ("b6,2026-11-01 09:00,=1+1,助餐,普通,林某,19900000001,,,", "area_code", "area_unknown"),
    ("b7,2026-11-01 09:00,330211001001,助餐,普通,,19900000001,,,", "elder_name", "required"),
    ("b11,2026-11-01 09:00,330211001001,助餐", "", "column_count"),
    ("r0,2026-11-01 09:00,330211001001,助餐,普通,林某,19900000001,,,", "external_id", "duplicate_in_file"),
];

/// A file of `rows` rows of which the broken ones stand in between.
fn file(rows: usize) -> (String, usize) {
    let mut text = HEADER.to_owned();
    let every = rows / BROKEN.len();
    let mut broken = BROKEN.iter();
    for n in 0..rows {
        if n % every == every - 1
            && let Some((row, ..)) = broken.next()
        {
            let _ = writeln!(text, "{row}");
            continue;
        }
        let area = if n % 3 == 0 { CHENGDONG } else { XIMEN };
        let category = ["助餐", "bath", "助洁", "遛狗"][n % 4];
        let born = chrono::NaiveDate::from_ymd_opt(1940, 1, 1 + u32::try_from(n % 28).unwrap()).unwrap();
        let id = ResidentId::compose("339999", born, u16::try_from(n % 999).unwrap()).unwrap();
        let (day, minute) = (1 + n % 22, n % 60);
        let _ = writeln!(
            text,
            "r{n},2026-11-{day:02} 08:{minute:02},{area},{category},普通,林某{n},199{n:08},{},\"某路{n}号,东\",需求",
            id.as_str()
        );
    }
    (text, rows - BROKEN.len())
}

pub(super) fn options(dry_run: bool) -> ImportOptions {
    for_office(100, STREET, dry_run)
}

/// As the command line imports for a street office.
fn for_office(office: u128, area: &str, dry_run: bool) -> ImportOptions {
    let office = OrganisationId(Uuid::from_u128(office));
    ImportOptions {
        source: "81890".into(),
        file_name: None,
        dry_run,
        importer: Importer::Operator { office, area: AreaCode::parse(area).unwrap() },
        request_id: "test".into(),
        dialling_code: "0574".parse().ok(),
        lang: sanbao_platform::lang::Lang::Zh,
    }
}

pub(super) async fn by_library(house: &House, text: &[u8], dry_run: bool) -> Report {
    let deps = &house.app.deps;
    import::run(&deps.db, &deps.clock, &deps.fields, text, &options(dry_run), |_, _| {}).await.unwrap()
}

pub(super) async fn send(house: &House, who: &Person, path: &str, kind: &str, body: Vec<u8>) -> Answer {
    let request = Request::post(path).header("authorization", format!("Bearer {}", house.token(who)));
    let mut answer = house.send(request.header("content-type", kind).body(Body::from(body)).unwrap()).await;
    // On a busy machine a large file takes longer than one answer waits.
    while answer.status == 202 || answer.body["state"] == "running" {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        answer = house.get(who, &format!("/v1/imports/{}", answer.body["id"].as_str().unwrap())).await;
    }
    answer
}

pub(super) fn counts(body: &Value) -> [i64; 4] {
    ["created", "updated", "unchanged", "failed"].map(|k| body[k].as_i64().unwrap())
}

async fn ten_thousand(engine: TestEngine) {
    let house = House::open(&engine).await;
    let (text, good) = file(ROWS);
    let (good, bad) = (i64::try_from(good).unwrap(), i64::try_from(BROKEN.len()).unwrap());
    let dry = by_library(&house, text.as_bytes(), true).await;
    assert_eq!((dry.created, dry.failed, dry.id, house.counted().await), (good, bad, None, (0, 0)));
    assert_eq!(house.count("select count(*) from import_run").await, 0);
    let mut told = Vec::new();
    let deps = &house.app.deps;
    let progress = |done, total| told.push((done, total));
    let report =
        import::run(&deps.db, &deps.clock, &deps.fields, text.as_bytes(), &options(false), progress).await.unwrap();
    assert_eq!((report.created, report.failed, report.error_count), (good, bad, bad));
    assert_eq!((told.first(), told.last()), (Some(&(0, 10_000)), Some(&(10_000, 10_000))));
    for ((_, column, code), error) in BROKEN.iter().zip(&report.errors) {
        assert_eq!((error.column.as_str(), error.code.as_str()), (*column, *code), "row {}", error.row);
        let line = text.lines().nth(usize::try_from(error.row).unwrap() - 1).unwrap();
        assert!(BROKEN.iter().any(|(row, ..)| *row == line), "line {} is {line}", error.row);
    }
    let values = serde_json::to_string(&report.errors).unwrap();
    assert!(values.contains("\"'=1+1\""), "{values}");
    assert_eq!(report.other, i64::try_from(text.matches("遛狗").count()).unwrap());
    assert_eq!(house.counted().await, (good, good));
    assert_eq!(house.count("select count(*) from request where category_raw = '遛狗'").await, report.other);
    assert_eq!(house.miscounted().await, 0);

    let again =
        send(&house, &street(), "/v1/imports?dry_run=false&source=81890", "text/csv", text.clone().into()).await;
    assert_eq!(again.status, 200, "{}", again.text);
    assert_eq!(counts(&again.body), [0, 0, good, bad]);
    let changed = text.replacen("某路5号", "某路55号", 1).replacen("r7,2026-11-08", "r7,2026-11-09", 1);
    let third = send(&house, &street(), "/v1/imports?dry_run=false&source=81890", "text/csv", changed.into()).await;
    assert_eq!(counts(&third.body), [0, 2, good - 2, bad]);
    assert_eq!(house.counted().await, (good, good));
    assert_eq!(house.miscounted().await, 0);
    let kept = house.get(&street(), &format!("/v1/imports/{}", third.body["id"].as_str().unwrap())).await;
    assert_eq!((counts(&kept.body), kept.body["done"].as_i64()), (counts(&third.body), Some(10_000)));
}

#[tokio::test]
async fn ten_thousand_rows_are_taken_over_once() {
    on_both(ten_thousand).await;
}

#[tokio::test]
async fn an_import_that_was_killed_is_run_again() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let (text, good) = file(2_000);
        let good = i64::try_from(good).unwrap();
        let deps = &house.app.deps;
        let stop = options(false);
        let killed = std::panic::AssertUnwindSafe(import::run(
            &deps.db,
            &deps.clock,
            &deps.fields,
            text.as_bytes(),
            &stop,
            |done, _| assert!(done < 1_000, "killed here"),
        ));
        assert!(futures_util::FutureExt::catch_unwind(killed).await.is_err());
        let (cells, rows) = house.counted().await;
        assert!(cells == rows && rows > 0 && rows < good, "{cells} {rows}");
        assert_eq!(house.count("select rows_done from import_run where finished_at is null").await, 1_000);
        let again = by_library(&house, text.as_bytes(), false).await;
        assert_eq!((again.created, again.unchanged), (good - rows, rows));
        assert_eq!(house.counted().await, (good, good));
    })
    .await;
}

#[tokio::test]
async fn gb18030_and_a_form_are_read_like_utf8() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let text = format!("{HEADER}g1,2026/11/01 09:00,{CHENGDONG},助浴,紧急,林某𠮷,19900000001,,后大街,㐀\n");
        let (bytes, _, lossy) = encoding_rs::GB18030.encode(&text);
        assert!(!lossy && std::str::from_utf8(&bytes).is_err());
        let first = send(&house, &administrator(), "/v1/imports?dry_run=false", "text/csv", bytes.to_vec()).await;
        assert_eq!(counts(&first.body), [1, 0, 0, 0], "{}", first.text);
        let shown = house.get(&street(), "/v1/requests?category=bath").await.body;
        let row = &shown["items"][0];
        assert_eq!((&row["elder_name"], &row["urgency"], &row["note"]), (&json!("林某𠮷"), &json!("emergency"), &json!("㐀")));
        let form = format!("--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"=1.csv\"\r\n\r\n\u{feff}{text}\r\n--x--\r\n");
        let second = send(&house, &street(), "/v1/imports?dry_run=false", "multipart/form-data; boundary=x", form.into()).await;
        assert_eq!(counts(&second.body), [0, 0, 1, 0], "{}", second.text);
    })
    .await;
}

#[tokio::test]
async fn a_file_that_is_none_is_refused_and_so_is_who_may_not() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let path = "/v1/imports?dry_run=false";
        for (kind, body, status) in [
            ("text/csv", b"\xff\xff\xff\x00".to_vec(), 422),
            ("text/csv", Vec::new(), 422),
            ("text/csv", b"a,b\n1,2\n".to_vec(), 422),
            ("application/json", b"{}".to_vec(), 415),
            ("multipart/form-data; boundary=x", b"--x--\r\n".to_vec(), 422),
            ("multipart/form-data", b"--x--\r\n".to_vec(), 400),
            ("text/csv", vec![b'a'; import::FILE_BYTES_MAX + 1], 413),
        ] {
            let answer = send(&house, &street(), path, kind, body).await;
            assert_eq!(answer.status, status, "{kind} {}", answer.text);
            assert!(answer.body["type"].as_str().unwrap().starts_with("/problems/"));
        }
        let big = format!("{HEADER}{}", (" ".repeat(1023) + "\n").repeat(2 * 1024));
        assert_eq!(send(&house, &street(), path, "text/csv", big.into()).await.status, 200, "larger than other bodies");
        let text = format!("{HEADER}g1,2026-11-01,{CHENGDONG},助浴,,林某,,,,\n").into_bytes();
        for (who, status) in [
            (agency(), 403),
            (analyst(), 403),
            (carer(8, 300, "caregiver"), 404),
            (carer(9, 200, "administrator").in_areas(&[CHENGDONG]), 404),
        ] {
            assert_eq!(send(&house, &who, path, "text/csv", text.clone()).await.status, status);
        }
        let community = officer(9, 100, "dispatcher", &[XIMEN]);
        let outside = send(&house, &community, path, "text/csv", text.clone()).await;
        assert_eq!(outside.body["errors"][0]["code"], "area_out_of_scope");
        let english =
            house.get(&administrator(), &format!("/v1/imports/{}", outside.body["id"].as_str().unwrap())).await;
        assert_eq!(english.status, 200);
        let stranger = officer(10, 999, "administrator", &[CHENGDONG]);
        let hidden = house.get(&stranger, &format!("/v1/imports/{}", outside.body["id"].as_str().unwrap())).await;
        assert_eq!(hidden.status, 404);
        let dry = send(&house, &street(), "/v1/imports", "text/csv", text).await;
        assert_eq!((dry.body["dry_run"].as_bool(), house.counted().await), (Some(true), (0, 0)));
    })
    .await;
}

/// Imports these rows for the street and gives the report.
async fn rows(house: &House, rows: &[&str]) -> Value {
    let text = format!("{HEADER}{}\n", rows.join("\n"));
    let path = "/v1/imports?dry_run=false&source=street-excel";
    let report = send(house, &street(), path, "text/csv", text.into_bytes()).await;
    assert_eq!((report.status.as_u16(), report.body["failed"].as_i64()), (200, Some(0)), "{}", report.text);
    report.body
}

pub(super) async fn id_of(house: &House, external: &str) -> String {
    let page = house.get(&street(), &format!("/v1/requests?q={external}")).await.body;
    page["items"][0]["id"].as_str().unwrap().to_owned()
}

pub(super) async fn read(house: &House, id: &str) -> Value {
    house.get(&street(), &format!("/v1/requests/{id}")).await.body
}

fn row(external: &str, category: &str, phone: &str, address: &str) -> String {
    format!("{external},2026-11-22 09:00,{CHENGDONG},{category},普通,孟某一,{phone},,{address},要软食")
}

#[tokio::test]
async fn a_second_import_reaches_the_order_and_keeps_what_triage_decided() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        rows(&house, &[&row("A-1", "助餐", "19900003003", "丙弄3号")]).await;
        let id = id_of(&house, "A-1").await;
        house.step(&street(), &id, "triage", json!({"category": "nursing", "urgency": "urgent"})).await;
        house.step(&street(), &id, "dispatch", json!({"agency_id": agency_id()})).await;
        house.step(&agency(), &id, "accept", json!({})).await;
        let report = rows(&house, &[&row("A-1", "助餐", "19900003999", "丙弄33号")]).await;
        assert_eq!(counts(&report), [0, 1, 0, 0]);
        let shown = read(&house, &id).await;
        assert_eq!((&shown["phone"], &shown["address"]), (&json!("19900003999"), &json!("丙弄33号")));
        assert_eq!((&shown["category"], &shown["urgency"]), (&json!("nursing"), &json!("urgent")));
        assert_eq!((&shown["state"], &shown["agency_id"]), (&json!("accepted"), &json!(agency_id())));
        let last = shown["history"].as_array().unwrap().last().unwrap();
        let because = format!("import {}", report["id"].as_str().unwrap());
        assert_eq!((&last["step"], &last["reason"]), (&json!("update"), &json!(because)));
        let told = json!({"request_id": id, "name": "孟某一", "phone": "19900003999", "address": "丙弄33号",
            "area_code": CHENGDONG, "category": "nursing", "note": "要软食", "wanted_from": null, "wanted_until": null});
        assert_eq!(house.published().await.pop().unwrap(), ("needs.request.updated".into(), told));
        let heard = house.published().await.len();
        assert_eq!(counts(&rows(&house, &[&row("A-1", "助浴", "19900003999", "丙弄33号")]).await), [0, 1, 0, 0]);
        assert_eq!(read(&house, &id).await["category"], "nursing");
        assert_eq!(house.published().await.len(), heard, "nothing that the agency sees has changed");
        assert_eq!((house.counted().await, house.miscounted().await), ((1, 1), 0));
    })
    .await;
}

#[tokio::test]
async fn an_import_is_told_of_only_while_an_agency_has_something_to_do() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        rows(&house, &[&row("A-2", "助餐", "19900003003", "丙弄3号")]).await;
        let id = id_of(&house, "A-2").await;
        assert_eq!(counts(&rows(&house, &[&row("A-2", "助浴", "19900003003", "丙弄4号")]).await), [0, 1, 0, 0]);
        assert_eq!(read(&house, &id).await["category"], "bath", "nobody has confirmed another");
        assert!(house.published().await.is_empty());
        house.step(&street(), &id, "resolve", json!({})).await;
        assert_eq!(counts(&rows(&house, &[&row("A-2", "助餐", "19900003003", "丙弄5号")]).await), [0, 1, 0, 0]);
        assert_eq!(read(&house, &id).await["address"], "丙弄5号");
        assert!(house.published().await.is_empty());
        assert_eq!((house.counted().await, house.miscounted().await), ((1, 1), 0));
    })
    .await;
}

#[tokio::test]
async fn a_request_that_has_ended_is_left_as_it_is_and_the_report_says_so() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let file = |address: &str| ["E-1", "E-2", "E-3", "E-4"].map(|id| row(id, "助餐", "19900003003", address));
        let first = file("甲弄1号");
        rows(&house, &first.each_ref().map(String::as_str)).await;
        let [closed, cancelled, merged, open] = [
            id_of(&house, "E-1").await,
            id_of(&house, "E-2").await,
            id_of(&house, "E-3").await,
            id_of(&house, "E-4").await,
        ];
        for step in ["resolve", "follow-up", "close"] {
            house.step(&street(), &closed, step, json!({})).await;
        }
        house.step(&street(), &cancelled, "cancel", json!({"reason": "住院了"})).await;
        house.step(&street(), &merged, "merge", json!({"into": open})).await;
        let text = format!("{HEADER}{}\n", file("甲弄2号").join("\n"));
        let dry = send(&house, &street(), "/v1/imports?source=street-excel", "text/csv", text.into_bytes()).await.body;
        let second = file("甲弄2号");
        let report = rows(&house, &second.each_ref().map(String::as_str)).await;
        for told in [&dry, &report] {
            assert_eq!(
                (counts(told), &told["ended"], &told["error_count"]),
                ([0, 1, 0, 0], &json!(3), &json!(3)),
                "{told}"
            );
            let lines: Vec<_> = told["errors"].as_array().unwrap().iter().map(|e| (&e["row"], &e["code"])).collect();
            let (two, three, four) = (json!(2), json!(3), json!(4));
            let codes = ["request_closed", "request_cancelled", "request_merged"].map(Value::from);
            assert_eq!(lines, [(&two, &codes[0]), (&three, &codes[1]), (&four, &codes[2])]);
        }
        for (id, address) in [(&closed, "甲弄1号"), (&cancelled, "甲弄1号"), (&merged, "甲弄1号"), (&open, "甲弄2号")]
        {
            assert_eq!(read(&house, id).await["address"], address);
        }
        let kept = house.get(&street(), &format!("/v1/imports/{}", report["id"].as_str().unwrap())).await.body;
        assert_eq!((&kept["ended"], &kept["errors"]), (&json!(3), &report["errors"]));
    })
    .await;
}

/// One row of a file, in an area, with a note.
fn noted(external: &str, area: &str, note: &str) -> Vec<u8> {
    format!("{HEADER}{external},2026-11-01 09:00,{area},助餐,普通,林某,19900000001,,某路 1 号,{note}\n").into_bytes()
}

#[tokio::test]
async fn two_streets_have_sources_of_one_name_and_neither_learns_of_the_other() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let first = officer(1, 100, "dispatcher", &[CHENGDONG]);
        let second = officer(31, 300, "dispatcher", &[XIMEN]);
        let path = |dry_run: bool| format!("/v1/imports?dry_run={dry_run}&source=81890");
        let told = async |who: &Person, dry_run: bool, file: Vec<u8>| {
            counts(&send(&house, who, &path(dry_run), "text/csv", file).await.expect(200))
        };
        assert_eq!(told(&first, false, noted("x1", CHENGDONG, "需求")).await, [1, 0, 0, 0]);
        let theirs = house.get(&first, "/v1/requests").await.text;
        for (dry_run, counted) in [(true, [1, 0, 0, 0]), (false, [1, 0, 0, 0]), (false, [0, 0, 1, 0])] {
            assert_eq!(told(&second, dry_run, noted("x1", XIMEN, "别的")).await, counted);
            assert_eq!(house.get(&first, "/v1/requests").await.text, theirs, "the other's stays as it was");
        }
        assert_eq!(told(&second, false, noted("x1", XIMEN, "改了")).await, [0, 1, 0, 0]);
        assert_eq!(house.get(&first, "/v1/requests").await.text, theirs);
        // As the command line does it, for another office each.
        let deps = &house.app.deps;
        let command = async |office: u128, area: &str, file: Vec<u8>| {
            let options = for_office(office, area, false);
            let done = import::run(&deps.db, &deps.clock, &deps.fields, file.as_slice(), &options, |_, _| {}).await;
            let done = done.unwrap();
            [done.created, done.updated, done.unchanged, done.failed]
        };
        assert_eq!(command(100, CHENGDONG, noted("x1", CHENGDONG, "需求")).await, [0, 0, 1, 0]);
        assert_eq!(command(301, XIMEN, noted("x1", XIMEN, "第三家")).await, [1, 0, 0, 0]);
        assert_eq!(command(301, XIMEN, noted("x2", CHENGDONG, "越界")).await, [0, 0, 0, 1]);
        assert_eq!(house.get(&first, "/v1/requests").await.text, theirs);
        assert_eq!((house.counted().await, house.miscounted().await), ((3, 3), 0));
    })
    .await;
}

#[tokio::test]
async fn a_number_that_is_typed_in_is_taken_within_ones_own_organisation_only() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let typed = |area: &str| sample(json!({"external_id": "H-1", "area_code": area}));
        house.post(&street(), "/v1/requests", typed(CHENGDONG)).await.expect(201);
        house.post(&street(), "/v1/requests", typed(XIMEN)).await.refused(409, "conflict");
        let neighbour = officer(31, 300, "dispatcher", &[XIMEN]);
        house.post(&neighbour, "/v1/requests", typed(XIMEN)).await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn a_row_outside_ones_areas_changes_nothing_and_shows_nothing() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let path = "/v1/imports?dry_run=false&source=81890";
        send(&house, &street(), path, "text/csv", noted("x1", CHENGDONG, "需求")).await.expect(200);
        // Of the same office, for another community.
        let colleague = officer(31, 100, "dispatcher", &[XIMEN]);
        let before = house.get(&street(), "/v1/requests").await.text;
        for dry_run in [true, false] {
            let path = format!("/v1/imports?dry_run={dry_run}&source=81890");
            let body = send(&house, &colleague, &path, "text/csv", noted("x1", XIMEN, "别的")).await.expect(200);
            assert_eq!(counts(&body), [0, 0, 0, 1], "{body}");
            assert_eq!(body["errors"][0]["code"], "not_accepted");
            assert!(!body.to_string().contains("需求"), "{body}");
        }
        assert_eq!(house.get(&street(), "/v1/requests").await.text, before);
    })
    .await;
}

#[tokio::test]
async fn a_request_of_nobodys_source_is_taken_over_by_the_office_that_governs_its_area() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let path = "/v1/imports?dry_run=false&source=81890";
        send(&house, &street(), path, "text/csv", noted("x1", CHENGDONG, "需求")).await.expect(200);
        let forget = async || {
            let mut tx = house.app.deps.db.begin().await.unwrap();
            let statement = "update request set organisation_id = null";
            sanbao_platform::on!(tx, |c| sqlx::query(statement).execute(c).await.map(drop)).unwrap();
            tx.commit().await.unwrap();
        };
        forget().await;
        let neighbour = officer(31, 300, "dispatcher", &[XIMEN]);
        let body = send(&house, &neighbour, path, "text/csv", noted("x1", XIMEN, "别的")).await.expect(200);
        assert_eq!(counts(&body), [1, 0, 0, 0], "it is like one that is not there");
        let body = send(&house, &street(), path, "text/csv", noted("x1", CHENGDONG, "改了")).await.expect(200);
        assert_eq!(counts(&body), [0, 1, 0, 0]);
        let of = "select count(*) from request where organisation_id is not null";
        assert_eq!(house.count(of).await, 2);
    })
    .await;
}
