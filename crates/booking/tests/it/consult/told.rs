//! The history of a consult in words.

use std::time::Duration;

use sanbao_platform::on;
use sanbao_platform::testing::{Person, on_both};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::consult::records::invited;
use crate::consult::world::World;

const WITHOUT_DOCTOR: &str =
    "update consult set state = 'submitted', doctor_id = null, room_id = null, starts_at = null,
    ends_at = null where id = $1";

/// The lines of a consult's history without their times: by whom, the act and the note.
async fn history(w: &World, who: &Person, id: &str, lang: &str) -> Vec<String> {
    let page = w.call(Some(who), "GET", &format!("/consults/{id}"), None, &[("accept-language", lang)]).await;
    let table = page.text.split_once("id=\"history\"").unwrap().1.split_once("</table>").unwrap().0;
    let cells = |row: &str| {
        let cells = row.split("<td>").skip(2).map(|cell| cell.split("</td>").next().unwrap().to_owned());
        cells.collect::<Vec<_>>().join(" | ")
    };
    table.split("<tr>").skip(2).map(cells).collect()
}

#[tokio::test]
async fn the_history_tells_of_consents_links_tickets_and_delays_in_words() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        let later = || w.clock.advance(Duration::from_mins(1));
        let consent = w.step(&w.nurse, &id, "consents", World::consent()).await.expect(201);
        assert_eq!(consent["has_consent"], json!(true));
        later();
        let link =
            w.step(&w.nurse, &id, "guest-links", json!({ "name": "陈女士", "relation": "女儿" })).await.expect(201);
        later();
        let again = format!("guest-links/{}/resend", link["id"].as_str().unwrap());
        let link = w.step(&w.nurse, &id, &again, Value::Null).await.expect(201);
        later();
        w.step(&w.doctor, &id, "delay", json!({ "minutes": 10 })).await.expect(200);
        later();
        w.step(&w.doctor, &id, "delay", json!({ "minutes": 0 })).await.expect(200);
        w.clock.advance(Duration::from_mins(20));
        w.step(&w.nurse, &id, "ticket", Value::Null).await.expect(200);
        later();
        w.step(&w.nurse, &id, "tickets/revoke", json!({ "person": w.nurse.id })).await.expect(204);
        later();
        let link = format!("/v1/consults/{id}/guest-links/{}", link["id"].as_str().unwrap());
        w.call(Some(&w.nurse), "DELETE", &link, None, &[]).await.expect(204);
        later();
        let consents = w.get(&w.nurse, &format!("/v1/consults/{id}/consents")).await.expect(200);
        let withdraw = format!("consents/{}/withdraw", consents[0]["id"].as_str().unwrap());
        w.step(&w.nurse, &id, &withdraw, Value::Null).await.expect(200);
        let zh = history(&w, &w.nurse, &id, "zh-CN").await;
        let expected = [
            "王护士 | 登记同意 | 监护人：陈先生（儿子），书面签字",
            "王护士 | 生成家属链接 | 陈女士（女儿）",
            "王护士 | 重新生成家属链接 | 陈女士（女儿）",
            "李医生 | 通知推迟 | 推迟 10 分钟",
            "李医生 | 通知推迟 | 不再推迟，按约定的时间开始",
            "王护士 | 作废入场凭证 | 王护士（照护员）",
            "王护士 | 作废家属链接 | 陈女士（女儿）",
            "王护士 | 撤回同意 | 监护人：陈先生（儿子），书面签字",
        ];
        assert_eq!(zh[zh.len() - 8..], expected, "{} {zh:?}", w.engine);
        let en = history(&w, &w.nurse, &id, "en").await;
        let expected = [
            "王护士 | Recorded a consent | A guardian: 陈先生 (儿子), In writing",
            "王护士 | Made a link for the family | 陈女士 (女儿)",
            "王护士 | Made the family's link again | 陈女士 (女儿)",
            "李医生 | ",
        ];
        for (line, expected) in en[en.len() - 8..].iter().zip(expected) {
            assert!(line.starts_with(expected), "{line}");
        }
        assert!(en.iter().any(|line| line.ends_with("10 min late")), "{en:?}");
        let doctors = history(&w, &w.doctor, &id, "zh-CN").await;
        assert!(doctors.iter().any(|line| line.contains("登记同意")), "{doctors:?}");
        assert!(
            !doctors.iter().any(|line| line.contains("陈女士") || line.contains("凭证")),
            "the home's own: {doctors:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn the_names_of_the_former_persons_family_leave_the_history() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = invited(&w, &w.residents[0].to_string(), false).await;
        let later = || w.clock.advance(Duration::from_mins(1));
        later();
        w.step(&w.nurse, &id, "consents", World::consent()).await.expect(201);
        w.step(&w.nurse, &id, "guest-links", json!({ "name": "陈女士", "relation": "女儿" })).await.expect(201);
        let before = history(&w, &w.nurse, &id, "zh-CN").await.join("\n");
        assert!(before.contains("陈先生（儿子）") && before.contains("陈女士（女儿）"), "{before}");
        later();
        let mut other = w.invitation(1);
        other["submit"] = json!(true);
        w.put(&w.nurse, &format!("/v1/consults/{id}"), other).await.expect(200);
        later();
        let consent = json!({ "given_by": "guardian", "name": "林女士", "relation": "外孙女", "method": "written" });
        w.step(&w.nurse, &id, "consents", consent).await.expect(201);
        for who in [&w.nurse, &w.doctor] {
            let lines = history(&w, who, &id, "zh-CN").await;
            let all = lines.join("\n");
            for name in ["陈先生", "陈女士", "儿子", "女儿", "（）"] {
                assert!(
                    !all.replace("（外孙女）", "").contains(name),
                    "{name} for {} on {}: {all}",
                    who.name,
                    w.engine
                );
            }
            for line in [
                "王护士 | 登记同意 | ",
                "王护士 | 撤回同意 | ",
                "王护士 | 登记同意 | 监护人：林女士（外孙女），书面签字",
            ] {
                assert!(lines.iter().any(|told| told == line), "{line} for {} on {}: {all}", who.name, w.engine);
            }
            assert_eq!(lines.contains(&"王护士 | 作废家属链接 | ".to_owned()), who.name == w.nurse.name, "{all}");
        }
    })
    .await;
}

#[tokio::test]
async fn who_may_take_no_ticket_back_reads_of_none() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        w.step(&w.nurse, &id, "consents", World::consent()).await.expect(201);
        w.clock.advance(Duration::from_mins(25));
        w.step(&w.doctor, &id, "ticket", Value::Null).await.expect(200);
        w.step(&w.doctor, &id, "tickets/revoke", json!({ "person": w.doctor.id })).await.expect(204);
        let mut tx = w.db.begin().await.unwrap();
        let consult: Uuid = id.parse().unwrap();
        on!(tx, |c| sqlx::query(WITHOUT_DOCTOR).bind(consult).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        for (who, reads) in [(&w.hospital_admin, true), (&w.second_doctor, false), (&w.nurse, false)] {
            let lines = history(&w, who, &id, "zh-CN").await;
            let told = lines.iter().any(|line| line.contains("作废入场凭证"));
            assert_eq!(told, reads, "{} on {}: {lines:?}", who.name, w.engine);
        }
    })
    .await;
}
