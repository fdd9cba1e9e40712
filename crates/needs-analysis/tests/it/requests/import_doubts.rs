//! Files as people have them: a stray quotation mark, fields that cannot be read, workbooks.

use sanbao_platform::testing::{TestEngine, on_both};
use serde_json::{Value, json};

use crate::requests::house::{CHENGDONG, House, administrator, street};
use crate::requests::import::{HEADER, by_library, counts, id_of, read, send};

/// One stray quotation mark among so many rows.
async fn one_stray_mark(engine: TestEngine) {
    let house = House::open(&engine).await;
    for count in [20, 5000] {
        let note = |n: usize| if n == 4 { "\"好" } else { "好" };
        let row = |n: usize| format!("q{count}-{n},2026-11-01 09:00,{CHENGDONG},助餐,,林某{n},,,,{}\n", note(n));
        let text = format!("{HEADER}{}", (1..=count).map(row).collect::<String>());
        let report = by_library(&house, text.as_bytes(), false).await;
        let expected = i64::try_from(count).unwrap();
        assert_eq!((report.total, report.created, report.failed), (expected, expected - 1, 1));
        let told: Vec<_> = report.errors.iter().map(|e| (e.row, e.code.as_str())).collect();
        assert_eq!(told, [(5, "quote_open")]);
    }
    assert_eq!(house.counted().await, (5018, 5018));
}

#[tokio::test]
async fn one_stray_quotation_mark_costs_its_own_row_alone() {
    on_both(one_stray_mark).await;
}

#[tokio::test]
async fn a_field_that_need_not_be_there_costs_no_request_its_row() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let rows: Vec<String> = [
            "w1,2026-11-01 09:00,330211001001,助餐,普通,林某,1990000000,,,午饭",
            "w2,2026年11月1日 下午2:30,330211001001.0,助餐,普通,林某,\"=\"\"19900000001\"\"\",110105194912310021,,",
            "w3,2026.11.1,330211001001,助餐,普通,王?,13800138000、13900139000,E12345678,,",
            "2.02611E+14,2026-11-01,330211001001,助餐,普通,孟某一,19900003001,,,",
        ]
        .map(str::to_owned)
        .to_vec();
        let header = HEADER.replace("地址", "家属电话");
        let text = format!("{header}{}\n", rows.join("\n"));
        let path = "/v1/imports?dry_run=false";
        let report = send(&house, &street(), path, "text/csv", text.into_bytes()).await.checked(200);
        assert_eq!(counts(&report.body), [3, 0, 0, 1], "{}", report.text);
        let told = |list: &str| -> Vec<(i64, String)> {
            let errors = report.body[list].as_array().unwrap().iter();
            errors.map(|e| (e["row"].as_i64().unwrap(), e["code"].as_str().unwrap().to_owned())).collect()
        };
        assert_eq!(told("errors"), [(5, "id_rounded".to_owned())]);
        let doubts =
            [(2, "phone_format"), (3, "national_id_check_digit"), (4, "name_doubtful"), (4, "national_id_length")];
        assert_eq!(told("warnings"), doubts.map(|(row, code)| (row, code.to_owned())));
        assert!(!report.text.contains("110105194912310021"), "{}", report.text);
        assert_eq!(report.body["notes"]["unused"], json!(["家属电话"]));
        let mend = report.body["mend"].as_str().unwrap();
        assert!(mend.contains("孟某一") && mend.contains("数字截断") && mend.lines().count() == 2, "{mend}");
        let kept = house.get(&street(), &format!("/v1/imports/{}", report.body["id"].as_str().unwrap())).await.body;
        assert_eq!((&kept["warnings"], &kept["notes"]), (&report.body["warnings"], &report.body["notes"]));
        assert_eq!(kept["mend"], Value::Null, "told once");
        let first = read(&house, &id_of(&house, "w1").await).await;
        assert_eq!((&first["phone"], &first["note"]), (&Value::Null, &json!("午饭\n电话：1990000000")));
        let second = read(&house, &id_of(&house, "w2").await).await;
        assert_eq!((&second["phone"], &second["national_id"]), (&json!("19900000001"), &json!("110105********0021")));
        let third = read(&house, &id_of(&house, "w3").await).await;
        assert_eq!((&third["phone"], &third["elder_name"]), (&json!("13800138000"), &json!("王?")));
    })
    .await;
}

