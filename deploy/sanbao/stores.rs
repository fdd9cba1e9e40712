//! The databases of a process, and why a process could not be put together.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sanbao_platform::config::RootSecret;
use sanbao_platform::db::{Db, DbError, Holding, KeyMarks};
use sanbao_platform::nats::NatsError;

use crate::folder::{self, FolderError};
use crate::role::Role;
use crate::settings::Storage;

/// How long a process that serves waits for a server that cannot be reached.
const SERVER_WAIT: Duration = Duration::from_secs(30);
/// How long it waits before it asks again.
const SERVER_RETRY: Duration = Duration::from_secs(3);

/// Why the process could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The root secret cannot be read or made.
    #[error("the root secret {0}: {1}")]
    Secret(PathBuf, std::io::Error),
    /// The data folder cannot be made, or is not its owner's alone.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A database does not open or migrate.
    #[error("the {0} database: {1}")]
    Database(&'static str, DbError),
    /// The file of those that send signals cannot be used.
    #[error("the senders of signals in {0}: {1}")]
    SignalFile(PathBuf, String),
    /// The secret is no key.
    #[error("the root secret gives no signing key: {0}")]
    Keys(#[from] sanbao_platform::auth::TokenError),
    /// A service that runs alone would make a secret that the others do not have.
    #[error(
        "the root secret {0} is not there: the services of a network share one, which the first start of \
         `sanbao serve booking` makes; put a copy of it here"
    )]
    NoSecret(PathBuf),
    /// Half of the indexes are of one key and half of another.
    #[error("sealing under a new key was broken off ({0} says so): run `sanbao reseal` to its end first")]
    Resealing(PathBuf),
    /// The network between the services.
    #[error(transparent)]
    Nats(#[from] NatsError),
    /// Some services are elsewhere, and there is no way to them.
    #[error("services that run apart need NATS between them")]
    NoBus,
    /// A network's database without its secret.
    #[error(
        "the {database} database holds a network, and its root secret {secret} is missing: without it sealed fields \
         cannot be read. Put it back, or give its place with --secret-file"
    )]
    SecretLost {
        database: &'static str,
        /// Where the secret should be.
        secret: PathBuf,
    },
    /// A network's database beside another network's secret.
    #[error(
        "the {database} database was written under another root secret (marked {marked}) than {secret} (marked {given}): \
         give the secret of its network with --secret-file, or the databases of this one"
    )]
    OtherSecret {
        database: &'static str,
        /// The file that was read.
        secret: PathBuf,
        /// The mark in the database.
        marked: String,
        /// The mark of the file.
        given: String,
    },
    /// A copy of the secret that is older than the database.
    #[error(
        "{secret} has no key {key} (or another one), under which fields of the {database} database are sealed: it is a \
         copy from before `sanbao reseal`; put the newest copy there"
    )]
    OlderSecret {
        database: &'static str,
        /// The file that was read.
        secret: PathBuf,
        /// The number of the missing key.
        key: u32,
    },
    /// One database of several is gone.
    #[error(
        "{missing} is missing or empty, and the {present} database holds a network: restore it from the backup that the \
         others are of. A new one would know nothing of what the others refer to"
    )]
    Missing {
        /// The file or schema.
        missing: String,
        /// A service whose database is there.
        present: &'static str,
    },
    /// A command on a place where nothing is.
    #[error("there is no network here: {0} is missing or empty; give --data-dir or --database-url")]
    NoNetwork(String),
    /// A start that may not migrate, of databases that are not of this version.
    #[error(
        "with --no-migrate only databases of this version are served, and migrations have not run yet: {0}. Run \
         `sanbao migrate` first, or start without --no-migrate"
    )]
    NotMigrated(String),
    /// Databases of different times.
    #[error(transparent)]
    OutOfStep(#[from] sanbao_platform::bus::LogError),
    /// The ends of the audit logs have nowhere to go.
    #[error("--audit-checkpoints {0} cannot be written to: {1}")]
    Checkpoints(PathBuf, std::io::Error),
    /// Work on the data of a service that was not opened.
    #[error("the {0} database is not opened in this process")]
    NotOpened(&'static str),
}

/// The databases that were found for the services of a process: opened, and not migrated yet.
#[derive(Debug)]
pub struct Found(Vec<(Role, Db, Holding)>);

/// The purpose for which databases are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To serve a network, or to begin one where nothing is.
    Serve,
    /// To serve one that is there and of this version, without changing its schemas.
    ServeAsItIs,
    /// To work on one that is there.
    Work,
}

