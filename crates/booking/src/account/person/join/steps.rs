//! Joining and separating: each in one transaction, with history, audit rows and events.

use sanbao_platform::audit;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::{DbError, Tx};
use sanbao_platform::history::{self, Line};
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle::State as _;
use sanbao_platform::problem::{CONFLICT, PRECONDITION_FAILED, Problem};
use uuid::Uuid;

use super::input::JoinBody;
use super::model::{Join, JoinId, taken};
use super::{calendar, store};
use crate::account::id::PersonId;
use crate::account::person::events::{JOINED, PersonEvent, PersonJoined, SEPARATED, UPDATED};
use crate::account::person::field::PersonField;
use crate::account::person::hold as held;
use crate::account::person::model::Person;
use crate::account::person::store as persons;
use crate::account::person::{care, lookup};
use crate::account::problems::{ALREADY_JOINED, JOIN_FINAL, NATIONAL_ID_TAKEN, NATIONAL_ID_UNREADABLE, PAPERS_DIFFER};
use crate::{consult, visit};

/// The word that stands in the history for a record that goes into another.
pub(super) const INTO: &str = "joined";
/// And for a record of its own.
pub(super) const OWN: &str = "registered";

/// The two records as they are after the step.
pub(in crate::account::person) struct Both {
    pub(in crate::account::person) survivor: Person,
    pub(in crate::account::person) other: Person,
}

/// Joins `other` into `survivor`; the caller may do that, and has read both as they are.
pub(super) async fn join(
    tx: &mut Tx,
    ctx: &Ctx,
    keys: &FieldKeys,
    Both { mut survivor, mut other }: Both,
    body: &JoinBody,
) -> Result<Both, Problem> {
    if other.id != body.other {
        // Its id leads on already.
        return Err(Problem::new(&ALREADY_JOINED));
    }
    if survivor.id == other.id || survivor.organisation_id != other.organisation_id {
        return Err(Problem::field("/other", "请选择另一份记录", "Choose another record"));
    }
    if survivor.state.name() != other.state.name() {
        let (zh, en) = (
            "一份记录已登记去世或离开，另一份没有，请先更正",
            "One record says that the person has died or left, the other does not; correct one of them first",
        );
        return Err(Problem::field("/other", zh, en));
    }
    if body.other_version.is_some_and(|read| read != other.version) {
        return Err(Problem::new(&PRECONDITION_FAILED));
    }
    let fields = taken(&survivor, &other, &body.take).map_err(|_| Problem::new(&PAPERS_DIFFER))?;
    let now = ctx.now();
    let join = Join { id: JoinId::new(now), survivor_id: survivor.id, other_id: other.id, joined_at: now };
    store::hold(tx, survivor.id, other.id).await?;
    store::insert(tx, &join, &ctx.actor, None).await.map_err(overtaken)?;
    take(tx, keys, &join, &mut survivor, &other, &fields).await?;
    care::take_over(tx, ctx, keys, other.id, survivor.id).await?;
    store::move_all(tx, &join).await?;
    calendar::take_over(tx, &join).await?;
    if !store::lead_on(tx, &join, other.version).await? {
        return Err(Problem::new(&CONFLICT));
    }
    other.version += 1;
    write(tx, &mut survivor).await?;
    lookup::write(tx, other.id).await?;
    held::tell_if_held(tx, survivor.id, now).await?;
    PersonJoined::of(&join_ids(&join), now).publish(tx, &JOINED).await?;
    PersonEvent::of(&survivor).publish(tx, now, &UPDATED).await?;
    record(tx, ctx, "join", &join, [(&survivor, OWN, OWN), (&other, OWN, INTO)]).await?;
    Ok(Both { survivor, other })
}

/// Separates what `join` joined; what others have changed since stays as they left it.
pub(super) async fn separate(
    tx: &mut Tx,
    ctx: &Ctx,
    join: &Join,
    Both { mut survivor, mut other }: Both,
) -> Result<Both, Problem> {
    let now = ctx.now();
    if now >= join.undo_until() {
        return Err(Problem::new(&JOIN_FINAL).with("undo_until", join.undo_until()));
    }
    store::hold(tx, survivor.id, other.id).await?;
    // A record that is taken out of a held one could be erased.
    held::require_none(tx, survivor.id).await?;
    for (field, former) in store::remembered(tx, join.id).await? {
        give_back(&mut survivor, &other, field, former);
    }
    write(tx, &mut survivor).await?;
    store::lead_no_more(tx, join).await.map_err(taken_since)?;
    other.version += 1;
    store::move_back(tx, join).await?;
    for person in [survivor.id, other.id] {
        lookup::write(tx, person).await?;
    }
    care::give_back(tx, survivor.id, other.id).await?;
    calendar::give_back(tx, now, join).await?;
    store::end(tx, join.id, now, &ctx.actor).await?;
    PersonJoined::of(&join_ids(join), now).publish(tx, &SEPARATED).await?;
    for person in [&survivor, &other] {
        PersonEvent::of(person).publish(tx, now, &UPDATED).await?;
    }
    record(tx, ctx, "unjoin", join, [(&survivor, OWN, OWN), (&other, INTO, OWN)]).await?;
    Ok(Both { survivor, other })
}

