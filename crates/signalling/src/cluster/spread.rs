//! The orders to TURN servers, told to every node: a person's allocation may be at a node that has left the room.

use futures_util::StreamExt as _;
use sanbao_platform::nats::Nats;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::turn::{TurnControl, TurnOrder};

/// Tells the orders of this node and hears those of others, until `stop`.
pub async fn spread(nats: Nats, control: TurnControl, stop: CancellationToken) {
    let subject = format!("{}.turn", nats.prefix());
    let mut untold = control.untold();
    let mut words = match nats.client().subscribe(subject.clone()).await {
        Ok(words) => words,
        Err(error) => return tracing::error!(%error, "other nodes' orders to TURN servers are not heard"),
    };
    loop {
        tokio::select! {
            order = untold.recv() => match order {
                Ok(order) => tell(&nats, &subject, &order).await,
                Err(RecvError::Lagged(count)) => tracing::error!(count, "orders to TURN servers were not told to others"),
                Err(RecvError::Closed) => return,
            },
            word = words.next() => match word.map(|word| serde_json::from_slice::<TurnOrder>(&word.payload)) {
                Some(Ok(order)) => drop(control.take(&order)),
                Some(Err(error)) => tracing::warn!(%error, "an order to TURN servers is not understood"),
                None => return,
            },
            () = stop.cancelled() => return,
        }
    }
}

async fn tell(nats: &Nats, subject: &str, order: &TurnOrder) {
    // Plain structs with string keys: serialising them cannot fail.
    let word = serde_json::to_vec(order).unwrap_or_default();
    if let Err(error) = nats.client().publish(subject.to_owned(), word.into()).await {
        tracing::error!(%error, "an order to TURN servers was not told to other nodes");
    }
}