/// How an operator knows a service's database.
fn place(storage: &Storage, role: Role) -> String {
    match storage {
        Storage::Files(dir) => file(dir, role).display().to_string(),
        Storage::Postgres(_) => format!("the schema {}", role.schema()),
    }
}

fn file(dir: &Path, role: Role) -> PathBuf {
    dir.join(format!("{}.db", role.name()))
}

impl Found {
    /// Opens the databases of `roles`. Where one holds a network, all must: nothing is made beside it.
    pub async fn open(storage: &Storage, roles: &[Role], purpose: Purpose) -> Result<Self, ComposeError> {
        if let Storage::Files(dir) = storage {
            folder::make_private(dir)?;
        }
        let (mut found, mut absent) = (Vec::with_capacity(roles.len()), Vec::new());
        let deadline = Instant::now() + if purpose == Purpose::Work { Duration::ZERO } else { SERVER_WAIT };
        for role in roles.iter().copied() {
            // Nothing is made before all of them are known.
            match opened(storage, role, deadline, Missing::Stays).await? {
                Some(there) => found.push(there),
                None => absent.push(role),
            }
        }
        let missing = absent.first().copied();
        let missing =
            missing.or_else(|| found.iter().find(|(.., held)| *held == Holding::Nothing).map(|(role, ..)| *role));
        let present = found.iter().find(|(.., held)| held.is_used());
        let refusal = match (missing, present, purpose) {
            (Some(missing), Some((present, ..)), _) => {
                Some(ComposeError::Missing { missing: place(storage, missing), present: present.schema() })
            }
            (Some(missing), None, Purpose::Work | Purpose::ServeAsItIs) => {
                Some(ComposeError::NoNetwork(place(storage, missing)))
            }
            _ => None,
        };
        if let Some(refusal) = refusal {
            // Closed, they leave no files of their journals behind.
            Self(found).close().await;
            return Err(refusal);
        }
        for role in absent {
            found.extend(opened(storage, role, deadline, Missing::IsMade).await?);
        }
        found.sort_by_key(|(role, ..)| roles.iter().position(|r| r == role));
        Ok(Self(found))
    }

    /// Whether one of them holds a network.
    pub fn is_used(&self) -> bool {
        self.0.iter().any(|(.., held)| held.is_used())
    }

    /// The databases with their services.
    pub fn databases(&self) -> Vec<(Role, Db)> {
        self.0.iter().map(|(role, db, _)| (*role, db.clone())).collect()
    }

    /// Closes them.
    pub async fn close(&self) {
        for (_, db, _) in &self.0 {
            db.close().await;
        }
    }

    /// The network's secret. One is made only where no database holds anything that another has sealed.
    pub fn secret(&self, file: &Path) -> Result<RootSecret, ComposeError> {
        let of_file = |e| ComposeError::Secret(file.to_owned(), e);
        let used = self.0.iter().find(|(.., held)| held.is_used());
        if let Some((role, ..)) = used
            && !file.exists()
        {
            return Err(ComposeError::SecretLost { database: role.schema(), secret: file.to_owned() });
        }
        // Only a process that may be the first of its network makes one.
        if !self.0.iter().any(|(role, ..)| *role == Role::Booking) && !file.exists() {
            return Err(ComposeError::NoSecret(file.to_owned()));
        }
        let root = RootSecret::load_or_create_at(file).map_err(of_file)?;
        self.is_of(&root.marks(), file)?;
        Ok(root)
    }

    /// Whether everything was written under keys that `given` has.
    pub fn is_of(&self, given: &KeyMarks, file: &Path) -> Result<(), ComposeError> {
        for (role, _, held) in &self.0 {
            let Holding::Marked(marked) = held else { continue };
            let (database, secret) = (role.schema(), file.to_owned());
            if marked.root != given.root {
                let (marked, given) = (marked.root.clone(), given.root.clone());
                return Err(ComposeError::OtherSecret { database, secret, marked, given });
            }
            if let Some((key, _)) = marked.fields.iter().find(|(id, mark)| given.fields.get(id) != Some(mark)) {
                return Err(ComposeError::OlderSecret { database, secret, key: *key });
            }
        }
        Ok(())
    }