fn join_ids(join: &Join) -> (PersonId, PersonId) {
    (join.survivor_id, join.other_id)
}

/// Gives the survivor the other's fields, and remembers those that it had.
pub(super) async fn take(
    tx: &mut Tx,
    keys: &FieldKeys,
    join: &Join,
    survivor: &mut Person,
    other: &Person,
    fields: &[PersonField],
) -> Result<(), Problem> {
    for &field in fields {
        // Of a paper no number is kept here: what there was of it can only be less than the other's.
        let former = if field == PersonField::NationalId {
            survivor.national_id_index.is_some().then(|| "index".to_owned())
        } else {
            field.read(survivor)
        };
        store::remember(tx, join.id, field, former.as_deref()).await?;
        field.write(survivor, field.read(other));
    }
    if fields.contains(&PersonField::Paper) {
        survivor.take_other_paper(keys, other).map_err(|_| Problem::new(&NATIONAL_ID_UNREADABLE))?;
    }
    if fields.contains(&PersonField::NationalId) {
        survivor.take_paper(keys, other).map_err(|_| Problem::new(&NATIONAL_ID_UNREADABLE))?;
    }
    Ok(())
}

/// Gives a field its former value, unless somebody has changed it since.
fn give_back(survivor: &mut Person, other: &Person, field: PersonField, former: Option<String>) {
    if field.read(survivor) != field.read(other) {
        return;
    }
    if field == PersonField::NationalId {
        survivor.national_id_sealed = None;
        survivor.national_id_tail = None;
        if former.is_none() {
            survivor.national_id_index = None;
        }
    }
    if field == PersonField::Paper {
        survivor.clear_paper();
    }
    field.write(survivor, former);
}

/// Writes the survivor over the version that was read.
pub(super) async fn write(tx: &mut Tx, survivor: &mut Person) -> Result<(), Problem> {
    if !persons::update(tx, survivor).await.map_err(taken_since)? {
        return Err(Problem::new(&CONFLICT));
    }
    survivor.version += 1;
    Ok(())
}

/// Somebody else has joined the same record at the same moment.
pub(super) fn overtaken(error: DbError) -> Problem {
    if error.is_unique_violation() { Problem::new(&CONFLICT) } else { error.into() }
}

/// A third record has the paper meanwhile.
fn taken_since(error: DbError) -> Problem {
    if error.is_unique_violation() { Problem::new(&NATIONAL_ID_TAKEN) } else { error.into() }
}

/// Writes the step into history and audit of both, and tells live lists.
pub(super) async fn record(
    tx: &mut Tx,
    ctx: &Ctx,
    step: &str,
    join: &Join,
    both: [(&Person, &str, &str); 2],
) -> Result<(), Problem> {
    let line = |(person, from, to): &(&Person, &str, &str)| {
        let line = Line {
            version: person.version,
            at: ctx.now(),
            actor: Some(ctx.actor.subject.into()),
            actor_name: Some(ctx.actor.name.clone()),
            organisation: Some(ctx.actor.organisation.into()),
            step: step.to_owned(),
            from_state: Some((*from).to_owned()),
            to_state: (*to).to_owned(),
            reason: None,
            note: None,
        };
        (Uuid::from(person.id), line)
    };
    let lines: Vec<_> = both.iter().map(line).collect();
    history::add(tx, "person", &lines).await?;
    for (person, ..) in both {
        audit::record(tx, ctx, &format!("person.{step}"), "person", person.id).await?;
    }
    let (consults, visits) = store::audience(tx, join.id).await?;
    for side in consults {
        tx.touch(consult::TOPIC, side);
    }
    for agency in visits {
        tx.touch(visit::TOPIC, agency);
    }
    tx.touch("persons", ctx.actor.organisation);
    Ok(())
}
