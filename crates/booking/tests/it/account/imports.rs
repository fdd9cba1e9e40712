//! People and staff from files: a rehearsal, the real run, the same again; and what a person decided since.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use axum::body::Body;
use axum::http::Request;
use sanbao_platform::on;
use sanbao_platform::testing::{Answer, TestEngine, on_both, sqlite, until, workbook};
use serde_json::{Value, json};

use crate::account::kit::{Browser, Site, audited, published};

const HEADER: &str = "编号,姓名,性别,出生日期,证件号码,电话,地址,区域编码,监护人,监护人电话\n";

pub(super) async fn send(site: &Site, token: &str, path: &str, body: impl Into<Body>) -> Answer {
    let request = Request::post(path).header("authorization", format!("Bearer {token}"));
    site.call(request.header("content-type", "text/csv").body(body.into()).unwrap()).await
}

async fn people(site: &Site, token: &str, dry_run: bool, rows: &str) -> Value {
    let path = format!("/v1/person-imports?dry_run={dry_run}&source=list");
    let report = send(site, token, &path, format!("{HEADER}{rows}")).await.expect(200);
    let sum: u64 = ["created", "updated", "unchanged", "same", "ended", "failed", "skipped"]
        .iter()
        .map(|k| number(&report, k))
        .sum();
    assert_eq!(sum, number(&report, "total"), "each row is counted once: {report}");
    report
}

fn number(report: &Value, name: &str) -> u64 {
    report[name].as_u64().unwrap()
}

/// Created, updated, unchanged, same, failed.
fn counts(report: &Value) -> [u64; 5] {
    ["created", "updated", "unchanged", "same", "failed"].map(|name| number(report, name))
}

fn codes(report: &Value, list: &str) -> Vec<(u64, String)> {
    let errors = report[list].as_array().unwrap().iter();
    errors.map(|e| (number(e, "row"), e["code"].as_str().unwrap().to_owned())).collect()
}

fn told(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    expected.iter().map(|(row, code)| (*row, (*code).to_owned())).collect()
}

async fn count(site: &Site, statement: &'static str) -> i64 {
    let mut conn = site.deps.db.read().await.unwrap();
    on!(conn, |c| sqlx::query_scalar(statement).fetch_one(c).await).unwrap()
}

async fn residents(site: &Site) -> i64 {
    count(site, "select count(*) from person where organisation_id is not null").await
}

