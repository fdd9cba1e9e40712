//! Free times of all doctors, kept in memory: what a search of a thousand doctors reads instead of their hours and bookings.
//!
//! A day is loaded when somebody searches it, and follows the [changes](calendar::changes) of all processes before each search.
//! What stands here may be late by one that is being committed: then booking answers that the time is taken, since the
//! calendar itself decides.
//!
//! A search has a copy of its own, which shares the posts and the days with the one that is kept: nobody waits for another search,
//! only for the few statements by which the openings follow what was written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use chrono::{DateTime, Days, Duration, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use sanbao_platform::db::{Conn, Db, DbError};
use sanbao_platform::id::OrganisationId;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::criteria::Local;
use super::offer::{offered, session_of};
use super::rank::Rank;
use super::rules::{AROUND, CalendarRule};
use super::sets::{Kept, KeptHours};
use super::store::{self, Practitioner};
use crate::account::AccountId;
use crate::calendar::changes::{self, Change, ChangeKind, ChangeMark, MARK_AGE_MAX};
use crate::calendar::{self, Interval, TakenLanes, TakenTime};

/// Days kept at most; beyond that the last one of them goes.
const DAYS_MAX: usize = 100;
/// Days that are read before anybody asks for them.
const DAYS_AT_ONCE: usize = 2;
/// After so long all is read anew, whatever was told.
const AGE_MAX: std::time::Duration = std::time::Duration::from_hours(1);
/// Places of posts that are read anew.
const POSTS_LEFT_MAX: usize = 1_000;
/// No slot is longer, so none that begins on a day ends later after it.
const SLOT_HOURS_MAX: i64 = 4;

/// The last day whose exceptions are read: all that are ahead.
const LAST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 31) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

/// A doctor in a hospital, with the hours kept there.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) doctor: Practitioner,
    pub(super) zone: Tz,
    /// How early a time is to be booked.
    pub(super) notice: Duration,
    kept: Kept,
    /// The rest of the rule, if there is any.
    rule: Option<CalendarRule>,
}

impl Post {
    fn new(doctor: Practitioner, kept: Kept, rule: Option<CalendarRule>) -> Result<Self, DbError> {
        let notice =
            rule.and_then(|rule| rule.notice_hours).map_or(Duration::zero(), |hours| Duration::hours(hours.into()));
        let rest = rule.map(|rule| CalendarRule { notice_hours: None, ..rule });
        let rule = rest.filter(|rest| *rest != CalendarRule::default());
        Ok(Self { zone: doctor.zone()?, doctor, notice, kept, rule })
    }

    /// The moment from which on a time is free, as what is only held is given up; `None` where it never is.
    fn free_from(&self, at: Interval, taken: &[TakenTime]) -> Option<DateTime<Utc>> {
        let mut free_from = DateTime::<Utc>::MIN_UTC;
        for over in taken.iter().filter(|taken| taken.interval.overlaps(&at)) {
            free_from = free_from.max(over.expires_at?);
        }
        let Some(rule) = self.rule else { return Some(free_from) };
        let session = session_of(&self.kept.hours, &self.kept.exceptions, self.zone, at);
        let ends: BTreeSet<_> =
            taken.iter().filter_map(|held| held.expires_at.filter(|end| *end > free_from)).collect();
        std::iter::once(free_from).chain(ends).find(|then| {
            let there: Vec<_> = taken.iter().filter(|taken| taken.holds(*then)).map(|taken| taken.interval).collect();
            rule.broken(*then, at, session, &there, self.zone).is_none()
        })
    }
}

/// A time that a doctor offers and that nothing takes for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) at: Interval,
    /// The number of the post.
    pub(super) post: usize,
    pub(super) local: Local,
    /// Held by somebody until then.
    pub(super) free_from: DateTime<Utc>,
}

