//! Large files come in parts: in any order, again after a broken connection, and for their sender alone.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sanbao_needs_analysis::import;
use sanbao_platform::crypto::sha256_hex;
use sanbao_platform::testing::{Answer, Person, TestEngine, on_both, sqlite};
use serde_json::{Value, json};

use crate::requests::house::{CHENGDONG, House, agency, officer, street};
use crate::requests::import::{HEADER, counts, send};

const UPLOADS: &str = "/v1/imports/uploads";
const PART: usize = 1024 * 1024;

/// A file of three parts, few rows and long notes.
fn file(rows: usize) -> Vec<u8> {
    let note = "软".repeat(900);
    let row = |n: usize| format!("p{n},2026-11-01 09:00,{CHENGDONG},助餐,,林某{n},,,,{note}\n");
    format!("{HEADER}{}", (0..rows).map(row).collect::<String>()).into_bytes()
}

fn digest(bytes: &[u8]) -> String {
    let hex = sha256_hex(bytes);
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    format!("sha-256=:{}:", STANDARD.encode((0..hex.len()).step_by(2).map(byte).collect::<Vec<u8>>()))
}

async fn put(house: &House, who: &Person, path: &str, bytes: &[u8], digest: Option<&str>) -> Answer {
    let mut request = Request::put(path).header("authorization", format!("Bearer {}", house.token(who)));
    request = request.header("content-type", "application/octet-stream");
    if let Some(digest) = digest {
        request = request.header("content-digest", digest);
    }
    house.send(request.body(Body::from(bytes.to_vec())).unwrap()).await
}

async fn announce(house: &House, who: &Person, bytes: usize) -> String {
    let told = house.post(who, UPLOADS, json!({ "bytes": bytes, "file_name": "工单.csv" })).await.expect(201);
    told["id"].as_str().unwrap().to_owned()
}

/// Sends all parts of a file and gives the upload's id.
async fn sent(house: &House, who: &Person, bytes: &[u8]) -> String {
    let id = announce(house, who, bytes.len()).await;
    for (n, part) in (1..).zip(bytes.chunks(PART)) {
        put(house, who, &format!("{UPLOADS}/{id}/parts/{n}"), part, None).await.expect(200);
    }
    id
}

async fn in_parts(engine: TestEngine) {
    let house = House::open(&engine).await;
    let bytes = file(900);
    let parts: Vec<&[u8]> = bytes.chunks(PART).collect();
    assert_eq!(parts.len(), 3);
    let id = announce(&house, &street(), bytes.len()).await;
    let place = |n: usize| format!("{UPLOADS}/{id}/parts/{n}");
    let import = format!("/v1/imports?dry_run=true&source=parts&upload={id}");
    let seen =
        |told: &Value| (told["received"].as_u64().unwrap(), told["next"].as_u64(), told["parts"].as_u64().unwrap());

    let third = put(&house, &street(), &place(3), parts[2], Some(&digest(parts[2]))).await.expect(200);
    assert_eq!(seen(&third), (1, Some(1), 3));
    put(&house, &street(), &place(1), parts[0], Some(&digest(parts[1]))).await.refused(422, "invalid");
    put(&house, &street(), &place(1), &parts[0][1..], None).await.refused(422, "invalid");
    for n in [0, 4] {
        put(&house, &street(), &place(n), parts[0], None).await.refused(404, "not-found");
    }
    put(&house, &street(), &place(1), &vec![0; PART + 1], None).await.refused(413, "too-large");
    for again in 0..2 {
        let told = put(&house, &street(), &place(1), parts[0], Some(&digest(parts[0]))).await.expect(200);
        assert_eq!(seen(&told), (2, Some(2), 3), "the same part again changes nothing: {again}");
    }
    house.post(&street(), &import, json!({})).await.refused(409, "upload-incomplete");
    let stranger = officer(31, 100, "dispatcher", &[CHENGDONG]);
    for (who, status) in [(&stranger, 404), (&agency(), 403)] {
        assert_eq!(put(&house, who, &place(2), parts[1], None).await.status, status);
        assert_eq!(house.get(who, &format!("{UPLOADS}/{id}")).await.status, status);
        assert_eq!(house.post(who, &import, json!({})).await.status, status);
    }
    put(&house, &street(), &place(2), parts[1], None).await.expect(200);
    assert_eq!(seen(&house.get(&street(), &format!("{UPLOADS}/{id}")).await.expect(200)), (3, None, 3));
    taken(&house, &id, &bytes).await;
}

/// A file that is there is tried and imported like one that is sent whole.
async fn taken(house: &House, id: &str, bytes: &[u8]) {
    let path = |dry: bool| format!("/v1/imports?dry_run={dry}&source=parts&upload={id}");
    let heads = format!("/v1/imports/headings?source=parts&upload={id}");
    let told = house.post(&street(), &heads, json!({})).await.expect(200);
    assert_eq!(told["missing"], json!([]));
    let tried = house.post(&street(), &path(true), json!({})).await.expect(200);
    let whole = send(house, &street(), "/v1/imports?source=parts", "text/csv", bytes.to_vec()).await.expect(200);
    assert_eq!((counts(&tried), &tried["notes"]), (counts(&whole), &whole["notes"]));
    assert_eq!(house.count("select count(*) from import_run").await, 0);
    let done = send(house, &street(), &path(false), "text/csv", Vec::new()).await.expect(200);
    assert_eq!((counts(&done), &done["id"], &done["file_name"]), ([900, 0, 0, 0], &json!(id), &json!("工单.csv")));
    assert_eq!(house.counted().await, (900, 900));
    assert_eq!(house.count("select count(*) from _import_part").await, 0, "the file is kept no longer");
    let again = send(house, &street(), &path(false), "text/csv", Vec::new()).await.expect(200);
    assert_eq!(
        (&again["id"], counts(&again)),
        (&json!(id), counts(&done)),
        "where the answer was lost it is the same import"
    );
    house.get(&street(), &format!("{UPLOADS}/{id}")).await.refused(404, "not-found");
    assert_eq!(house.count("select count(*) from import_run").await, 1);
}

#[tokio::test]
async fn a_file_that_comes_in_parts_is_the_same_import() {
    on_both(in_parts).await;
}

#[tokio::test]
async fn what_is_announced_is_bounded_and_forgotten() {
    let house = House::open(&sqlite()).await;
    let most = usize::try_from(import::UPLOAD_BYTES_MAX).unwrap();
    for bytes in [0, most + 1] {
        house.post(&street(), UPLOADS, json!({ "bytes": bytes })).await.refused(422, "invalid");
    }
    announce(&house, &street(), most).await;
    let first = sent(&house, &street(), &file(2)).await;
    let other = sent(&house, &officer(31, 100, "dispatcher", &[CHENGDONG]), &file(2)).await;
    let second = sent(&house, &street(), &file(2)).await;
    house.get(&street(), &format!("{UPLOADS}/{first}")).await.refused(404, "not-found");
    assert_eq!(
        house.count("select count(*) from _import_part").await,
        4,
        "one of each person is kept: {other} {second}"
    );
    house.clock.advance(Duration::from_hours(23));
    import::forget_old(&house.app).await.unwrap();
    house.get(&street(), &format!("{UPLOADS}/{second}")).await.expect(200);
    house.clock.advance(Duration::from_hours(2));
    house.get(&street(), &format!("{UPLOADS}/{second}")).await.refused(404, "not-found");
    import::forget_old(&house.app).await.unwrap();
    assert_eq!(house.count("select count(*) from _import_part").await, 0);
}
