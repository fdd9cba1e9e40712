//! Every step of the described API honours `Idempotency-Key` and `If-Match`, and a key stands for one thing.

use std::collections::BTreeSet;
use std::time::Duration;

use sanbao_booking::consult::ConsultStepName;
use sanbao_booking::{Config, build};
use sanbao_platform::lifecycle::StepName as _;
use sanbao_platform::testing::{Person, on_both};
use serde_json::{Value, json};

use crate::consult::world::{World, fresh_key};

/// The operations that change something beside the life cycle.
const NO_STEPS: &[&str] = &[
    "POST /consents",
    "POST /consents/{consent}/withdraw",
    "POST /fetch",
    "POST /guest-links",
    "POST /guest-links/{link}/resend",
    "POST /ticket",
    "POST /tickets/revoke",
];

/// The steps of a consult that the described API offers.
fn documented(w: &World) -> BTreeSet<String> {
    let openapi = build(Config::default(), w.app.deps.clone()).routes.openapi;
    let of_one =
        openapi.paths.paths.iter().filter_map(|(path, item)| Some((path.strip_prefix("/v1/consults/{id}")?, item)));
    let calls = of_one.flat_map(|(rest, item)| {
        [item.post.as_ref().map(|_| format!("POST {rest}")), item.put.as_ref().map(|_| format!("PUT {rest}"))]
    });
    calls.flatten().filter(|call| !NO_STEPS.contains(&call.as_str())).collect()
}

/// The operation by which a person takes a step.
fn operation(step: ConsultStepName) -> String {
    match step {
        ConsultStepName::Revise => "PUT ".to_owned(),
        ConsultStepName::SaveOpinion => "PUT /opinion".to_owned(),
        named => format!("POST /{}", named.as_str().replace('_', "-")),
    }
}

fn opinion() -> Value {
    json!({ "impression": "慢性心力衰竭", "suggested_treatment": "利尿剂加量，三日后复查" })
}

#[tokio::test]
async fn a_stored_answer_is_for_those_only_who_may_still_ask() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        let consents = format!("/v1/consults/{id}/consents");
        w.post(&w.nurse, &consents, World::consent()).await.expect(201);
        let consent = w.get(&w.nurse, &consents).await.expect(200);
        let guest = json!({ "name": "陈女士", "relation": "女儿" });
        let link = w.post(&w.nurse, &format!("/v1/consults/{id}/guest-links"), guest.clone()).await.expect(201);
        let former = Person { roles: Vec::new(), ..w.nurse.clone() };
        let withdraw = format!("consents/{}/withdraw", consent[0]["id"].as_str().unwrap());
        let resend = format!("guest-links/{}/resend", link["id"].as_str().unwrap());
        for (rest, body) in [
            ("consents", Some(World::consent())),
            ("guest-links", Some(guest)),
            (resend.as_str(), None),
            (withdraw.as_str(), None),
        ] {
            let (path, key) = (format!("/v1/consults/{id}/{rest}"), fresh_key());
            let headers = [("idempotency-key", key.as_str())];
            let done = w.call(Some(&w.nurse), "POST", &path, body.clone(), &headers).await;
            assert!(done.status.is_success(), "{rest}: {}", done.text);
            let answer = w.call(Some(&former), "POST", &path, body, &headers).await;
            assert_eq!(answer.status, 404, "{rest}: {}", answer.text);
        }
    })
    .await;
}

/// A consult whose meeting is over, with a draft of the opinion.
async fn drafted(w: &World) -> String {
    let id = w.scheduled().await;
    w.clock.advance(Duration::from_mins(30));
    w.step(&w.doctor, &id, "finish", Value::Null).await.expect(200);
    w.put(&w.doctor, &format!("/v1/consults/{id}/opinion"), opinion()).await.expect(200);
    id
}

async fn signed(w: &World) -> String {
    let id = drafted(w).await;
    w.step(&w.doctor, &id, "sign", Value::Null).await.expect(200);
    id
}

/// A consult at which `step` is possible, by whom, and with what body.
async fn ready<'a>(w: &'a World, step: &str) -> (&'a Person, String, Option<Value>) {
    let why = Some(json!({ "reason": "老人住院" }));
    let (nurse, doctor) = (&w.nurse, &w.doctor);
    let mut draft = w.invitation(0);
    draft["submit"] = json!(false);
    let begun = async || {
        let body = w.post(nurse, "/v1/consults", draft.clone()).await.expect(201);
        body["id"].as_str().unwrap().to_owned()
    };
    let adopted = json!({ "decision": "adopted" });
    match step {
        "PUT " => (nurse, begun().await, Some(draft.clone())),
        "POST /submit" => (nurse, begun().await, None),
        "POST /accept" => (doctor, w.submitted().await, None),
        "POST /return" | "POST /reject" => (doctor, w.submitted().await, why),
        "POST /schedule" => (nurse, w.accepted().await, Some(w.at("2026-11-23T00:30:00Z"))),
        "POST /reschedule" => (nurse, w.scheduled().await, Some(w.at("2026-11-23T01:00:00Z"))),
        "POST /exchange" => {
            let id = w.scheduled().await;
            let other = w.post(nurse, "/v1/consults", w.invitation(1)).await.expect(201);
            let other = other["id"].as_str().unwrap().to_owned();
            w.step(doctor, &other, "accept", Value::Null).await.expect(200);
            w.step(nurse, &other, "schedule", w.at("2026-11-23T01:00:00Z")).await.expect(200);
            (nurse, id, Some(json!({ "with": other })))
        }
        "POST /delay" => (nurse, w.scheduled().await, Some(json!({ "minutes": 10 }))),
        "POST /cancel" => (nurse, w.scheduled().await, why),
        "POST /no-show" => {
            let id = w.scheduled().await;
            w.clock.advance(Duration::from_mins(45));
            (nurse, id, why)
        }
        "POST /finish" => {
            let id = w.scheduled().await;
            w.clock.advance(Duration::from_mins(30));
            (doctor, id, None)
        }
        "PUT /opinion" => (doctor, drafted(w).await, Some(opinion())),
        "POST /sign" => (doctor, drafted(w).await, None),
        "POST /adopt" => (nurse, signed(w).await, Some(adopted)),
        "POST /archive" => {
            let id = signed(w).await;
            w.step(nurse, &id, "adopt", adopted).await.expect(200);
            (nurse, id, None)
        }
        other => panic!("say here how a consult comes to {other}"),
    }
}