/// The openings that are kept: none at first.
#[derive(Debug, Default)]
pub struct SlotIndex {
    kept: Mutex<Arc<KnownOpenings>>,
    /// Whether a task of this process keeps it, so that a search need not wait for all to be read.
    has_keeper: AtomicBool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct KnownOpenings {
    /// How far it follows the changes, and when it was brought there.
    mark: Option<(ChangeMark, Instant, DateTime<Utc>)>,
    /// When all was read.
    read: Option<Instant>,
    /// The first day whose exceptions are known.
    first: NaiveDate,
    /// `None` for those who are not to be booked any more.
    posts: Vec<Option<Arc<Post>>>,
    of_doctor: HashMap<AccountId, Vec<usize>>,
    /// The hospitals whose zone does not exist: their doctors are left out, and the log has said so once.
    left_out: BTreeSet<OrganisationId>,
    /// The openings that begin on a day of UTC, by time, then by doctor, then by hospital.
    days: BTreeMap<NaiveDate, Arc<Vec<Opening>>>,
}

/// The doctors whose openings of some days are to be found anew.
type Stale = BTreeMap<NaiveDate, BTreeSet<AccountId>>;

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

impl SlotIndex {
    /// Keeps it from now on: reads all where that is not known, and follows what has changed. While it reads, searches go on
    /// without it.
    pub async fn keep(&self, db: &Db, now: DateTime<Utc>) -> Result<(), DbError> {
        self.has_keeper.store(true, Ordering::Relaxed);
        let today = now.date_naive();
        if !self.kept.lock().await.is_usable(now, today - Days::new(1)) {
            let mut read = Arc::new(KnownOpenings::default());
            let mut conn = db.read().await?;
            KnownOpenings::follow(&mut read, &mut conn, now).await?;
            for day in today.iter_days().take(DAYS_AT_ONCE) {
                KnownOpenings::load(&mut read, &mut conn, day).await?;
            }
            *self.kept.lock().await = read;
            return Ok(());
        }
        self.now(db, now).await.map(drop)
    }

    /// As [`now`](Self::now); `None` where all would have to be read, and a task is about to do so.
    pub(super) async fn at_hand(&self, db: &Db, now: DateTime<Utc>) -> Result<Option<Arc<KnownOpenings>>, DbError> {
        let is_usable = self.kept.lock().await.is_usable(now, now.date_naive() - Days::new(1));
        if !is_usable && self.has_keeper.load(Ordering::Relaxed) {
            return Ok(None);
        }
        self.now(db, now).await.map(Some)
    }

    /// The openings that are kept, as they are now. No connection is held while others have theirs brought up to date.
    pub(super) async fn now(&self, db: &Db, now: DateTime<Utc>) -> Result<Arc<KnownOpenings>, DbError> {
        let mut known = self.kept.lock().await;
        let mut conn = db.read().await?;
        KnownOpenings::follow(&mut known, &mut conn, now).await?;
        Ok(Arc::clone(&known))
    }

    /// The openings with those of a day, which are kept from now on.
    pub(super) async fn with(
        &self,
        db: &Db,
        now: DateTime<Utc>,
        day: NaiveDate,
    ) -> Result<Arc<KnownOpenings>, DbError> {
        let mut known = self.kept.lock().await;
        let mut conn = db.read().await?;
        KnownOpenings::follow(&mut known, &mut conn, now).await?;
        KnownOpenings::load(&mut known, &mut conn, day).await?;
        Ok(Arc::clone(&known))
    }
}

impl KnownOpenings {
    /// Brings it to what is committed. All that is read is read before anything is changed, so that a search that is
    /// given up half way leaves it as it was.
    async fn follow(kept: &mut Arc<Self>, conn: &mut Conn, now: DateTime<Utc>) -> Result<(), DbError> {
        let began = Instant::now();
        let yesterday = now.date_naive() - Days::new(1);
        let followed = match &kept.mark {
            Some((mark, ..)) if kept.is_usable(now, yesterday) => Some(changes::since(conn, mark).await?),
            _ => None,
        };
        match followed.filter(|(mark, changes)| kept.can_follow(mark, changes)) {
            Some((mark, changes)) => {
                Self::take_over(kept, conn, &changes).await?;
                let known = Arc::make_mut(kept);
                known.mark = Some((mark, began, now));
                known.days.retain(|day, _| *day >= yesterday);
            }
            _ => {
                let left_out = kept.left_out.clone();
                *kept = Arc::new(Self::read(conn, now, yesterday - Days::new(1), left_out).await?);
            }
        }
        Ok(())
    }

    fn can_follow(&self, mark: &ChangeMark, changes: &[Change]) -> bool {
        !self.mark.as_ref().is_some_and(|(kept, ..)| mark.is_before(kept))
            && !changes.iter().any(|change| change.kind == ChangeKind::Hospital)
    }

