//! The shared log on real `nats-server`s: one, and three that replicate.

use std::time::Duration;

use crate::support::current::until_current;
use crate::support::nats::NatsServers;
use crate::support::rooms_log::{entry, open, room};
use bytes::Bytes;
use futures_util::StreamExt as _;
use sanbao_platform::nats::NatsError;
use sanbao_platform::nats::carry::{StreamFill, StreamReader};
use sanbao_signalling::id::ConsultId;
use sanbao_signalling::log::{AppendError, Committed, JetStreamLimits, JetStreamLog, Position, RoomLog};
use tokio::time::timeout;

/// Nothing takes longer, on a busy machine with a cluster that chooses a leader anew either.
const LONG: Duration = Duration::from_secs(90);

/// Appends until the log takes it, as it may be choosing who leads.
async fn append(log: &JetStreamLog, room: ConsultId, expected: Position, entry: Bytes) -> Position {
    let patient = async {
        loop {
            match log.append(room, expected, entry.clone()).await {
                Ok(position) => return position,
                Err(AppendError::Behind) => {
                    // A try that was not answered was stored; the server that is asked may not know it yet.
                    if let Some(stored) =
                        log.read(room, expected).await.ok().and_then(|stored| stored.into_iter().next())
                    {
                        assert_eq!(stored.entry, entry);
                        return stored.position;
                    }
                }
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, patient).await.unwrap()
}

#[tokio::test]
async fn an_append_that_expects_another_end_is_refused_and_every_entry_is_announced_with_its_neighbour() {
    let Some(servers) = NatsServers::start(1) else { return };
    let log = open(&servers, JetStreamLimits::default()).await;
    let mut watch = log.watch(room(1)).await.unwrap();
    let first = log.open_first(room(1), entry(1)).await.unwrap();
    let other = log.open_first(room(2), entry(9)).await.unwrap();
    assert!(other > first);
    let second = log.append(room(1), first, entry(2)).await.unwrap();
    for expected in [first, other, Position(second.0 + 1)] {
        assert_eq!(log.append(room(1), expected, entry(3)).await, Err(AppendError::Behind));
    }
    let heard = timeout(LONG, watch.next()).await.unwrap().unwrap();
    assert_eq!((heard.position, heard.previous, heard.entry), (first, Position::START, entry(1)));
    let heard = timeout(LONG, watch.next()).await.unwrap().unwrap();
    assert_eq!((heard.position, heard.previous, heard.entry), (second, first, entry(2)));
    let all = log.read(room(1), Position::START).await.unwrap();
    assert_eq!(
        all.iter().map(|e| (e.position, e.previous)).collect::<Vec<_>>(),
        [(first, Position::START), (second, first)]
    );
    assert!(log.read(room(3), Position::START).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_long_log_is_read_whole_and_a_trimmed_one_goes_on() {
    let Some(servers) = NatsServers::start(1) else { return };
    let log = open(&servers, JetStreamLimits::default()).await;
    let mut last = log.open_first(room(1), entry(0)).await.unwrap();
    let mut positions = vec![last];
    for n in 1..700 {
        last = log.append(room(1), last, entry(n)).await.unwrap();
        positions.push(last);
        if n % 10 == 0 {
            log.open_first(room(2), entry(n)).await.unwrap();
        }
    }
    let all = log.read(room(1), Position::START).await.unwrap();
    assert_eq!(all.iter().map(|e| e.position).collect::<Vec<_>>(), positions);
    assert!(all.windows(2).all(|pair| pair[1].previous == pair[0].position));
    assert_eq!(all[699].entry, entry(699));
    assert_eq!(log.read(room(1), positions[650]).await.unwrap().len(), 49);
    let before = log.bytes().await.unwrap();
    log.trim(room(1), positions[690]).await.unwrap();
    let after = log.bytes().await.unwrap();
    assert!(0 < after && after < before / 4, "{after} of {before} bytes");
    assert_eq!(log.read(room(1), Position::START).await.unwrap().len(), 10);
    assert_eq!(log.read(room(2), Position::START).await.unwrap().len(), 69, "other rooms keep theirs");
    log.append(room(1), last, entry(700)).await.unwrap();
}

#[tokio::test]
async fn a_full_log_and_an_entry_that_is_too_large_are_refused_and_change_nothing() {
    let Some(servers) = NatsServers::start(1) else { return };
    let limits = JetStreamLimits { stream_bytes_max: 200_000, ..JetStreamLimits::default() };
    let log = open(&servers, limits).await;
    let huge = Bytes::from(vec![0; 2 * 1024 * 1024]);
    assert!(matches!(log.open_first(room(1), huge).await, Err(AppendError::Unavailable(_))));
    let mut last = log.open_first(room(1), entry(0)).await.unwrap();
    let refused = loop {
        match log.append(room(1), last, Bytes::from(vec![0; 30_000])).await {
            Ok(position) => last = position,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::Unavailable(_)), "{refused}");
    assert_eq!(log.read(room(1), Position::START).await.unwrap().last().unwrap().position, last);
    log.trim(room(1), last).await.unwrap();
    log.append(room(1), last, entry(1)).await.unwrap();
}

#[tokio::test]
async fn a_log_goes_on_where_it_was_on_servers_that_replicate_although_it_comes_from_one_that_does_not() {
    let (Some(from), Some(mut to)) = (NatsServers::start(1), NatsServers::start(3)) else { return };
    let log = open(&from, JetStreamLimits::default()).await;
    let mut last = log.open_first(room(1), entry(0)).await.unwrap();
    for n in 1..60 {
        last = log.append(room(1), last, entry(n)).await.unwrap();
    }
    let other = log.open_first(room(2), entry(0)).await.unwrap();
    log.trim(room(1), last).await.unwrap();
    let (nats, there) = (from.connect().await, to.connect().await);
    let mut reader = StreamReader::new(&nats, &JetStreamLog::stream(&nats).name);
    let mut fill = StreamFill::begin(&there, JetStreamLog::stream(&there)).await.unwrap();
    reader.read_on(async |message| fill.write(&message).await).await.unwrap();
    assert!(matches!(JetStreamLog::open(there, JetStreamLimits::default()).await, Err(NatsError::Unfinished { .. })));
    assert_eq!(fill.end(reader.last()).await.unwrap(), 2);
    fill.release().await.unwrap();

    let log = open(&to, JetStreamLimits::default()).await;
    let next = append(&log, room(1), last, entry(60)).await;
    assert_eq!(next, Position(other.0 + 1));
    let places = |entries: Vec<Committed>| entries.into_iter().map(|e| (e.position, e.entry)).collect::<Vec<_>>();
    let expected = [(last, entry(59)), (next, entry(60))];
    assert_eq!(places(log.read(room(1), Position::START).await.unwrap()), expected);
    to.kill(0);
    append(&log, room(2), other, entry(1)).await;
}

#[tokio::test]
async fn a_killed_server_that_comes_back_has_every_entry_it_acknowledged() {
    let Some(mut servers) = NatsServers::start(1) else { return };
    let log = open(&servers, JetStreamLimits::default()).await;
    let mut last = log.open_first(room(1), entry(0)).await.unwrap();
    for n in 1..50 {
        last = log.append(room(1), last, entry(n)).await.unwrap();
    }
    servers.kill(0);
    assert!(matches!(
        log.append(room(1), last, entry(50)).await,
        Err(AppendError::Unavailable(_) | AppendError::Unknown(_))
    ));
    assert!(log.read(room(1), Position::START).await.is_err());
    servers.restart(0);
    last = append(&log, room(1), last, entry(50)).await;
    let all = log.read(room(1), Position::START).await.unwrap();
    assert_eq!(all.iter().map(|e| e.entry.clone()).collect::<Vec<_>>(), (0..51).map(entry).collect::<Vec<_>>());
    assert_eq!(all[50].position, last);
    assert!(log.connections() >= 2);
}

#[tokio::test]
async fn of_three_replicas_any_one_may_be_killed() {
    let Some(mut servers) = NatsServers::start(3) else { return };
    let log = open(&servers, JetStreamLimits::default()).await;
    let mut last = Position::START;
    let opened = async {
        while let Err(error) = log.open_first(room(1), entry(0)).await.map(|position| last = position) {
            assert_ne!(error, AppendError::Behind);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, opened).await.unwrap();
    for n in 0..3 {
        last = append(&log, room(1), last, entry(n)).await;
        until_current(&servers, "SANBAO_ROOMS").await;
        servers.kill(n);
        last = append(&log, room(1), last, entry(10 + n)).await;
        servers.restart(n);
        for more in 0..20 {
            last = append(&log, room(1), last, entry(100 * n + more)).await;
        }
    }
    let all = timeout(LONG, async {
        loop {
            match log.read(room(1), Position::START).await {
                Ok(all) if all.last().is_some_and(|e| e.position == last) => return all,
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    });
    let all = all.await.unwrap();
    assert!(all.len() > 3 * 22);
    assert!(all.windows(2).all(|pair| pair[1].previous == pair[0].position));
}
