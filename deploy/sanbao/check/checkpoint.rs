//! The last checkpoints of the audit logs: whether the ends of the chains went out to where nobody who writes to the databases can
//! change them, and how long ago.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::audit::chain::{Chainer, Checkpoint, Keeping};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::Db;

use super::{Finding, Sentence, Standing};
use crate::role::Role;

/// The end of the file that is read: thousands of checkpoints.
const TAIL_BYTES: u64 = 256 * 1024;
/// They go out every ten minutes; one that is older than this, of a chain that has grown, is late.
const MINUTES_LOW: i64 = 30;
const MINUTES_MAX: i64 = 24 * 60;

/// One line for each chain, or one that says that nobody keeps their ends.
pub(crate) async fn look(keeping: &Keeping, databases: &[(Role, Db)], clock: &Clock) -> Vec<Finding> {
    let Some(file) = keeping.checkpoints.clone() else {
        let said = "state-said-checkpoints-unkept";
        return vec![Finding::wanting("state-checkpoints", Standing::Unknown, said, "state-do-checkpoints")];
    };
    let read = tokio::task::spawn_blocking(move || newest(&file.0)).await;
    let newest = match read.map_err(io::Error::other).flatten() {
        Ok(newest) => newest,
        Err(error) => {
            let said = Sentence::cause(&error);
            return vec![Finding::wanting("state-checkpoints", Standing::Bad, said, "state-do-checkpoint-file")];
        }
    };
    let mut all = Vec::new();
    for (role, db) in databases {
        let service = role.name();
        let chainer = Chainer { service, db: db.clone(), clock: clock.clone() };
        let what = Sentence::with("state-checkpoint", [("name", service.to_owned())]);
        match chainer.checkpoint().await {
            // Nothing was written down yet, so that nothing can be changed.
            Ok(None) => {}
            Ok(Some(head)) => all.push(judged(what, newest.get(service), &head)),
            Err(error) => {
                all.push(Finding::wanting(what, Standing::Unknown, Sentence::cause(&error), "state-do-databases"));
            }
        }
    }
    all
}

fn judged(what: Sentence, last: Option<&Checkpoint>, head: &Checkpoint) -> Finding {
    let Some(last) = last else {
        return Finding::wanting(what, Standing::Soon, "state-said-no-checkpoint", "state-do-checkpoint-file");
    };
    let age = head.at - last.at;
    let standing = match age {
        _ if head.position <= last.position => Standing::Good,
        age if age > Duration::minutes(MINUTES_MAX) => Standing::Bad,
        age if age > Duration::minutes(MINUTES_LOW) => Standing::Soon,
        _ => Standing::Good,
    };
    let since = (head.position - last.position).max(0).to_string();
    let values = [("at", at_text(last.at)), ("minutes", age.num_minutes().to_string()), ("since", since)];
    Finding::judged(what, standing, Sentence::with("state-said-checkpoint", values), "state-do-checkpoint-file")
}

fn at_text(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// The last checkpoint of each service in the end of a file.
fn newest(path: &Path) -> io::Result<BTreeMap<String, Checkpoint>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut text = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut text)?;
    let lines = text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Checkpoint>(line).ok());
    Ok(lines.map(|checkpoint| (checkpoint.service.clone(), checkpoint)).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use sanbao_platform::audit::chain::CheckpointFile;

    use super::*;

    fn of(service: &str, position: i64, minutes: i64) -> Checkpoint {
        let at = DateTime::UNIX_EPOCH + Duration::minutes(minutes);
        Checkpoint { service: service.to_owned(), at, position, link: "00".to_owned() }
    }

    #[test]
    fn the_newest_of_each_service_is_found_behind_a_line_that_was_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoints");
        let long = of(&"x".repeat(usize::try_from(TAIL_BYTES).unwrap()), 1, 0);
        let file = CheckpointFile(path.clone());
        for checkpoint in [of("a", 1, 0), long, of("a", 2, 1), of("b", 7, 1), of("a", 3, 2)] {
            file.append(&checkpoint).unwrap();
        }
        let found: Vec<_> = newest(&path).unwrap().into_values().map(|c| (c.service, c.position)).collect();
        assert_eq!(found, [("a".to_owned(), 3), ("b".to_owned(), 7)]);
        assert!(newest(&folder.path().join("none")).is_err());
    }

    #[test]
    fn a_checkpoint_is_late_only_when_its_chain_has_grown() {
        let stands = |last: Option<Checkpoint>, head: Checkpoint| {
            judged("state-checkpoint".into(), last.as_ref(), &head).standing
        };
        assert_eq!(stands(None, of("a", 1, 0)), Standing::Soon);
        assert_eq!(stands(Some(of("a", 5, 0)), of("a", 5, 100_000)), Standing::Good);
        let grown = [30, 31, 24 * 60, 24 * 60 + 1].map(|minutes| stands(Some(of("a", 5, 0)), of("a", 6, minutes)));
        assert_eq!(grown, [Standing::Good, Standing::Soon, Standing::Soon, Standing::Bad]);
    }
}
