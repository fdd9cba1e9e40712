//! The documents that go on paper, and the page at which anybody asks whether one says what is recorded.

use axum::body::Body;
use axum::http::Request;
use sanbao_platform::testing::{Answer, Person, on_both};
use serde_json::{Value, json};

use crate::consult::world::World;

/// The code at the foot of a document.
fn code_of(page: &str) -> String {
    let (_, rest) = page.split_once("<strong class=\"code\">").expect("a code at the foot");
    rest[..20].to_owned()
}

fn paper(id: &str, kind: &str) -> String {
    format!("/consults/{id}/papers/{kind}")
}

async fn printed(w: &World, who: &Person, id: &str, kind: &str) -> String {
    let answer = w.get(who, &paper(id, kind)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text
}

/// Asks as anybody does who holds a paper.
async fn verified(w: &World, code: &str) -> Answer {
    w.call(None, "GET", &format!("/verify?code={code}"), None, &[]).await
}

async fn finished(w: &World) -> String {
    let id = w.scheduled().await;
    w.clock.advance(std::time::Duration::from_mins(45));
    w.step(&w.doctor, &id, "finish", Value::Null).await.expect(200);
    id
}

#[tokio::test]
async fn an_invitation_on_paper_is_known_again_until_it_says_something_else() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let mut draft = w.invitation(0);
        draft["submit"] = json!(false);
        let draft = w.post(&w.nurse, "/v1/consults", draft).await.expect(201);
        let unsent = paper(draft["id"].as_str().unwrap(), "request");
        assert_eq!(w.get(&w.nurse, &unsent).await.problem(), "paper-not-ready");
        let id = w.submitted().await;
        let page = printed(&w, &w.nurse, &id, "request").await;
        for part in [
            "远程会诊申请单",
            "陈奶奶0",
            "镇海示范医院",
            "射血分数 40%",
            "请指导心衰用药",
            "心血管内科",
            "主治医师及以上",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        let code = code_of(&page);
        let number = page.split_once("<dd>20").unwrap().1[..13].to_owned();
        assert_eq!(code_of(&printed(&w, &w.doctor, &id, "request").await), code, "by either side");
        let answer = verified(&w, &code).await;
        assert_eq!(answer.status, 200);
        for part in ["本系统开出过这份单据", "远程会诊申请单", "镇海示范医院", &number] {
            assert!(answer.text.contains(part), "{part} in {}", answer.text);
        }
        for part in ["陈奶奶", "气促", "射血", "心衰", id.as_str()] {
            assert!(!answer.text.contains(part), "{part} in {}", answer.text);
        }
        // As somebody copies it by hand.
        assert_eq!(verified(&w, &code.to_lowercase().replace('0', "o").replace('-', "%20")).await.status, 200);
        // A later step changes nothing on it; another question does.
        w.step(&w.doctor, &id, "return", json!({ "reason": "缺心电图" })).await.expect(200);
        assert_eq!(verified(&w, &code).await.status, 200);
        let mut other = w.invitation(0);
        other["purpose"] = json!("请指导心衰用药，并看心电图");
        w.put(&w.nurse, &format!("/v1/consults/{id}"), other).await.expect(200);
        let gone = verified(&w, &code).await;
        assert!(gone.status == 404 && gone.text.contains("没有找到"), "{}", gone.text);
        let code = code_of(&printed(&w, &w.nurse, &id, "request").await);
        w.step(&w.doctor, &id, "accept", Value::Null).await.expect(200);
        w.step(&w.nurse, &id, "cancel", json!({ "reason": "老人好转" })).await.expect(200);
        let off = verified(&w, &code).await;
        assert!(off.status == 200 && off.text.contains("后来已取消") && !off.text.contains("好转"), "{}", off.text);
    })
    .await;
}