async fn found(site: &Site, token: &str, name: &str) -> Vec<Value> {
    let q = sanbao_platform::page::encode(name);
    let page = site.get(token, &format!("/v1/persons?q={q}")).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

const GOOD: &str = "A-1,章某一,女,1940-05-01,,13800001001（女儿）、0574-86251234,甲弄 1 号,330211001001,章小一,13900001001\n\
    A-2,章某二,,,11010519491231002X,13800001002,乙弄 2 号,,,\n\
    A-3,章某三,男,1935年1月1日,E12345678,,,,,\n";

async fn a_list_of_people(engine: TestEngine) {
    let site = Site::open(&engine).await;
    let nurse = site.token("nurse").await;
    let (before, events) = (residents(&site).await, published(&site, "booking.person.registered").await);
    let tried = people(&site, &nurse, true, GOOD).await;
    assert_eq!((counts(&tried), residents(&site).await), ([3, 0, 0, 0, 0], before), "a rehearsal writes nothing");
    assert_eq!(count(&site, "select count(*) from person_source").await, 0);
    assert_eq!(published(&site, "booking.person.registered").await, events);
    let real = people(&site, &nurse, false, GOOD).await;
    assert_eq!((counts(&real), &real["warnings"]), ([3, 0, 0, 0, 0], &json!([])), "{real}");
    assert_eq!(residents(&site).await, before + 3);
    assert_eq!(published(&site, "booking.person.registered").await, events + 3);
    assert_eq!((audited(&site, "person.create").await, audited(&site, "person.import").await), (3, 1));
    assert_eq!(counts(&people(&site, &nurse, false, GOOD).await), [0, 0, 3, 0, 0]);
    assert_eq!(residents(&site).await, before + 3);
    let first = found(&site, &nurse, "章某一").await.remove(0);
    assert_eq!((&first["sex"], &first["birth_date"]), (&json!("female"), &json!("1940-05-01")));
    let whose: Vec<_> = first["phones"].as_array().unwrap().iter().map(|p| &p["whose"]).collect();
    assert_eq!(whose, [&json!("daughter"), &json!("own")]);
    let second = found(&site, &nurse, "章某二").await.remove(0);
    assert_eq!((&second["national_id"], &second["birth_date"]), (&json!("110105********002X"), &json!("1949-12-31")));
    let third = found(&site, &nurse, "章某三").await.remove(0);
    assert_eq!(third["papers"][0]["kind"], "passport");
    // Changed by hand: the address. Changed in the file: the address and the telephone.
    let path = format!("/v1/persons/{}", second["id"].as_str().unwrap());
    let tag = [("if-match", "\"1\"")];
    site.api_with(&nurse, "PATCH", &path, json!({ "address": "丙弄 3 号" }), &tag).await.checked(200);
    let changed = GOOD.replace("乙弄 2 号", "丁弄 4 号").replace("13800001002", "13800001009");
    let report = people(&site, &nurse, false, &changed).await;
    assert_eq!(counts(&report), [0, 1, 2, 0, 0], "{report}");
    assert_eq!(codes(&report, "warnings"), told(&[(3, "changed_by_hand")]));
    let now = site.get(&nurse, &path).await.expect(200);
    assert_eq!((&now["address"], &now["phone"]), (&json!("丙弄 3 号"), &json!("138****1009")));
    assert_eq!(counts(&people(&site, &nurse, false, &changed).await), [0, 0, 3, 0, 0]);
    site.api(&nurse, "POST", &format!("{path}/end"), json!({ "kind": "left", "on": "2026-11-20" })).await.checked(200);
    let report = people(&site, &nurse, false, &changed.replace("丁弄 4 号", "戊弄")).await;
    assert_eq!((counts(&report), &report["ended"]), ([0, 0, 2, 0, 0], &json!(1)));
    // Another's by now: a file of before changes nothing of it.
    let mut tx = site.deps.db.begin().await.unwrap();
    let away = "update person set organisation_id = $1 where name = '章某一'";
    on!(tx, |c| sqlx::query(away).bind(site.network.hospital).execute(c).await.map(drop)).unwrap();
    tx.commit().await.unwrap();
    let report = people(&site, &nurse, false, &changed.replace("甲弄 1 号", "己弄")).await;
    assert_eq!(codes(&report, "warnings").first(), told(&[(2, "person_of_others")]).first(), "{report}");
    let still = "select count(*) from person where name = '章某一' and address = '甲弄 1 号'";
    assert_eq!(count(&site, still).await, 1);
}

#[tokio::test]
async fn a_list_of_people_is_tried_taken_and_changes_nothing_when_it_comes_again() {
    on_both(a_list_of_people).await;
}

#[tokio::test]
async fn a_blank_cell_is_nobodys_doing_and_a_running_number_makes_nobody_another() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let before = residents(&site).await;
        for (phone, expected) in
            [("13800003001", [1, 0, 0, 0, 0]), ("", [0, 0, 1, 0, 0]), ("13800003002", [0, 1, 0, 0, 0])]
        {
            let report = people(&site, &nurse, false, &format!("B-1,章某四,,,,{phone},,,,\n")).await;
            assert_eq!((counts(&report), &report["warnings"]), (expected, &json!([])), "{phone}: {report}");
        }
        assert_eq!(found(&site, &nurse, "章某四").await[0]["phone"], "138****3002");
        // A list without numbers of its own, and once more with somebody above: the column in front is of no field.
        let list = |rows: &str| format!("序号,姓名,电话,地址\n{rows}");
        let path = "/v1/person-imports?dry_run=false&source=street";
        let first = list("1,章某五,13800003003,甲弄 5 号\n2,章某六,13800003003,甲弄 5 号\n");
        let first = send(&site, &nurse, path, first).await.expect(200);
        assert_eq!(counts(&first), [2, 0, 0, 0, 0], "{first}");
        let next = list("1,章某七,13800003004,乙弄\n2,章某五,13800003003,甲弄 5 号\n3,章某六,13800003003,丙弄 6 号\n");
        let next = send(&site, &nurse, path, next).await.expect(200);
        assert_eq!(number(&next, "created"), 1, "{next}");
        assert_eq!(residents(&site).await, before + 4);
    })
    .await;
}

