//! The parts that run in this process: the readers of events, the way to the streams, the tasks.

use sanbao_platform::bus::ConsumerStatus;
use sanbao_platform::nats::Nats;
use sanbao_platform::service::{Jobs, Wiring};

use super::{Finding, Sentence, Standing};

/// Events that a reader may be behind for the moment.
const BEHIND_LOW: i64 = 100;

/// How the readers and the tasks of this process stand.
pub(crate) async fn connections(wiring: &Wiring, jobs: &Jobs, nats: Option<&Nats>) -> Vec<Finding> {
    let mut all = vec![tasks(jobs)];
    let faults = wiring.faults.all();
    for (consumer, log) in &wiring.followers {
        let what = Sentence::with("state-consumer", [("name", consumer.name.to_owned())]);
        all.push(match consumer.status(log.as_ref()).await {
            Ok(status) => reader(what, &status),
            Err(error) => Finding::wanting(what, Standing::Unknown, Sentence::cause(&error), "state-do-reader"),
        });
    }
    for ((name, publisher), cause) in faults {
        let what = Sentence::with("state-out-of-step", [("name", name.to_owned()), ("of", publisher.to_owned())]);
        all.push(Finding::wanting(what, Standing::Bad, Sentence::cause(&cause), "state-do-step"));
    }
    for forwarder in &wiring.forwarders {
        let what = Sentence::with("state-publisher", [("name", forwarder.publisher().to_owned())]);
        all.push(match forwarder.behind().await {
            Ok(behind) => {
                let standing = if behind > BEHIND_LOW { Standing::Soon } else { Standing::Good };
                let said = Sentence::with("state-said-publisher", [("behind", behind.to_string())]);
                Finding::judged(what, standing, said, "state-do-nats")
            }
            Err(error) => Finding::wanting(what, Standing::Unknown, Sentence::cause(&error), "state-do-databases"),
        });
    }
    all.extend(nats.map(|nats| {
        if nats.is_connected() {
            Finding::good("state-nats", "state-said-connected")
        } else {
            Finding::wanting("state-nats", Standing::Bad, "state-said-unconnected", "state-do-nats")
        }
    }));
    all
}

fn reader(what: Sentence, status: &ConsumerStatus) -> Finding {
    let values = [("behind", status.behind.to_string()), ("parked", status.parked.to_string())];
    let said = Sentence::with("state-said-reader", values);
    if status.parked > 0 {
        Finding::wanting(what, Standing::Bad, said, "state-do-parked")
    } else if status.behind > BEHIND_LOW {
        Finding::wanting(what, Standing::Soon, said, "state-do-reader")
    } else {
        Finding::good(what, said)
    }
}

fn tasks(jobs: &Jobs) -> Finding {
    let state = jobs.state();
    let values = [("running", state.running), ("ended", state.ended), ("failed", state.failed)];
    let said = Sentence::with("state-said-jobs", values.map(|(name, count)| (name, count.to_string())));
    let standing = if state.failed > 0 { Standing::Bad } else { Standing::Good };
    Finding::judged("state-jobs".into(), standing, said, "state-do-jobs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_parked_wants_a_person_and_a_few_that_wait_do_not() {
        let of =
            |behind, parked| reader("state-consumer".into(), &ConsumerStatus { name: "x", behind, parked }).standing;
        assert_eq!(
            [of(0, 0), of(100, 0), of(101, 0), of(0, 1)],
            [Standing::Good, Standing::Good, Standing::Soon, Standing::Bad]
        );
    }
}
