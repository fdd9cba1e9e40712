//! A record that leads on because its person was handed over: what is not done goes with it, what is done stays.

use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::Tx;
use sanbao_platform::http::Ctx;
use sanbao_platform::problem::{CONFLICT, Problem};

use super::model::{Join, JoinId, taken};
use super::steps::{Both, INTO, OWN, overtaken, record, take, write};
use super::{calendar, store};
use crate::account::person::events::{PersonEvent, PersonMoved, UPDATED};
use crate::account::person::transfer::TransferId;
use crate::account::person::{care, hold, lookup};
use crate::account::problems::PAPERS_DIFFER;

/// Lets `other`, the record of those who have handed the person over, lead on to `survivor`, the record of those who have
/// the person now; which fields it lacks it takes. The caller may do that, and has read both as they are.
pub(in crate::account::person) async fn carry(
    tx: &mut Tx,
    ctx: &Ctx,
    keys: &FieldKeys,
    Both { mut survivor, mut other }: Both,
    transfer: TransferId,
) -> Result<Both, Problem> {
    let fields = taken(&survivor, &other, &[]).map_err(|_| Problem::new(&PAPERS_DIFFER))?;
    let at = ctx.now();
    let join = Join { id: JoinId::new(at), survivor_id: survivor.id, other_id: other.id, joined_at: at };
    store::hold(tx, survivor.id, other.id).await?;
    store::insert(tx, &join, &ctx.actor, Some(transfer)).await.map_err(overtaken)?;
    take(tx, keys, &join, &mut survivor, &other, &fields).await?;
    care::take_over(tx, ctx, keys, other.id, survivor.id).await?;
    store::move_open(tx, &join).await?;
    calendar::take_over(tx, &join).await?;
    if !store::lead_on(tx, &join, other.version).await? {
        return Err(Problem::new(&CONFLICT));
    }
    other.version += 1;
    write(tx, &mut survivor).await?;
    lookup::write(tx, other.id).await?;
    hold::tell_if_held(tx, survivor.id, at).await?;
    let moved = PersonMoved {
        person_id: survivor.id,
        other_id: other.id,
        from_organisation: other.organisation_id,
        to_organisation: survivor.organisation_id,
        at,
    };
    moved.publish(tx).await?;
    PersonEvent::of(&survivor).publish(tx, at, &UPDATED).await?;
    record(tx, ctx, "move", &join, [(&survivor, OWN, OWN), (&other, OWN, INTO)]).await?;
    for side in other.organisation_id.iter().chain(&survivor.organisation_id).chain(&other.registered_by) {
        tx.touch("persons", *side);
    }
    Ok(Both { survivor, other })
}
