//! Saturated stream: as fast as it goes, with a bounded number of messages under way.

use std::rc::Rc;
use std::time::Instant;

use futures_util::future::try_join_all;

use super::paced::{body_bytes, rooms};
use super::{Measured, Scenario, audit, body};
use crate::Failure;
use crate::client::Client;
use crate::contestants::Contestant;
use crate::dialect::Kind;
use crate::server::Server;

/// How many messages each client sends; 40 clients.
const MESSAGES_EACH: u32 = 10_000;
/// How many may be under way from each client, so that no queue runs over.
const WINDOW: usize = 64;

pub const SCENARIO: Scenario = Scenario {
    name: "saturated",
    title: "saturated: 20 rooms, 1,000-byte messages as fast as it goes, 64 under way from each client",
    columns: &["server CPU s per 100k messages", "of it in user space", "messages a second"],
    runs: 5,
    run: |contestant, server| Box::pin(run(contestant, server)),
    too_noisy: |_| false,
};

async fn run(contestant: &dyn Contestant, server: &Server) -> Measured {
    let rooms = rooms(contestant, server).await?;
    let pairs = rooms.iter().flat_map(|[a, b]| [(a, b), (b, a)]);
    let (before, started) = (server.cpu()?, Instant::now());
    try_join_all(pairs.clone().map(|(from, to)| stream(from, to))).await?;
    let (after, took) = (server.cpu()?, started.elapsed().as_secs_f64());
    let messages = f64::from(MESSAGES_EACH) * f64::from(u32::try_from(pairs.count())?);
    let [spent, user] = after.since(before, messages / 100_000.0);
    Ok((vec![spent, user, messages / took], Vec::new()))
}

async fn stream(from: &Rc<Client>, to: &Rc<Client>) -> Result<(), Failure> {
    let len = body_bytes(from);
    for number in 0..MESSAGES_EACH {
        while number as usize >= to.received() + WINDOW {
            to.change().await?;
        }
        from.say(Kind::Offer, &body(number, len));
    }
    to.until("all messages", |c| c.received() >= MESSAGES_EACH as usize).await?;
    let (missing, again, in_order) = audit(MESSAGES_EACH, &to.take_received());
    if missing + again > 0 || !in_order {
        return Err(format!("{missing} lost, {again} repeated, in order: {in_order}").into());
    }
    Ok(())
}
