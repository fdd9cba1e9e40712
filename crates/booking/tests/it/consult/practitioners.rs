//! Doctors set up by pages: the list, the profile, the painted week, closed days and extra hours.

use sanbao_platform::on;
use sanbao_platform::testing::{Answer, Person, on_both};
use serde_json::{Value, json};

use crate::consult::world::World;
use crate::network::{member, organisation};

async fn page(w: &World, who: &Person, path: &str) -> Answer {
    w.call(Some(who), "GET", path, None, &[("accept", "text/html"), ("accept-language", "zh")]).await
}

/// A week with the same stretch on the days from Monday to Friday.
fn week(start: &str, end: &str, from: &str, to: Option<&str>) -> Value {
    let stretch = |weekday| json!({ "weekday": weekday, "start": start, "end": end });
    json!({ "valid_from": from, "valid_to": to, "slot_minutes": 30, "week": (1..=5).map(stretch).collect::<Vec<_>>() })
}

fn etag(answer: &Answer) -> String {
    answer.headers["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_new_doctor_is_registered_by_name_and_given_hours() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let mut tx = w.db.begin().await.unwrap();
        let fresh = member(&mut tx, w.clock.now(), w.hospital, &["doctor"], "新医生").await;
        tx.commit().await.unwrap();
        let list = page(&w, &w.hospital_admin, "/practitioners").await;
        let one = format!("/practitioners/{}", fresh.id);
        // The skin doctor has no hours either.
        assert!(list.text.contains("2 位医生还没有门诊时间") && list.text.contains(&one), "{}", list.text);
        assert!(list.text.contains("资料未填") && list.text.contains("李医生"));
        let first = page(&w, &w.hospital_admin, &one).await;
        let call = format!("data-send=\"PUT /v1/practitioners/{}\"", fresh.id);
        assert!(first.text.contains(&call) && first.text.contains("心血管内科"), "{}", first.text);
        let body = json!({ "specialty": "nephrology", "title": "attending", "licence_no": "110330211000009" });
        let registered = w.put(&w.hospital_admin, &format!("/v1{one}"), body).await.expect(200);
        assert_eq!(
            (&registered["specialty_zh"], &registered["specialty_en"]),
            (&json!("肾内科"), &json!("Nephrology"))
        );
        let unknown = json!({ "specialty": "alchemy", "title": "attending", "licence_no": "1" });
        w.put(&w.hospital_admin, &format!("/v1{one}"), unknown).await.refused(422, "invalid");
        w.put(&w.hospital_admin, &format!("/v1{one}/week"), week("09:00", "11:00", "2026-11-23", None))
            .await
            .expect(200);
        let shown = page(&w, &w.hospital_admin, &one).await;
        for part in ["肾内科", "现在，一直有效", "09:00–11:00", "data-weekday=\"7\"", "week.js"] {
            assert!(shown.text.contains(part), "{part} in {}", shown.text);
        }
        let main = shown.text.split("<main").nth(1).unwrap().split("</main>").next().unwrap();
        assert_eq!(main.matches("button primary").count(), 1, "one main action: {main}");
        let slots = "/v1/slots?specialty=nephrology&from=2026-11-24T00:00:00Z&to=2026-11-25T00:00:00Z";
        assert_eq!(w.get(&w.nurse, slots).await.expect(200)["items"].as_array().unwrap().len(), 4);
        // What is registered is corrected over the version that was read.
        let version = shown.text.split("data-version=\"").filter_map(|rest| rest.split('"').next()).last().unwrap();
        let again = json!({ "specialty": "urology", "title": "chief", "licence_no": "2" });
        let at = format!("\"{version}\"");
        let send = async |body: Value| {
            w.call(Some(&w.hospital_admin), "PUT", &format!("/v1{one}"), Some(body), &[("if-match", &at)]).await.status
        };
        assert_eq!((send(again.clone()).await.as_u16(), send(again).await.as_u16()), (200, 412));
    })
    .await;
}