    fn is_usable(&self, now: DateTime<Utc>, yesterday: NaiveDate) -> bool {
        // A mark that is older than this may be one whose later changes are forgotten already; so it is after a pause.
        let is_fresh = |(_, at, then): &(ChangeMark, Instant, DateTime<Utc>)| {
            at.elapsed() < MARK_AGE_MAX && (now - *then).abs().to_std().is_ok_and(|age| age < MARK_AGE_MAX)
        };
        // Posts that were read anew leave a place behind.
        let is_short = self.posts.len() <= POSTS_LEFT_MAX + 2 * self.of_doctor.len();
        let is_young = self.read.is_some_and(|at| at.elapsed() < AGE_MAX);
        self.mark.as_ref().is_some_and(is_fresh) && self.first < yesterday && is_short && is_young
    }

    /// All doctors, and no day yet.
    async fn read(
        conn: &mut Conn,
        now: DateTime<Utc>,
        first: NaiveDate,
        mut left_out: BTreeSet<OrganisationId>,
    ) -> Result<Self, DbError> {
        let began = Instant::now();
        let mark = changes::mark(conn).await?;
        let doctors = store::search(conn, None, Rank::Any, None).await?;
        let posts = posts(conn, doctors, first, &mut left_out).await?;
        let mark = Some((mark, began, now));
        let mut known = Self { mark, read: Some(began), first, left_out, ..Self::default() };
        for post in posts {
            known.add(post);
        }
        Ok(known)
    }

    fn add(&mut self, post: Post) {
        self.of_doctor.entry(post.doctor.account_id).or_default().push(self.posts.len());
        self.posts.push(Some(Arc::new(post)));
    }

    pub(super) fn posts(&self) -> impl Iterator<Item = Option<&Post>> {
        self.posts.iter().map(Option::as_deref)
    }

    pub(super) fn post(&self, number: usize) -> Option<&Post> {
        self.posts.get(number).and_then(Option::as_deref)
    }

    /// Whether a day is loaded.
    pub(super) fn has(&self, day: NaiveDate) -> bool {
        self.days.contains_key(&day)
    }

    /// The openings of a day that is loaded.
    pub(super) fn openings(&self, day: NaiveDate) -> &[Opening] {
        self.days.get(&day).map_or(&[], |openings| openings.as_slice())
    }

    /// How far around an opening a rule looks at what is taken.
    fn around<'a>(posts: impl Iterator<Item = &'a Post>) -> Duration {
        if posts.into_iter().any(|post| post.rule.is_some()) { AROUND } else { Duration::hours(SLOT_HOURS_MAX) }
    }

    fn around_of(&self, doctor: AccountId) -> Option<Duration> {
        let numbers = self.of_doctor.get(&doctor)?;
        Some(Self::around(numbers.iter().filter_map(|number| self.post(*number))))
    }

    /// The doctors whose posts are to be read anew, and those whose openings are.
    fn stale(&self, changes: &[Change]) -> (BTreeSet<AccountId>, Stale) {
        let of_kind = |kind| changes.iter().filter(move |change| change.kind == kind);
        let doctors: BTreeSet<AccountId> =
            of_kind(ChangeKind::Doctor).map(|change| AccountId(change.resource)).collect();
        let mut stale = Stale::new();
        for day in self.days.keys().filter(|_| !doctors.is_empty()) {
            stale.insert(*day, doctors.clone());
        }
        for change in of_kind(ChangeKind::Busy) {
            let (doctor, Some((from, to))) = (AccountId(change.resource), change.time) else { continue };
            let Some(around) = self.around_of(doctor) else { continue };
            for (day, _) in self.days.range((from - around).date_naive()..=(to + around).date_naive()) {
                stale.entry(*day).or_default().insert(doctor);
            }
        }
        (doctors, stale)
    }

    async fn take_over(kept: &mut Arc<Self>, conn: &mut Conn, changes: &[Change]) -> Result<(), DbError> {
        let (doctors, stale) = kept.stale(changes);
        if doctors.is_empty() && stale.is_empty() {
            return Ok(());
        }
        let mut left_out = kept.left_out.clone();
        let anew = if doctors.is_empty() {
            Vec::new()
        } else {
            let bookable = store::bookable_of(conn, doctors.iter().copied()).await?;
            posts(conn, bookable, kept.first, &mut left_out).await?
        };
        let around = Self::around(kept.posts().flatten().chain(&anew));
        let busy = busy(conn, &stale, around).await?;
        let known = Arc::make_mut(kept);
        known.left_out = left_out;
        for number in doctors.iter().filter_map(|doctor| known.of_doctor.remove(doctor)).flatten() {
            if let Some(post) = known.posts.get_mut(number) {
                *post = None;
            }
        }
        for post in anew {
            known.add(post);
        }
        for (day, doctors) in &stale {
            known.find_anew(*day, doctors, &busy);
        }
        Ok(())
    }

