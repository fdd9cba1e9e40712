//! `sanbao erasures`: the list of those who were erased, which outlives a restore of an older backup, and is applied to one.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use sanbao_booking::account::person::erasure::{self, Erasure};
use sanbao_booking::consult::ConsultId;
use sanbao_needs_analysis::request::erased::{self, Gone, Over};
use sanbao_platform::clock::Clock;
use sanbao_platform::config::RootSecret;
use sanbao_platform::crypto::{derive, hex, same_secret};
use sanbao_platform::db::Db;
use sanbao_platform::db::copy::Snapshot;
use sanbao_platform::retention::Periods;
use sanbao_signalling::erased as signalling;
use serde::{Deserialize, Serialize};

use super::backup::{beside, private};
use super::{KeepingError, is_current, rooms};
use crate::cli_keeping::{ApplyArgs, ErasuresArgs};
use crate::command_error::CommandError;
use crate::folder;
use crate::role::Role;
use crate::settings::Storage;
use crate::stores::{Found, Purpose};

/// The purpose of the key that seals a list.
const SEALING: &str = "sanbao erasure list v1";
/// The end of the name of a list that is being written.
const UNFINISHED: &str = "part";

fn of(databases: &[(Role, Db)], role: Role) -> Option<&Db> {
    databases.iter().find(|(other, _)| *other == role).map(|(_, db)| db)
}

/// The databases of a network with the schema of this program.
async fn opened(storage: &Storage) -> Result<Found, CommandError> {
    let found = Found::open(storage, Role::ALL, Purpose::Work).await?;
    let databases = found.databases();
    let dbs: Vec<Db> = databases.iter().map(|(_, db)| db.clone()).collect();
    let mut snapshots = Snapshot::of(&dbs).await.map_err(KeepingError::from)?;
    is_current(&databases, &mut snapshots).await?;
    Ok(found)
}

/// Writes the list into a new file, a line each and a last one that seals it; may run beside the server.
pub async fn export(args: &ErasuresArgs) -> Result<(), CommandError> {
    let (storage, secret_file) = args.store.storage()?;
    if args.file.exists() {
        return Err(KeepingError::Exists(args.file.clone()).into());
    }
    let found = opened(&storage).await?;
    let databases = found.databases();
    let list = match of(&databases, Role::Booking) {
        Some(db) => erasure::all(db).await.map_err(KeepingError::from)?,
        None => Vec::new(),
    };
    let root = secret(&secret_file)?;
    let failed = |e: io::Error| KeepingError::File(args.file.clone(), e);
    // Under its own name it is whole, or not there.
    let unfinished = beside(&args.file, UNFINISHED);
    let mut file = private(&unfinished)?;
    file.write_all(text_of(&list, &root).map_err(failed)?.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&unfinished, &args.file).map_err(failed)?;
    found.close().await;
    let mut out = io::stdout().lock();
    writeln!(out, "{} erased people are in {}; keep it apart from the backups", list.len(), args.file.display())?;
    Ok(out.flush()?)
}

/// Applies a list to a stopped network, and writes its databases anew, so that no page keeps what was taken out.
pub async fn apply(args: &ApplyArgs) -> Result<(), CommandError> {
    let (storage, secret_file) = args.list.store.storage()?;
    let list = read(&args.list.file, &secret(&secret_file)?)?;
    let nats = rooms::nats(&args.nats).await?;
    let _claim = match &storage {
        Storage::Files(dir) => Some(folder::claim_stopped(dir)?),
        Storage::Postgres(_) => None,
    };
    let found = opened(&storage).await?;
    let periods = args.keep.periods(Periods::default().audit_days);
    let TakenOut { rows, consults } = applied(&found.databases(), &list, periods).await?;
    found.close().await;
    let entries = match &nats {
        Some(nats) => Some(rooms::take_out(nats, &consults).await?),
        None => None,
    };
    let mut out = io::stdout().lock();
    writeln!(out, "{} people of the list are erased here; {rows} rows were taken out or emptied", list.len())?;
    match entries {
        Some(entries) => writeln!(out, "{entries} entries of rooms' logs were taken out of NATS")?,
        None => writeln!(out, "Logs of rooms in NATS were not looked at: give --nats where services run apart")?,
    }
    Ok(out.flush()?)
}

fn secret(file: &Path) -> Result<RootSecret, KeepingError> {
    RootSecret::load_at(file).map_err(|e| KeepingError::File(file.to_owned(), e))
}

/// The last line of a list: without it the list is not whole.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seal {
    /// How many people stand above it.
    people: usize,
    /// The HMAC-SHA-256 of all lines above it, under a key of the network's root secret, as lower-case hex.
    mac: String,
}

impl Seal {
    fn of(lines: &str, root: &RootSecret) -> Self {
        let mac = derive(root.text(SEALING).as_bytes(), lines.as_bytes());
        Self { people: lines.lines().count(), mac: hex(&mac) }
    }
}

/// A list as its file has it.
fn text_of(list: &[Erasure], root: &RootSecret) -> io::Result<String> {
    let mut text = String::new();
    for erasure in list {
        text += &serde_json::to_string(erasure)?;
        text.push('\n');
    }
    let seal = serde_json::to_string(&Seal::of(&text, root))?;
    Ok(text + &seal + "\n")
}

/// The list of a file. A line that was changed since it was written is refused, and so is a list that is not whole or is another
/// network's.
pub(super) fn read(file: &Path, root: &RootSecret) -> Result<Vec<Erasure>, KeepingError> {
    let text = fs::read_to_string(file).map_err(|e| KeepingError::File(file.to_owned(), e))?;
    listed(&text, file, root)
}

