//! Doctors' hours and free times through the router.
use sanbao_platform::testing::on_both;
use serde_json::{Value, json};

use crate::consult::world::World;

fn starts(body: &Value) -> Vec<String> {
    body["items"].as_array().unwrap().iter().map(|s| s["starts_at"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn free_times_are_hours_without_exceptions_and_bookings() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let search = format!(
            "/v1/slots?specialty=cardiology&doctor={}&from=2026-11-23T00:00:00Z&to=2026-11-24T00:00:00Z",
            w.doctor.id
        );
        let free = async |who| starts(&w.get(who, &search).await.expect(200));
        assert_eq!(free(&w.nurse).await.len(), 8, "08:00 to 12:00 in half hours");
        w.scheduled().await;
        assert!(!free(&w.nurse).await.contains(&"2026-11-23T00:30:00Z".to_owned()), "booked");
        let exceptions = format!("/v1/practitioners/{}/exceptions", w.doctor.id);
        let closed =
            w.post(&w.doctor, &exceptions, json!({ "kind": "closed", "date": "2026-11-23" })).await.expect(201);
        assert!(free(&w.nurse).await.is_empty());
        let extra =
            json!({ "kind": "extra", "date": "2026-11-23", "start": "18:00", "end": "19:00", "slot_minutes": 20 });
        w.post(&w.hospital_admin, &exceptions, extra).await.expect(201);
        assert_eq!(free(&w.doctor).await, ["10:00", "10:20", "10:40"].map(|t| format!("2026-11-23T{t}:00Z")));
        let one = format!("{exceptions}/{}", closed["id"].as_str().unwrap());
        assert_eq!(w.call(Some(&w.doctor), "DELETE", &one, None, &[]).await.status, 204);
        assert_eq!(w.call(Some(&w.doctor), "DELETE", &one, None, &[]).await.status, 404);
        assert_eq!(free(&w.nurse).await.len(), 10);
        // Nobody is offered what has passed.
        w.clock.advance(std::time::Duration::from_mins(181));
        assert_eq!(free(&w.nurse).await[0], "2026-11-23T03:30:00Z");
        let both = w
            .get(&w.nurse, "/v1/slots?specialty=cardiology&from=2026-11-24T00:00:00Z&to=2026-11-24T00:10:00Z")
            .await
            .expect(200);
        assert_eq!(both["items"].as_array().unwrap().len(), 2, "both doctors of the hospital");
        let names: Vec<_> = w
            .get(&w.nurse, "/v1/practitioners?specialty=dermatology")
            .await
            .expect(200)
            .as_array()
            .unwrap()
            .iter()
            .map(|d| d["name"].clone())
            .collect();
        assert_eq!(names, ["皮医生"]);
    })
    .await;
}

#[tokio::test]
async fn hours_are_local_where_the_hospital_is() {
    on_both(|engine| async move {
        let w = World::in_zone(&engine, "Europe/Berlin").await;
        let day = async |date: &str| {
            let next = date.parse::<chrono::NaiveDate>().unwrap().succ_opt().unwrap();
            let search = format!("/v1/slots?doctor={}&from={date}T00:00:00Z&to={next}T00:00:00Z", w.doctor.id);
            starts(&w.get(&w.nurse, &search).await.expect(200)).first().unwrap().clone()
        };
        assert_eq!(day("2026-11-24").await, "2026-11-24T07:00:00Z", "winter: 08:00 is 07:00 UTC");
        assert_eq!(day("2027-03-27").await, "2027-03-27T07:00:00Z");
        assert_eq!(day("2027-03-28").await, "2027-03-28T06:00:00Z", "summer: 08:00 is 06:00 UTC");
        let view = w.get(&w.doctor, &format!("/v1/practitioners/{}/hours", w.doctor.id)).await.expect(200);
        assert_eq!(
            (view["time_zone"].as_str(), view["weekly"][0]["start"].as_str()),
            (Some("Europe/Berlin"), Some("08:00"))
        );
    })
    .await;
}

#[tokio::test]
async fn hours_are_edited_by_the_doctor_or_the_administrator_and_checked() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let path = format!("/v1/practitioners/{}/hours", w.doctor.id);
        let plan = |line: Value| json!({ "weekly": [line] });
        let good = json!({ "weekday": 3, "start": "13:30", "end": "24:00", "slot_minutes": 15, "valid_from": "2026-01-01", "valid_to": "2026-12-31" });
        for (who, status) in [(&w.second_doctor, 403), (&w.stranger_doctor, 404), (&w.nurse, 404), (&w.dispatcher, 404)] {
            assert_eq!(w.put(who, &path, plan(good.clone())).await.status, status, "{}", who.name);
        }
        w.put(&w.hospital_admin, &path, plan(good.clone())).await.expect(200);
        let read = w.get(&w.doctor, &path).await.checked(200);
        assert_eq!(read.body["weekly"], json!([good]));
        let tag = read.etag().unwrap().to_owned();
        let mut longer = good.clone();
        longer["start"] = json!("13:00");
        let over = async |tag: &str, line: &Value| {
            w.call(Some(&w.doctor), "PUT", &path, Some(plan(line.clone())), &[("if-match", tag)]).await
        };
        let written = over(&tag, &longer).await.checked(200);
        assert_ne!(written.etag(), Some(tag.as_str()));
        over(&tag, &good).await.refused(412, "precondition-failed");
        over(written.etag().unwrap(), &good).await.checked(200);
        for (field, value, pointer) in [
            ("weekday", json!(8), "/weekly/0/weekday"),
            ("start", json!("25:00"), "/weekly/0/start"),
            ("end", json!("13:30"), "/weekly/0/end"),
            ("slot_minutes", json!(0), "/weekly/0/slot_minutes"),
            ("valid_to", json!("2025-01-01"), "/weekly/0/valid_to"),
            ("valid_from", json!("soon"), "/weekly/0/valid_from"),
        ] {
            let mut line = good.clone();
            line[field] = value;
            let refused = w.put(&w.doctor, &path, plan(line)).await;
            assert_eq!((refused.status.as_u16(), refused.body["errors"][0]["pointer"].as_str()), (422, Some(pointer)), "{}", refused.text);
        }
        for query in ["from=2026-11-23T00:00:00Z&to=2026-12-25T00:00:00Z", "from=2026-11-23T00:00:00Z&to=2026-11-23T00:00:00Z", "from=x&to=y"] {
            assert_eq!(w.get(&w.nurse, &format!("/v1/slots?{query}")).await.status, 422, "{query}");
        }
        let registration = json!({ "specialty": "urology", "specialty_zh": "泌尿外科", "specialty_en": "Urology", "title": "attending", "licence_no": "X1" });
        let practitioner = format!("/v1/practitioners/{}", w.doctor.id);
        assert_eq!(w.put(&w.doctor, &practitioner, registration.clone()).await.status, 403);
        let nobody = format!("/v1/practitioners/{}", w.stranger_doctor.id);
        assert_eq!(w.put(&w.hospital_admin, &nobody, registration.clone()).await.status, 404);
        assert_eq!(w.put(&w.hospital_admin, &practitioner, registration).await.expect(200)["specialty_zh"], "泌尿外科");
    })
    .await;
}
