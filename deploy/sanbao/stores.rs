//! The databases of a process, and why a process could not be put together.

use sanbao_platform::db::{Db, DbError};
use sanbao_platform::nats::NatsError;

use crate::folder::{self, FolderError};
use crate::role::Role;
use crate::settings::Storage;

/// Why the process could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The root secret cannot be read or made.
    #[error("the root secret {0}: {1}")]
    Secret(std::path::PathBuf, std::io::Error),
    /// The data folder cannot be made, or is not its owner's alone.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A database does not open or migrate.
    #[error("the {0} database: {1}")]
    Database(&'static str, DbError),
    /// The secret is no key.
    #[error("the root secret gives no signing key: {0}")]
    Keys(#[from] sanbao_platform::auth::TokenError),
    /// A service that runs alone would make a secret that the others do not have.
    #[error(
        "the root secret {0} is not there: the services of a network share one, which the first start of \
         `sanbao serve booking` makes; put a copy of it here"
    )]
    NoSecret(std::path::PathBuf),
    /// Half of the indexes are of one key and half of another.
    #[error("sealing under a new key was broken off ({0} says so): run `sanbao reseal` to its end first")]
    Resealing(std::path::PathBuf),
    /// The network between the services.
    #[error(transparent)]
    Nats(#[from] NatsError),
    /// Some services are elsewhere, and there is no way to them.
    #[error("services that run apart need NATS between them")]
    NoNetwork,
    /// Work on the data of a service that was not opened.
    #[error("the {0} database is not opened in this process")]
    NotOpened(&'static str),
}

/// The databases of the services that this process runs, migrated.
#[derive(Clone, Debug)]
pub struct Stores(pub(crate) Vec<(Role, Db)>);

impl Stores {
    /// Opens and migrates those of `roles` where `storage` says; no other service's data is touched.
    pub async fn open(storage: &Storage, roles: &[Role]) -> Result<Self, ComposeError> {
        if let Storage::Files(dir) = storage {
            folder::make_private(dir)?;
        }
        let mut stores = Vec::with_capacity(roles.len());
        for role in roles {
            let url = match storage {
                Storage::Files(dir) => format!("sqlite:{}", dir.join(format!("{}.db", role.name())).display()),
                Storage::Postgres(url) => url.0.clone(),
            };
            let failed = |e| ComposeError::Database(role.schema(), e);
            let db = Db::open(&url, role.schema()).await.map_err(failed)?;
            db.migrate(role.migrations()).await.map_err(failed)?;
            stores.push((*role, db));
        }
        Ok(Self(stores))
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