    /// Takes them as they are, and marks them with the network's keys.
    ///
    /// # Errors
    /// One is not of this version.
    pub async fn take_as_they_are(self, marks: &KeyMarks, now: DateTime<Utc>) -> Result<Stores, ComposeError> {
        let mut behind = Vec::new();
        for (role, db, _) in &self.0 {
            let failed = |e| ComposeError::Database(role.schema(), e);
            let pending = db.pending(role.migrations()).await.map_err(failed)?;
            if !pending.is_empty() {
                behind.push(format!("{} ({})", role.schema(), pending.join(", ")));
            }
        }
        if !behind.is_empty() {
            self.close().await;
            return Err(ComposeError::NotMigrated(behind.join("; ")));
        }
        for (role, db, _) in &self.0 {
            let failed = |e| ComposeError::Database(role.schema(), e);
            db.take_as_it_is().await.map_err(failed)?;
            db.mark(marks, now).await.map_err(failed)?;
        }
        Ok(Stores(self.0.into_iter().map(|(role, db, _)| (role, db)).collect()))
    }

    /// Migrates them, and marks them with the network's keys.
    pub async fn migrate(self, marks: &KeyMarks, now: DateTime<Utc>) -> Result<Stores, ComposeError> {
        for (role, db, _) in &self.0 {
            db.migrate(role.migrations()).await.map_err(|e| ComposeError::Database(role.schema(), e))?;
        }
        // All of them first: a start that is cut short before has left nothing that looks like a network.
        for (role, db, _) in &self.0 {
            db.mark(marks, now).await.map_err(|e| ComposeError::Database(role.schema(), e))?;
        }
        Ok(Stores(self.0.into_iter().map(|(role, db, _)| (role, db)).collect()))
    }
}

/// The way with a database that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    IsMade,
    Stays,
}

/// Opens the database of `role`; `None` where it is missing and stays so. A server may be starting too: it is asked again until
/// `deadline`, and the log says so.
async fn opened(
    storage: &Storage,
    role: Role,
    deadline: Instant,
    missing: Missing,
) -> Result<Option<(Role, Db, Holding)>, ComposeError> {
    let failed = |e| ComposeError::Database(role.schema(), e);
    let url = match storage {
        Storage::Files(dir) => format!("sqlite:{}", file(dir, role).display()),
        Storage::Postgres(url) => url.0.clone(),
    };
    let db = loop {
        let tried = match missing {
            Missing::IsMade => Db::open(&url, role.schema()).await.map(Some),
            Missing::Stays => Db::open_existing(&url, role.schema()).await,
        };
        match tried {
            Err(error @ DbError::NotConnected { .. }) if error.is_transient() && Instant::now() < deadline => {
                tracing::warn!(%error, "trying again for {} s at most", SERVER_WAIT.as_secs());
                tokio::time::sleep(SERVER_RETRY).await;
            }
            tried => break tried.map_err(failed)?,
        }
    };
    let Some(db) = db else { return Ok(None) };
    let holding = db.holding().await.map_err(failed)?;
    Ok(Some((role, db, holding)))
}

/// The databases of the services that this process runs, migrated.
#[derive(Clone, Debug)]
pub struct Stores(pub(crate) Vec<(Role, Db)>);

impl Stores {
    /// Opens and migrates those of `roles`, which hold a network; for work that needs no secret.
    pub async fn open(storage: &Storage, roles: &[Role]) -> Result<Self, ComposeError> {
        let Found(found) = Found::open(storage, roles, Purpose::Work).await?;
        for (role, db, _) in &found {
            db.migrate(role.migrations()).await.map_err(|e| ComposeError::Database(role.schema(), e))?;
        }
        Ok(Self(found.into_iter().map(|(role, db, _)| (role, db)).collect()))
    }

    /// The database of a service that this process runs.
    pub fn of(&self, role: Role) -> Result<&Db, ComposeError> {
        let found = self.0.iter().find(|(r, _)| *r == role).map(|(_, db)| db);
        found.ok_or(ComposeError::NotOpened(role.name()))
    }

    /// The services that this process runs.
    pub fn roles(&self) -> impl Iterator<Item = Role> {
        self.0.iter().map(|(role, _)| *role)
    }

    /// The databases with their services' names.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &Db)> {
        self.0.iter().map(|(role, db)| (role.name(), db))
    }

    /// Commits what is pending and closes them.
    pub async fn close(&self) {
        for (_, db) in self.all() {
            db.close().await;
        }
    }
}
