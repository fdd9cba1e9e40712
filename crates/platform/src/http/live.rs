//! Server-sent events: tells a page that a list it shows has changed, never what is in it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt, future};
use tokio_stream::wrappers::BroadcastStream;
use uuid::Uuid;

use super::ctx::Ctx;
use crate::db::Db;
use crate::id::SubjectId;
use crate::problem::{Problem, TOO_MANY};

/// A comment line keeps proxies from closing a quiet stream.
const KEEP_ALIVE_SECONDS: u64 = 15;
/// A stream ends after this long and the browser comes again, with a token that is checked anew.
const STREAM_SECONDS_MAX: u64 = 10 * 60;

/// Event streams of one account at once. A browser has one for all its tabs and each list that it shows.
pub const STREAMS_PER_ACCOUNT_MAX: usize = 32;
/// When a caller that was refused one may ask again.
const RETRY_SECONDS: u64 = 30;

/// The event streams of a process by account; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Streams(Arc<Mutex<HashMap<SubjectId, usize>>>);

/// One of an account's streams, as long as it is there.
struct StreamPlace {
    streams: Streams,
    account: SubjectId,
}

impl Streams {
    fn open(&self) -> MutexGuard<'_, HashMap<SubjectId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, account: SubjectId) -> Result<StreamPlace, Problem> {
        let mut open = self.open();
        let number = open.entry(account).or_default();
        if *number >= STREAMS_PER_ACCOUNT_MAX {
            return Err(Problem::new(&TOO_MANY).retry_after(RETRY_SECONDS));
        }
        *number += 1;
        Ok(StreamPlace { streams: self.clone(), account })
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut open = self.streams.open();
        if let Entry::Occupied(mut number) = open.entry(self.account) {
            *number.get_mut() -= 1;
            if *number.get() == 0 {
                number.remove();
            }
        }
    }
}

/// As [`live_of`], for one key.
pub fn live<K: Into<Uuid>>(
    db: &Db,
    topic: &'static str,
    key: K,
    ctx: &Ctx,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<K>>, Problem> {
    live_of(db, topic, [key.into()], ctx)
}

/// A stream of `change` events for `topic` and `keys`; ends on drain, with the log-in or the rights of `ctx`,
/// and after ten minutes. An account that has
/// [`STREAMS_PER_ACCOUNT_MAX`] is refused another. Nothing tells of keys that are not among these.
pub fn live_of<K: IntoIterator<Item = Uuid>>(
    db: &Db,
    topic: &'static str,
    keys: K,
    ctx: &Ctx,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<K>>, Problem> {
    let keys: HashSet<Uuid> = keys.into_iter().collect();
    let (place, drain) = (ctx.streams.enter(ctx.actor.subject)?, ctx.drain.clone());
    let (ended, actor) = (db.ended().clone(), ctx.actor.clone());
    let changes = BroadcastStream::new(db.changes()).filter_map(move |change| {
        future::ready(match change {
            Ok(change) if change.topic == topic && keys.contains(&change.key) => {
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
    let end = async move {
        tokio::select! {
            () = drain.cancelled() => {}
            () = ended.refused(actor) => {}
            () = tokio::time::sleep(Duration::from_secs(STREAM_SECONDS_MAX)) => {}
        }
    };
    let stream = hello.chain(changes).take_until(end).inspect(move |_| {
        // The place is the stream's.
        let _ = &place;
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(KEEP_ALIVE_SECONDS))))
}
