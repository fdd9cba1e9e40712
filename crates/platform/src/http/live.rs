//! Server-sent events: tells a page that a list it shows has changed, never what is in it.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt, future};
use tokio_stream::wrappers::BroadcastStream;
use uuid::Uuid;

use super::Ctx;
use crate::db::Db;

/// A comment line keeps proxies from closing a quiet stream.
const KEEP_ALIVE_SECONDS: u64 = 15;
/// A stream ends after this long and the browser comes again, with a token that is checked anew.
const STREAM_SECONDS_MAX: u64 = 10 * 60;

/// A stream of `change` events for `topic` and `key`; ends on drain, with the log-in or the rights of `ctx`, and after
/// ten minutes.
pub fn live<K: Into<Uuid>>(
    db: &Db,
    topic: &'static str,
    key: K,
    ctx: Ctx,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<K>> {
    let key = key.into();
    let changes = BroadcastStream::new(db.changes()).filter_map(move |change| {
        future::ready(match change {
            Ok(change) if change.topic == topic && change.key == key => {
                Some(Ok(Event::default().event("change").data(topic)))
            }
            Ok(_) => None,
            // Too far behind to know what was missed: everything is read anew.
            Err(_) => Some(Ok(Event::default().event("change").data("resync"))),
        })
    });
    let hello = futures_util::stream::once(future::ready(Ok(Event::default()
        .event("hello")
        .data(topic)
        .retry(Duration::from_secs(2)))));
    let ended = db.ended().clone();
    let end = async move {
        tokio::select! {
            () = ctx.drain.cancelled() => {}
            () = ended.refused(ctx.actor) => {}
            () = tokio::time::sleep(Duration::from_secs(STREAM_SECONDS_MAX)) => {}
        }
    };
    let stream = hello.chain(changes).take_until(end);
    Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(KEEP_ALIVE_SECONDS)))
}
