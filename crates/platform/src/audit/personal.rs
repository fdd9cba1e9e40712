//! Personal data on its way from a store to somebody's eyes: it cannot be looked at without saying to whom it is shown.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::{FromRow, Row};
use uuid::Uuid;

use crate::auth::Actor;

/// Somebody, or something about somebody, by the kind and id that audit rows name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// `person`, or the aggregate: `consult`.
    pub kind: Cow<'static, str>,
    pub id: Uuid,
}

impl Subject {
    /// A thing of a kind that the code names.
    pub fn new(kind: &'static str, id: impl Into<Uuid>) -> Self {
        Self { kind: Cow::Borrowed(kind), id: id.into() }
    }
}

/// Things that tell of people: by which subjects the audit finds who saw them.
pub trait Subjects {
    /// The thing itself first, then the people whom it tells of.
    fn subjects(&self) -> Vec<Subject>;
}

impl Subjects for Subject {
    fn subjects(&self) -> Vec<Subject> {
        vec![self.clone()]
    }
}

/// A request's account of whom its answer shows, and who asked. Clones share it; the layer that writes it down before
/// the answer goes out is [`audited`](super::audited).
#[derive(Clone, Debug, Default)]
pub struct Disclosure(Arc<Mutex<Noted>>);

/// The subjects that a request has noted so far.
#[derive(Debug, Default)]
pub(super) struct Noted {
    pub(super) actor: Option<Actor>,
    /// The one that was named first: what the row is about, where it is the only one of its kind.
    pub(super) first: Option<Subject>,
    pub(super) subjects: BTreeSet<Subject>,
}

impl Disclosure {
    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says who asks.
    pub(crate) fn by(&self, actor: &Actor) {
        self.noted().actor = Some(actor.clone());
    }

    /// The account that asked, if it is known.
    pub(crate) fn actor(&self) -> Option<Actor> {
        self.noted().actor.clone()
    }

    /// Notes that the answer shows these.
    pub fn note(&self, shown: &impl Subjects) {
        self.note_all(shown.subjects());
    }

    pub(crate) fn note_all(&self, subjects: impl IntoIterator<Item = Subject>) {
        let mut noted = self.noted();
        for subject in subjects {
            if noted.first.is_none() {
                noted.first = Some(subject.clone());
            }
            noted.subjects.insert(subject);
        }
    }

    /// Whether somebody is shown who has not been written down.
    pub(crate) fn is_open(&self) -> bool {
        !self.noted().subjects.is_empty()
    }

    /// Forgets what was noted: the answer shows nobody.
    pub(super) fn forget(&self) {
        drop(self.take());
    }

    /// Gives what was noted, and notes anew from here on.
    pub(super) fn take(&self) -> (Option<Subject>, BTreeSet<Subject>) {
        let mut noted = self.noted();
        (noted.first.take(), std::mem::take(&mut noted.subjects))
    }
}

/// Data of a person. It has no `Display`, cannot be serialised and its `Debug` says nothing: code that shows it
/// opens it by [`show`](Self::show), which notes whose it is and for which request.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Personal<T>(T);

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Personal(…)")
    }
}

impl<T> From<T> for Personal<T> {
    fn from(data: T) -> Self {
        Self(data)
    }
}

impl<T> Personal<T> {
    /// The data, to be shown by the answer to a request; `of` says whose it is.
    pub fn show(&self, shows: &Disclosure, of: &impl Subjects) -> &T {
        shows.note(of);
        &self.0
    }

    /// The same, taken out.
    pub fn shown(self, shows: &Disclosure, of: &impl Subjects) -> T {
        shows.note(of);
        self.0
    }

    /// The data for work whose outcome nobody is shown: a statement, an event, a comparison. A rule of the house lists
    /// where this stands.
    pub fn unseen(&self) -> &T {
        &self.0
    }

    /// The same, taken out.
    pub fn into_unseen(self) -> T {
        self.0
    }
}

impl<'r, R: Row, T: FromRow<'r, R>> FromRow<'r, R> for Personal<T> {
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        T::from_row(row).map(Self)
    }
}
