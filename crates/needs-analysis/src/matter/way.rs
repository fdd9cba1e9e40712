//! The way from where a matter is up to the street, as the tree has it on the day: with whom it lies, and where it goes from there.
//!
//! A matter keeps its place and its level, never the code of those who have it: an area that is moved takes its open matters along
//! to the people of its new parent, without a row being written.
//!
//! Whether an area has people of its own only booking knows, which keeps the accounts. Here an area counts as having somebody when
//! a person to whom it was given as their own has looked at matters within [`POST_DAYS`]. A matter goes up to the next area that has
//! somebody, and where none is known to have, to the topmost, so that it never lies where nobody looks.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use sanbao_platform::auth::Actor;
use sanbao_platform::db::{Conn, Db, DbError, Tx};
use sanbao_platform::on;

use super::state::Levels;
use crate::area::{self, Area, AreaCode, Level};

/// So long an area counts as having somebody after its own people were here, in days.
pub const POST_DAYS: u64 = 60;

const SEEN: &str = "select count(*) from matter_post where area_code = $1 and seen_on >= $2";
const SEE: &str = "insert into matter_post (area_code, seen_on) values ($1, $2)
    on conflict (area_code) do update set seen_on = excluded.seen_on";

/// An area and those that it lies in, the smallest first.
#[derive(Clone, Debug, Default)]
pub struct Way(Vec<Area>);

/// How somebody's own areas stand to a matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnTheWay {
    /// It was raised in one of them or below: it may be read.
    pub sees: bool,
    /// It lies with one of them.
    pub with: bool,
    /// It was raised at one of them.
    pub raised: bool,
}

impl Way {
    /// The way up from an area on a day; empty for an unknown code.
    pub async fn of(conn: &mut Conn, code: &AreaCode, on: NaiveDate) -> Result<Self, DbError> {
        let mut way: Vec<Area> = area::find(conn, code).await?.into_iter().collect();
        way.extend(area::ancestors(conn, code, on).await?);
        Ok(Self(way))
    }

    /// The area with which something of a level lies: that of the level, or the next above where the tree has none.
    pub fn holder(&self, level: Level) -> Option<&Area> {
        self.0.iter().find(|area| area.level >= level)
    }

    /// The smallest of an actor's own areas on it.
    pub fn own(&self, actor: &Actor) -> Option<&Area> {
        self.0.iter().find(|area| is_own(actor, area))
    }

    /// How an actor stands to something of these levels.
    pub fn stands(&self, actor: &Actor, levels: Levels) -> OnTheWay {
        let held = |level| self.holder(level).is_some_and(|area| is_own(actor, area));
        OnTheWay {
            sees: self.0.iter().any(|area| area.level >= levels.raised && is_own(actor, area)),
            with: held(levels.at),
            raised: held(levels.raised),
        }
    }

    /// The area to which something goes up from a level; none from the topmost.
    pub async fn above(&self, conn: &mut Conn, level: Level, on: NaiveDate) -> Result<Option<&Area>, DbError> {
        // One of a higher level that has it for want of an area of its own has it already.
        let from = self.holder(level).map_or(level, |area| area.level);
        let above = || self.0.iter().filter(|area| area.level > from);
        for area in above() {
            if has_somebody(conn, &area.code, on).await? {
                return Ok(Some(area));
            }
        }
        Ok(above().next_back())
    }
}

fn is_own(actor: &Actor, area: &Area) -> bool {
    actor.areas.iter().any(|own| own == area.code.as_str())
}

async fn has_somebody(conn: &mut Conn, code: &AreaCode, on: NaiveDate) -> Result<bool, DbError> {
    let since = on - Days::new(POST_DAYS);
    let seen: i64 = on!(conn, |c| sqlx::query_scalar(SEEN).bind(code).bind(since).fetch_one(c).await)?;
    Ok(seen > 0)
}

/// Remembers that the people of an area were here.
pub async fn see(tx: &mut Tx, code: &AreaCode, on: NaiveDate) -> Result<(), DbError> {
    on!(tx, |c| sqlx::query(SEE).bind(code).bind(on).execute(c).await.map(drop))?;
    Ok(())
}

/// The same of an actor's own areas; most times it is known, and nothing is written.
pub async fn seen(db: &Db, actor: &Actor, on: NaiveDate) -> Result<(), DbError> {
    let mut new = Vec::new();
    let mut conn = db.read().await?;
    for code in actor.areas.iter().filter_map(|text| AreaCode::parse(text).ok()) {
        let today: i64 = on!(conn, |c| sqlx::query_scalar(SEEN).bind(&code).bind(on).fetch_one(c).await)?;
        if today == 0 && area::find(&mut conn, &code).await?.is_some() {
            new.push(code);
        }
    }
    drop(conn);
    if new.is_empty() {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    for code in &new {
        see(&mut tx, code, on).await?;
    }
    tx.commit().await
}

/// The ways that a page needs, each read once.
#[derive(Debug)]
pub struct Ways {
    on: NaiveDate,
    known: HashMap<AreaCode, Way>,
}

impl Ways {
    /// None yet.
    pub fn new(on: NaiveDate) -> Self {
        Self { on, known: HashMap::new() }
    }

    /// The way up from an area.
    pub async fn of(&mut self, conn: &mut Conn, code: &AreaCode) -> Result<Way, DbError> {
        if let Some(way) = self.known.get(code) {
            return Ok(way.clone());
        }
        let way = Way::of(conn, code, self.on).await?;
        self.known.insert(code.clone(), way.clone());
        Ok(way)
    }

    /// The day of the tree.
    pub fn on(&self) -> NaiveDate {
        self.on
    }
}