#[tokio::test]
async fn every_step_gives_its_first_answer_again_and_refuses_an_old_version() {
    on_both(|engine| async move {
        let steps = documented(&World::new(&engine).await);
        let of_people = ConsultStepName::ALL.iter().filter(|step| step.by_person()).map(|step| operation(*step));
        assert_eq!(steps, of_people.collect(), "every step of people has its route");
        for step in steps {
            // A network of its own, so that nobody's time is taken by the step before.
            let w = World::new(&engine).await;
            let (who, id, body) = ready(&w, &step).await;
            let (method, rest) = step.split_once(' ').unwrap();
            let path = format!("/v1/consults/{id}{rest}");
            // The opinion counts its own versions.
            let counted = if matches!(rest, "/opinion" | "/sign") { "/opinion" } else { "" };
            let read = async || w.get(who, &format!("/v1/consults/{id}{counted}")).await.expect(200);
            let version = read().await["version"].as_i64().unwrap();
            let send = async |headers: &[(&str, &str)]| w.call(Some(who), method, &path, body.clone(), headers).await;
            let (now, old) = (format!("\"{version}\""), format!("\"{}\"", version - 1));
            assert_eq!(send(&[("if-match", &old)]).await.status, 412, "{step}");
            let key = fresh_key();
            let guards = [("if-match", now.as_str()), ("idempotency-key", key.as_str())];
            let first = send(&guards).await;
            assert!(first.status.is_success(), "{step} {}", first.text);
            let again = send(&guards).await;
            assert_eq!((again.status, again.etag(), &again.body), (first.status, first.etag(), &first.body), "{step}");
            assert!(first.etag().is_some(), "{step}");
            assert_eq!(read().await["version"], json!(version + 1), "{step} counts once");
        }
    })
    .await;
}

#[tokio::test]
async fn one_key_does_not_serve_two_steps() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let (id, key) = (w.accepted().await, fresh_key());
        let send = async |step: &str| {
            let (path, body) = (format!("/v1/consults/{id}/{step}"), w.at("2026-11-23T00:30:00Z"));
            w.call(Some(&w.nurse), "POST", &path, Some(body), &[("idempotency-key", &key)]).await
        };
        send("schedule").await.expect(200);
        assert_eq!(send("reschedule").await.problem(), "idempotency-mismatch");
        send("schedule").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_link_is_made_once_for_a_key_and_its_secret_is_kept_sealed() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = w.scheduled().await;
        let links = format!("/v1/consults/{id}/guest-links");
        let send = async |path: &str, key: &str, body: Option<Value>| {
            w.call(Some(&w.nurse), "POST", path, body, &[("idempotency-key", key)]).await.expect(201)
        };
        let guest = || Some(json!({ "name": "陈先生", "relation": "儿子" }));
        let (once, twice) = (fresh_key(), fresh_key());
        let first = send(&links, &once, guest()).await;
        assert_eq!(send(&links, &once, guest()).await, first, "the same link, secret included");
        let resend = format!("{links}/{}/resend", first["id"].as_str().unwrap());
        let second = send(&resend, &twice, None).await;
        assert_eq!(send(&resend, &twice, None).await, second);
        assert_ne!(second["token"], first["token"]);
        assert_eq!(w.count("select count(*) from consult_guest").await, 2);
        let readable = "select count(*) from idempotency where cast(body as text) like '%token%'";
        assert_eq!(w.count(readable).await, 0, "no secret lies readable among the stored answers");
    })
    .await;
}

#[tokio::test]
async fn a_draft_of_the_opinion_leaves_the_consults_version_alone() {
    on_both(|engine| async move {
        let w = World::new(&engine).await;
        let id = drafted(&w).await;
        let consult = format!("/v1/consults/{id}");
        let before = w.get(&w.doctor, &consult).await.expect(200);
        let saved = format!("{consult}/opinion");
        w.call(Some(&w.doctor), "PUT", &saved, Some(opinion()), &[("if-match", "\"1\"")]).await.expect(200);
        let after = w.get(&w.doctor, &consult).await.expect(200);
        assert_eq!(after, before, "a reader of the consult need not read it anew, and its history is no diary");
        assert_eq!(w.count("select count(*) from audit where action = 'consult.save_opinion'").await, 2);
    })
    .await;
}