fn listed(text: &str, file: &Path, root: &RootSecret) -> Result<Vec<Erasure>, KeepingError> {
    let not_whole = || KeepingError::ErasureList(file.to_owned());
    let whole = text.strip_suffix('\n').ok_or_else(not_whole)?;
    let (lines, last) = whole.split_at(whole.rfind('\n').map_or(0, |end| end + 1));
    let mut list = Vec::new();
    for (n, line) in lines.lines().enumerate() {
        let read = serde_json::from_str::<Erasure>(line).ok().filter(|erasure| erasure.hashed() == erasure.hash);
        list.push(read.ok_or_else(|| KeepingError::Erasure(file.to_owned(), n + 1))?);
    }
    let (seal, own): (Seal, Seal) = (serde_json::from_str(last).map_err(|_| not_whole())?, Seal::of(lines, root));
    if seal.people == own.people && same_secret(&seal.mac, &own.mac) { Ok(list) } else { Err(not_whole()) }
}

/// Empties the rooms of consults; how many rows.
async fn emptied(databases: &[(Role, Db)], consults: &[ConsultId]) -> Result<u64, KeepingError> {
    let Some(db) = of(databases, Role::Signalling) else { return Ok(0) };
    let mut rows = 0;
    for consult in consults {
        rows += signalling::apply(db, consult.0).await?;
    }
    Ok(rows)
}

/// Refuses a list while a record of it is joined with one that is not: before anything is taken out, since that cannot be undone.
async fn apart(databases: &[(Role, Db)], list: &[Erasure]) -> Result<(), KeepingError> {
    let Some(db) = of(databases, Role::Booking) else { return Ok(()) };
    for erasure in list {
        let strangers = erasure::strangers(db, erasure).await?;
        if !strangers.is_empty() {
            let strangers = strangers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Err(KeepingError::Joined { person: erasure.person_id.to_string(), strangers });
        }
    }
    Ok(())
}

/// The records of somebody for needs-analysis; the requests go with the record that is left.
fn gone(erasure: &Erasure) -> impl Iterator<Item = Gone<'_>> {
    erasure.records.iter().map(|record| {
        let requests = erasure.requests.as_ref().filter(|_| *record == erasure.person_id);
        let requests = requests.map_or(&[][..], |requests| requests.as_slice());
        Gone { person: *record, requests, at: erasure.erased_at }
    })
}

/// The traces of the erased that were taken out.
#[derive(Debug, Default)]
pub(super) struct TakenOut {
    rows: u64,
    /// Their consults, in whose rooms something may stand that is in no database.
    pub(super) consults: Vec<ConsultId>,
}

/// Takes everybody of a list out of these databases, and writes them anew.
pub(super) async fn applied(
    databases: &[(Role, Db)],
    list: &[Erasure],
    periods: Periods,
) -> Result<TakenOut, KeepingError> {
    let over = Over { now: Clock::system().now(), periods };
    let TakenOut { mut rows, consults: mut all } = TakenOut::default();
    apart(databases, list).await?;
    for erasure in list {
        if let Some(db) = of(databases, Role::Booking) {
            let (taken, consults) = erasure::apply(db, erasure).await?;
            rows += taken + emptied(databases, &consults).await?;
            all.extend(consults);
        }
        if let Some(db) = of(databases, Role::NeedsAnalysis) {
            for gone in gone(erasure) {
                rows += erased::apply(db, &gone, over).await? as u64;
            }
        }
    }
    for (_, db) in databases {
        db.compact().await?;
    }
    Ok(TakenOut { rows, consults: all })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeMap;

    use sanbao_booking::account::person::erasure::ErasureCause;
    use sqlx::types::Json;
    use uuid::Uuid;

    use super::*;

    fn erasure(n: u128) -> Erasure {
        let erasure = Erasure {
            id: Uuid::from_u128(n),
            person_id: Uuid::from_u128(n + 100),
            records: Json(vec![Uuid::from_u128(n + 100)]),
            requests: None,
            cause: ErasureCause::Demand,
            organisation_id: Uuid::from_u128(1),
            erased_by: Uuid::from_u128(2),
            erased_at: "2026-11-23T00:30:00Z".parse().unwrap(),
            taken: Json(BTreeMap::new()),
            hash: String::new(),
        };
        Erasure { hash: erasure.hashed(), ..erasure }
    }

    #[test]
    fn a_list_is_read_only_whole_and_only_by_its_own_network() {
        let (root, other) = (RootSecret::from_bytes([1; 32]), RootSecret::from_bytes([2; 32]));
        let read = |text: &str, root: &RootSecret| listed(text, Path::new("list"), root);
        let list = [erasure(1), erasure(2)];
        let text = text_of(&list, &root).unwrap();
        assert_eq!(read(&text, &root).unwrap(), list);
        assert_eq!(read(&text_of(&[], &root).unwrap(), &root).unwrap(), []);
        let lines: Vec<&str> = text.lines().collect();
        let without = |n: usize| [&lines[..n], &lines[n + 1..]].concat().join("\n") + "\n";
        let cut: Vec<String> = vec![String::new(), without(0), without(1), without(2), text.trim_end().to_owned()];
        for text in &cut {
            assert!(
                matches!(read(text, &root), Err(KeepingError::ErasureList(_) | KeepingError::Erasure(..))),
                "{text}"
            );
        }
        assert!(matches!(read(&text, &other), Err(KeepingError::ErasureList(_))));
        assert!(matches!(read(&text.replacen("demand", "order", 1), &root), Err(KeepingError::Erasure(_, 1))));
    }
}
