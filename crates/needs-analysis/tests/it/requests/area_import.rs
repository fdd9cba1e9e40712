//! Areas from files: a rehearsal, the real run, the same again, and every kind of bad file.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::Request;
use encoding_rs::GB18030;
use sanbao_platform::testing::{Answer, Person, on_both, sqlite};
use serde_json::{Value, json};

use crate::requests::house::{CHENGDONG, House, XIMEN, administrator, agency, officer, street};

const HEADER: &str = "编码,级别,名称,英文名,上级编码,生效日期\n";

async fn send(house: &House, who: &Person, dry: bool, body: impl Into<Body>) -> Answer {
    let path = format!("/v1/imports/areas?dry_run={dry}");
    let request = Request::post(path).header("authorization", format!("Bearer {}", house.token(who)));
    house.send(request.header("content-type", "text/csv").body(body.into()).unwrap()).await
}

/// A community's compounds with their grids and stairs, smallest first.
fn tree() -> String {
    let mut text = HEADER.to_owned();
    for c in 5..8 {
        let compound = format!("{CHENGDONG}-C{c}");
        for g in 1..4 {
            let _ = writeln!(text, "{compound}-G{g}-B1,楼道,{c}幢{g}单元,,{compound}-G{g},");
            let _ = writeln!(text, "{compound}-G{g},网格,第{g}网格,,{compound},");
        }
        let _ = writeln!(text, "{compound},小区,南苑{c},South {c},{CHENGDONG},");
    }
    text
}

fn counts(report: &Value) -> [i64; 6] {
    ["total", "created", "updated", "moved", "unchanged", "failed"].map(|name| report[name].as_i64().unwrap())
}

#[tokio::test]
async fn a_file_is_tried_taken_and_changes_nothing_when_it_comes_again() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let (admin, text) = (administrator(), tree());
        let told = house.areas_told("needs.area.added").await.len();
        let tried = send(&house, &admin, true, text.clone()).await.expect(200);
        assert_eq!((counts(&tried), &tried["dry_run"]), ([21, 21, 0, 0, 0, 0], &json!(true)));
        assert_eq!(house.areas_told("needs.area.added").await.len(), told, "a rehearsal writes nothing");
        let (gb, ..) = GB18030.encode(&text);
        let real = send(&house, &admin, false, gb.into_owned()).await.expect(200);
        assert_eq!(counts(&real), [21, 21, 0, 0, 0, 0]);
        assert_eq!(house.areas_told("needs.area.added").await.len(), told + 21);
        let again =
            send(&house, &admin, false, [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat()).await.expect(200);
        assert_eq!(counts(&again), [21, 0, 0, 0, 21, 0]);
        let stair = house.get(&admin, &format!("/v1/areas/{CHENGDONG}-C5-G1-B1?on=2001-01-01")).await.expect(200);
        assert_eq!(stair["path"].as_array().unwrap().len(), 4, "it has always lain there");
    })
    .await;
}

#[tokio::test]
async fn a_changed_row_renames_or_moves_and_counts_follow() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let grid = format!("{CHENGDONG}-C1-G1");
        house.take_down(json!({ "area_code": grid, "received_at": "2026-11-20 09:00" })).await;
        let text = format!("{HEADER}{grid},网格,新名字,,{XIMEN}-C1,2026-11-10\n");
        for (expected, round) in [([1, 0, 1, 1, 0, 0], "first"), ([1, 0, 0, 0, 1, 0], "again")] {
            let report = send(&house, &administrator(), false, text.clone()).await.expect(200);
            assert_eq!(counts(&report), expected, "{round}: {report}");
        }
        let shown = house.get(&street(), &format!("/v1/areas/{grid}")).await.expect(200);
        assert_eq!((&shown["name_zh"], &shown["path"][1]["code"]), (&json!("新名字"), &json!(XIMEN)));
        let in_ximen = "select cast(coalesce(sum(n), 0) as bigint) from rollup
            where area_code = '330211001007' and grain = 'day'";
        assert_eq!((house.count(in_ximen).await, house.miscounted().await), (1, 0));
        assert_eq!(house.areas_told("needs.area.moved").await.len(), 1);
        assert_eq!(house.areas_told("needs.area.renamed").await.len(), 1);
        let back = format!("{HEADER}{grid},网格,新名字,,{CHENGDONG}-C2,2026-11-01\n");
        let refused = send(&house, &administrator(), false, back).await.expect(200);
        assert_eq!(refused["errors"][0]["code"], "date_before_last_move");
    })
    .await;
}