#[tokio::test]
async fn a_painted_week_says_what_lies_outside_and_cancels_nothing() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        let (hours, path) =
            (format!("/v1/practitioners/{}/hours", w.doctor.id), format!("/v1/practitioners/{}/week", w.doctor.id));
        let read = w.get(&w.doctor, &hours).await;
        assert_eq!(read.body["outside"], json!([]));
        let afternoon = week("14:00", "17:00", "2026-11-23", Some("2026-12-31"));
        let tried = w.put(&w.doctor, &format!("{path}?dry_run=true"), afternoon.clone()).await.expect(200);
        assert_eq!(
            tried["outside"],
            json!([{ "starts_at": "2026-11-23T00:30:00Z", "ends_at": "2026-11-23T01:00:00Z" }])
        );
        assert_eq!(etag(&w.get(&w.doctor, &hours).await), etag(&read), "nothing was written");
        let tag = etag(&read);
        let paint =
            async || w.call(Some(&w.doctor), "PUT", &path, Some(afternoon.clone()), &[("if-match", &tag)]).await;
        let painted = paint().await.checked(200);
        assert_ne!(etag(&painted), tag);
        assert_eq!(paint().await.status, 412, "the hours have changed since");
        assert_eq!(w.get(&w.doctor, &format!("/v1/consults/{id}")).await.body["state"], "scheduled");
        let shown = page(&w, &w.doctor, &format!("/practitioners/{}", w.doctor.id)).await;
        assert!(shown.text.contains("有 1 个约好的会诊不在门诊时间内"), "{}", shown.text);
        assert!(
            shown.text.contains("以后：2027年1月1日 周五起，一直有效"),
            "what held before holds again: {}",
            shown.text
        );
        let later = page(&w, &w.doctor, &format!("/practitioners/{}?from=2027-01-01", w.doctor.id)).await;
        assert!(later.text.contains("value=\"2027-01-01\"") && later.text.contains("value=\"08:00\""));
        assert!(w.audited(&w.doctor.id.to_string()).await.contains(&"practitioner.hours".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn a_week_is_checked_and_only_those_paint_it_who_may() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let path = format!("/v1/practitioners/{}/week", w.doctor.id);
        let good = || week("09:00", "24:00", "2026-11-23", None);
        for (who, status) in [(&w.second_doctor, 403), (&w.stranger_doctor, 404), (&w.nurse, 404), (&w.dispatcher, 404)]
        {
            assert_eq!(w.put(who, &path, good()).await.status, status, "{}", who.name);
        }
        for (field, value, pointer) in [
            ("slot_minutes", json!(4), "/slot_minutes"),
            ("valid_to", json!("2026-11-22"), "/valid_to"),
            ("valid_from", json!("soon"), "/valid_from"),
            ("week", json!([{ "weekday": 8, "start": "09:00", "end": "10:00" }]), "/week/0/weekday"),
            ("week", json!([{ "weekday": 1, "start": "", "end": "10:00" }]), "/week/0/start"),
            ("week", json!([{ "weekday": 1, "start": "10:00", "end": "09:00" }]), "/week/0/end"),
            ("week", json!(vec![json!({ "weekday": 1, "start": "09:00", "end": "10:00" }); 51]), "/week"),
        ] {
            let mut body = good();
            body[field] = value;
            let refused = w.put(&w.doctor, &path, body).await.refused(422, "invalid");
            assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.text);
        }
        // No hours at all for some weeks: a holiday.
        let mut away = good();
        (away["week"], away["valid_to"]) = (json!([]), json!("2026-12-06"));
        w.put(&w.hospital_admin, &path, away).await.expect(200);
        let slots = |day: &str| format!("/v1/slots?doctor={}&from={day}T00:00:00Z&to={day}T12:00:00Z", w.doctor.id);
        assert_eq!(w.get(&w.nurse, &slots("2026-12-06")).await.expect(200)["items"], json!([]));
        assert_eq!(w.get(&w.nurse, &slots("2026-12-07")).await.expect(200)["items"].as_array().unwrap().len(), 8);
    })
    .await;
}

