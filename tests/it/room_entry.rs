//! The people who get into a consult's room again after a ticket was taken back, over the relay's own socket. A new
//! ticket lets in everybody who may enter, an old one nobody, and no link lets in a person who was sent away.

use chrono::{DateTime, Utc};
use futures_util::{SinkExt as _, StreamExt as _};
use sanbao_platform::testing::{self, patiently};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::common::{Client, Served, flow};

/// Somebody at the relay.
struct Peer {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    said: u64,
}

impl Peer {
    /// Says hello with a ticket; the error's code if the relay turns it away.
    async fn hello(served: &Served, ticket: &Value, device: &str) -> Result<Self, String> {
        let mut request = format!("ws://{}/v1/signal", served.address).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "sanbao.signal.v1".parse().unwrap());
        let (socket, _) = connect_async(request).await.unwrap();
        let mut peer = Self { socket, said: 0 };
        let hello = json!({ "type": "hello", "v": 1, "device": format!("{device:->20}"), "ticket": ticket["ticket"] });
        peer.socket.send(hello.to_string().into()).await.unwrap();
        let answer = peer.hear(&["welcome", "error"]).await;
        if answer["type"] == "welcome" { Ok(peer) } else { Err(flow::text(&answer, "/code")) }
    }

    /// The next message of one of these types.
    async fn hear(&mut self, types: &[&str]) -> Value {
        let heard = async {
            loop {
                let message = self.socket.next().await.unwrap_or_else(|| panic!("closed before {types:?}")).unwrap();
                let message: Value = serde_json::from_str(message.to_text().unwrap()).unwrap_or_default();
                if types.iter().any(|kind| message["type"] == *kind) {
                    return message;
                }
            }
        };
        patiently(&format!("{types:?}"), heard).await
    }

    async fn say(&mut self, mut message: Value) {
        self.said += 1;
        message["seq"] = json!(self.said);
        self.socket.send(message.to_string().into()).await.unwrap();
    }

    /// Wants to be in; where that leads: `joined` or `lobby`.
    async fn join(&mut self) -> String {
        self.say(json!({ "type": "join", "audio": true, "video": true })).await;
        flow::text(&self.hear(&["joined", "lobby", "error"]).await, "/type")
    }

    /// Hears that it is out.
    async fn turned_out(mut self, code: &str) {
        assert_eq!(self.hear(&["error"]).await["code"], code);
    }
}

/// A consult at its time, with consent.
struct Visit<'a> {
    served: &'a Served,
    nurse: Client,
    doctor: Client,
    id: String,
}

impl<'a> Visit<'a> {
    async fn begin(served: &'a Served) -> Self {
        let nobody = served.nobody();
        let nurse = nobody.demo("nurse").await;
        let resident = flow::residents(&nurse).await.remove(1);
        let room = flow::rooms(&nobody, &nurse).await.remove(0);
        let id = flow::accepted_consult(served, &resident).await;
        let slot = flow::slots(served, &nurse, &id, &room).await.remove(0);
        let starts_at: DateTime<Utc> = slot["starts_at"].as_str().unwrap().parse().unwrap();
        let wanted = json!({ "room_id": room, "starts_at": starts_at });
        nurse.post(&format!("/v1/consults/{id}/schedule"), &wanted).await.expect(200);
        let minutes = (starts_at - served.clock.now()).num_minutes().max(0);
        served.minutes_later(u64::try_from(minutes).unwrap());
        let (nurse, doctor) = (nobody.demo("nurse").await, nobody.demo("doctor").await);
        let visit = Self { served, nurse, doctor, id };
        visit.consent().await;
        visit
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/consults/{}/{rest}", self.id)
    }

    async fn consent(&self) {
        let consent = json!({ "given_by": "guardian", "name": "王晓东", "relation": "儿子", "method": "written" });
        self.nurse.post(&self.path("consents"), &consent).await.expect(201);
    }

    async fn withdraw(&self) {
        let all = self.nurse.get(&self.path("consents")).await.expect(200);
        let standing = all.as_array().unwrap().iter().find(|c| c["withdrawn_at"].is_null()).unwrap();
        let path = self.path(&format!("consents/{}/withdraw", flow::text(standing, "/id")));
        self.nurse.post(&path, &json!({})).await.expect(200);
    }

    async fn ticket(&self, who: &Client) -> Value {
        who.post(&self.path("ticket"), &json!({})).await.expect(200)
    }

    /// Somebody of the staff, inside by a new ticket; with the ticket.
    async fn inside(&self, who: &Client, device: &str) -> (Peer, Value) {
        let ticket = self.ticket(who).await;
        let mut peer = Peer::hello(self.served, &ticket, device).await.unwrap();
        assert_eq!(peer.join().await, "joined");
        (peer, ticket)
    }

    /// A link's ticket.
    async fn by_link(&self, link: &Value) -> Value {
        self.served.nobody().post("/v1/guest-tickets", &json!({ "token": link["token"] })).await.expect(200)
    }