#[tokio::test]
async fn a_consent_is_printed_to_be_signed_and_again_as_it_was_recorded() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        let blank = printed(&w, &w.nurse, &id, "consent").await;
        for part in ["我可以随时撤回同意", "费用已经向我说明", "患者签名", "见证人签名"] {
            assert!(blank.contains(part), "{part} in {blank}");
        }
        w.step(&w.nurse, &id, "consents", World::consent()).await.expect(201);
        let given = printed(&w, &w.nurse, &id, "consent").await;
        assert!(given.contains("陈先生 · 监护人 · 儿子 · 书面签字"), "{given}");
        assert_ne!(code_of(&blank), code_of(&given));
        let (signed, recorded) = (verified(&w, &code_of(&blank)).await, verified(&w, &code_of(&given)).await);
        assert!(
            signed.status == 200 && signed.text.contains("空白同意书"),
            "the sheet that was signed by hand stays good"
        );
        assert!(recorded.status == 200 && recorded.text.contains("同意日期") && !recorded.text.contains("陈先生"));
        let consents = w.get(&w.nurse, &format!("/v1/consults/{id}/consents")).await.expect(200);
        let withdraw = format!("consents/{}/withdraw", consents[0]["id"].as_str().unwrap());
        w.step(&w.nurse, &id, &withdraw, Value::Null).await.expect(200);
        let gone = verified(&w, &code_of(&given)).await;
        assert!(gone.status == 200 && gone.text.contains("已于 2026年11月23日 撤回"), "{}", gone.text);
        let now = printed(&w, &w.nurse, &id, "consent").await;
        assert!(code_of(&now) == code_of(&blank) && !now.contains("陈先生"), "to be signed again");
    })
    .await;
}

#[tokio::test]
async fn an_opinion_is_printed_once_it_is_signed() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = finished(&w).await;
        let draft = json!({ "impression": "慢性心衰急性加重", "suggested_treatment": "呋塞米加量" });
        w.put(&w.doctor, &format!("/v1/consults/{id}/opinion"), draft).await.expect(200);
        for who in [&w.nurse, &w.doctor] {
            assert_eq!(w.get(who, &paper(&id, "opinion")).await.problem(), "paper-not-ready");
            let page = w.get(who, &format!("/consults/{id}")).await.text;
            assert!(page.contains(&paper(&id, "request")) && !page.contains(&paper(&id, "opinion")), "{page}");
        }
        w.step(&w.doctor, &id, "sign", Value::Null).await.expect(200);
        let page = printed(&w, &w.nurse, &id, "opinion").await;
        for part in ["慢性心衰急性加重", "呋塞米加量", "110330211000001", "会诊医师签名"] {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert!(w.get(&w.nurse, &format!("/consults/{id}")).await.text.contains(&paper(&id, "opinion")));
        let answer = verified(&w, &code_of(&page)).await;
        assert!(answer.status == 200 && answer.text.contains("签署日期") && !answer.text.contains("呋塞米"));
        let read = format!("GET {}", paper("{id}", "{kind}"));
        assert!(w.audited(&id).await.contains(&read), "{:?}", w.audited(&id).await);
    })
    .await;
}

#[tokio::test]
async fn no_document_is_for_others_and_no_code_is_guessed() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.submitted().await;
        for kind in ["request", "consent", "opinion"] {
            let status = w.get(&w.stranger_nurse, &paper(&id, kind)).await.status.as_u16();
            assert!(matches!(status, 403 | 404), "{kind}: {status}");
            assert_eq!(w.call(None, "GET", &paper(&id, kind), None, &[]).await.status, 303, "{kind}: to the log-in");
        }
        assert!(matches!(w.get(&w.nurse, &paper(&id, "invoice")).await.status.as_u16(), 400 | 404));
        let empty = w.call(None, "GET", "/verify", None, &[]).await;
        assert!(empty.status == 200 && empty.text.contains("name=\"code\""));
        assert_eq!(verified(&w, "12345").await.status, 422, "no try");
        let typed = Request::post("/verify").header("content-type", "application/x-www-form-urlencoded");
        let typed = w.send(typed.body(Body::from("code=0000")).unwrap()).await;
        assert!(typed.status == 422 && typed.text.contains("18 位"), "{}", typed.text);
        let code = code_of(&printed(&w, &w.nurse, &id, "request").await);
        let wrong = format!("{}{}", &code[..19], if code.ends_with('7') { '8' } else { '7' });
        let mut tries = 0;
        while verified(&w, &wrong).await.status == 404 {
            tries += 1;
            assert!(tries < 1_000, "nobody counts");
        }
        assert_eq!(verified(&w, &wrong).await.status, 429);
        assert_eq!(verified(&w, &code).await.status, 429, "from this address, for a while");
        w.clock.advance(std::time::Duration::from_mins(5));
        assert_eq!(verified(&w, &code).await.status, 200);
    })
    .await;
}
