//! Saying that one fetches the person, and taking it back.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::audit;
use sanbao_platform::db::Tx;
use sanbao_platform::http::{Ctx, ETag, Idempotency, Path, Query};
use sanbao_platform::problem::{CONFLICT, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::App;
use crate::account::AccountId;
use crate::consult::fetch::{self, Fetcher};
use crate::consult::id::ConsultId;
use crate::consult::model::Consult;
use crate::consult::policy::ConsultAction;
use crate::consult::state::{Appointment, ConsultState};
use crate::consult::steps;
use crate::consult::store;
use crate::consult::view::{ConsultView, refused, seen};

/// Says that the caller fetches the person of a booked consult (care staff). Where somebody else has said so it is 409
/// `conflict`, with the name in its words.
#[utoipa::path(post, path = "/v1/consults/{id}/fetch", tag = "consults", params(("id" = ConsultId, Path)),
    responses((status = 200, body = ConsultView), (status = 403), (status = 404), (status = 409)))]
pub async fn take(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
    key: Idempotency,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let consult = booked(&mut tx, &ctx, id).await?;
    if let Some(replay) = key.begin(&mut tx, &ctx, &format!("consult.fetch {id}"), &()).await? {
        return Ok(replay);
    }
    let own = ctx.actor.subject.into();
    let appointment = ahead(&mut tx, &ctx, &consult).await?;
    if fetch::take(&mut tx, id, &appointment, own, ctx.now()).await? {
        audit::record(&mut tx, &ctx, "consult.fetch", "consult", id).await?;
        steps::touch(&mut tx, &consult);
    } else {
        // Read anew: it may have been said a moment ago.
        let fetcher = store::find(&mut tx, id).await?.and_then(|consult| consult.fetcher);
        if let Some(other) = fetcher.filter(|fetcher| fetcher.account_id != own) {
            return Err(taken(&other));
        }
    }
    let view = seen(&mut tx, &ctx, id).await?;
    let response = key.finish_tagged(&mut tx, &ctx, StatusCode::OK, ETag(view.version), &view).await?;
    tx.commit().await?;
    Ok(response)
}

/// Whose word is taken back.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FetchQuery {
    /// The one who was seen to go; absent: the one who goes now.
    account_id: Option<AccountId>,
}

/// Takes it back, one's own word or a colleague's (care staff). Where another goes by now than the one who is named it is 409
/// `conflict`, with the name in its words.
#[utoipa::path(delete, path = "/v1/consults/{id}/fetch", tag = "consults", params(("id" = ConsultId, Path), FetchQuery),
    responses((status = 204), (status = 403), (status = 404), (status = 409)))]
pub async fn leave(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Path(id): Path<ConsultId>,
    Query(query): Query<FetchQuery>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let consult = booked(&mut tx, &ctx, id).await?;
    let appointment = ahead(&mut tx, &ctx, &consult).await?;
    let by = (ctx.actor.subject.into(), ctx.now());
    if !fetch::leave(&mut tx, id, &appointment, query.account_id, by).await? {
        return Err(consult.fetcher.as_ref().map_or_else(Problem::lacking, taken));
    }
    audit::record(&mut tx, &ctx, "consult.fetch.withdraw", "consult", id).await?;
    steps::touch(&mut tx, &consult);
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn taken(other: &Fetcher) -> Problem {
    let name = &other.name;
    Problem::new(&CONFLICT).detail(
        format!("{name}已经去接了。要换您去，请先点“换人去接”"),
        format!("{name} already fetches them; to go yourself, press “Somebody else” first"),
    )
}

/// The consult as it stays until the transaction ends, if the caller may bring the person.
async fn booked(tx: &mut Tx, ctx: &Ctx, id: ConsultId) -> Result<Consult, Problem> {
    store::hold_consult(tx, id).await?;
    store::load(tx, ctx, id, ConsultAction::Host).await
}

/// The time for which somebody can be fetched: 409 where none is booked, or it has begun.
async fn ahead(tx: &mut Tx, ctx: &Ctx, consult: &Consult) -> Result<Appointment, Problem> {
    match &consult.state {
        ConsultState::Scheduled(appointment) => Ok(*appointment),
        _ => Err(refused(tx, ctx, consult, "fetch").await?.detail(
            "只有约好了时间、还没有开始的会诊才要去接老人，请刷新后再看",
            "Somebody is fetched for a booked consult that has not begun; reload and look again",
        )),
    }
}
