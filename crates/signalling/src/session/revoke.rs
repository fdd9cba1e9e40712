//! Rooms are told which tickets were taken back.

use std::sync::Arc;

use sanbao_platform::db::{Db, DbError};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::hub::Hub;
use crate::id::ConsultId;
use crate::revocation::{TOPIC, of_consult};
use crate::room::Revocation;

/// Tells rooms of revocations once they are durable, until `stop`. A room that is opened later reads the table.
pub(crate) async fn tell_rooms(hub: Arc<Hub>, db: Db, stop: CancellationToken) {
    let mut changes = db.changes();
    loop {
        let change = tokio::select! {
            change = changes.recv() => change,
            () = stop.cancelled() => return,
        };
        let consults = match change {
            Ok(change) if change.topic == TOPIC => vec![ConsultId(change.key)],
            Ok(_) => continue,
            Err(RecvError::Lagged(_)) => hub.open_consults(),
            Err(RecvError::Closed) => return,
        };
        for consult in consults {
            if let Err(error) = tell_room(&hub, &db, consult).await {
                tracing::error!(%consult, error, "a room was not told of a revoked ticket");
            }
        }
    }
}

async fn tell_room(hub: &Arc<Hub>, db: &Db, consult: ConsultId) -> Result<(), String> {
    let revoked = revoked(db, consult).await.map_err(|e| e.to_string())?;
    for revocation in revoked {
        hub.node.end_revoked(consult, &revocation); // also where the room is open nowhere
        hub.revoke(consult, &revocation).await.map_err(|e| e.to_string())?;
    }
    Ok(())
}

/// Read on a connection of its own, which is given back before the room is told.
async fn revoked(db: &Db, consult: ConsultId) -> Result<Vec<Revocation>, DbError> {
    of_consult(&mut db.read().await?, consult).await
}
