//! Paced stream: many rooms, each message on its own.

use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use super::{Measured, Run, Scenario, audit, body};
use crate::Failure;
use crate::client::Client;
use crate::contestants::{EMBEDDED, OWN};
use crate::dialect::Kind;
use crate::report::{Bar, Column};

/// How many rooms, two clients each; all send.
pub const ROOMS: u64 = 20;
/// A message's length as it is sent, envelope included.
pub const MESSAGE_BYTES: usize = 1_000;
const MESSAGES_PER_S: u32 = 5_000;
const MESSAGES: u32 = 50_000;
/// A run that delivers less than this part of the pace has failed.
const DELIVERED_MIN: f64 = 0.98;
/// How many are sent before it is measured.
const WARM_UP: u32 = 5_000;

pub const SCENARIO: Scenario = Scenario {
    name: "paced",
    title: "paced: 20 rooms, messages of 1,000 bytes, envelope included, at 5,000/s in all; runs that deliver less than \
            0.98 of it have failed, and their CPU does not count",
    columns: &[
        Column::barred("server CPU s per 100k messages", &[(&[EMBEDDED], Bar::TimesFloor(1.6))]),
        Column::plain("of it in user space"),
        Column::barred("delivered/s", &[(OWN, Bar::AtLeast(DELIVERED_MIN * MESSAGES_PER_S as f64))]),
        Column::plain("delay p50 ms"),
        Column::plain("delay p99 ms"),
        Column::plain("the nats-servers' CPU s per 100k messages"),
    ],
    runs: 5,
    run: |run| Box::pin(measure(run)),
    too_noisy: |_| false,
};

/// Both sides of [`ROOMS`] rooms.
pub async fn rooms(run: Run<'_>) -> Result<Vec<[Rc<Client>; 2]>, Failure> {
    try_join_all((0..ROOMS).map(|number| run.room(number))).await
}

/// The room left in a message by what a contestant's envelope takes.
pub fn body_bytes(client: &Client) -> usize {
    MESSAGE_BYTES.saturating_sub(client.envelope_bytes())
}

/// How a stream came through.
struct Stream {
    delivered_per_s: f64,
    /// From saying to hearing, sorted.
    delays_ms: Vec<f64>,
}

async fn measure(run: Run<'_>) -> Measured {
    let (server, messages) = (run.server, run.of(MESSAGES));
    let rooms = rooms(run).await?;
    stream(&rooms, run.of(WARM_UP)).await?;
    let (before, nats_before) = (server.cpu()?, server.nats_cpu_s()?);
    let Stream { delivered_per_s, delays_ms } = stream(&rooms, messages).await?;
    let units = f64::from(messages) / 100_000.0;
    let [spent, user] = server.cpu()?.since(before, units);
    let nats = (server.nats_cpu_s()? - nats_before) / units;
    let [p50, p99] = [50, 99].map(|percent| delays_ms[(delays_ms.len() - 1) * percent / 100]);
    if delivered_per_s < DELIVERED_MIN * f64::from(MESSAGES_PER_S) {
        // A relay that falls behind sends in batches, and looks cheaper than it is.
        let note = format!("failed: delivered only {delivered_per_s:.0}/s, with {spent:.2} s of CPU per 100k messages");
        return Ok((vec![f64::NAN, f64::NAN, delivered_per_s, p50, p99, f64::NAN], vec![note]));
    }
    Ok((vec![spent, user, delivered_per_s, p50, p99, nats], Vec::new()))
}

/// Sends about `messages` in turn from all clients at the pace, and fails unless each comes, once, in order.
async fn stream(rooms: &[[Rc<Client>; 2]], messages: u32) -> Result<Stream, Failure> {
    let senders: Vec<&Rc<Client>> = rooms.iter().flat_map(|[a, b]| [a, b]).collect();
    let len = body_bytes(senders[0]);
    let count = u32::try_from(senders.len())?;
    let each = messages.div_ceil(count);
    let messages = each * count;
    let mut said = Vec::with_capacity(messages as usize);
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    let (started, mut sent) = (Instant::now(), 0);
    while sent < messages {
        ticks.tick().await;
        let due = started.elapsed().as_secs_f64() * f64::from(MESSAGES_PER_S);
        while sent < messages && f64::from(sent) <= due {
            said.push(Instant::now());
            senders[(sent % count) as usize].say(Kind::Offer, &body(sent / count, len));
            sent += 1;
        }
    }
    let (mut delays_ms, mut last) = (Vec::with_capacity(messages as usize), started);
    for (place, client) in senders.iter().enumerate() {
        client.until("all messages", |c| c.received() >= each as usize || c.ended().is_some()).await?;
        let arrivals = client.take_arrivals();
        let numbers: Vec<u32> = arrivals.iter().map(|(number, _)| *number).collect();
        let (missing, again, in_order) = audit(each, &numbers);
        if missing + again > 0 || !in_order {
            return Err(format!("{missing} lost, {again} repeated, in order: {in_order}").into());
        }
        for (number, at) in arrivals {
            // The other side of the room is the neighbour in the list.
            let from = number as usize * senders.len() + (place ^ 1);
            delays_ms.push((at - said[from]).as_secs_f64() * 1000.0);
            last = last.max(at);
        }
    }
    delays_ms.sort_by(f64::total_cmp);
    Ok(Stream { delivered_per_s: f64::from(messages) / (last - started).as_secs_f64(), delays_ms })
}
