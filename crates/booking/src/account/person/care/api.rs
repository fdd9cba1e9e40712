//! `/v1/persons/{id}/care`.

use axum::extract::State as AppState;
use sanbao_platform::audit;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::Conn;
use sanbao_platform::http::{Ctx, ETag, IfMatch, Json, Path};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::{PRECONDITION_FAILED, Problem};

use super::input::CareBody;
use super::model::CareFacts;
use super::policy::CareAction;
use super::relation::CareStance;
use super::store;
use super::view::CareView;
use crate::App;
use crate::account::id::PersonId;
use crate::account::organisation;
use crate::account::person::hold;
use crate::account::person::sharing::{self, SharingScope};

/// The parts that can be read.
const PARTS: [CareAction; 4] =
    [CareAction::ReadDoor, CareAction::ReadManner, CareAction::ReadClinical, CareAction::ReadContacts];

/// The care facts of a person, of which each caller sees the parts that they need. The reading is audited.
#[utoipa::path(get, path = "/v1/persons/{id}/care", tag = "people", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: all parts: care staff, doctors and administrators of the person's care home, dispatchers of an agency that visits; all but the clinical one: a street's dispatchers and administrators, a caregiver who has a visit to the person; how to deal with the person and the clinical one: the doctor of a consult that is not over. Audited.",
    responses((status = 200, body = CareView), (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "care-unreadable")))]
pub async fn get(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<PersonId>,
) -> Result<(ETag, Json<CareView>), Problem> {
    let view = read(&app, &ctx, id).await?;
    Ok((ETag(view.version), Json(view)))
}

/// The care facts of a person for a caller who may see a part of them.
pub(in crate::account) async fn read(app: &App, ctx: &Ctx, id: PersonId) -> Result<CareView, Problem> {
    let mut conn = app.deps.db.read().await?;
    let stance = CareStance::of(&mut conn, ctx, id).await?;
    if !PARTS.iter().any(|part| stance.may(ctx, *part)) {
        return Err(Problem::not_found());
    }
    let kept = store::find(&mut conn, &app.deps.fields, stance.person).await?;
    Ok(CareView::of(kept, &stance, ctx))
}

/// The care facts that lie under `record`, which is that of `person` or was joined into it, as the caller may see those of the
/// person; none where nothing is kept.
pub(in crate::account::person) async fn told(
    conn: &mut Conn,
    ctx: &Ctx,
    keys: &FieldKeys,
    person: PersonId,
    record: PersonId,
) -> Result<Vec<CareView>, Problem> {
    let stance = CareStance::of(conn, ctx, person).await?;
    let kept = store::find(conn, keys, record).await?;
    Ok(if kept.version == 0 { Vec::new() } else { vec![CareView::of(kept, &stance, ctx)] })
}

/// Puts these care facts in the place of those that are kept; a part that is left out is emptied, one that the caller may not see stays.
#[utoipa::path(put, path = "/v1/persons/{id}/care", tag = "people", params(("id" = uuid::Uuid, Path)),
    request_body = CareBody, security(("bearer" = [])),
    description = "Permission: care staff and administrators of the person's care home, dispatchers of an agency that visits; a street's dispatchers, all but the clinical part. Takes If-Match. Audited.",
    responses((status = 200, body = CareView), (status = 403, description = "may see a part, not change it; or gives a part that the caller may not see"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "care-unreadable, sharing-withdrawn"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
pub async fn put(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<PersonId>,
    read: IfMatch,
    Json(body): Json<CareBody>,
) -> Result<(ETag, Json<CareView>), Problem> {
    let mut tx = app.deps.db.begin().await?;
    let person = CareStance::of(&mut tx, &ctx, id).await?.person;
    hold(&mut tx, person).await?;
    let stance = CareStance::of(&mut tx, &ctx, id).await?;
    stance.decide(&ctx, CareAction::Write).require()?;
    sharing::require_not_withdrawn(&mut tx, stance.person, SharingScope::Keep).await?;
    let kept = store::find(&mut tx, &app.deps.fields, stance.person).await?;
    read.check(kept.version)?;
    let told = body.checked(organisation::own(&mut tx, &ctx).await?.day(ctx.now()), app.deps.dialling_code.as_ref())?;
    let facts = merged(&ctx, &stance, &body, told, kept.facts.unseen())?;
    if !store::write(&mut tx, &ctx, &app.deps.fields, (stance.person, kept.version), &facts).await? {
        return Err(Problem::new(&PRECONDITION_FAILED));
    }
    audit::record(&mut tx, &ctx, "person.care", "person", stance.person).await?;
    tx.touch("persons", ctx.actor.organisation);
    let kept = store::find(&mut tx, &app.deps.fields, stance.person).await?;
    tx.commit().await?;
    let view = CareView::of(kept, &stance, &ctx);
    Ok((ETag(view.version), Json(view)))
}

/// The facts that were told, with the parts that the caller may not see as they are kept.
fn merged(
    ctx: &Ctx,
    stance: &CareStance,
    body: &CareBody,
    told: CareFacts,
    kept: &CareFacts,
) -> Result<CareFacts, Problem> {
    let given = [body.door.is_some(), body.manner.is_some(), body.clinical.is_some(), body.contacts.is_some()];
    for (part, given) in PARTS.into_iter().zip(given) {
        if given && stance.decide(ctx, part) != Decision::Allow {
            let (zh, en) = ("其中有您看不到的部分，不能修改", "This includes a part that you may not see");
            return Err(Problem::forbidden().detail(zh, en));
        }
    }
    let may = |action| stance.may(ctx, action);
    let kept = kept.clone();
    Ok(CareFacts {
        door: if may(CareAction::ReadDoor) { told.door } else { kept.door },
        manner: if may(CareAction::ReadManner) { told.manner } else { kept.manner },
        clinical: if may(CareAction::ReadClinical) { told.clinical } else { kept.clinical },
        contacts: if may(CareAction::ReadContacts) { told.contacts } else { kept.contacts },
    })
}
