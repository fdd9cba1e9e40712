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

use crate::Failure;
use crate::client::{Client, connect};
use crate::contestants::Contestant;
use crate::server::Server;

/// The values of a run and what is to be said about it.
pub type Measured = Result<(Vec<f64>, Vec<String>), Failure>;
type Running<'a> = Pin<Box<dyn Future<Output = Measured> + 'a>>;

/// A load.
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does.
    pub title: &'static str,
    /// What its values are.
    pub columns: &'static [&'static str],
    /// How often it runs when nobody says.
    pub runs: usize,
    /// One run against a fresh server.
    pub run: for<'a> fn(&'a dyn Contestant, &'a Server) -> Running<'a>,
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

/// Two clients that are in a room and know each other.
async fn room(contestant: &dyn Contestant, server: &Server, number: u64) -> Result<[Rc<Client>; 2], Failure> {
    let [first, second] = [contestant.side(number, 0)?, contestant.side(number, 1)?];
    let (first, second) = tokio::try_join!(connect(server.address, first), connect(server.address, second))?;
    tokio::try_join!(first.ready(), second.ready())?;
    Ok([first, second])
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
