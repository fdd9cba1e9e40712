//! The meanings of the words of a file: areas by name, headings, categories and areas that were told once and are remembered per source.

use sanbao_platform::testing::{TestEngine, on_both};
use serde_json::{Value, json};

use crate::requests::house::{CHENGDONG, House, XIMEN, agency, officer, street};
use crate::requests::import::{counts, id_of, read, send};

const MAPPINGS: &str = "/v1/imports/mappings";

async fn remember(house: &House, source: &str, kind: &str, said: &str, meant: Value) {
    let body = json!({"source": source, "kind": kind, "said": said, "meant": meant});
    house.put(&street(), MAPPINGS, body).await.expect(200);
}

async fn import(house: &House, source: &str, text: &str) -> Value {
    let path = format!("/v1/imports?dry_run=false&source={source}");
    send(house, &street(), &path, "text/csv", text.as_bytes().to_vec()).await.expect(200)
}

async fn remembered(engine: TestEngine) {
    let house = House::open(&engine).await;
    let text = "单号,受理时间,社区,类别,老人,手机\nm1,2026-11-01,东片,遛狗,林某,19900000001\nm2,2026-11-01,城东社区,助餐,林某,\n";
    let path = "/v1/imports?source=excel";
    send(&house, &street(), path, "text/csv", text.as_bytes().to_vec()).await.refused(422, "invalid");
    let told = send(&house, &street(), "/v1/imports/headings?source=excel", "text/csv", text.as_bytes().to_vec())
        .await
        .expect(200);
    assert_eq!(told["missing"], json!(["external_id", "elder_name"]));
    assert_eq!(told["headings"][0], json!({"heading": "单号", "field": null}));
    assert_eq!(told["headings"][2], json!({"heading": "社区", "field": "area_code"}));
    remember(&house, "excel", "column", "单号", json!("external_id")).await;
    remember(&house, "excel", "column", "老人", json!("elder_name")).await;
    remember(&house, "excel", "column", "手机", Value::Null).await;
    let first = import(&house, "excel", text).await;
    assert_eq!(counts(&first), [1, 0, 0, 1], "{first}");
    assert_eq!(first["unknown"], json!({"categories": [], "areas": [{"said": "东片", "rows": 1}]}));
    assert_eq!(first["notes"]["unused"], json!(["手机"]));
    remember(&house, "excel", "area", "东片", json!(CHENGDONG)).await;
    let second = import(&house, "excel", text).await;
    assert_eq!((counts(&second), &second["other"]), ([1, 0, 1, 0], &json!(1)));
    assert_eq!(second["unknown"]["categories"], json!([{"said": "遛狗", "rows": 1}]));
    remember(&house, "excel", "category", "遛狗", json!("visit")).await;
    let third = import(&house, "excel", text).await;
    assert_eq!((counts(&third), &third["other"]), ([0, 1, 1, 0], &json!(0)), "it reaches what is there");
    let shown = read(&house, &id_of(&house, "m1").await).await;
    assert_eq!(
        (&shown["category"], &shown["area_code"], &shown["phone"]),
        (&json!("visit"), &json!(CHENGDONG), &Value::Null)
    );
    assert_eq!(house.miscounted().await, 0);
    let kept = house.get(&street(), &format!("{MAPPINGS}?source=excel")).await.expect(200);
    assert_eq!(kept["items"].as_array().unwrap().len(), 5);
    let other = send(&house, &street(), "/v1/imports?source=another", "text/csv", text.as_bytes().to_vec()).await;
    other.refused(422, "invalid");
    let forget = json!({"source": "excel", "kind": "area", "said": "东片", "meant": null, "forget": true});
    assert_eq!(house.put(&street(), MAPPINGS, forget).await.expect(200)["items"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn a_word_is_told_once_and_remembered_for_its_source() {
    on_both(remembered).await;
}

#[tokio::test]
async fn a_word_means_only_what_there_is_and_what_is_ones_own() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        for (kind, meant) in [
            ("column", json!("no_such_field")),
            ("category", json!("no_such")),
            ("area", json!("330299999999")),
            ("area", Value::Null),
        ] {
            let body = json!({"source": "excel", "kind": kind, "said": "x", "meant": meant});
            house.put(&street(), MAPPINGS, body).await.refused(422, "invalid");
        }
        let own = officer(9, 100, "dispatcher", &[XIMEN]);
        let body = json!({"source": "excel", "kind": "area", "said": "x", "meant": CHENGDONG});
        house.put(&own, MAPPINGS, body.clone()).await.refused(422, "invalid");
        house.put(&agency(), MAPPINGS, body).await.refused(403, "forbidden");
        house
            .put(&street(), MAPPINGS, json!({"source": " ", "kind": "column", "said": "x", "meant": null}))
            .await
            .refused(422, "invalid");
        remember(&house, "excel", "column", "手机", Value::Null).await;
        let neighbour = officer(31, 300, "dispatcher", &[XIMEN]);
        assert_eq!(house.get(&neighbour, &format!("{MAPPINGS}?source=excel")).await.expect(200)["items"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_source_remembers_as_many_words_as_its_bound_and_no_more() {
    let engine = sanbao_platform::testing::sqlite();
    let house = House::open(&engine).await;
    let mut tx = house.app.deps.db.begin().await.unwrap();
    for n in 0..2_000 {
        let row = "insert into import_mapping (organisation, source, kind, said, meant, set_at) values ($1, 'excel', 'column', $2, null, '2026-11-01T00:00:00+00:00')";
        let owner = uuid::Uuid::from_u128(100);
        sanbao_platform::on!(tx, |c| sqlx::query(row).bind(owner).bind(format!("w{n}")).execute(c).await.map(drop))
            .unwrap();
    }
    tx.commit().await.unwrap();
    let body = json!({"source": "excel", "kind": "column", "said": "x", "meant": null});
    house.put(&street(), MAPPINGS, body).await.refused(422, "invalid");
}

#[tokio::test]
async fn history_is_taken_in_without_standing_in_the_queue() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let header = "编号,受理时间,区域编码,类别,姓名,状态,办结时间\n";
        let text = |state: &str| format!("{header}h1,2026-10-01,{CHENGDONG},助餐,林某,{state},2026年10月3日 10:00\nh2,2026-11-01,{CHENGDONG},助餐,林某,待办,\n");
        assert_eq!(counts(&import(&house, "excel", &text("已办结")).await), [2, 0, 0, 0]);
        let open = house.get(&street(), "/v1/requests?open=true").await.expect(200);
        assert_eq!(open["items"].as_array().unwrap().len(), 1);
        let closed = read(&house, &id_of(&house, "h1").await).await;
        assert_eq!((&closed["state"], &closed["state_since"]), (&json!("closed"), &json!("2026-10-03T02:00:00Z")));
        assert_eq!((house.counted().await, house.miscounted().await), ((2, 2), 0));
        // Open here, and ended there since: told, and left to the people who work on it.
        let later = format!("{header}h2,2026-11-01,{CHENGDONG},助餐,林某,已办结,\n");
        let report = import(&house, "excel", &later).await;
        assert_eq!((counts(&report), &report["warnings"][0]["code"]), ([0, 1, 0, 0], &json!("state_kept")));
        assert_eq!(house.state(&id_of(&house, "h2").await).await, "received");
    })
    .await;
}
