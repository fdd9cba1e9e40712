//! The events by which other services learn who lies under whom, and the announcing of areas from before there were any.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::bus;
use sanbao_platform::crypto::sha256_hex;
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::{described, event_kinds};
use serde::Serialize;
use uuid::Uuid;

use super::id::AreaCode;
use super::model::{Area, Level};

described! {
    /// The data of `needs.area.added`.
    #[derive(Clone, Debug, Serialize)]
    pub struct AreaAdded<'a> {
        /// The area's code.
        pub code: &'a str,
        pub level: Level,
        /// Its name in Chinese.
        pub name_zh: &'a str,
        /// Its name in English.
        pub name_en: Option<&'a str>,
        /// The area that it lies in first; none for a whole.
        pub parent: Option<&'a str>,
        /// The first day that it lies there.
        pub from: Option<NaiveDate>,
    }
}

described! {
    /// The data of `needs.area.moved`.
    #[derive(Clone, Debug, Serialize)]
    pub struct AreaMoved<'a> {
        /// The area's code.
        pub code: &'a str,
        /// The area that it lies in now.
        pub parent: &'a str,
        /// The first day that it lies there.
        pub from: NaiveDate,
    }
}

described! {
    /// The data of `needs.area.renamed`.
    #[derive(Clone, Debug, Serialize)]
    pub struct AreaRenamed<'a> {
        /// The area's code.
        pub code: &'a str,
        pub level: Level,
        /// Its name in Chinese since.
        pub name_zh: &'a str,
        /// Its name in English since.
        pub name_en: Option<&'a str>,
    }
}

event_kinds! {
    AreaAdded<'static> {
        ADDED = "needs.area.added" 1 "An area is in the tree now.";
    }
    AreaMoved<'static> {
        MOVED = "needs.area.moved" 1 "From a day on an area lies in another.";
    }
    AreaRenamed<'static> {
        RENAMED = "needs.area.renamed" 1 "An area has another name.";
    }
}

/// An area has a code and no uuid: its events are named by the hash of the code.
fn subject(code: &AreaCode) -> Uuid {
    let hash = sha256_hex(code.as_str().as_bytes());
    Uuid::parse_str(hash.get(..32).unwrap_or_default()).unwrap_or_default()
}

/// Tells that an area is there, and where it lies first.
pub(super) async fn added(
    tx: &mut Tx,
    now: DateTime<Utc>,
    area: &Area,
    first: Option<(&AreaCode, NaiveDate)>,
) -> Result<(), DbError> {
    let data = AreaAdded {
        code: area.code.as_str(),
        level: area.level,
        name_zh: &area.name_zh,
        name_en: area.name_en.as_deref(),
        parent: first.map(|(parent, _)| parent.as_str()),
        from: first.map(|(_, from)| from),
    };
    bus::emit(tx, now, &ADDED, subject(&area.code), &data).await
}

/// Tells that from a day on an area lies in another.
pub(super) async fn moved(
    tx: &mut Tx,
    now: DateTime<Utc>,
    code: &AreaCode,
    parent: &AreaCode,
    from: NaiveDate,
) -> Result<(), DbError> {
    let data = AreaMoved { code: code.as_str(), parent: parent.as_str(), from };
    bus::emit(tx, now, &MOVED, subject(code), &data).await
}

/// Tells an area's names.
pub(super) async fn renamed(tx: &mut Tx, now: DateTime<Utc>, area: &Area) -> Result<(), DbError> {
    let data = AreaRenamed {
        code: area.code.as_str(),
        level: area.level,
        name_zh: &area.name_zh,
        name_en: area.name_en.as_deref(),
    };
    bus::emit(tx, now, &RENAMED, subject(&area.code), &data).await
}