#[tokio::test]
async fn the_same_person_under_five_spellings_is_one_or_proposed_and_never_five_without_a_word() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let before = residents(&site).await;
        let mut rows = String::new();
        for (n, name) in ["阿卜杜拉·买买提", "阿卜杜拉•买买提", "阿卜杜拉．买买提", "阿卜杜拉 买买提", "阿卜杜拉买买提"]
            .iter()
            .enumerate()
        {
            let _ = writeln!(rows, "S-{n},{name},,1940-05-01,,13800002001,,,,");
        }
        for (n, name) in ["章 三", "章三", "章\u{3000}三", "\u{200b}章三", "张三"].iter().enumerate() {
            let _ = writeln!(rows, "Z-{n},{name},,,11010519491231002X,,,,,");
        }
        for (n, name) in ["欧阳秀英", "欧阳秀瑛"].iter().enumerate() {
            let _ = writeln!(rows, "O-{n},{name},,,,13800002003,,,,");
        }
        for dry_run in [true, false] {
            let report = people(&site, &nurse, dry_run, &rows).await;
            assert_eq!((counts(&report), &report["perhaps_same"]), ([4, 0, 0, 8, 0], &json!(1)), "{report}");
            let told: BTreeSet<_> = codes(&report, "warnings").into_iter().map(|(_, code)| code).collect();
            assert_eq!(told, BTreeSet::from(["same_person".to_owned(), "perhaps_same".to_owned()]));
        }
        assert_eq!(residents(&site).await, before + 4);
        assert_eq!(counts(&people(&site, &nurse, false, &rows).await), [0, 0, 4, 8, 0]);
        // Of another file: the paper says who it is, and so do name, telephone and birth date together.
        let other =
            "B-1,章三,,,110105 19491231 002x,13800002009,,,,\nB-2,阿卜杜拉买买提,,1940/5/1,,138 0000 2001,庚弄,,,\n";
        let report = people(&site, &nurse, false, other).await;
        assert_eq!(counts(&report), [0, 2, 0, 0, 0], "{report}");
        assert_eq!(residents(&site).await, before + 4);
        // Registered by hand, and then in a file: proposed, not doubled without a word.
        let by_hand = json!({ "name": "许桂兰", "phone": "13800002005" });
        site.api(&nurse, "POST", "/v1/persons", by_hand).await.checked(201);
        let report = people(&site, &nurse, false, "C-1,许桂芝,,,,13800002005,,,,\n").await;
        assert_eq!((counts(&report), codes(&report, "warnings")), ([1, 0, 0, 0, 0], told(&[(2, "perhaps_same")])));
    })
    .await;
}

#[tokio::test]
async fn only_a_name_must_be_there_and_what_cannot_be_read_is_kept() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let rows = "K-1,王?,不详,12785,330211193501011000,12,,城东社区,,x\n\
            K-2,,女,,,,,,,\n\
            2.02611E+14,孙某,,,,,,,,\n\
            K-1,李某,,,,,,,,\n\
            K-5,\"周某,,,,,,,,\n\
            K-6,吴某,,,,,\"一\n二\",,,\n\
            合计,5,,,,,,,,\n";
        let report = people(&site, &nurse, false, rows).await;
        assert_eq!((counts(&report), &report["skipped"]), ([2, 0, 0, 0, 4], &json!(1)), "{report}");
        let bad = [(3, "required"), (4, "id_rounded"), (5, "duplicate_in_file"), (6, "quote_open")];
        assert_eq!(codes(&report, "errors"), told(&bad));
        let doubts = ["name_doubtful", "paper_rounded", "time_serial", "phone_format", "unreadable", "phone_format"];
        let sums = [(8, "sums")];
        assert_eq!(codes(&report, "warnings"), told(&[&doubts.map(|code| (2, code))[..], &sums].concat()));
        assert_eq!(report["warnings"][6]["line"], 9, "a cell above has a line break in it");
        let mend = report["mend"].as_str().unwrap();
        assert!(mend.starts_with('\u{feff}') && mend.contains("孙某") && mend.contains("原因"), "{mend}");
        let kept = found(&site, &nurse, "王?").await.remove(0);
        assert_eq!(kept["warnings"], json!(["name_doubtful", "paper_rounded"]));
        let sealed = "select count(*) from person_source where kept_sealed is not null";
        assert_eq!(count(&site, sealed).await, 1);
        assert_eq!(found(&site, &nurse, "吴某").await[0]["address"], "一 二");
    })
    .await;
}

