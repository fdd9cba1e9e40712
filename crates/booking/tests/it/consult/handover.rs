//! The hand-over of a shift: what is open, signed by the one who goes and by the one who comes, kept as it stood.

use std::time::Duration;

use sanbao_platform::testing::{Answer, Person, everything, on_both};
use serde_json::{Value, json};

use crate::consult::rooms::colleague;
use crate::consult::world::World;

const WORDS: &str = "李医生来电：下午的会诊可能提前";

async fn page(w: &World, who: &Person, path: &str) -> Answer {
    w.call(Some(who), "GET", path, None, &[("accept-language", "zh-CN"), ("accept", "text/html")]).await
}

async fn text(w: &World, who: &Person, path: &str) -> String {
    let answer = page(w, who, path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.text
}

/// The version of what the page shows as open.
async fn version(w: &World, who: &Person) -> String {
    let text = text(w, who, "/consults/handover").await;
    let form = text.split("data-send=\"POST /v1/shift-handovers\"").nth(1).unwrap();
    let version = form.split("data-version=\"").nth(1).unwrap().split('"').next().unwrap();
    format!("\"{version}\"")
}

async fn hand_over(w: &World, who: &Person, words: &str) -> Value {
    w.post(who, "/v1/shift-handovers", json!({ "words": words })).await.expect(201)
}

fn id(of: &Value) -> String {
    of["id"].as_str().unwrap().to_owned()
}

async fn take(w: &World, who: &Person, id: &str) -> Answer {
    w.call(Some(who), "POST", &format!("/v1/shift-handovers/{id}/take"), None, &[]).await
}

#[tokio::test]
async fn what_is_open_is_signed_by_the_one_who_goes_and_by_the_one_who_comes() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let colleague = colleague(&w).await;
        let empty = text(&w, &w.nurse, "/consults/handover").await;
        assert!(empty.contains("没有还没办完的会诊") && empty.contains("还没有交接班记录"), "{empty}");
        let booked = w.scheduled().await;
        let waits = w.submitted().await;
        w.step(&w.doctor, &booked, "delay", json!({ "minutes": 15 })).await.expect(200);
        w.step(&w.nurse, &booked, "fetch", Value::Null).await.expect(200);
        let now = text(&w, &w.nurse, "/consults/handover").await;
        for words in
            ["已通知推迟 15 分钟", "王护士去接", "等医院医生答复", "等对方办", "陈奶奶0", "电话 0574-8600 0000"]
        {
            assert!(now.contains(words), "{words}: {now}");
        }
        assert!(now.contains(&booked) && now.contains(&waits), "{now}");
        let signed = hand_over(&w, &w.nurse, WORDS).await;
        assert_eq!((&signed["written_by_name"], &signed["item_count"]), (&json!("王护士"), &json!(2)), "{signed}");
        let at = format!("/v1/shift-handovers/{}", id(&signed));
        let view = w.get(&colleague, &at).await.expect(200);
        assert_eq!((&view["words"], &view["is_genuine"]), (&json!(WORDS), &json!(true)), "{}: {view}", w.engine);
        assert_eq!(view["items"][0]["id"], json!(booked));
        assert!(text(&w, &colleague, "/consults").await.contains("王护士在今天 08:00交了班，还没有人接"));
        assert!(!text(&w, &w.nurse, "/consults").await.contains("还没有人接"), "one's own");

        assert_eq!(take(&w, &w.nurse, &id(&signed)).await.status, 403, "nobody takes over from oneself");
        w.clock.advance(Duration::from_mins(5));
        let taken = take(&w, &colleague, &id(&signed)).await.expect(200);
        assert_eq!((&taken["taken_by_name"], &taken["may_take"]), (&json!("周护士"), &json!(false)));
        let again = take(&w, &colleague, &id(&signed)).await;
        assert!(again.status == 409 && again.text.contains("已经有人接班"), "{}", again.text);
        let sheet = text(&w, &w.nurse, &format!("/consults/handover/{}", id(&signed))).await;
        for words in
            ["交接班单", "王护士 · 11月23日 周一 08:00", "周护士 · 11月23日 周一 08:05", WORDS, "内容与签字时一致"]
        {
            assert!(sheet.contains(words), "{words}: {sheet}");
        }
        assert!(sheet.contains("data-action=\"print\"") && sheet.contains("class=\"paper\""), "{sheet}");
        assert!(text(&w, &w.nurse, "/consults/handover").await.contains(&id(&signed)));
        let mut audited = w.audited(&id(&signed)).await;
        audited.retain(|action| action.starts_with("shift_handover"));
        assert_eq!(audited, ["shift_handover.hand_over", "shift_handover.take_over"]);
    })
    .await;
}

