//! The pages: the words for each reader in both languages, and nothing that a page must not hold.

use sanbao_booking::role;
use sanbao_platform::testing::on_both;
use serde_json::json;

use crate::visit::world::{World, gps};

#[tokio::test]
async fn the_dispatcher_sees_what_waits_and_then_the_day() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let empty = w.get(&w.dispatcher, "/visits").await.text;
        assert!(empty.contains("没有待安排的上门") && empty.contains("这一天还没有上门安排"), "{empty}");
        w.order(json!({"name": "<b>等</b>", "phone": "13811110000", "note": "\"><script>alert(1)</script>"})).await;
        let planned = w.order(json!({"name": "钱桂芳"})).await;
        w.schedule(&planned, &w.caregivers[0], 30, 90).await.expect(200);
        w.clock.advance(std::time::Duration::from_mins(45));
        let page = w.get(&w.dispatcher, "/visits").await;
        assert_eq!(page.status, 200);
        let text = page.text;
        assert!(text.contains("&lt;b&gt;等&lt;/b&gt;") && !text.contains("<script>alert"), "typed text stays text");
        for shown in [
            "待安排（1）",
            "11月23日 周一 的上门（1）",
            "14:30–15:30",
            "陈阿姨",
            "迟到 15 分钟",
            "助浴",
            "data-live=\"/v1/visits/events\"",
        ] {
            assert!(text.contains(shown), "{shown}: {text}");
        }
        assert!(text.find("待安排（1）") < text.find("的上门（1）"));
        assert!(!text.contains("style=") && !text.contains("onclick"), "the content security policy allows neither");
        let english =
            w.call(Some(&w.dispatcher), "GET", "/visits?day=2026-11-24", None, &[("accept-language", "en")]).await.text;
        assert!(english.contains("Visits of Tue 24 Nov (0)") && english.contains("To schedule (1)"), "{english}");
        assert!(text.len() < 60_000);
    })
    .await;
}

#[tokio::test]
async fn the_caregiver_sees_what_is_next_with_one_large_button() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let me = &w.caregivers[0];
        assert!(w.get(me, "/visits/today").await.text.contains("今天没有安排给你的上门"));
        let (first, second) = (
            w.order(json!({"name": "钱桂芳"})).await,
            w.order(json!({"name": "孙阿福", "phone": "13900000001"})).await,
        );
        w.schedule(&first, me, 0, 60).await.expect(200);
        w.schedule(&second, me, 120, 180).await.expect(200);
        let text = w.get(me, "/visits/today").await.text;
        for shown in [
            "下一家",
            "到达签到",
            "tel:13900000001",
            "geo:0,0?q=%E8%83%9C",
            "胜利路社区 3 幢 201 室",
            "共 2 家，已完成 0 家",
        ] {
            assert!(text.contains(shown), "{shown}: {text}");
        }
        assert_eq!(
            text.matches("button large wide primary").count(),
            2,
            "both steps of the next visit, one of them hidden"
        );
        assert!(text.find("钱桂芳") < text.find("孙阿福"));
        w.post(me, &format!("/v1/visits/{first}/check-in"), gps()).await.expect(200);
        assert!(w.get(me, "/visits/today").await.text.contains("正在服务"));
        w.post(me, &format!("/v1/visits/{first}/check-out"), gps()).await.expect(200);
        let text = w.get(me, "/visits/today").await.text;
        assert!(text.find("孙阿福") < text.find("钱桂芳"), "what is next stands first");
        assert!(!w.get(&w.caregivers[1], "/visits/today").await.text.contains("钱桂芳"));
    })
    .await;
}

#[tokio::test]
async fn others_are_told_that_the_pages_are_not_theirs() {
    on_both(|engine| async move {
        let w = World::new(engine).await;
        let doctor = w.member(w.organisation("hospital").await, role::DOCTOR, "医生").await;
        for path in ["/visits", "/visits/today"] {
            assert_eq!(w.get(&doctor, path).await.status, 403, "{path}");
        }
        assert_eq!(w.get(&w.caregivers[0], "/visits").await.status, 403);
        assert_eq!(w.get(&w.dispatcher, "/visits/today").await.status, 403);
        assert_eq!(w.get(&w.dispatcher, "/visits?day=gestern").await.status, 422);
    })
    .await;
}