#[tokio::test]
async fn others_write_while_a_long_file_is_taken() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let mut rows = String::new();
        for n in 0..500 {
            let _ = writeln!(rows, "L-{n},章某{n},,,,,,,,");
        }
        let before = residents(&site).await;
        let mut import = std::pin::pin!(people(&site, &nurse, false, &rows));
        let other = async {
            until("some of it is there", async || residents(&site).await > before).await;
            site.api(&nurse, "POST", "/v1/persons", json!({ "name": "马上要登记的人" })).await.checked(201);
        };
        tokio::select! {
            report = &mut import => panic!("nobody else had a turn: {report}"),
            () = other => {}
        }
        assert_eq!(counts(&import.await), [500, 0, 0, 0, 0]);
        assert_eq!(residents(&site).await, before + 501);
    })
    .await;
}

#[tokio::test]
async fn a_workbook_of_elders_is_read_for_a_street_and_an_agency() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let rows: &[&[&str]] = &[
            &["某街道老人名册"],
            &["编号", "姓名", "联系方式", "出生日期", "家庭住址", "备注"],
            &["#1", "章某一", "#13800003001", "@14732", "甲弄", "x"],
            &["~2", "章某二", "#57486251234", "", "", ""],
        ];
        let bytes = workbook(&[("老人", rows)]);
        let dispatcher = site.token("dispatcher").await;
        let report = send(&site, &dispatcher, "/v1/person-imports?dry_run=false", bytes.clone()).await.expect(200);
        assert_eq!(counts(&report), [2, 0, 0, 0, 0], "{report}");
        assert_eq!((&report["notes"]["hidden_rows"], &report["notes"]["unused"]), (&json!(1), &json!(["备注"])));
        assert_eq!(codes(&report, "warnings"), told(&[(4, "phone_format")]), "a landline lost its zero");
        let first = found(&site, &dispatcher, "章某一").await.remove(0);
        assert_eq!((&first["phone"], &first["birth_date"]), (&json!("138****3001"), &json!("1940-05-01")));
        assert_eq!(first["organisation_id"], Value::Null);
        let again = send(&site, &dispatcher, "/v1/person-imports?dry_run=false", bytes).await.expect(200);
        assert_eq!(counts(&again), [0, 0, 2, 0, 0]);
        for (who, status) in [("doctor", 403), ("caregiver", 403), ("admin", 403)] {
            let token = site.token(who).await;
            assert_eq!(send(&site, &token, "/v1/person-imports", "姓名\n张三\n").await.status, status, "{who}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_file_of_people_that_is_none_says_why() {
    let engine = sqlite();
    let site = Site::open(&engine).await;
    let nurse = site.token("nurse").await;
    let xls = [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), &[0; 64]].concat();
    for (body, words) in [
        (b"\xff\xff\xff\x00".to_vec(), "GB18030"),
        ("姓名\n张三\n".encode_utf16().flat_map(u16::to_le_bytes).collect(), "姓名"),
        ([b"\xe5\xa7\x93\xe5\x90\x8d\n\xe5\xbc\xa0\n".as_slice(), b"\xe6\x9d\n"].concat(), "第 3 行"),
        (Vec::new(), "空"),
        ("电话\n1\n".as_bytes().to_vec(), "姓名"),
        ("姓名,姓名\n".as_bytes().to_vec(), "重复"),
        (format!("姓名\n{}", "张三\n".repeat(100_000)).into_bytes(), "20000"),
        (xls, ".xlsx"),
    ] {
        let answer = send(&site, &nurse, "/v1/person-imports", body).await.refused(422, "invalid");
        let error = &answer.body["errors"][0];
        assert!(error["pointer"] == "/file" && error["detail"].as_str().unwrap().contains(words), "{}", answer.text);
    }
    let long = format!("/v1/person-imports?source={}", "x".repeat(101));
    send(&site, &nurse, &long, "姓名\n").await.refused(422, "invalid");
}

