//! The report of an import: counts, and the first bad rows with their reasons; personal values masked.

use chrono::{DateTime, Utc};
use sanbao_platform::lang::Lang;
use sanbao_platform::{text_enum, typed_id};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::input::TABLE;
use super::meaning::UnknownWords;
use crate::request::id::RequestId;
use crate::request::state::RequestStateName;
use crate::texts::TEXTS;

use sanbao_platform::table::{ERRORS_MAX, Fault, FileNotes, RowError, RowPlace};

typed_id!(
    /// An import of one file.
    ImportId
);

text_enum! {
    /// How far an import is.
    pub enum RunState {
        /// Nothing was written: what would happen is told.
        Tried = "tried",
        /// It is under way, and goes on by itself if the program is stopped.
        Running = "running",
        /// It was broken off and its file is not kept: the same file can be imported again, or the run taken back.
        Broken = "broken",
        Finished = "finished",
        /// It is being taken back.
        Undoing = "undoing",
        /// It was taken back, but for what somebody has worked on since.
        Undone = "undone",
    }
}

/// The same file, imported before under another source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx_macros::FromRow)]
pub struct SameFile {
    pub id: ImportId,
    /// The other source.
    pub source: String,
    pub started_at: DateTime<Utc>,
}

/// A request that stays although its import was taken back, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Kept {
    pub request_id: RequestId,
    pub external_id: Option<String>,
    /// `worked_on`: somebody has done something with it since; `updated`: it was there before, and was brought up to date.
    pub reason: String,
}

/// How far an import was taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Undo {
    pub started_at: DateTime<Utc>,
    /// When all was done.
    pub finished_at: Option<DateTime<Utc>>,
    /// The name of the person.
    pub by: Option<String>,
    /// Requests that are gone.
    pub taken_back: i64,
    /// Requests that stay.
    pub kept: i64,
    /// The first of these.
    pub kept_first: Vec<Kept>,
}

/// How an import went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// The import; absent for a dry run, of which nothing is kept.
    pub id: Option<ImportId>,
    /// Whether it was a dry run.
    pub dry_run: bool,
    pub state: RunState,
    /// The name of the person; none at the command line.
    pub by: Option<String>,
    /// The outcome in a sentence, in the caller's language; of a dry run, what would happen.
    #[serde(default)]
    pub summary: String,
    /// The system the file comes from.
    pub source: String,
    pub file_name: Option<String>,
    pub started_at: DateTime<Utc>,
    /// When it ended; absent while it runs, or when it was killed and can be run again.
    pub finished_at: Option<DateTime<Utc>>,
    /// Rows of the file: the sum of created, updated, unchanged, ended, failed and skipped once all are done.
    pub total: i64,
    /// Rows looked at.
    pub done: i64,
    /// New requests.
    pub created: i64,
    /// Known requests that were brought up to date.
    pub updated: i64,
    /// Known requests that were as in the file.
    pub unchanged: i64,
    /// Bad rows.
    pub failed: i64,
    /// Rows that are none, such as a row of sums; each is told among the warnings.
    pub skipped: i64,
    /// Good rows whose category the table lacks: their words are kept under `other`.
    pub other: i64,
    /// Changed rows of requests that are closed, cancelled or merged: these were left as they are.
    pub ended: i64,
    /// Bad cells, and rows that were left, in all.
    pub error_count: i64,
    /// The first of these.
    pub errors: Vec<RowError>,
    /// Doubtful cells of rows that were taken, in all: their texts are kept as they stand.
    pub warning_count: i64,
    /// The first of these.
    pub warnings: Vec<RowError>,
    /// The things about the file that its rows do not tell.
    pub notes: FileNotes,
    /// Words of the file that mean nothing here yet; what they mean can be said once for the source.
    pub unknown: UnknownWords,
    /// The same file under another source: each of its requests would be there twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_file: Option<SameFile>,
    /// How it was taken back, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undo>,
    /// The bad rows as a CSV file to mend, with the reason behind each; told once, in the answer to the import alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
    /// A keyed hash of the file's bytes.
    #[serde(skip)]
    #[schema(ignore)]
    pub(super) file_hash: String,
}