#[tokio::test]
async fn a_bad_row_is_told_by_its_line_and_no_line_vanishes() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let text = format!(
            "{HEADER}C-1,小区,一,,{CHENGDONG},\nC-2,小区,二,,nowhere,\nC-3,小区,\"三,,{CHENGDONG},\n\
             C-4,小区,四,,{CHENGDONG},\nC-5,小区,五\",,{CHENGDONG},\nC-6,小区,六,,{CHENGDONG},\n"
        );
        let report = send(&house, &administrator(), false, text).await.expect(200);
        assert_eq!(counts(&report), [6, 4, 0, 0, 0, 2], "{report}");
        let told: Vec<_> = report["errors"].as_array().unwrap().iter().map(|e| (&e["row"], &e["code"])).collect();
        assert_eq!(told, [(&json!(3), &json!("parent_unknown")), (&json!(4), &json!("quote_open"))]);
        for (code, status) in [("C-1", 200), ("C-6", 200), ("C-3", 404), ("C-4", 200), ("C-5", 200)] {
            assert_eq!(house.get(&street(), &format!("/v1/areas/{code}")).await.status, status, "{code}");
        }
    })
    .await;
}

#[tokio::test]
async fn another_districts_street_comes_by_a_file() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let founder = officer(12, 903, "administrator", &["330106001"]);
        let text = "code,level,name,parent\n330106001001,community,一社区,330106001\n330106001,street,某街道,\n";
        assert_eq!(counts(&send(&house, &founder, false, text).await.expect(200)), [2, 2, 0, 0, 0, 0]);
        let shown = house.get(&founder, "/v1/areas/330106001").await.expect(200);
        assert_eq!(shown["children"][0]["name_zh"], "一社区");
        let outside = send(&house, &administrator(), false, text).await.expect(200);
        assert_eq!(outside["errors"][0]["code"], "area_out_of_scope");
    })
    .await;
}

#[tokio::test]
async fn a_file_that_is_none_and_a_person_who_may_not_are_refused() {
    let engine = sqlite();
    let house = House::open(&engine).await;
    let admin = administrator();
    for (body, told) in [
        (b"\xff\xff\xff\x00".to_vec(), "GB18030"),
        (Vec::new(), "空"),
        (HEADER.replace("级别", "别的").into_bytes(), "level"),
        (format!("code,{HEADER}").into_bytes(), "code"),
        (format!("{HEADER}{}", "a,小区,名,,b,\n".repeat(100_000)).into_bytes(), "50000"),
    ] {
        let answer = send(&house, &admin, true, body).await.refused(422, "invalid");
        let error = &answer.body["errors"][0];
        assert!(error["pointer"] == "/file" && error["detail"].as_str().unwrap().contains(told), "{}", answer.text);
    }
    for who in [street(), agency(), officer(13, 904, "administrator", &[])] {
        assert_eq!(send(&house, &who, true, tree()).await.status, 403);
    }
}

#[tokio::test]
async fn the_largest_file_is_taken_in_pieces() {
    let engine = sqlite();
    let house = House::open(&engine).await;
    let mut text = HEADER.to_owned();
    for n in 0..50_000 {
        let _ = writeln!(text, "N-{n},楼道,{n}单元,,{CHENGDONG}-C1-G1,");
    }
    let report = send(&house, &administrator(), true, text).await.expect(200);
    assert_eq!(counts(&report), [50_000, 50_000, 0, 0, 0, 0]);
}