const STAFF: &str = "用户名,姓名,角色,区域,职称,执业证书编号,科室,手机\n";

async fn staff(site: &Site, token: &str, organisation: impl std::fmt::Display, dry_run: bool, rows: &str) -> Answer {
    let path = format!("/v1/organisations/{organisation}/account-imports?dry_run={dry_run}");
    send(site, token, &path, format!("{STAFF}{rows}")).await
}

#[tokio::test]
async fn staff_come_from_a_file_with_links_that_are_told_once() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let admin = site.token("admin").await;
        let hospital = site.network.hospital;
        let rows = "dr.zhang,章医生,医生,,主任医师,1103302,心血管内科,1\n\
            dr.li,李医生,doctor,,住院,1103303,炼金科,1\n\
            nurse.qi,戚某,护理人员、管理员,,,,,1\n";
        let accounts = "select count(*) from account";
        let before = count(&site, accounts).await;
        let tried = staff(&site, &admin, hospital, true, rows).await.expect(200);
        assert_eq!((number(&tried, "created"), &tried["links"]), (3, &json!([])), "{tried}");
        assert_eq!(count(&site, accounts).await, before);
        let real = staff(&site, &admin, hospital, false, rows).await.expect(200);
        assert_eq!((number(&real, "created"), number(&real, "doctors"), number(&real, "failed")), (3, 1, 0), "{real}");
        assert_eq!(codes(&real, "warnings"), told(&[(3, "title_unknown"), (3, "specialty_unknown")]));
        assert_eq!(real["notes"]["unused"], json!(["手机"]));
        let links = real["links"].as_array().unwrap();
        assert_eq!(links.len(), 3);
        site.choose(&links[0]["link"], "correct horse").await;
        let doctor = site.access("dr.zhang", "correct horse").await;
        assert_eq!(site.get(&doctor, "/v1/me").await.expect(200)["display_name"], "章医生");
        assert_eq!(count(&site, "select count(*) from practitioner where licence_no = '1103302'").await, 1);
        let again = staff(&site, &admin, hospital, false, &rows.replace("戚某", "戚某某")).await.expect(200);
        assert_eq!((number(&again, "created"), number(&again, "unchanged")), (0, 3));
        assert_eq!((&again["links"], codes(&again, "warnings")), (&json!([]), told(&[(4, "differs")])));
        assert_eq!(audited(&site, "account.create").await, 3);
    })
    .await;
}

#[tokio::test]
async fn a_file_of_staff_gives_nothing_that_could_not_be_given_by_hand() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let admin = site.token("admin").await;
        let (office, home) = (site.network.street_office, site.network.care_home);
        let rows = "one,甲,caregiver,,,,,\n\
            two,乙,dispatcher,310101,,,,\n\
            three,丙,dispatcher,330211001001,,,,\n\
            nurse,丁,dispatcher,,,,,\n\
            x,戊,dispatcher,,,,,\n\
            three,己,dispatcher,,,,,\n\
            seven,,dispatcher,,,,,\n\
            eight,辛,,,,,,\n";
        let report = staff(&site, &admin, office, false, rows).await.expect(200);
        assert_eq!((number(&report, "created"), number(&report, "failed")), (1, 7), "{report}");
        let bad = [
            (2, "role_unknown"),
            (3, "area_out_of_scope"),
            (5, "login_taken"),
            (6, "login_format"),
            (7, "duplicate_in_file"),
            (8, "required"),
            (9, "required"),
        ];
        assert_eq!(codes(&report, "errors"), told(&bad));
        let nurse = site.token("nurse").await;
        staff(&site, &nurse, home, true, "").await.refused(403, "forbidden");
        staff(&site, &nurse, office, true, "").await.refused(404, "not-found");
        let (_, stranger) = site.second_office("330212001").await;
        staff(&site, &stranger, home, true, "").await.refused(404, "not-found");
        let many = "u,x,dispatcher,,,,,\n".repeat(2_001);
        let refused = staff(&site, &admin, office, true, &many).await.refused(422, "invalid");
        assert!(refused.text.contains("2000"), "{}", refused.text);
    })
    .await;
}