#[tokio::test]
async fn what_was_signed_stays_as_it_stood() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let booked = w.scheduled().await;
        let signed = hand_over(&w, &w.nurse, WORDS).await;
        let at = format!("/v1/shift-handovers/{}", id(&signed));
        let before = w.get(&w.nurse, &at).await.expect(200);
        w.step(&w.nurse, &booked, "reschedule", w.at("2026-11-24T01:00:00Z")).await.expect(200);
        w.step(&w.nurse, &booked, "cancel", json!({ "reason": "家属不同意" })).await.expect(200);
        w.clock.advance(Duration::from_hours(1));
        assert_eq!(w.get(&w.nurse, &at).await.expect(200), before, "{}", w.engine);
        assert_eq!(before["items"][0]["starts_at"], "2026-11-23T00:30:00Z");
        for method in ["PUT", "PATCH", "DELETE"] {
            let refused = w.call(Some(&w.nurse), method, &at, Some(json!({ "words": "别的" })), &[]).await;
            assert_eq!(refused.status, 405, "{method}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_the_page_does_not_show_any_more_is_not_signed() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let booked = w.scheduled().await;
        let seen = version(&w, &w.nurse).await;
        w.step(&w.doctor, &booked, "delay", json!({ "minutes": 10 })).await.expect(200);
        let sign = async |seen: &str, words: String| {
            let with = [("if-match", seen)];
            w.call(Some(&w.nurse), "POST", "/v1/shift-handovers", Some(json!({ "words": words })), &with).await
        };
        assert_eq!(sign(&seen, String::new()).await.status, 412, "{}", w.engine);
        let seen = version(&w, &w.nurse).await;
        let long = sign(&seen, "长".repeat(1001)).await;
        assert!(long.status == 422 && long.text.contains("\"/words\""), "{}", long.text);
        sign(&seen, "长".repeat(1000)).await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn of_two_who_take_over_at_once_one_does() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (one, signed) = (colleague(&w).await, hand_over(&w, &w.nurse, "").await);
        let (id, two) = (id(&signed), colleague(&w).await);
        let (a, b) = tokio::join!(take(&w, &one, &id), take(&w, &two, &id));
        let mut both = [a.status, b.status];
        both.sort_unstable();
        assert_eq!(both, [200, 409], "{}: {} {}", w.engine, a.text, b.text);
    })
    .await;
}

