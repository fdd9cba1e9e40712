//! A stream on its way through a backup, on a real `JetStream`: every message under its own number, and nothing half done taken for
//! a whole.
use std::time::Duration;

use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{self, StorageType};
use sanbao_platform::nats::carry::{Carried, StreamFill, StreamReader, refuse_full, refuse_unfinished, take_out};
use sanbao_platform::nats::{Nats, NatsError};
use sanbao_platform::testing;

fn config(nats: &Nats) -> stream::Config {
    stream::Config {
        name: format!("{}-things", nats.prefix()),
        description: Some("Things".to_owned()),
        subjects: vec![format!("{}.thing.*", nats.prefix())],
        storage: StorageType::File,
        max_age: Duration::from_hours(1),
        max_bytes: 64 * 1024 * 1024,
        max_messages: -1,
        max_messages_per_subject: -1,
        max_consumers: -1,
        allow_direct: true,
        ..stream::Config::default()
    }
}

/// Says something of a thing, as one that expects what the thing heard last.
async fn say(nats: &Nats, thing: u64, n: u64, expected: u64) -> u64 {
    let message = PublishMessage::build()
        .payload(format!("{n}号").into())
        .header("Content-Type", "text/plain")
        .message_id(format!("{thing}-{n}"))
        .expected_last_subject_sequence(expected);
    let subject = format!("{}.thing.{thing}", nats.prefix());
    nats.jetstream().send_publish(subject, message).await.unwrap().await.unwrap().sequence
}

async fn trim(nats: &Nats, thing: u64, before: u64) {
    let stream = nats.jetstream().get_stream_no_info(config(nats).name).await.unwrap();
    stream.purge().filter(format!("{}.thing.{thing}", nats.prefix())).sequence(before).await.unwrap();
}

/// A stream of which the beginning, some of the middle and the end have gone.
async fn spoken(nats: &Nats) {
    nats.ensure_stream(config(nats)).await.unwrap();
    let mut last = [0; 3];
    for n in 0..900 {
        let thing = n % 3;
        let place = usize::try_from(thing).unwrap();
        last[place] = say(nats, thing, n, last[place]).await;
    }
    for (thing, before) in [(0, 901), (1, 400), (2, 700)] {
        trim(nats, thing, before).await;
    }
    trim(nats, 2, 901).await;
}

async fn all(reader: &mut StreamReader) -> (Vec<Carried>, bool) {
    let mut messages = Vec::new();
    let each = async |message| {
        messages.push(message);
        Ok::<_, NatsError>(())
    };
    let is_whole = reader.read_on(each).await.unwrap();
    (messages, is_whole)
}

async fn read(nats: &Nats) -> (Vec<Carried>, u64) {
    let mut reader = StreamReader::new(nats, &config(nats).name);
    let (messages, _) = all(&mut reader).await;
    (messages, reader.last())
}

async fn filled(nats: &Nats, messages: &[Carried], last: u64) -> StreamFill {
    let mut fill = StreamFill::begin(nats, config(nats)).await.unwrap();
    for message in messages {
        fill.write(message).await.unwrap();
    }
    assert_eq!(fill.end(last).await.unwrap(), messages.len() as u64);
    fill
}

#[tokio::test]
async fn a_stream_comes_to_another_place_with_its_numbers_its_order_and_its_headers() {
    let (Some(from), Some(to)) = (testing::nats().await, testing::nats().await) else { return };
    spoken(&from).await;
    let (messages, last) = read(&from).await;
    assert_eq!((messages.len(), last), (167, 900));
    assert_eq!(messages[0].sequence, 401);
    assert_eq!(messages[166].subject, "thing.1");
    assert!(messages.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));
    let header = |name: &str, value: &str| (name.to_owned(), vec![value.to_owned()]);
    assert_eq!(messages[0].headers, [header("Content-Type", "text/plain"), header("Nats-Msg-Id", "1-400")]);
    assert_eq!(messages[0].payload, "400号".as_bytes());

    filled(&to, &messages, last).await.release().await.unwrap();
    assert_eq!(read(&to).await, (messages, last));
    // A writer of the first goes on in the second: also by what stood last under a subject.
    to.ensure_stream(config(&to)).await.unwrap();
    assert_eq!(say(&to, 1, 900, 899).await, 901);
    assert_eq!(say(&to, 0, 901, 0).await, 902);
}

#[tokio::test]
async fn a_stream_without_messages_goes_on_behind_its_last_number() {
    let Some(nats) = testing::nats().await else { return };
    filled(&nats, &[], 0).await.release().await.unwrap();
    assert_eq!(read(&nats).await, (Vec::new(), 0));
    filled(&nats, &[], 41).await.release().await.unwrap();
    assert_eq!(read(&nats).await, (Vec::new(), 41));
    assert_eq!(say(&nats, 1, 1, 0).await, 42);
}