    async fn resend(&self, link: &Value) -> Value {
        let path = self.path(&format!("guest-links/{}/resend", flow::text(link, "/id")));
        self.nurse.post(&path, &json!({})).await.expect(201)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_withdrawn_and_given_again_lets_nurse_and_doctor_in_with_new_tickets() {
    testing::on_both(async |engine| {
        let served = Served::demo(engine).await;
        let visit = Visit::begin(&served).await;
        let (nurse, nurses) = visit.inside(&visit.nurse, "tablet").await;
        let (doctor, doctors) = visit.inside(&visit.doctor, "desk").await;
        visit.withdraw().await;
        nurse.turned_out("ticket-revoked").await;
        doctor.turned_out("ticket-revoked").await;
        served.minutes_later(1);
        assert_eq!(visit.nurse.post(&visit.path("ticket"), &json!({})).await.problem(), "consent-missing");
        visit.consent().await;
        for (ticket, device) in [(&nurses, "tablet"), (&doctors, "desk")] {
            assert_eq!(Peer::hello(&served, ticket, device).await.err().as_deref(), Some("ticket-revoked"));
        }
        let (nurse, _) = visit.inside(&visit.nurse, "tablet").await;
        let (doctor, _) = visit.inside(&visit.doctor, "desk").await;
        // So it is when only one of them had the tickets taken back.
        served.minutes_later(1);
        let own = visit.doctor.get(&visit.path("tickets")).await.expect(200);
        let person = json!({ "person": own[0]["person"] });
        visit.doctor.post(&visit.path("tickets/revoke"), &person).await.expect(204);
        doctor.turned_out("ticket-revoked").await;
        served.minutes_later(1);
        let (doctor, _) = visit.inside(&visit.doctor, "desk").await;
        drop((nurse, doctor));
        served.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_family_link_is_sent_again_and_who_was_sent_away_stays_away_by_every_link() {
    testing::on_both(async |engine| {
        let served = Served::demo(engine).await;
        let visit = Visit::begin(&served).await;
        let (mut nurse, _) = visit.inside(&visit.nurse, "tablet").await;
        let new = json!({ "name": "王晓东", "relation": "儿子" });
        let lost = visit.nurse.post(&visit.path("guest-links"), &new).await.expect(201);
        let old = visit.by_link(&lost).await;
        let mut guest = Peer::hello(&served, &old, "phone").await.unwrap();
        assert_eq!(guest.join().await, "lobby");
        nurse.hear(&["ring"]).await;
        served.minutes_later(1);
        let fresh = visit.resend(&lost).await;
        guest.turned_out("ticket-revoked").await;
        assert_eq!(Peer::hello(&served, &old, "phone").await.err().as_deref(), Some("ticket-revoked"));
        let gone = served.nobody().post("/v1/guest-tickets", &json!({ "token": lost["token"] })).await;
        assert_eq!(gone.status, 404);
        let ticket = visit.by_link(&fresh).await;
        let mut guest = Peer::hello(&served, &ticket, "phone-2").await.unwrap();
        assert_eq!(guest.join().await, "lobby");
        let ring = nurse.hear(&["ring"]).await;
        nurse.say(json!({ "type": "kick", "peer": ring["peer"] })).await;
        let removed = nurse.hear(&["removed_list"]).await;
        guest.turned_out("removed").await;
        served.minutes_later(1);
        let third = visit.by_link(&visit.resend(&fresh).await).await;
        assert_eq!(Peer::hello(&served, &third, "phone-3").await.err().as_deref(), Some("removed"));
        nurse.say(json!({ "type": "lift", "removal": removed["removed"][0]["removal"] })).await;
        nurse.hear(&["removed_list"]).await;
        let mut guest = Peer::hello(&served, &third, "phone-3").await.unwrap();
        assert_eq!(guest.join().await, "lobby");
        drop((nurse, guest));
        served.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consult_that_is_put_off_is_not_begun_with_the_tickets_of_its_old_time() {
    testing::on_both(async |engine| {
        let served = Served::demo(engine).await;
        let visit = Visit::begin(&served).await;
        let (nurse, nurses) = visit.inside(&visit.nurse, "tablet").await;
        let doctors = visit.ticket(&visit.doctor).await;
        let doctor = Peer::hello(&served, &doctors, "desk").await.unwrap();
        served.minutes_later(1);
        let room = flow::rooms(&served.nobody(), &visit.nurse).await.remove(0);
        let later = flow::slots(&served, &visit.nurse, &visit.id, &room).await.pop().unwrap();
        let wanted = json!({ "room_id": room, "doctor_id": later["doctor_id"], "starts_at": later["starts_at"] });
        visit.nurse.post(&visit.path("reschedule"), &wanted).await.expect(200);
        nurse.turned_out("ticket-revoked").await;
        doctor.turned_out("ticket-revoked").await;
        for (ticket, device) in [(&nurses, "tablet"), (&doctors, "desk")] {
            assert_eq!(Peer::hello(&served, ticket, device).await.err().as_deref(), Some("ticket-revoked"));
        }
        let consult = visit.nurse.get(&format!("/v1/consults/{}", visit.id)).await.expect(200);
        assert_eq!(consult["state"], "scheduled");
        served.stop().await;
    })
    .await;
}
