//! The published events are a catalogue, and every consumer is held against it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use sanbao::compose;
use sanbao_platform::bus::{Published, unkept};
use sanbao_platform::clock::Clock;
use sanbao_platform::service::Service;
use sanbao_platform::testing;

use crate::common;

async fn services() -> Vec<Service> {
    let engine = testing::sqlite();
    compose::services(&common::parts(&engine, Clock::manual(common::morning())).await).unwrap()
}

#[tokio::test]
async fn the_catalogue_is_as_reviewed() {
    let mut told = String::new();
    for service in services().await {
        let _ = writeln!(told, "# {}\n", service.name);
        for event in &service.events {
            let _ = writeln!(told, "{} (version {}): {}", event.name, event.version, event.when);
            for field in event.fields {
                let optional = if field.optional { ", may be absent" } else { "" };
                let _ = writeln!(told, "    {}: {}{optional}", field.name, field.rust_type);
            }
        }
        told.push('\n');
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn kinds_are_named_once_and_after_their_service() {
    let mut names = BTreeSet::new();
    for service in services().await {
        let prefix = format!("{}.", service.name.split('-').next().unwrap());
        for event in &service.events {
            assert!(event.name.starts_with(&prefix), "{} is published by {}", event.name, service.name);
            assert!(names.insert(event.name), "{} stands twice", event.name);
        }
    }
}

#[tokio::test]
async fn every_consumer_reads_only_what_is_published() {
    let services = services().await;
    let mut wrong = Vec::new();
    let mut read = 0;
    for consumer in services.iter().flat_map(|s| &s.consumers) {
        let publisher = services.iter().find(|s| s.name == consumer.publisher);
        let catalogue: &[Published] = publisher.map_or(&[], |s| &s.events);
        for reads in consumer.kinds {
            read += 1;
            wrong.extend(unkept(reads, catalogue).into_iter().map(|what| format!("{}: {what}", consumer.name)));
        }
    }
    assert!(read > 0, "there are consumers");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
