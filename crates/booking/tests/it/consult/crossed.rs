//! Bounds that only rows by the hundred reach: what lies beyond is found, or is said to be there.

use chrono::TimeDelta;
use sanbao_platform::id::uuid_v7;
use sanbao_platform::on;
use sanbao_platform::testing::on_both;
use serde_json::json;
use uuid::Uuid;

use crate::consult::day::{ANOTHER, many};
use crate::consult::world::World;
use crate::network::member;

const TICKET: &str =
    "insert into consult_ticket (id, consult_id, person, name, role, organisation_id, issued_at, expires_at)
    values ($1, $2, $3, '家属', 'guest', $4, $5, $6)";
const STANDING: &str = "select count(*) from consult_ticket where revoked_at is null";
const MORE: &str = "只列出最近的 60 个。";
const ROOM: &str = "insert into location (id, organisation_id, name, created_at) values ($1, $2, '会诊室', $3)";

#[tokio::test]
async fn every_ticket_is_taken_back_however_many_people_hold_one() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        let (mut tx, consult, now): (_, Uuid, _) = (w.db.begin().await.unwrap(), id.parse().unwrap(), w.clock.now());
        for _ in 0..201 {
            on!(tx, |c| {
                let row = sqlx::query(TICKET).bind(uuid_v7(now)).bind(consult).bind(uuid_v7(now)).bind(w.home);
                row.bind(now).bind(now + TimeDelta::hours(9)).execute(c).await.map(drop)
            })
            .unwrap();
        }
        tx.commit().await.unwrap();
        let page = w.page(&w.nurse, &format!("/consults/{id}")).await.text;
        assert_eq!(page.matches("/tickets/revoke\"").count(), 200, "{}", w.engine);
        assert!(page.contains("200") && page.contains("后面还有"), "the others are said to be there: {page}");
        w.step(&w.nurse, &id, "cancel", json!({ "reason": "老人住院" })).await.expect(200);
        let told = w.events(&id).await.iter().filter(|kind| kind.ends_with("ticket_revoked")).count();
        assert_eq!((w.count(STANDING).await, told), (0, 201), "{}", w.engine);
    })
    .await;
}

#[tokio::test]
async fn a_paper_is_known_among_many_consults_of_one_moment() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.submitted().await;
        let page = w.page(&w.nurse, &format!("/consults/{id}/papers/request")).await.checked(200).text;
        let (_, rest) = page.split_once("<strong class=\"code\">").unwrap();
        let code = rest[..20].to_owned();
        let (mut tx, like): (_, Uuid) = (w.db.begin().await.unwrap(), id.parse().unwrap());
        // The same millisecond, and before it in the order of ids.
        let at = w.clock.now();
        for n in 1..=101_u128 {
            let copy = Uuid::from_u128((like.as_u128() >> 80 << 80) | 0x7000_8000_0000_0000_0000 | n);
            assert!(copy < like);
            on!(tx, |c| {
                let row = sqlx::query(ANOTHER).bind(like).bind(copy).bind("submitted").bind(at);
                row.bind(at + TimeDelta::minutes(30)).execute(c).await.map(drop)
            })
            .unwrap();
        }
        tx.commit().await.unwrap();
        let verified = w.call(None, "GET", &format!("/verify?code={code}"), None, &[]).await;
        assert_eq!(verified.status, 200, "{}: {}", w.engine, verified.text);
    })
    .await;
}

#[tokio::test]
async fn of_many_consults_sixty_are_offered_for_an_exchange_and_the_rest_is_said() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        let page = async || w.page(&w.nurse, &format!("/consults/{id}")).await.checked(200).text;
        many(&w, &id, "scheduled", w.clock.now() + TimeDelta::hours(61), 60).await;
        assert!(!page().await.contains(MORE), "{}", w.engine);
        many(&w, &id, "scheduled", w.clock.now() + TimeDelta::hours(72), 1).await;
        let text = page().await;
        assert!(text.contains(MORE), "{text}");
        let options = text.split_once("id=\"exchange-with\"").unwrap().1.split_once("</select>").unwrap().0;
        assert_eq!(options.matches("<option").count(), 60, "{}", w.engine);
    })
    .await;
}

#[tokio::test]
async fn a_hospital_with_more_doctors_than_a_page_shows_is_told_so() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (mut tx, now) = (w.db.begin().await.unwrap(), w.clock.now());
        for _ in 3..500 {
            member(&mut tx, now, w.hospital, &["doctor"], "钱医生").await;
        }
        tx.commit().await.unwrap();
        let page = async || w.page(&w.hospital_admin, "/practitioners").await.checked(200).text;
        let rows = |text: &str| text.matches("<th scope=\"row\">").count();
        let all = page().await;
        assert!(rows(&all) == 500 && !all.contains("后面还有"), "{}: {}", w.engine, rows(&all));
        let mut tx = w.db.begin().await.unwrap();
        member(&mut tx, now, w.hospital, &["doctor"], "钱医生").await;
        tx.commit().await.unwrap();
        let cut = page().await;
        assert!(rows(&cut) == 500 && cut.contains("后面还有"), "{}: {}", w.engine, rows(&cut));
    })
    .await;
}

#[tokio::test]
async fn the_page_of_a_consult_says_that_there_are_more_acts_rooms_and_times() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.accepted().await;
        let path = format!("/v1/consults/{id}/consents");
        for _ in 0..201 {
            let consent = w.post(&w.nurse, &path, World::consent()).await.expect(201);
            let withdraw = format!("{path}/{}/withdraw", consent["id"].as_str().unwrap());
            w.post(&w.nurse, &withdraw, json!({})).await;
        }
        let (mut tx, now) = (w.db.begin().await.unwrap(), w.clock.now());
        for _ in 0..49 {
            let room = uuid_v7(now);
            on!(tx, |c| sqlx::query(ROOM).bind(room).bind(w.home).bind(now).execute(c).await.map(drop)).unwrap();
        }
        tx.commit().await.unwrap();
        let page = w.page(&w.nurse, &format!("/consults/{id}")).await.checked(200).text;
        assert!(page.contains("登记的同意、链接和凭证很多"), "{page}");
        assert!(page.contains("只列出 60 个时间") && page.contains("只列出 50 间"), "{page}");
    })
    .await;
}
