//! The loads, each of which gives numbers for one contestant.

mod idle;
mod lost;
mod paced;
mod pingpong;
mod saturated;
mod setup;
mod slow;

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::client::{Client, PATIENCE, connect};
use crate::contestants::Contestant;
use crate::report::Column;
use crate::server::Server;

/// The values of a run and what is to be said about it.
pub type Measured = Result<(Vec<f64>, Vec<String>), Failure>;
type Running<'a> = Pin<Box<dyn Future<Output = Measured> + 'a>>;

/// The parts that one run needs.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// The contestant that is measured.
    pub contestant: &'a dyn Contestant,
    /// Its server, a fresh one.
    pub server: &'a Server,
    /// How much of the load.
    pub percent: u32,
}

impl Run<'_> {
    /// That much of a number, and at least one.
    fn of(&self, whole: u32) -> u32 {
        (whole * self.percent / 100).max(1)
    }

    /// Two clients that are in a room and know each other.
    async fn room(&self, number: u64) -> Result<[Rc<Client>; 2], Failure> {
        room(self.contestant, self.server, number).await
    }
}

/// A load.
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// The handler.
    pub title: &'static str,
    /// The meaning of its values.
    pub columns: &'static [Column],
    /// How often it runs when nobody says.
    pub runs: usize,
    /// One run against a fresh server.
    pub run: for<'a> fn(Run<'a>) -> Running<'a>,
    /// Whether a floor's run with these values says that the machine was too busy to compare.
    pub too_noisy: fn(&[f64]) -> bool,
}

/// All of them, in the order in which they run.
pub const ALL: &[Scenario] = &[
    setup::SCENARIO,
    paced::SCENARIO,
    saturated::SCENARIO,
    pingpong::SCENARIO,
    idle::SCENARIO,
    lost::SCENARIO,
    slow::SCENARIO,
];

/// The number of a room that no load has.
const FIRST_ROOM: u64 = 1_000_000;
const FIRST_ROOM_AGAIN: Duration = Duration::from_millis(200);

async fn room(contestant: &dyn Contestant, server: &Server, number: u64) -> Result<[Rc<Client>; 2], Failure> {
    let [first, second] = [contestant.side(number, 0)?, contestant.side(number, 1)?];
    let (first, second) = tokio::try_join!(connect(server.address(0), first), connect(server.address(1), second))?;
    tokio::try_join!(first.ready(), second.ready())?;
    Ok([first, second])
}

/// Opens and leaves a room, and tries again until it can: servers that replicate choose who leads before they answer.
pub async fn first_room(contestant: &dyn Contestant, server: &Server) -> Result<(), Failure> {
    let started = Instant::now();
    let sides = loop {
        match room(contestant, server, FIRST_ROOM).await {
            Ok(sides) => break sides,
            Err(error) if started.elapsed() > PATIENCE => return Err(error),
            Err(_) => tokio::time::sleep(FIRST_ROOM_AGAIN).await,
        }
    };
    for side in &sides {
        side.leave();
    }
    for side in &sides {
        side.until("end", |c| c.ended().is_some()).await?;
    }
    Ok(())
}

/// A body of `len` bytes that begins with its number.
fn body(number: u32, len: usize) -> String {
    let mut body = format!("{number} ");
    body.extend(std::iter::repeat_n('x', len.saturating_sub(body.len())));
    body
}

/// How many of `0..sent` are missing in `received`, how many came again, and whether the order was kept.
fn audit(sent: u32, received: &[u32]) -> (usize, usize, bool) {
    let mut seen = vec![false; sent as usize];
    let mut again = 0;
    for number in received {
        match seen.get_mut(*number as usize) {
            Some(seen) if !*seen => *seen = true,
            _ => again += 1,
        }
    }
    (seen.iter().filter(|seen| !**seen).count(), again, received.is_sorted())
}

/// How many of the missing messages nobody was told of: neither the reader nor the sender.
fn in_silence(missing: usize, told: bool, refused: u32) -> usize {
    if told { 0 } else { missing.saturating_sub(refused as usize) }
}