    /// Loads a day, if it is not there.
    async fn load(kept: &mut Arc<Self>, conn: &mut Conn, day: NaiveDate) -> Result<(), DbError> {
        if kept.has(day) {
            return Ok(());
        }
        let stale = Stale::from([(day, kept.of_doctor.keys().copied().collect())]);
        let busy = busy(conn, &stale, Self::around(kept.posts().flatten())).await?;
        let known = Arc::make_mut(kept);
        if known.days.len() >= DAYS_MAX {
            known.days.pop_last();
        }
        for (day, doctors) in &stale {
            known.find_anew(*day, doctors, &busy);
        }
        // A day without doctors is loaded too.
        known.days.entry(day).or_default();
        Ok(())
    }

    /// Finds the openings of these doctors on a day.
    fn find_anew(&mut self, day: NaiveDate, doctors: &BTreeSet<AccountId>, busy: &HashMap<Uuid, TakenLanes>) {
        let mut found = Vec::new();
        let (from, to) = (midnight(day), midnight(day) + Duration::days(1));
        for doctor in doctors {
            let taken = busy.get(&doctor.0).map_or(&[][..], TakenLanes::times);
            for number in self.of_doctor.get(doctor).into_iter().flatten() {
                let Some(post) = self.post(*number) else { continue };
                let offers = offered(&post.kept.hours, &post.kept.exceptions, post.zone, from, to);
                found.extend(offers.into_iter().filter_map(|at| opening(post, *number, at, taken)));
            }
        }
        let Self { posts, days, .. } = self;
        let openings = Arc::make_mut(days.entry(day).or_default());
        let doctor = |opening: &Opening| posts.get(opening.post).and_then(Option::as_deref).map(|post| &post.doctor);
        openings.retain(|opening| doctor(opening).is_some_and(|doctor| !doctors.contains(&doctor.account_id)));
        openings.append(&mut found);
        openings.sort_by_cached_key(|opening| {
            (opening.at.starts_at(), doctor(opening).map(|doctor| (doctor.account_id, doctor.organisation_id)))
        });
    }
}

fn opening(post: &Post, number: usize, at: Interval, taken: &[TakenTime]) -> Option<Opening> {
    let free_from = post.free_from(at, taken)?;
    Some(Opening { at, post: number, local: Local::of(at.starts_at(), post.zone), free_from })
}

/// Doctors with the hours that they keep from a day on, and the rules of their calendars. Those of a hospital whose zone does not exist
/// have no times that anybody could know: they are left out, and all others are found.
async fn posts(
    conn: &mut Conn,
    doctors: Vec<Practitioner>,
    first: NaiveDate,
    left_out: &mut BTreeSet<OrganisationId>,
) -> Result<Vec<Post>, DbError> {
    let mut kept = KeptHours::of_days(conn, doctors.iter().map(|d| d.account_id), first, LAST_DAY).await?;
    let post = |doctor: Practitioner| {
        let (rule, hospital) = (kept.rules().of(doctor.post()), doctor.organisation_id);
        let kept = kept.take(doctor.post());
        match Post::new(doctor, kept, rule) {
            Ok(post) => Some(post),
            Err(error) => {
                if left_out.insert(hospital) {
                    tracing::error!(%hospital, %error, "the doctors of a hospital are left out of the search");
                }
                None
            }
        }
    };
    Ok(doctors.into_iter().filter_map(post).collect())
}

/// When the doctors are taken in the days in question, and so far around them.
async fn busy(conn: &mut Conn, stale: &Stale, around: Duration) -> Result<HashMap<Uuid, TakenLanes>, DbError> {
    let (Some((first, _)), Some((last, _))) = (stale.first_key_value(), stale.last_key_value()) else {
        return Ok(HashMap::new());
    };
    let doctors = stale.values().flatten().map(|doctor| doctor.0);
    let end = midnight(*last) + Duration::days(1) + around;
    calendar::busy_of(conn, doctors, midnight(*first) - around, end).await
}