#[tokio::test]
async fn what_has_gone_between_two_readings_is_noticed() {
    let Some(nats) = testing::nats().await else { return };
    let mut reader = StreamReader::new(&nats, &config(&nats).name);
    assert_eq!(all(&mut reader).await, (Vec::new(), true), "it is not there yet");
    nats.ensure_stream(config(&nats)).await.unwrap();
    let first = say(&nats, 1, 1, 0).await;
    assert_eq!(all(&mut reader).await.0.len(), 1);
    assert_eq!(all(&mut reader).await, (Vec::new(), true));
    let second = say(&nats, 1, 2, first).await;
    trim(&nats, 1, second).await;
    let (messages, is_whole) = all(&mut reader).await;
    assert!(is_whole && messages.len() == 1, "what was read before may go");
    let third = say(&nats, 1, 3, second).await;
    let fourth = say(&nats, 1, 4, third).await;
    trim(&nats, 1, fourth).await;
    let (messages, is_whole) = all(&mut reader).await;
    assert!(!is_whole && messages.len() == 1, "{messages:?}");
    let fifth = say(&nats, 1, 5, fourth).await;
    trim(&nats, 1, fifth + 1).await;
    assert_eq!(all(&mut reader).await, (Vec::new(), false));
    assert_eq!(reader.last(), fifth);
}

#[tokio::test]
async fn a_stream_that_holds_something_is_refused_and_one_that_was_broken_off_is_made_anew() {
    let Some(nats) = testing::nats().await else { return };
    let name = config(&nats).name;
    spoken(&nats).await;
    let (messages, last) = read(&nats).await;
    for error in
        [refuse_full(&nats, &name).await.unwrap_err(), StreamFill::begin(&nats, config(&nats)).await.unwrap_err()]
    {
        assert!(matches!(&error, NatsError::Holds { name: held, messages: 167 } if *held == name), "{error}");
    }
    nats.jetstream().delete_stream(&name).await.unwrap();
    let mut broken_off = StreamFill::begin(&nats, config(&nats)).await.unwrap();
    for message in &messages[..50] {
        broken_off.write(message).await.unwrap();
    }
    assert!(broken_off.write(&messages[20]).await.is_err(), "numbers grow");
    drop(broken_off);
    let error = refuse_unfinished(&nats, &name).await.unwrap_err();
    assert!(matches!(error, NatsError::Unfinished { .. }), "{error}");
    refuse_full(&nats, &name).await.unwrap();
    let error = take_out(&nats, config(&nats), &["thing.1".to_owned()]).await.unwrap_err();
    assert!(matches!(error, NatsError::Unfinished { .. }), "half of it: {error}");
    filled(&nats, &messages, last).await.hold().await.unwrap();
    let error = refuse_unfinished(&nats, &name).await.unwrap_err();
    assert!(matches!(error, NatsError::Held { .. }), "{error}");
    let others = ["thing.0", "thing.1"].map(str::to_owned);
    assert_eq!(take_out(&nats, config(&nats), &others).await.unwrap(), Some(167));
    refuse_unfinished(&nats, &name).await.unwrap();
    filled(&nats, &messages, last).await.give_up().await.unwrap();
    assert_eq!(read(&nats).await, (Vec::new(), 0));
    assert_eq!(take_out(&nats, config(&nats), &others).await.unwrap(), None, "there is none");
    let said = {
        nats.ensure_stream(config(&nats)).await.unwrap();
        say(&nats, 1, 1, 0).await
    };
    trim(&nats, 1, said + 1).await;
    let error = refuse_full(&nats, &name).await.unwrap_err();
    assert!(matches!(error, NatsError::Holds { messages: 0, .. }), "its numbers are of another time: {error}");
}

#[tokio::test]
async fn a_message_that_is_lost_on_the_way_is_noticed() {
    let Some(nats) = testing::nats().await else { return };
    spoken(&nats).await;
    let (messages, last) = read(&nats).await;
    nats.jetstream().delete_stream(config(&nats).name).await.unwrap();
    let mut fill = StreamFill::begin(&nats, config(&nats)).await.unwrap();
    for message in &messages {
        fill.write(message).await.unwrap();
    }
    let stream = nats.jetstream().get_stream_no_info(config(&nats).name).await.unwrap();
    stream.delete_message(messages[7].sequence).await.unwrap();
    let error = fill.end(last).await.unwrap_err();
    assert!(matches!(error, NatsError::NotWhole { copied: 166, messages: 167, .. }), "{error}");
}
