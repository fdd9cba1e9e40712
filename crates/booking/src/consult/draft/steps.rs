//! Keeping, finding and ending a draft.

use sanbao_platform::audit;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::{Ctx, IfMatch};
use sanbao_platform::problem::{PRECONDITION_FAILED, Problem};

use super::input::DraftParts;
use super::model::{ConsultDraft, KIND};
use super::store;
use super::view::ConsultDraftKept;
use crate::consult::id::ConsultDraftId;
use crate::consult::problems::TOO_MANY_DRAFTS;
use crate::consult::store::is_resident;

/// Drafts that an account has at most.
const OF_ACCOUNT_MAX: i64 = 20;
/// Drafts that an organisation has at most.
const OF_ORGANISATION_MAX: i64 = 300;

/// Keeps what is written over the version that was read; the first time under an id of the caller's choice.
pub(super) async fn save(
    tx: &mut Tx,
    ctx: &Ctx,
    keys: &FieldKeys,
    (id, read): (ConsultDraftId, &IfMatch),
    parts: DraftParts,
) -> Result<ConsultDraftKept, Problem> {
    let known = store::owner(tx, id).await?;
    if known.is_some_and(|known| !known.is_of(ctx)) {
        return Err(Problem::not_found());
    }
    let known = known.map(|known| known.version);
    read.check_over(known)?;
    let parts = parts.checked()?;
    if let Some(resident) = parts.resident_id
        && !is_resident(tx, ctx.actor.organisation, resident).await?
    {
        return Err(Problem::field("/resident_id", "请选择本机构的老人", "Choose one of your residents"));
    }
    if known.is_none() {
        store::lock(tx, ctx).await?;
        let (of_organisation, of_account) = store::counted(tx, ctx).await?;
        if of_account >= OF_ACCOUNT_MAX || of_organisation >= OF_ORGANISATION_MAX {
            return Err(Problem::new(&TOO_MANY_DRAFTS));
        }
    }
    if !store::write(tx, ctx, keys, (id, known), &parts).await? {
        return Err(Problem::new(&PRECONDITION_FAILED));
    }
    let action = if known.is_none() { "consult.draft.create" } else { "consult.draft.update" };
    audit::record(tx, ctx, action, KIND, id).await?;
    Ok(ConsultDraftKept { id, changed_at: ctx.now(), version: known.unwrap_or(0) + 1 })
}

/// A draft of the caller's.
pub(in crate::consult) async fn find(
    conn: &mut Conn,
    ctx: &Ctx,
    keys: &FieldKeys,
    id: ConsultDraftId,
) -> Result<ConsultDraft, Problem> {
    store::mine(conn, ctx, keys, Some(id)).await?.pop().ok_or_else(Problem::not_found)
}

/// The caller's drafts, the last changed first.
pub(in crate::consult) async fn mine(
    conn: &mut Conn,
    ctx: &Ctx,
    keys: &FieldKeys,
) -> Result<Vec<ConsultDraft>, Problem> {
    Ok(store::mine(conn, ctx, keys, None).await?)
}

/// Discards a draft of the caller's.
pub(super) async fn discard(tx: &mut Tx, ctx: &Ctx, id: ConsultDraftId) -> Result<(), Problem> {
    if spend(tx, ctx, id).await? { Ok(()) } else { Err(Problem::not_found()) }
}

/// Ends the draft that an invitation is made from; `false` where it has ended, or is not the caller's.
pub(in crate::consult) async fn spend(tx: &mut Tx, ctx: &Ctx, id: ConsultDraftId) -> Result<bool, Problem> {
    let ends = store::discard(tx, ctx, id).await?;
    if ends {
        audit::record(tx, ctx, "consult.draft.remove", KIND, id).await?;
    }
    Ok(ends)
}
