//! `POST /v1/session/organisation`.

use axum::extract::State as AppState;
use axum::http::{HeaderMap, header};
use axum_extra::extract::cookie::CookieJar;
use sanbao_platform::audit;
use sanbao_platform::http::{Json, LoggedIn};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::browser::{destination, put};
use super::tokens::Tokens;
use crate::App;
use crate::account::id::SessionId;
use crate::account::member::{self, AccountStatus};
use crate::account::session::login::mint;

/// The organisation to act for.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"organisation_id": "0193ea5e-3b00-7a10-8d5f-3f2a9c1b7e42"}))]
pub(super) struct WantedOrganisation {
    #[schema(value_type = uuid::Uuid)]
    organisation_id: OrganisationId,
}

/// A log-in goes on in another organisation.
#[derive(Serialize, ToSchema)]
pub(super) struct Switched {
    /// The page where the work there is.
    home: String,
    /// Those of the log-in that takes the place of the one before; a browser has them as cookies.
    tokens: Option<Tokens>,
}

/// Goes on in another organisation of the caller's: the log-in of before ends with all that was given to it, and another takes
/// its place, which is as old and as lately proved.
#[utoipa::path(post, path = "/v1/session/organisation", tag = "log-in", request_body = WantedOrganisation, security(("bearer" = [])),
    description = "Permission: anybody logged in who has a role there. Audited on both sides.",
    responses((status = 200, body = Switched), (status = 401, description = "not logged in"),
        (status = 403, description = "organisation-closed"), (status = 404, description = "not of this organisation")))]
pub async fn switch(
    LoggedIn(ctx): LoggedIn,
    AppState(app): AppState<App>,
    headers: HeaderMap,
    jar: CookieJar,
    Json(body): Json<WantedOrganisation>,
) -> Result<(CookieJar, Json<Switched>), Problem> {
    let (id, wanted) = (ctx.actor.subject.into(), body.organisation_id);
    let mut tx = app.deps.db.begin().await?;
    let account = member::find(&mut tx, id).await?.filter(|account| account.status == AccountStatus::Active);
    let account = account.ok_or_else(Problem::unauthenticated)?;
    let log_in = (SessionId(ctx.actor.session), &account);
    let issued = mint(&app, ctx.now()).switch(&mut tx, log_in, wanted).await?.ok_or_else(Problem::not_found)?;
    audit::record_with(&mut tx, &ctx, [wanted], "session.switch", "organisation", wanted).await?;
    tx.commit().await?;
    let home = destination(None, &issued);
    Ok(if headers.contains_key(header::AUTHORIZATION) {
        (jar, Json(Switched { home, tokens: Some(issued.into()) }))
    } else {
        (put(&app, jar, &issued), Json(Switched { home, tokens: None }))
    })
}