#[tokio::test]
async fn closed_days_and_extra_hours_stand_on_the_page_and_are_taken_back() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        w.scheduled().await;
        let exceptions = format!("/v1/practitioners/{}/exceptions", w.doctor.id);
        let one = format!("/practitioners/{}", w.doctor.id);
        let before = page(&w, &w.doctor, &one).await.text;
        assert!(before.contains("没有停诊或加班的日子") && before.contains("&quot;2026-11-23&quot;:1"), "{before}");
        let closed = json!({ "kind": "closed", "date": "2026-11-23" });
        let closed = w.post(&w.doctor, &exceptions, closed).await.expect(201);
        let extra =
            json!({ "kind": "extra", "date": "2026-11-28", "start": "18:00", "end": "19:00", "slot_minutes": 20 });
        w.post(&w.hospital_admin, &exceptions, extra).await.expect(201);
        let shown = page(&w, &w.hospital_admin, &one).await.text;
        let remove = format!("data-send=\"DELETE {exceptions}/{}\"", closed["id"].as_str().unwrap());
        for part in ["停诊", "11月28日 周六", "18:00–19:00", &*remove, "有 1 个约好的会诊不在门诊时间内"]
        {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        let path = format!("{exceptions}/{}", closed["id"].as_str().unwrap());
        assert_eq!(w.call(Some(&w.doctor), "DELETE", &path, None, &[]).await.status, 204);
        assert!(!page(&w, &w.doctor, &one).await.text.contains("不在门诊时间内"));
    })
    .await;
}

#[tokio::test]
async fn each_reader_sees_the_doctors_that_they_may_set_up() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (now, mut tx) = (w.clock.now(), w.db.begin().await.unwrap());
        let office = organisation(&mut tx, now, "street_office", "招宝山街道", "Asia/Shanghai").await;
        let governed = organisation(&mut tx, now, "hospital", "街道医院", "Asia/Shanghai").await;
        let made = "update organisation set made_by = $1 where id = $2";
        on!(tx, |c| sqlx::query(made).bind(office).bind(governed).execute(c).await.map(drop)).unwrap();
        let street = member(&mut tx, now, office, &["administrator"], "街道管理员").await;
        let desk = member(&mut tx, now, office, &["dispatcher"], "街道派单员").await;
        let theirs = member(&mut tx, now, governed, &["doctor"], "街道医生").await;
        let home = organisation(&mut tx, now, "care_home", "街道养老院", "Asia/Shanghai").await;
        on!(tx, |c| sqlx::query(made).bind(office).bind(home).execute(c).await.map(drop)).unwrap();
        member(&mut tx, now, home, &["doctor"], "院内医生").await;
        tx.commit().await.unwrap();
        let list = page(&w, &street, "/practitioners").await;
        assert!(!list.text.contains("院内医生"), "nobody asks a care home's doctor for a consult: {}", list.text);
        assert!(list.text.contains("街道医生") && !list.text.contains("李医生"), "{}", list.text);
        let one = format!("/v1/practitioners/{}", theirs.id);
        let profile = json!({ "specialty": "cardiology", "title": "chief", "licence_no": "1" });
        assert_eq!(w.put(&w.hospital_admin, &one, profile.clone()).await.status, 404);
        w.put(&street, &one, profile).await.expect(200);
        w.put(&street, &format!("{one}/week"), week("09:00", "11:00", "2026-11-23", None)).await.expect(200);
        let other = format!("/v1/practitioners/{}", w.doctor.id);
        assert_eq!(
            w.put(&street, &format!("{other}/week"), week("09:00", "10:00", "2026-11-23", None)).await.status,
            404
        );
        for (who, path, status) in [
            (&desk, "/practitioners".to_owned(), 403),
            (&w.nurse, "/practitioners".to_owned(), 403),
            (&w.doctor, "/practitioners".to_owned(), 303),
            (&w.doctor, format!("/practitioners/{}", w.doctor.id), 200),
            (&theirs, format!("/practitioners/{}", theirs.id), 200),
            (&w.second_doctor, format!("/practitioners/{}", w.doctor.id), 403),
            (&w.nurse, format!("/practitioners/{}", w.doctor.id), 404),
            (&w.hospital_admin, format!("/practitioners/{}", theirs.id), 404),
            (&w.hospital_admin, format!("/practitioners/{}", w.nurse.id), 404),
            (&w.nurse, format!("/practitioners/{}", w.nurse.id), 404),
        ] {
            assert_eq!(page(&w, who, &path).await.status, status, "{} {path}", who.name);
        }
        let own = page(&w, &w.doctor, &format!("/practitioners/{}", w.doctor.id)).await.text;
        assert!(
            own.contains("week-form") && !own.contains("id=\"profile\""),
            "the doctor paints, and registers nothing"
        );
    })
    .await;
}
