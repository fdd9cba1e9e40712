//! The events of the area tree, written into the mirror.

use chrono::NaiveDate;
use futures_util::FutureExt as _;
use sanbao_platform::bus::{ConsumeError, Consumer, Event, Reads, reads};
use sanbao_platform::db::Tx;
use sanbao_platform::described;
use serde::Deserialize;
use std::sync::Arc;

use super::store;
use crate::App;

const ADDED: &str = "needs.area.added";
const MOVED: &str = "needs.area.moved";
const RENAMED: &str = "needs.area.renamed";

described! {
    /// The fields that are read of a new area.
    #[derive(Debug, Deserialize)]
    struct Added {
        code: String,
        level: String,
        name_zh: String,
        name_en: Option<String>,
        parent: Option<String>,
        from: Option<NaiveDate>,
    }
}

described! {
    /// The fields that are read of an area that has another name.
    #[derive(Debug, Deserialize)]
    struct Renamed {
        code: String,
        level: String,
        name_zh: String,
        name_en: Option<String>,
    }
}

described! {
    /// The fields that are read of an area that lies in another now.
    #[derive(Debug, Deserialize)]
    struct Moved {
        code: String,
        parent: String,
        from: NaiveDate,
    }
}

const KINDS: &[Reads] = &[reads::<Added>(ADDED), reads::<Moved>(MOVED), reads::<Renamed>(RENAMED)];

/// The follower of the area tree.
pub fn consumer(app: &App) -> Consumer {
    Consumer {
        name: "booking.areas",
        publisher: "needs-analysis",
        kinds: KINDS,
        db: app.deps.db.clone(),
        clock: app.deps.clock.clone(),
        handler: Arc::new(|tx, event| mirror(tx, event).boxed()),
    }
}

async fn mirror(tx: &mut Tx, event: &Event) -> Result<(), ConsumeError> {
    if event.kind == MOVED {
        let moved: Moved = event.read()?;
        return Ok(store::lay(tx, &moved.code, &moved.parent, moved.from).await?);
    }
    if event.kind == RENAMED {
        let area: Renamed = event.read()?;
        return Ok(store::insert(tx, &area.code, &area.level, &area.name_zh, area.name_en.as_deref()).await?);
    }
    let area: Added = event.read()?;
    store::insert(tx, &area.code, &area.level, &area.name_zh, area.name_en.as_deref()).await?;
    if let (Some(parent), Some(from)) = (&area.parent, area.from) {
        store::lay(tx, &area.code, parent, from).await?;
    }
    Ok(())
}
