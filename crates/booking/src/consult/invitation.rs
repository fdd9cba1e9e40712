//! An invitation that is read whole: all that is wrong with it is told in one answer.

use sanbao_platform::db::Tx;
use sanbao_platform::http::Ctx;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;

use super::input::Invitation;
use super::model::AskedTime;
use super::{asked, draft, store};
use crate::account::person::require_here;

/// The invitation of an inviting side with trimmed texts, and the time that it asks for; or every fault in it. The draft that it
/// is made from ends.
pub(super) async fn read(
    tx: &mut Tx,
    ctx: &Ctx,
    inviting: OrganisationId,
    body: &Invitation,
) -> Result<(Invitation, Option<AskedTime>), Problem> {
    let (invitation, mut checks) = body.clone().looked_at(ctx.now());
    let mut asked = None;
    if store::known(tx, inviting, &invitation, &mut checks).await? {
        match asked::resolved(tx, ctx, inviting, &invitation).await {
            Ok(time) => asked = time,
            Err(problem) => checks.take(problem)?,
        }
    }
    checks.done()?;
    require_here(tx, invitation.resident_id).await?;
    if let Some(draft) = invitation.draft_id {
        draft::spend(tx, ctx, draft).await?;
    }
    Ok((invitation, asked))
}
