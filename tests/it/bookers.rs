//! 64 people book at once, over HTTP, on both engines: of those who want the same slot one wins, the others are
//! told the nearest free times, nobody gets an error of ours, and nobody waits long.

use std::collections::BTreeMap;
use std::time::Instant;

use futures_util::future::join_all;
use sanbao_platform::testing;
use serde_json::json;

use crate::common::{self, Served, flow};

const BOOKERS: usize = 64;
const SLOTS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn one_wins_each_slot() {
    testing::on_both(async |engine| {
        let name = engine.name();
        let served = Served::demo(engine).await;
        let nobody = served.nobody();
        let nurse = nobody.demo("nurse").await;
        let residents = flow::residents(&nurse).await;
        let rooms = flow::rooms(&nobody, &nurse).await;
        let doctor = nobody.demo("doctor").await;
        let hospital = flow::organisation(&nobody, "hospital").await;
        let mut consults = Vec::new();
        for n in 0..BOOKERS {
            consults.push(
                flow::accepted_between(&served, (&nurse, &doctor), &hospital, &residents[n % residents.len()]).await,
            );
        }
        // Days ahead, so that the demo's own consults are out of the way.
        let free = flow::slots(&served, &nurse, &consults[0], &rooms[0]).await;
        let wanted: Vec<String> = free.iter().rev().take(SLOTS).map(|slot| flow::text(slot, "/starts_at")).collect();
        assert_eq!(wanted.len(), SLOTS);
        let tries = consults.iter().enumerate().map(|(n, consult)| {
            let (nurse, body) = (nurse.clone(), json!({ "room_id": rooms[0], "starts_at": wanted[n % SLOTS] }));
            async move {
                let asked = Instant::now();
                let answer = nurse.post(&format!("/v1/consults/{consult}/schedule"), &body).await;
                (n % SLOTS, answer, asked.elapsed())
            }
        });
        let answers = join_all(tries).await;
        let mut winners: BTreeMap<usize, usize> = BTreeMap::new();
        for (slot, answer, _) in &answers {
            match answer.status.as_u16() {
                200 => *winners.entry(*slot).or_default() += 1,
                409 => {
                    assert_eq!(answer.problem(), "slot-taken");
                    let alternatives = answer.body["alternatives"].as_array().cloned().unwrap_or_default();
                    assert!(!alternatives.is_empty(), "a loser is told other times: {}", answer.text);
                }
                other => panic!("{other}: {}", answer.text),
            }
        }
        assert_eq!(winners, (0..SLOTS).map(|slot| (slot, 1)).collect());
        let mut waits: Vec<u128> = answers.iter().map(|(.., wait)| wait.as_millis()).collect();
        waits.sort_unstable();
        let words =
            format!("{name}: {BOOKERS} bookers, median {} ms, worst {} ms", waits[BOOKERS / 2], waits[BOOKERS - 1]);
        eprintln!("{words}");
        let file = common::artifacts().join(format!("bookers-{name}.txt"));
        std::fs::write(file, words + "\n").unwrap();
        served.stop().await;
    })
    .await;
}
