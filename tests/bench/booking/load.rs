//! Clients who book.

use std::fmt;
use std::time::Instant;

use chrono::{DateTime, Utc};
use sanbao_platform::clock::Clock;
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::served::{Served, client};
use crate::town::{Town, id, secret};

/// What came of some bookings.
#[derive(Debug, Default)]
pub(crate) struct Round {
    pub(crate) won: u64,
    /// Those whose time was taken.
    pub(crate) lost: u64,
    pub(crate) seconds: f64,
    /// Milliseconds of each.
    pub(crate) times: Vec<f64>,
}

pub(crate) fn real(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

impl Round {
    /// How many were asked for.
    pub(crate) fn count(&self) -> f64 {
        real(self.won + self.lost)
    }

    /// Bookings in a second, without those that were refused.
    pub(crate) fn per_second(&self) -> f64 {
        real(self.won) / self.seconds
    }

    /// The time that so many of a hundred did not exceed.
    pub(crate) fn ms(&mut self, percent: usize) -> f64 {
        self.times.sort_by(f64::total_cmp);
        self.times[(self.times.len() * percent / 100).min(self.times.len() - 1)]
    }
}

/// The middle one of some figures, between the least and the greatest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    least: f64,
    greatest: f64,
}

impl Spread {
    pub(crate) fn of(mut all: Vec<f64>) -> Self {
        all.sort_by(f64::total_cmp);
        Self { median: all[all.len() / 2], least: all[0], greatest: all[all.len() - 1] }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2} to {:.2})", self.median, self.least, self.greatest)
    }
}

/// A consult, and the time and the room that it is to be given.
type Wish = (u64, (DateTime<Utc>, Uuid));

/// A client who books consults one after the other, each at its time.
struct Booker {
    client: reqwest::Client,
    base: String,
    token: String,
}

impl Booker {
    fn of(served: &Served) -> Self {
        let (now, keys) = (Clock::system().now(), secret().keys().unwrap());
        let mut claims = Town::nurse().claims();
        claims.auth_time = now.timestamp();
        Self { client: client(), base: served.base.clone(), token: keys.sign_access(now, &claims).unwrap() }
    }

    async fn book(&self, n: u64, (starts_at, room): (DateTime<Utc>, Uuid), round: &mut Round) {
        let url = format!("{}/v1/consults/{}/schedule", self.base, id(5, n));
        let body = json!({ "starts_at": starts_at, "room_id": room });
        let asked = Instant::now();
        let request = self.client.post(&url).bearer_auth(&self.token).header("idempotency-key", format!("s{n}"));
        let answer = request.json(&body).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        round.times.push(asked.elapsed().as_secs_f64() * 1e3);
        match status {
            200 => round.won += 1,
            409 if text.contains("slot-taken") => round.lost += 1,
            other => panic!("{other}: {text}"),
        }
    }
}

async fn all(clients: Vec<(Booker, Vec<Wish>)>) -> Round {
    let mut tasks = JoinSet::new();
    let begun = Instant::now();
    for (booker, wishes) in clients {
        tasks.spawn(async move {
            let mut round = Round::default();
            for (n, wish) in wishes {
                booker.book(n, wish, &mut round).await;
            }
            round
        });
    }
    let mut sum = Round::default();
    for round in tasks.join_all().await {
        sum.won += round.won;
        sum.lost += round.lost;
        sum.times.extend(round.times);
    }
    Round { seconds: begun.elapsed().as_secs_f64(), ..sum }
}

/// Books consults from a first one on by so many clients, each a stretch of them.
pub(crate) async fn book(served: &Served, town: &Town, clients: u64, (first, count): (u64, u64)) -> Round {
    let per = count / clients;
    let stretch = |client: u64| {
        let from = first + client * per;
        (Booker::of(served), (from..from + per).map(|n| (n, town.wish(n))).collect())
    };
    all((0..clients).map(stretch).collect()).await
}

/// Books consults at once, all of them at the same time.
pub(crate) async fn book_one(served: &Served, town: &Town, (first, count): (u64, u64), slot: u64) -> Round {
    let wish = town.one_slot(slot);
    all((first..first + count).map(|n| (Booker::of(served), vec![(n, wish)])).collect()).await
}
