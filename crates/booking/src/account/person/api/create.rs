//! Registering a person.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::audit;
use sanbao_platform::http::{Ctx, ETag, Idempotency, Json};
use sanbao_platform::problem::Problem;

use crate::App;
use crate::account::id::PersonId;
use crate::account::organisation;
use crate::account::person::events::{PersonEvent, REGISTERED};
use crate::account::person::input::{NewPerson, PersonChange};
use crate::account::person::model::{Person, register};
use crate::account::person::view::{PersonView, RegisteredView};
use crate::account::person::{pair, store};
use crate::account::policy::{self, AccountAction};
use crate::account::problems::NATIONAL_ID_TAKEN;

/// Registers a resident of the caller's care home, or an elder at home.
#[utoipa::path(post, path = "/v1/persons", tag = "people", request_body = NewPerson, security(("bearer" = [])),
    description = "Permission: care staff and administrators of a care home; dispatchers. Takes Idempotency-Key.",
    responses((status = 201, body = RegisteredView), (status = 403, description = "not one of these roles"),
        (status = 409, description = "national-id-taken"), (status = 422, description = "fields to correct")))]
pub async fn create(
    ctx: Ctx,
    AppState(app): AppState<App>,
    key: Idempotency,
    Json(new): Json<NewPerson>,
) -> Result<Response, Problem> {
    let own = organisation::own(&mut app.deps.db.read().await?, &ctx).await?;
    let (relation, organisation) = register(&own);
    policy::of(&ctx.actor, AccountAction::PersonCreate, relation).require()?;
    // A plain hash of a national id could be guessed through: the key's record takes a keyed one of the whole body.
    let text = serde_json::to_string(&new).map_err(Problem::internal)?;
    let request = app.deps.fields.fingerprint("person.create", &text);
    let mut person = Person::blank(PersonId::new(ctx.now()), organisation, ctx.now());
    person.registered_by = organisation.is_none().then_some(own.id);
    PersonChange::from(new).apply(&mut person, &app.deps, ctx.now().date_naive())?;
    let mut tx = app.deps.db.begin().await?;
    if let Some(answered) = key.begin(&mut tx, &ctx, "POST /v1/persons", &request).await? {
        return Ok(answered);
    }
    if !store::insert(&mut tx, &person).await? {
        return Err(Problem::new(&NATIONAL_ID_TAKEN));
    }
    PersonEvent::of(&person).publish(&mut tx, ctx.now(), &REGISTERED).await?;
    audit::record(&mut tx, &ctx, "person.create", "person", person.id).await?;
    tx.touch("persons", own.id);
    let perhaps_same = pair::candidates(&mut tx, &ctx, &own, person.id).await?;
    let person = PersonView::of(person.into(), &ctx.shows, &app.deps.fields);
    let (tag, view) = (ETag(person.version), RegisteredView { person, perhaps_same });
    let answer = key.finish_tagged(&mut tx, &ctx, StatusCode::CREATED, tag, &view).await?;
    tx.commit().await?;
    Ok(answer)
}