#[tokio::test]
async fn a_hand_over_is_of_one_side_of_one_organisation() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let booked = w.scheduled().await;
        let house = id(&hand_over(&w, &w.nurse, WORDS).await);
        let desk = hand_over(&w, &w.hospital_admin, "").await;
        assert_eq!((&desk["side"], &desk["item_count"]), (&json!("hospital"), &json!(1)), "{desk}");
        let of_desk = w.get(&w.hospital_admin, &format!("/v1/shift-handovers/{}", id(&desk))).await.expect(200);
        assert_eq!((&of_desk["items"][0]["id"], &of_desk["items"][0]["fetcher_name"]), (&json!(booked), &Value::Null));
        let head = Person::new(w.nurse.id, w.home, &["administrator"], "院长").of_a("care_home");
        for who in [&w.hospital_admin, &w.stranger_nurse, &w.stranger_doctor, &w.doctor, &w.dispatcher, &head] {
            let at = format!("/v1/shift-handovers/{house}");
            w.get(who, &at).await.refused(404, "not-found");
            assert_eq!(page(&w, who, &format!("/consults/handover/{house}")).await.status, 404, "{}", who.name);
            take(&w, who, &house).await.refused(404, "not-found");
        }
        w.get(&w.nurse, &format!("/v1/shift-handovers/{}", id(&desk))).await.refused(404, "not-found");
        for who in [&w.doctor, &w.dispatcher] {
            assert_eq!(w.get(who, "/v1/shift-handovers").await.status, 403, "{}", who.name);
            assert_eq!(w.post(who, "/v1/shift-handovers", json!({})).await.status, 403, "{}", who.name);
            assert_eq!(page(&w, who, "/consults/handover").await.status, 403, "{}", who.name);
        }
        let others = w.get(&w.stranger_nurse, "/v1/shift-handovers").await.expect(200);
        assert_eq!(others["items"], json!([]), "{others}");
        let own = w.get(&w.nurse, "/v1/shift-handovers").await.expect(200);
        assert_eq!(own["items"].as_array().unwrap().len(), 1, "{own}");
    })
    .await;
}

#[tokio::test]
async fn a_list_goes_on_from_page_to_page() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        for n in 0..3 {
            hand_over(&w, &w.nurse, &n.to_string()).await;
            w.clock.advance(Duration::from_mins(1));
        }
        let first = w.get(&w.nurse, "/v1/shift-handovers?limit=2").await.expect(200);
        let next = first["next"].as_str().unwrap();
        let rest = w.get(&w.nurse, &format!("/v1/shift-handovers?limit=2&after={next}")).await.expect(200);
        assert_eq!(rest["items"].as_array().unwrap().len(), 1, "{rest}");
        assert_eq!(rest["next"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn a_resident_is_told_of_it_and_goes_out_of_it() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let booked = w.scheduled().await;
        let signed = id(&hand_over(&w, &w.nurse, "陈奶奶0 的家属下午来").await);
        let person = format!("/v1/persons/{}", w.residents[0]);
        let file = w.get(&w.nurse, &format!("{person}/export")).await.expect(200);
        let sections = file["sections"].as_array().unwrap();
        let told = sections.iter().find(|section| section["name"] == "shift_handover_item").unwrap();
        assert_eq!(told["rows"][0]["handover_id"], json!(signed), "{told}");
        w.step(&w.nurse, &booked, "cancel", json!({ "reason": "去世" })).await.expect(200);
        let left = json!({ "kind": "left", "on": "2026-11-22" });
        w.post(&w.nurse, &format!("{person}/end"), left).await.expect(200);
        w.clock.advance(Duration::from_hours(24 * (15 * 366)));
        let head = Person::new(w.nurse.id, w.home, &["administrator"], "院长").of_a("care_home");
        let proof = w.post(&head, &format!("{person}/erase"), json!({ "cause": "retention" })).await.expect(200);
        assert_eq!(proof["taken"]["shift_handover_item"], 1, "{proof}");
        assert!(!everything(&w.db).await.contains("陈奶奶0"), "{}", w.engine);
        let view = w.get(&w.nurse, &format!("/v1/shift-handovers/{signed}")).await.expect(200);
        assert_eq!((&view["items"], &view["is_genuine"], &view["words"]), (&json!([]), &Value::Null, &json!("")));
        let sheet = text(&w, &w.nurse, &format!("/consults/handover/{signed}")).await;
        assert!(sheet.contains("另有 1 场会诊的资料已按规定删除"), "{sheet}");
    })
    .await;
}

#[tokio::test]
async fn more_than_a_hundred_consults_are_said_to_be_more() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        for n in 0..101 {
            w.post(&w.nurse, "/v1/consults", w.invitation(n % 2)).await.expect(201);
        }
        let signed = hand_over(&w, &w.nurse, WORDS).await;
        assert_eq!((&signed["item_count"], &signed["is_cut"]), (&json!(100), &json!(true)), "{}: {signed}", w.engine);
    })
    .await;
}