#[tokio::test]
async fn the_pages_lead_to_the_imports_and_their_samples_are_taken() {
    let engine = sqlite();
    let site = Site::open(&engine).await;
    let mut nurse = Browser::new();
    nurse.log_in(&site, "nurse").await;
    assert!(nurse.open(&site, "/residents").await.text.contains("/persons/import"));
    let page = nurse.open(&site, "/persons/import").await.checked(200).text;
    assert!(page.contains("data-import=\"/v1/person-imports\"") && page.contains("persons-sample.csv"), "{page}");
    assert_eq!(nurse.open(&site, "/accounts/import").await.status, 403);
    let mut admin = Browser::new();
    admin.log_in(&site, "admin").await;
    assert!(admin.open(&site, "/admin").await.text.contains("/accounts/import"));
    let page = admin.open(&site, "/accounts/import").await.checked(200).text;
    assert!(page.contains(&format!("/v1/organisations/{}/account-imports", site.network.street_office)), "{page}");
    assert_eq!(admin.open(&site, "/persons/import").await.status, 403);
    for (who, sample, path) in [
        ("nurse", "persons", "/v1/person-imports".to_owned()),
        ("admin", "accounts", format!("/v1/organisations/{}/account-imports", site.network.street_office)),
    ] {
        let token = site.token(who).await;
        let file = site.get("", &format!("/static/booking/{sample}-sample.csv")).await.checked(200).text;
        let report = send(&site, &token, &path, file).await.expect(200);
        assert_eq!((number(&report, "created"), number(&report, "warning_count")), (1, 0), "{report}");
        assert_eq!(report["notes"]["unused"], json!([]), "{sample}");
    }
}

/// An elder of the network's own: a resident who has gone home.
async fn at_home(site: &Site, person: Value) -> String {
    let nurse = site.token("nurse").await;
    let made = site.api(&nurse, "POST", "/v1/persons", person).await.expect(201);
    let path = format!("/v1/persons/{}", made["id"].as_str().unwrap());
    let home = json!({ "agreed_by": "person", "agreed_name": "吴婆婆", "agreed_how": "writing",
        "agreed_on": "2026-11-22", "address": "乙弄 2 号", "area_code": "330211001001" });
    site.api(&nurse, "POST", &format!("{path}/discharge"), home).await.checked(201);
    site.get(&site.token("desk").await, &path).await.expect(200)["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_paper_of_a_record_that_went_into_another_ends_no_import() {
    on_both(|engine: TestEngine| async move {
        let site = Site::open(&engine).await;
        let (agency, desk) = (site.token("dispatcher").await, site.token("desk").await);
        let one = at_home(&site, json!({ "name": "吴某甲", "national_id": "11010519491231002X" })).await;
        let other = at_home(&site, json!({ "name": "吴某乙" })).await;
        let join = async |into: &str, id: &Value| {
            site.api(&desk, "POST", &format!("/v1/persons/{into}/join"), json!({ "other": id })).await.checked(200);
        };
        let own = json!({ "name": "吴某甲", "national_id": "11010519491231002X", "area_code": "330211001001" });
        join(&one, &site.api(&agency, "POST", "/v1/persons", own).await.expect(201)["id"]).await;
        let row = "X-1,吴某乙,,,,13800001001,,330211001001,,\n";
        assert_eq!(counts(&people(&site, &agency, false, row).await), [1, 0, 0, 0, 0]);
        join(&other, &found(&site, &agency, "13800001001").await.remove(0)["id"]).await;

        let row = row.replace(",,,,138", ",,,11010519491231002X,138");
        let report = people(&site, &agency, false, &row).await;
        assert_eq!((counts(&report)[0], codes(&report, "warnings")), (0, told(&[(2, "paper_taken")])), "{report}");
        let row = "X-2,吴某甲,,,11010519491231002X,13800001002,,,,\n";
        let report = people(&site, &agency, false, row).await;
        assert_eq!(counts(&report), [0, 1, 0, 0, 0], "the record that leads on has told who it is: {report}");
        let first = site.get(&desk, &format!("/v1/persons/{one}")).await.expect(200);
        assert_eq!(first["phone"], "138****1002");
        assert_eq!(count(&site, "select count(*) from person where name = '吴某甲' and merged_into is null").await, 1);
    })
    .await;
}
