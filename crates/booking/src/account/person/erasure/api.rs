//! Erasing somebody, and the proofs of it.

use std::collections::BTreeMap;

use axum::extract::State as AppState;
use sanbao_platform::audit;
use sanbao_platform::db::Tx;
use sanbao_platform::http::{Ctx, Json, Path};
use sanbao_platform::id::uuid_v7;
use sanbao_platform::lifecycle::State as _;
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use sqlx::types::Json as Stored;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Erasure, ErasureCause};
use super::{retained, store};
use crate::account::id::PersonId;
use crate::account::person::events::PersonErased;
use crate::account::person::{PersonStateName, hold};
use crate::account::policy::{self, AccountAction, AccountRelation};
use crate::account::problems::PERSON_PRESENT;
use crate::{App, consult};

/// Proofs that are listed at most.
const PROOFS_MAX: i64 = 200;

/// Why somebody is erased.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ErasureBody {
    pub cause: ErasureCause,
}

/// Takes everything personal of somebody who has died or left out of the network. It cannot be taken back; a repeat answers 404.
#[utoipa::path(post, path = "/v1/persons/{id}/erase", tag = "people", params(("id" = uuid::Uuid, Path)),
    request_body = ErasureBody, security(("bearer" = [])),
    description = "Permission: as for a legal hold, by a proof of late (step-up). The answer is the proof, which names nobody. Audited.",
    responses((status = 200, body = Erasure), (status = 401, description = "not logged in, or step-up-required"),
        (status = 403, description = "may see the person, not erase"),
        (status = 404, description = "unknown, erased already, or of no concern to the caller"),
        (status = 409, description = "person-held, person-present, person-busy; person-retained: the detail says what is kept, and until when"),
        (status = 422, description = "fields to correct")))]
pub async fn erase(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<PersonId>,
    Json(body): Json<ErasureBody>,
) -> Result<Json<Erasure>, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let person = hold::load_locked(&mut tx, &ctx, id, AccountAction::PersonErase).await?;
    ctx.proved_lately()?;
    hold::require_none(&mut tx, person.id).await?;
    if person.state.name() == PersonStateName::Registered {
        return Err(Problem::new(&PERSON_PRESENT));
    }
    retained::require_none(&mut tx, &ctx, app.config.periods, person.id).await?;
    let erasure = taken_out(&mut tx, &ctx, person.id, body.cause).await?;
    for side in person.organisation_id.iter().chain(&person.registered_by).chain([&ctx.actor.organisation]) {
        tx.touch("persons", *side);
    }
    tx.commit().await?;
    Ok(Json(erasure))
}

/// Takes the person out, tells the other services, and writes the proof down.
async fn taken_out(tx: &mut Tx, ctx: &Ctx, person: PersonId, cause: ErasureCause) -> Result<Erasure, Problem> {
    let records = store::records(tx, person).await?;
    let mut requests = Vec::new();
    for record in &records {
        requests.push(store::requests(tx, *record).await?);
    }
    let taken: BTreeMap<String, u64> = store::take_out(tx, &records, ctx.now()).await?;
    let erasure = Erasure {
        id: uuid_v7(ctx.now()),
        person_id: person.0,
        records: Stored(records.clone()),
        requests: Some(Stored(requests.concat())),
        cause,
        organisation_id: ctx.actor.organisation.0,
        erased_by: Uuid::from(ctx.actor.subject),
        erased_at: ctx.now(),
        taken: Stored(taken),
        hash: String::new(),
    };
    let erasure = Erasure { hash: erasure.hashed(), ..erasure };
    store::insert(tx, &erasure).await?;
    for consult in store::consults(tx, &records).await? {
        consult::erased(tx, consult, ctx.now()).await?;
    }
    for (record, requests) in records.into_iter().zip(requests) {
        PersonErased { person_id: PersonId(record), at: ctx.now(), requests: Some(requests) }.publish(tx).await?;
    }
    audit::record(tx, ctx, "person.erase", "person", person).await?;
    Ok(erasure)
}

/// The proofs of those whom the caller's organisation has erased, the newest first; at most 200.
#[utoipa::path(get, path = "/v1/erasures", tag = "people", security(("bearer" = [])),
    description = "Permission: administrators, of their own organisation.",
    responses((status = 200, body = Vec<Erasure>), (status = 403, description = "no administrator")))]
pub async fn list(ctx: Ctx, AppState(app): AppState<App>) -> Result<Json<Vec<Erasure>>, Problem> {
    policy::of(&ctx.actor, AccountAction::AuditRead, AccountRelation::Own).require()?;
    let mut conn = app.deps.db.read().await?;
    Ok(Json(store::of_organisation(&mut conn, ctx.actor.organisation, PROOFS_MAX).await?))
}