impl Report {
    /// Before the first row.
    pub(super) fn start(
        id: Option<ImportId>,
        source: &str,
        file_name: Option<String>,
        total: i64,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            dry_run: id.is_none(),
            state: if id.is_none() { RunState::Tried } else { RunState::Running },
            by: None,
            summary: String::new(),
            source: source.to_owned(),
            file_name,
            started_at: now,
            finished_at: None,
            total,
            done: 0,
            created: 0,
            updated: 0,
            unchanged: 0,
            failed: 0,
            skipped: 0,
            other: 0,
            ended: 0,
            error_count: 0,
            errors: Vec::new(),
            warning_count: 0,
            warnings: Vec::new(),
            notes: FileNotes::default(),
            unknown: UnknownWords::default(),
            same_file: None,
            undo: None,
            mend: None,
            file_hash: String::new(),
        }
    }

    /// Counts a bad row and remembers its cells while there is room.
    pub(super) fn bad(&mut self, errors: Vec<RowError>) {
        self.failed += 1;
        self.remember(errors);
    }

    /// Counts a changed row that was left, and remembers why while there is room.
    pub(super) fn ended(&mut self, place: RowPlace, fault: Fault) {
        self.ended += 1;
        self.remember(vec![RowError::new(place, fault, None, &TABLE)]);
    }

    /// Counts a row that is none, and tells it.
    pub(super) fn skip(&mut self, why: RowError) {
        self.skipped += 1;
        self.doubt(vec![why]);
    }

    /// The rows that have an outcome.
    pub(super) fn accounted(&self) -> i64 {
        self.created + self.updated + self.unchanged + self.ended + self.failed + self.skipped
    }

    /// Counts the doubts about a row that was taken, and remembers them while there is room.
    pub(super) fn doubt(&mut self, warnings: Vec<RowError>) {
        self.warning_count += i64::try_from(warnings.len()).unwrap_or(0);
        let room = ERRORS_MAX.saturating_sub(self.warnings.len());
        self.warnings.extend(warnings.into_iter().take(room));
    }

    fn remember(&mut self, errors: Vec<RowError>) {
        self.error_count += i64::try_from(errors.len()).unwrap_or(0);
        let room = ERRORS_MAX.saturating_sub(self.errors.len());
        self.errors.extend(errors.into_iter().take(room));
    }

    /// The same with its reasons in a language.
    #[must_use]
    pub fn in_language(mut self, lang: Lang) -> Self {
        let told = |errors: Vec<RowError>| errors.into_iter().map(|error| error.in_language(lang)).collect();
        (self.errors, self.warnings) = (told(self.errors), told(self.warnings));
        self.summary = self.said(lang);
        self
    }

    /// The outcome in a sentence.
    fn said(&self, lang: Lang) -> String {
        let counts = [
            ("total", self.total),
            ("created", self.created),
            ("updated", self.updated),
            ("unchanged", self.unchanged),
            ("ended", self.ended),
            ("failed", self.failed),
            ("skipped", self.skipped),
        ];
        let text = |(name, count): (&'static str, i64)| (name, count.to_string());
        let undo = self.undo.as_ref().map_or((0, 0), |undo| (undo.taken_back, undo.kept));
        let more = [("done", self.done), ("taken", undo.0), ("kept", undo.1)];
        let args: Vec<(&str, String)> = counts.into_iter().chain(more).map(text).collect();
        let args: Vec<(&str, &str)> = args.iter().map(|(name, count)| (*name, count.as_str())).collect();
        let mut said = TEXTS.with(lang, &format!("import-said-{}", self.state), &args);
        if matches!(self.state, RunState::Tried | RunState::Finished) {
            let parts = counts.into_iter().skip(1).filter(|(_, count)| *count > 0);
            let when = if self.state == RunState::Tried { "would" } else { "did" };
            let parts: Vec<String> = parts
                .map(|(name, count)| {
                    TEXTS.with(lang, &format!("import-{when}-{name}"), &[("count", &count.to_string())])
                })
                .collect();
            said.push_str(&parts.join(&TEXTS.get(lang, "import-said-join")));
            said.push_str(&TEXTS.get(lang, "import-said-end"));
        }
        said
    }
}

/// The fault of a changed row whose request takes nothing any more.
pub(super) fn ended(state: RequestStateName) -> Fault {
    let (code, zh, en) = match state {
        RequestStateName::Cancelled => {
            ("request_cancelled", "工单已取消，没有按文件改动", "The request is cancelled and was left as it is")
        }
        RequestStateName::Merged => {
            ("request_merged", "工单已并入另一条，没有按文件改动", "The request was merged and was left as it is")
        }
        _ => ("request_closed", "工单已办结，没有按文件改动", "The request is closed and was left as it is"),
    };
    Fault::new("external_id", code, zh, en)
}