#[tokio::test]
async fn a_workbook_is_read_as_a_text_is() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let bytes = sanbao_platform::testing::workbook(&[
            ("说明", &[]),
            (
                "十月",
                &[
                    &["某街道需求登记表"],
                    &["编号", "受理时间", "区域编码", "类别", "姓名", "电话", "备注"],
                    &["#1001", "@46327.375", "#330211001001", "助餐", "林某", "#19900000001", "软些\n热的"],
                    &["#202611230000001000", "@46327", "#330211001001", "助餐", "孟某", "", ""],
                    &["合计", "#2"],
                ],
            ),
            ("九月", &[&["编号"]]),
        ]);
        for (kind, path, expected) in [
            (sanbao_platform::table::XLSX, "/v1/imports", [1, 0, 0, 1]),
            ("application/octet-stream", "/v1/imports?dry_run=false", [1, 0, 0, 1]),
            ("application/octet-stream", "/v1/imports?dry_run=false", [0, 0, 1, 1]),
        ] {
            let report = send(&house, &street(), path, kind, bytes.clone()).await.expect(200);
            assert_eq!(counts(&report), expected, "{report}");
            let codes: Vec<_> = report["errors"].as_array().unwrap().iter().map(|e| (&e["row"], &e["code"])).collect();
            assert_eq!(codes, [(&json!(4), &json!("id_rounded"))]);
            assert_eq!((&report["skipped"], &report["warnings"][0]["code"]), (&json!(1), &json!("sums")));
            assert_eq!((&report["notes"]["sheet"], &report["notes"]["sheets_left"]), (&json!("十月"), &json!(1)));
        }
        let shown = read(&house, &id_of(&house, "1001").await).await;
        assert_eq!((&shown["phone"], &shown["note"]), (&json!("19900000001"), &json!("软些\n热的")));
        assert_eq!(shown["received_at"], json!("2026-11-01T01:00:00Z"));
        let areas = sanbao_platform::testing::workbook(&[(
            "a",
            &[&["编码", "级别", "名称", "上级编码"], &["X-1", "小区", "西苑", "#330211001001"]],
        )]);
        let report = send(&house, &administrator(), "/v1/imports/areas", "application/octet-stream", areas).await;
        assert_eq!(report.expect(200)["created"], 1);
    })
    .await;
}

const WAITING: &str =
    "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";

#[tokio::test]
async fn a_request_that_somebody_changes_meanwhile_costs_no_other_row() {
    // On SQLite nobody writes while a transaction is open.
    let Some(engine) = sanbao_platform::testing::postgres().await else { return };
    let house = House::open(&engine).await;
    let row = |n: usize, note: &str| format!("m{n},2026-11-01 09:00,{CHENGDONG},助餐,,林某{n},,,,{note}\n");
    let file = |note: &str| format!("{HEADER}{}", (0..20).map(|n| row(n, note)).collect::<String>());
    assert_eq!(by_library(&house, file("一").as_bytes(), false).await.created, 20);
    let db = &house.app.deps.db;
    let mut tx = db.begin().await.unwrap();
    let step = "update request set version = version + 1 where external_id = 'm7'";
    sanbao_platform::on!(tx, |c| sqlx::query(step).execute(c).await.map(drop)).unwrap();
    let text = file("二");
    let import = by_library(&house, text.as_bytes(), false);
    let other = async {
        sanbao_platform::testing::until("the import waits for the row", async || house.count(WAITING).await > 0).await;
        tx.commit().await.unwrap();
    };
    let (report, ()) = tokio::join!(import, other);
    assert_eq!((report.updated, report.failed, report.done), (20, 0, 20));
    assert_eq!(house.count("select count(*) from request where note = '二'").await, 20);
}
