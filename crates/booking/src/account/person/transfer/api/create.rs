//! Asking that a person be handed over, and letting a resident go home.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::db::Tx;
use sanbao_platform::http::{Ctx, ETag, Idempotency, IfMatch, Json, Path};
use sanbao_platform::lifecycle::{self, By, Lifecycle as _};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use crate::App;
use crate::account::id::{AccountId, PersonId};
use crate::account::organisation;
use crate::account::person::join::{Both, carry};
use crate::account::person::sharing::{self, SharingScope};
use crate::account::person::store as persons;
use crate::account::person::transfer::input::{DischargeBody, NewTransfer};
use crate::account::person::transfer::model::{Transfer, TransferId};
use crate::account::person::transfer::state::{Handover, TransferStep};
use crate::account::person::transfer::steps::require_here;
use crate::account::person::transfer::view::TransferView;
use crate::account::person::transfer::{home, policy, store};
use crate::account::policy::AccountAction;
use crate::account::problems::TRANSFER_ASKED;
use crate::role;

/// Asks that a person be handed over to the caller's care home, by the paper in its own record. The answer is the same
/// whether or not anybody else has the person: those who have are told, and answer.
#[utoipa::path(post, path = "/v1/transfers", tag = "people", request_body = NewTransfer, security(("bearer" = [])),
    description = "Permission: care staff and administrators of a care home, for a person whom it has registered with a paper. Takes Idempotency-Key. Audited.",
    responses((status = 201, body = TransferView), (status = 403, description = "not one of these roles"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "transfer-asked, person-ended"), (status = 422, description = "fields to correct")))]
pub async fn ask(
    ctx: Ctx,
    AppState(app): AppState<App>,
    key: Idempotency,
    Json(body): Json<NewTransfer>,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let own = organisation::own(&mut tx, &ctx).await?;
    Decision::over(role::held(&ctx.actor), |role| policy::may_ask(role, own.kind)).require()?;
    let person = persons::load(&mut tx, &ctx, body.person_id, AccountAction::PersonUpdate).await?.into_unseen();
    if let Some(answered) = key.begin(&mut tx, &ctx, "POST /v1/transfers", &body).await? {
        return Ok(answered);
    }
    let wish = body.checked(own.day(ctx.now()))?;
    require_here(&person)?;
    if person.national_id_index.is_none() && person.paper_index.is_none() {
        let (zh, en) = (
            "请先登记证件号：对方凭证件号确认是同一个人",
            "Enter the number of a paper first: the other side knows the person by it",
        );
        return Err(Problem::field("/person_id", zh, en));
    }
    if store::open_of(&mut tx, person.id).await?.is_some() {
        return Err(Problem::new(&TRANSFER_ASKED));
    }
    let transfer = Transfer::asked(ctx.now(), AccountId::from(ctx.actor.subject), &person, wish);
    let id = transfer.id;
    lifecycle::create(&mut tx, &By::Person(&ctx), transfer).await?;
    answered(&app, tx, &ctx, &key, id).await
}

/// Lets a resident go home: the record leads on to one of an elder at home, of whom the street of the area knows.
#[utoipa::path(post, path = "/v1/persons/{id}/discharge", tag = "people", params(("id" = uuid::Uuid, Path)),
    request_body = DischargeBody, security(("bearer" = [])),
    description = "Permission: care staff and administrators of the person's care home. Takes Idempotency-Key and If-Match. Audited.",
    responses((status = 201, body = TransferView), (status = 403, description = "may see the person, not change it; or no resident"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "area-without-office, person-ended, sharing-withdrawn, papers-differ, national-id-unreadable, care-unreadable, or changed at the same moment"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
pub async fn discharge(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<PersonId>,
    (key, read): (Idempotency, IfMatch),
    Json(body): Json<DischargeBody>,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    // Of somebody who has gone home the house reads the record still: so a repeat comes as far as its first answer.
    persons::load(&mut tx, &ctx, id, AccountAction::PersonRead).await?;
    if let Some(answered) = key.begin(&mut tx, &ctx, &format!("person.discharge {id}"), &body).await? {
        return Ok(answered);
    }
    let resident = persons::load(&mut tx, &ctx, id, AccountAction::PersonUpdate).await?.into_unseen();
    let house = resident.organisation_id.ok_or_else(Problem::forbidden)?;
    read.check(resident.version)?;
    let today = organisation::own(&mut tx, &ctx).await?.day(ctx.now());
    let (wish, place) = body.checked(today)?;
    require_here(&resident)?;
    sharing::require_not_withdrawn(&mut tx, resident.id, SharingScope::HandOver).await?;
    let elder = home::of(&mut tx, &ctx, &resident, place).await?;
    // The network may have known another area of theirs before.
    if let Some(area) = &elder.area_code {
        organisation::require_office(&mut tx, area, today).await?;
    }
    let transfer = Transfer::asked(ctx.now(), AccountId::from(ctx.actor.subject), &elder, wish);
    lifecycle::create(&mut tx, &By::Person(&ctx), transfer.clone()).await?;
    let (id, handover) = (transfer.id, Handover { by: house, from: Some(house), held: resident.id });
    carry(&mut tx, &ctx, &app.deps.fields, Both { survivor: elder, other: resident }, id).await?;
    lifecycle::advance(&mut tx, &By::Person(&ctx), transfer, TransferStep::Accept(handover)).await?;
    answered(&app, tx, &ctx, &key, id).await
}

/// The answer to what was just made, kept for its key.
async fn answered(app: &App, mut tx: Tx, ctx: &Ctx, key: &Idempotency, id: TransferId) -> Result<Response, Problem> {
    let view = Transfer::view(app, &mut tx, ctx, id).await?;
    let answer = key.finish_tagged(&mut tx, ctx, StatusCode::CREATED, ETag(view.version), &view).await?;
    tx.commit().await?;
    Ok(answer)
}
