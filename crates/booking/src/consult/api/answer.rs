//! The hospital's answer: take it on, send it back, refuse it.

use axum::extract::State;
use axum::response::Response;
use sanbao_platform::http::{Ctx, Json, Path};
use sanbao_platform::problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{answered, load, view::ConsultView};
use crate::App;
use crate::consult::id::ConsultId;
use crate::consult::invitation::{Checks, TEXT_CHARS_MAX};
use crate::consult::journal::{self, By};
use crate::consult::policy::Action;
use crate::consult::state::Step;

/// A step that needs a reason.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// In words, 1 to 1000 characters.
    pub reason: String,
}

impl Reason {
    /// The trimmed reason.
    pub fn checked(mut self) -> Result<String, Problem> {
        let mut checks = Checks::default();
        checks.text("reason", &mut self.reason, TEXT_CHARS_MAX);
        checks.done()?;
        Ok(self.reason)
    }
}

/// Takes it on (a doctor of the wanted specialty).
#[utoipa::path(post, path = "/v1/consults/{id}/accept", tag = "consults", params(("id" = ConsultId, Path)),
    responses((status = 200, body = ConsultView), (status = 403), (status = 404), (status = 409)))]
pub async fn accept(State(app): State<App>, ctx: Ctx, Path(id): Path<ConsultId>) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let consult = load(&mut tx, &ctx, id, Action::Answer).await?;
    let step = Step::Accept(ctx.actor.subject.into());
    journal::take(&mut tx, By::Person(&ctx), consult, step).await?;
    answered(tx, &ctx, id).await
}

/// Sends it back for more facts (a doctor of the wanted specialty).
#[utoipa::path(post, path = "/v1/consults/{id}/return", tag = "consults", params(("id" = ConsultId, Path)), request_body = Reason,
    responses((status = 200, body = ConsultView), (status = 403), (status = 404), (status = 409), (status = 422)))]
pub async fn give_back(
    State(app): State<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
    Json(body): Json<Reason>,
) -> Result<Response, Problem> {
    let reason = body.checked()?;
    let mut tx = app.deps.db.begin().await?;
    let consult = load(&mut tx, &ctx, id, Action::Answer).await?;
    journal::take(&mut tx, By::Person(&ctx), consult, Step::Return(reason)).await?;
    answered(tx, &ctx, id).await
}

/// Refuses it (a doctor of the wanted specialty).
#[utoipa::path(post, path = "/v1/consults/{id}/reject", tag = "consults", params(("id" = ConsultId, Path)), request_body = Reason,
    responses((status = 200, body = ConsultView), (status = 403), (status = 404), (status = 409), (status = 422)))]
pub async fn reject(
    State(app): State<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
    Json(body): Json<Reason>,
) -> Result<Response, Problem> {
    let reason = body.checked()?;
    let mut tx = app.deps.db.begin().await?;
    let consult = load(&mut tx, &ctx, id, Action::Answer).await?;
    journal::take(&mut tx, By::Person(&ctx), consult, Step::Reject(reason)).await?;
    answered(tx, &ctx, id).await
}
