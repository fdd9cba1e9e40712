//! The last checkpoints of the audit logs: whether the ends of the chains went out to where nobody who writes to the databases can
//! change them, and how long ago.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use chrono::{DateTime, Duration, Utc};
use sanbao_platform::audit::chain::{Chainer, Checkpoint, Keeping, Since};
use sanbao_platform::clock::Clock;
use sanbao_platform::db::{Db, DbError};

use super::{Finding, Sentence, Standing};
use crate::role::Role;

/// The part of the file that is read at a time, from its end: thousands of checkpoints.
const PART_BYTES: u64 = 256 * 1024;
/// They go out every ten minutes; a row that waits for one longer than this shows that they are late.
const MINUTES_LOW: i64 = 30;
const MINUTES_MAX: i64 = 24 * 60;

/// One line for each chain, or one that says that nobody keeps their ends.
pub(crate) async fn look(keeping: &Keeping, databases: &[(Role, Db)], clock: &Clock) -> Vec<Finding> {
    let Some(file) = keeping.checkpoints.clone() else {
        let said = "state-said-checkpoints-unkept";
        return vec![Finding::wanting("state-checkpoints", Standing::Unknown, said, "state-do-checkpoints")];
    };
    let services: Vec<_> = databases.iter().map(|(role, _)| role.name()).collect();
    let read = tokio::task::spawn_blocking(move || told(&file.0, &services)).await;
    let told = match read.map_err(io::Error::other).flatten() {
        Ok(told) => told,
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
        match beside(&chainer, told.get(service)).await {
            // Nothing was written down yet, so that nothing can be changed.
            Ok(None) => {}
            Ok(Some((last, since))) => all.push(judged(what, last, since, clock.now())),
            Err(error) => {
                all.push(Finding::wanting(what, Standing::Unknown, Sentence::cause(&error), "state-do-databases"));
            }
        }
    }
    all
}

/// How a chain stands beside what was told of it, and beside which checkpoint; `None` while there is neither.
async fn beside<'a>(
    chainer: &Chainer,
    told: Option<&'a Told>,
) -> Result<Option<(Option<&'a Checkpoint>, Since)>, DbError> {
    // A chain that was made anew tells its new end within minutes, so that the one before is held against it too.
    if let Some(Told { earliest, .. }) = told
        && let Some(lost @ (Since::CutShort { .. } | Since::Rewritten)) = chainer.since(Some(earliest)).await?
    {
        return Ok(Some((Some(earliest), lost)));
    }
    let furthest = told.map(|told| &told.furthest);
    Ok(chainer.since(furthest).await?.map(|since| (furthest, since)))
}

fn judged(what: Sentence, last: Option<&Checkpoint>, since: Since, now: DateTime<Utc>) -> Finding {
    let Some(last) = last else {
        return Finding::wanting(what, Standing::Soon, "state-said-no-checkpoint", "state-do-checkpoint-file");
    };
    let (at, position) = (("at", at_text(last.at)), ("position", last.position.to_string()));
    let (rows, waits) = match since {
        Since::Rows { rows: 0, .. } => (0, Duration::zero()),
        // Without one, retention has taken them away, and they have waited longer than it keeps them.
        Since::Rows { rows, oldest } => (rows, now - oldest.unwrap_or(last.at)),
        Since::CutShort { end } => {
            let said = Sentence::with("state-said-chain-short", [at, position, ("end", end.to_string())]);
            return Finding::wanting(what, Standing::Bad, said, "state-do-chain");
        }
        Since::Rewritten => {
            let said = Sentence::with("state-said-chain-other", [at, position]);
            return Finding::wanting(what, Standing::Bad, said, "state-do-chain");
        }
    };
    let standing = match waits {
        waits if waits > Duration::minutes(MINUTES_MAX) => Standing::Bad,
        waits if waits > Duration::minutes(MINUTES_LOW) => Standing::Soon,
        _ => Standing::Good,
    };
    let minutes = (now - last.at).num_minutes().to_string();
    let values = [at, ("minutes", minutes), ("since", rows.to_string())];
    Finding::judged(what, standing, Sentence::with("state-said-checkpoint", values), "state-do-checkpoint-file")
}

