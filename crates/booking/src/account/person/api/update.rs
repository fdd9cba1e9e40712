//! Correcting what is known of a person.

use axum::extract::State as AppState;
use sanbao_platform::audit;
use sanbao_platform::db::Tx;
use sanbao_platform::http::{Ctx, ETag, IfMatch, Json, Path};
use sanbao_platform::problem::{PRECONDITION_FAILED, Problem};

use crate::App;
use crate::account::id::PersonId;
use crate::account::organisation;
use crate::account::person::events::{PersonEvent, UPDATED};
use crate::account::person::input::PersonChange;
use crate::account::person::model::Person;
use crate::account::person::store;
use crate::account::person::view::PersonView;
use crate::account::policy::AccountAction;
use crate::account::problems::NATIONAL_ID_TAKEN;

/// Corrects what is known of a person.
#[utoipa::path(patch, path = "/v1/persons/{id}", tag = "people", params(("id" = uuid::Uuid, Path)),
    request_body = PersonChange, security(("bearer" = [])),
    description = "Permission: care staff and administrators of the person's care home; dispatchers for elders at home whom they have to do with. Takes If-Match.",
    responses((status = 200, body = PersonView), (status = 403, description = "not one of these roles"),
        (status = 404, description = "unknown, or of no concern to the caller"), (status = 409, description = "national-id-taken, area-without-office"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
pub async fn update(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<PersonId>,
    read: IfMatch,
    Json(change): Json<PersonChange>,
) -> Result<(ETag, Json<PersonView>), Problem> {
    let mut tx = app.deps.db.begin().await?;
    let mut person = store::load(&mut tx, &ctx, id, AccountAction::PersonUpdate).await?.into_unseen();
    read.check(person.version)?;
    let area = person.area_code.clone();
    change.apply(&mut person, &app.deps, ctx.now().date_naive())?;
    if person.area_code != area {
        require_reach(&mut tx, &ctx, &person).await?;
    }
    let written = store::update(&mut tx, &person).await;
    match written {
        Err(error) if error.is_unique_violation() => return Err(Problem::new(&NATIONAL_ID_TAKEN)),
        Err(error) => return Err(error.into()),
        Ok(false) => return Err(Problem::new(&PRECONDITION_FAILED)),
        Ok(true) => person.version += 1,
    }
    PersonEvent::of(&person).publish(&mut tx, ctx.now(), &UPDATED).await?;
    audit::record(&mut tx, &ctx, "person.update", "person", id).await?;
    tx.touch("persons", ctx.actor.organisation);
    tx.commit().await?;
    Ok((ETag(person.version), Json(PersonView::of(person.into(), &ctx.shows, &app.deps.fields))))
}

/// Refuses to take an elder who is nobody's own to where no street looks after people.
async fn require_reach(tx: &mut Tx, ctx: &Ctx, person: &Person) -> Result<(), Problem> {
    let (None, None, Some(code)) = (person.organisation_id, person.registered_by, &person.area_code) else {
        return Ok(());
    };
    let today = organisation::own(tx, ctx).await?.day(ctx.now());
    organisation::require_office(tx, code, today).await
}
