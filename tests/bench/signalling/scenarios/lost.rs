//! Lost: a socket breaks with messages unread, more are sent meanwhile, and its owner comes back.

use std::time::Duration;

use super::{Measured, Run, Scenario, audit, body, in_silence};
use crate::client::connect;
use crate::contestants::OWN;
use crate::dialect::Kind;
use crate::report::{Bar, Column};

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
    columns: &[
        Column::barred("lost of 200", &[(OWN, Bar::EachAtMost(0.0))]),
        Column::barred("repeated", &[(OWN, Bar::EachAtMost(0.0))]),
        Column::barred("lost in silence", &[(OWN, Bar::EachAtMost(0.0))]),
    ],
    runs: 3,
    run: |run| Box::pin(measure(run)),
    too_noisy: |_| false,
};

async fn measure(run: Run<'_>) -> Measured {
    let [stays, goes] = run.room(0).await?;
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
    let back = connect(run.server.address(1), dialect).await?;
    tokio::time::sleep(LATE).await;
    received.extend(back.take_received());
    let (missing, again, in_order) = audit(2 * MESSAGES, &received);
    let told = told || back.told_loss() || stays.told_loss();
    let mut notes = vec![format!("{} messages were refused to their sender", stays.refused())];
    if !in_order {
        notes.push("out of order".to_owned());
    }
    #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
    let counts = [missing, again, in_silence(missing, told, stays.refused())].map(|count| count as f64);
    Ok((counts.to_vec(), notes))
}
