//! A live list hears of what it shows, and of nothing else.

use axum::body::Body;
use axum::http::Request;
use futures_util::{FutureExt as _, StreamExt as _};
use sanbao_platform::testing::{Person, on_both, patiently};
use serde_json::json;

use crate::requests::house::{CHENGDONG, House, XIMEN, agency, agency_id, officer, other_agency, street};

/// An open stream of changes.
struct Listener(axum::body::BodyDataStream);

impl Listener {
    async fn open(house: &House, who: &Person) -> Self {
        let request = Request::get("/v1/requests/events");
        let request = request.header("authorization", format!("Bearer {}", house.token(who)));
        let answer = house.open(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status(), 200);
        let mut stream = answer.into_body().into_data_stream();
        let hello = patiently("the stream begins", stream.next()).await.unwrap().unwrap();
        assert!(hello.starts_with(b"event: hello"), "{hello:?}");
        Self(stream)
    }

    /// How many changes have been told so far; all were told before this is asked.
    fn changes(&mut self) -> usize {
        let mut text = String::new();
        while let Some(Some(Ok(bytes))) = self.0.next().now_or_never() {
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
        text.matches("event: change").count()
    }
}

#[tokio::test]
async fn a_list_hears_of_what_it_shows_and_of_nothing_else() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let ximen = officer(8, 800, "dispatcher", &[XIMEN]);
        let mut all = Listener::open(&house, &street()).await;
        let mut part = Listener::open(&house, &ximen).await;
        let (mut own, mut other) =
            (Listener::open(&house, &agency()).await, Listener::open(&house, &other_agency()).await);
        let mut told = || [&mut all, &mut part, &mut own, &mut other].map(Listener::changes);
        let id = house.take_down(json!({ "area_code": CHENGDONG })).await;
        assert_eq!(told(), [1, 0, 0, 0], "taken down elsewhere");
        house.take_down(json!({ "area_code": XIMEN })).await;
        assert_eq!(told(), [1, 1, 0, 0]);
        house.step(&street(), &id, "triage", json!({})).await;
        house.step(&street(), &id, "dispatch", json!({ "agency_id": agency_id() })).await;
        assert_eq!(told(), [2, 0, 1, 0], "the agency hears of what is sent to it");
    })
    .await;
}
