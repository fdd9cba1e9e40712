//! Paced stream: many rooms, each message on its own.

use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use super::{Measured, Scenario, audit, body, room};
use crate::Failure;
use crate::client::Client;
use crate::contestants::Contestant;
use crate::dialect::Kind;
use crate::server::Server;

/// How many rooms, two clients each; all send.
pub const ROOMS: u64 = 20;
/// A message's length as it is sent, envelope included.
pub const MESSAGE_BYTES: usize = 1_000;
const MESSAGES_PER_S: u32 = 5_000;
const MESSAGES: u32 = 100_000;
/// How many are sent before it is measured.
const WARM_UP: u32 = 5_000;

pub const SCENARIO: Scenario = Scenario {
    name: "paced",
    title: "paced: 20 rooms, 1,000-byte messages at 5,000/s in all",
    columns: &["server CPU s per 100k messages", "of it in user space"],
    runs: 5,
    run: |contestant, server| Box::pin(run(contestant, server)),
    too_noisy: |_| false,
};

/// Both sides of [`ROOMS`] rooms.
pub async fn rooms(contestant: &dyn Contestant, server: &Server) -> Result<Vec<[Rc<Client>; 2]>, Failure> {
    try_join_all((0..ROOMS).map(|number| room(contestant, server, number))).await
}

/// The room left in a message by what a contestant's envelope takes.
pub fn body_bytes(client: &Client) -> usize {
    MESSAGE_BYTES.saturating_sub(client.envelope_bytes())
}

async fn run(contestant: &dyn Contestant, server: &Server) -> Measured {
    let rooms = rooms(contestant, server).await?;
    stream(&rooms, WARM_UP).await?;
    let before = server.cpu()?;
    stream(&rooms, MESSAGES).await?;
    let spent = server.cpu()?.since(before, f64::from(MESSAGES) / 100_000.0);
    Ok((spent.to_vec(), Vec::new()))
}

/// Sends `messages` in turn from all clients at the pace, and fails unless each comes, once, in order.
async fn stream(rooms: &[[Rc<Client>; 2]], messages: u32) -> Result<(), Failure> {
    let senders: Vec<&Rc<Client>> = rooms.iter().flat_map(|[a, b]| [a, b]).collect();
    let len = body_bytes(senders[0]);
    let count = u32::try_from(senders.len())?;
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    let (started, mut sent) = (Instant::now(), 0);
    while sent < messages {
        ticks.tick().await;
        let due = started.elapsed().as_secs_f64() * f64::from(MESSAGES_PER_S);
        while sent < messages && f64::from(sent) <= due {
            senders[(sent % count) as usize].say(Kind::Offer, &body(sent / count, len));
            sent += 1;
        }
    }
    let each = messages / count;
    for client in senders {
        client.until("all messages", |c| c.received() >= each as usize || c.ended().is_some()).await?;
        let (missing, again, in_order) = audit(each, &client.take_received());
        if missing + again > 0 || !in_order {
            return Err(format!("{missing} lost, {again} repeated, in order: {in_order}").into());
        }
    }
    Ok(())
}
