//! How to import: for whom, out of which source; and why it could not be done.

use std::sync::Arc;

use chrono::NaiveDate;
use sanbao_platform::auth::Actor;
use sanbao_platform::cn::DiallingCode;
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lang::Lang;
use sanbao_platform::table::TableError;

use super::reading::Scope;
use crate::area::{self, AreaCode};

/// For whom a file is imported: whose source it is, and within which areas.
#[derive(Clone, Debug)]
pub enum Importer {
    /// Somebody of an organisation, within the areas of the token.
    Person(Actor),
    /// An operator at the command line, for a street office: within the area that it governs.
    Operator { office: OrganisationId, area: AreaCode },
}

impl Importer {
    /// The organisation whose source it is.
    pub fn organisation(&self) -> OrganisationId {
        match self {
            Self::Person(actor) => actor.organisation,
            Self::Operator { office, .. } => *office,
        }
    }

    /// The person; none at the command line.
    pub fn actor(&self) -> Option<&Actor> {
        match self {
            Self::Person(actor) => Some(actor),
            Self::Operator { .. } => None,
        }
    }

    pub(super) async fn scope(&self, conn: &mut Conn, on: NaiveDate) -> Result<Scope, DbError> {
        Ok(Arc::new(match self {
            Self::Person(actor) => area::scope_codes(conn, actor, on).await?,
            Self::Operator { area, .. } => area::descendants(conn, area, on).await?.into_iter().collect(),
        }))
    }
}

/// How to import.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// The organisation's system that the file comes from; with a row's external id it names a request.
    pub source: String,
    /// The file's name, for the report.
    pub file_name: Option<String>,
    /// Do all but write.
    pub dry_run: bool,
    /// For whom it is imported.
    pub importer: Importer,
    /// The request's id, for the audit log.
    pub request_id: String,
    /// The network's own area code.
    pub dialling_code: Option<DiallingCode>,
    /// The language of the file of bad rows.
    pub lang: Lang,
}

/// Why an import could not be done, or not go on; what its report counts is kept.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file could not be read from where it lies.
    #[error("the file cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// It is no table of requests.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The source's name is empty or too long.
    #[error("a source's name has 1 to 100 characters")]
    Source,
    /// The database failed; run the import again.
    #[error(transparent)]
    Db(#[from] DbError),
}
