//! Saturated stream: as fast as it goes, with a bounded number of messages under way.

use std::rc::Rc;
use std::time::Instant;

use futures_util::future::try_join_all;

use super::paced::{body_bytes, rooms};
use super::{Measured, Run, Scenario, audit, body};
use crate::Failure;
use crate::client::Client;
use crate::contestants::{NATS_1, NATS_1_APART, NATS_3, NATS_3_APART};
use crate::dialect::Kind;
use crate::report::{Bar, Column};

/// How many messages each client sends; 40 clients.
const MESSAGES_EACH: u32 = 5_000;
/// How many may be under way from each client, so that no queue runs over.
const WINDOW: usize = 64;

pub const SCENARIO: Scenario = Scenario {
    name: "saturated",
    title: "saturated: 20 rooms, messages of 1,000 bytes, envelope included, as fast as it goes, 64 under way from each \
            client",
    columns: &[
        Column::plain("server CPU s per 100k messages"),
        Column::plain("of it in user space"),
        Column::barred("messages a second", &[(&[NATS_1, NATS_3, NATS_1_APART, NATS_3_APART], Bar::AtLeast(5_000.0))]),
        Column::plain("the nats-servers' CPU s per 100k messages"),
    ],
    runs: 3,
    run: |run| Box::pin(measure(run)),
    too_noisy: |_| false,
};

async fn measure(run: Run<'_>) -> Measured {
    let (server, each) = (run.server, run.of(MESSAGES_EACH));
    let rooms = rooms(run).await?;
    let pairs = rooms.iter().flat_map(|[a, b]| [(a, b), (b, a)]);
    let (before, nats_before, started) = (server.cpu()?, server.nats_cpu_s()?, Instant::now());
    try_join_all(pairs.clone().map(|(from, to)| stream(from, to, each))).await?;
    let took = started.elapsed().as_secs_f64();
    let messages = f64::from(each) * f64::from(u32::try_from(pairs.count())?);
    let units = messages / 100_000.0;
    let [spent, user] = server.cpu()?.since(before, units);
    Ok((vec![spent, user, messages / took, (server.nats_cpu_s()? - nats_before) / units], Vec::new()))
}

async fn stream(from: &Rc<Client>, to: &Rc<Client>, each: u32) -> Result<(), Failure> {
    let len = body_bytes(from);
    for number in 0..each {
        while number as usize >= to.received() + WINDOW {
            if let Some(code) = to.ended().or(from.ended()) {
                return Err(format!("closed with {code}").into());
            }
            to.change().await?;
        }
        from.say(Kind::Offer, &body(number, len));
    }
    to.until("all messages", |c| c.received() >= each as usize || c.ended().is_some()).await?;
    let (missing, again, in_order) = audit(each, &to.take_received());
    if missing + again > 0 || !in_order {
        return Err(format!("{missing} lost, {again} repeated, in order: {in_order}").into());
    }
    Ok(())
}