fn at_text(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// The checkpoints of a service in the end of a file that tell the most.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    /// The first of them.
    earliest: Checkpoint,
    /// The one of the last place; the newest, unless the chain was cut short.
    furthest: Checkpoint,
}

impl Told {
    /// Adds one that was told before these.
    fn add(&mut self, before: Checkpoint) {
        if before.position > self.furthest.position {
            self.furthest = before.clone();
        }
        self.earliest = before;
    }
}

/// The checkpoints of each of `services` in a file, which is read from its end only as far as is needed for them.
fn told(path: &Path, services: &[&str]) -> io::Result<BTreeMap<String, Told>> {
    let mut file = File::open(path)?;
    let mut end = file.metadata()?.len();
    let mut found = BTreeMap::<String, Told>::new();
    // The rest of the line that begins in the part before.
    let mut rest = Vec::new();
    while end > 0 && !services.iter().all(|service| found.contains_key(*service)) {
        let begin = end.saturating_sub(PART_BYTES);
        file.seek(SeekFrom::Start(begin))?;
        let mut part = Vec::new();
        file.by_ref().take(end - begin).read_to_end(&mut part)?;
        part.append(&mut rest);
        let whole = match part.iter().position(|byte| *byte == b'\n') {
            _ if begin == 0 => 0,
            Some(newline) => newline + 1,
            None => part.len(),
        };
        for line in part[whole..].rsplit(|byte| *byte == b'\n') {
            let Ok(checkpoint) = serde_json::from_slice::<Checkpoint>(line) else { continue };
            match found.entry(checkpoint.service.clone()) {
                Entry::Vacant(place) => {
                    place.insert(Told { earliest: checkpoint.clone(), furthest: checkpoint });
                }
                Entry::Occupied(place) => place.into_mut().add(checkpoint),
            }
        }
        part.truncate(whole);
        (rest, end) = (part, begin);
    }
    Ok(found)
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
    fn the_newest_of_each_service_is_found_however_far_back_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoints");
        let long = of(&"x".repeat(usize::try_from(PART_BYTES).unwrap()), 1, 0);
        let file = CheckpointFile(path.clone());
        let before = [of("quiet", 4, 0), of("quiet", 5, 0), of("a", 1, 0), long.clone(), long];
        for checkpoint in before.into_iter().chain([of("a", 2, 1), of("b", 7, 1), of("a", 3, 2)]) {
            file.append(&checkpoint).unwrap();
        }
        let found = |services: &[&str]| {
            let all = told(&path, services).unwrap();
            services.iter().map(|service| all.get(*service).map(|told| told.furthest.position)).collect::<Vec<_>>()
        };
        assert_eq!(found(&["a", "b"]), [Some(3), Some(7)]);
        assert_eq!(found(&["a", "quiet", "none"]), [Some(3), Some(5), None]);
        assert!(told(&folder.path().join("none"), &["a"]).is_err());
        // One that was cut short has told less than before.
        file.append(&of("a", 1, 3)).unwrap();
        let a = told(&path, &["a"]).unwrap().remove("a").unwrap();
        assert_eq!((a.earliest.position, a.furthest.position), (2, 3));
    }

    #[test]
    fn a_checkpoint_is_late_when_a_row_has_waited_long_for_the_next_one() {
        let now = DateTime::UNIX_EPOCH + Duration::days(100);
        let last = of("a", 5, 0);
        let of = |last: Option<&Checkpoint>, since| judged("state-checkpoint".into(), last, since, now);
        let nothing = of(Some(&last), Since::Rows { rows: 0, oldest: None });
        assert_eq!((nothing.standing, nothing.advice), (Standing::Good, None), "a quiet house");
        assert_eq!(of(None, Since::Rows { rows: 1, oldest: Some(now) }).standing, Standing::Soon);
        let waits = [30, 31, 24 * 60, 24 * 60 + 1].map(|minutes| {
            of(Some(&last), Since::Rows { rows: 1, oldest: Some(now - Duration::minutes(minutes)) }).standing
        });
        assert_eq!(waits, [Standing::Good, Standing::Soon, Standing::Soon, Standing::Bad]);
        for lost in [Since::CutShort { end: 4 }, Since::Rewritten] {
            let finding = of(Some(&last), lost);
            assert_eq!((finding.standing, finding.advice), (Standing::Bad, Some("state-do-chain")));
        }
    }
}
