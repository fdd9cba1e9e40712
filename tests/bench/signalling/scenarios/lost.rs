//! Lost: a socket breaks with messages unread, more are sent meanwhile, and its owner comes back.

use std::time::Duration;

use super::{Measured, Scenario, audit, body, room};
use crate::client::connect;
use crate::contestants::Contestant;
use crate::dialect::Kind;
use crate::server::Server;

/// Messages that the broken connection had not read, and as many sent while it was gone.
const MESSAGES: u32 = 100;
const MESSAGE_BYTES: usize = 900;
/// How long the owner is away.
const AWAY: Duration = Duration::from_secs(1);
/// How long what is missing is waited for.
const LATE: Duration = Duration::from_secs(3);

pub const SCENARIO: Scenario = Scenario {
    name: "lost",
    title: "lost: a socket is reset with 100 messages unread, 100 more are sent while its owner is away for 1 s",
    columns: &["lost of 200", "repeated", "told of it (1 yes)"],
    runs: 1,
    run: |contestant, server| Box::pin(run(contestant, server)),
    too_noisy: |_| false,
};

async fn run(contestant: &dyn Contestant, server: &Server) -> Measured {
    let [stays, goes] = room(contestant, server, 0).await?;
    goes.pause(true);
    for number in 0..MESSAGES {
        stays.say(Kind::Offer, &body(number, MESSAGE_BYTES));
    }
    // Until the server has written them into the socket that nobody reads.
    tokio::time::sleep(AWAY).await;
    let mut received = goes.take_received();
    let told = goes.told_loss();
    let dialect = goes.reset().await?;
    for number in MESSAGES..2 * MESSAGES {
        stays.say(Kind::Offer, &body(number, MESSAGE_BYTES));
        tokio::time::sleep(AWAY / MESSAGES).await;
    }
    let back = connect(server.address, dialect).await?;
    tokio::time::sleep(LATE).await;
    received.extend(back.take_received());
    let (missing, again, in_order) = audit(2 * MESSAGES, &received);
    let told = told || back.told_loss() || stays.told_loss();
    let mut notes = vec![format!("{} messages were refused to their sender", stays.refused())];
    if !in_order {
        notes.push("out of order".to_owned());
    }
    #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
    let counts = [missing as f64, again as f64];
    Ok((vec![counts[0], counts[1], f64::from(u8::from(told))], notes))
}
