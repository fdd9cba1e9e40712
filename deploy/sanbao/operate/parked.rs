//! `/v1/parked-events` of each service: listed, handed to the consumer once more, dropped for a reason.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::routing::get;
use sanbao_platform::bus::{self, ParkedEvent, ParkedId};
use sanbao_platform::http::{Ctx, Json, Page, Paging, Path, Query, Routes};
use sanbao_platform::problem::Problem;
use utoipa_axum::routes;

use super::input::{DropOrder, RetryOrder};
use super::{Operated, operates, parked_page};
use crate::role::Role;

pub(super) fn routes(role: Role) -> Routes<Operated> {
    match role {
        Role::Booking => booking::routes(),
        Role::Signalling => signalling::routes(),
        Role::NeedsAnalysis => needs_analysis::routes(),
    }
}

/// The page of a service's parked events.
pub(super) const fn page_of(role: Role) -> &'static str {
    match role {
        Role::Booking => booking::PAGE,
        Role::Signalling => signalling::PAGE,
        Role::NeedsAnalysis => needs_analysis::PAGE,
    }
}

/// Under which path a service's parked events are.
pub(super) const fn path_of(role: Role) -> &'static str {
    match role {
        Role::Booking => booking::LIST,
        Role::Signalling => signalling::LIST,
        Role::NeedsAnalysis => needs_analysis::LIST,
    }
}

async fn list(app: &Operated, ctx: &Ctx, paging: &Paging) -> Result<Json<Page<ParkedEvent>>, Problem> {
    operates(ctx)?;
    Ok(Json(bus::parked(&app.deps.db, paging, app.noted_since()).await?))
}

fn id_of(text: &str) -> Result<ParkedId, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

async fn retry(app: &Operated, ctx: &Ctx, id: &str, order: &RetryOrder) -> Result<StatusCode, Problem> {
    operates(ctx)?;
    let ParkedId { consumer, event } = id_of(id)?;
    app.consumer(&consumer)?.retry(ctx, event, order.although_later, app.noted_since()).await?.answer()?;
    Ok(StatusCode::NO_CONTENT)
}

async fn drop(app: &Operated, ctx: &Ctx, id: &str, order: &DropOrder) -> Result<StatusCode, Problem> {
    operates(ctx)?;
    ctx.proved_lately()?;
    let (id, reason) = (id_of(id)?, order.reason()?);
    let dropped = bus::drop_parked(&app.deps.db, ctx, &id, reason).await?;
    if dropped { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

/// The operations of one service, which differ in their paths alone: a proxy leads each to its own.
macro_rules! operations {
    ($service:ident, $list:literal, $retry:literal, $drop:literal, $page:literal) => {
        mod $service {
            use super::*;

            pub(super) const LIST: &str = $list;
            pub(super) const PAGE: &str = $page;

            pub(super) fn routes() -> Routes<Operated> {
                let page = get(parked_page::page).post(parked_page::found);
                let routes = Routes::new().routes(routes!(list_parked)).routes(routes!(retry_parked));
                routes.routes(routes!(drop_parked)).page($page, page)
            }

            /// Events that this service gave up on, the oldest first, without their data.
            #[utoipa::path(get, path = $list, tag = "operation", params(Paging), security(("bearer" = [])),
                description = "Permission: administrators of a street office.",
                responses((status = 200, body = Page<ParkedEvent>), (status = 403, description = "no administrator of a street office"),
                    (status = 422, description = "parameters to correct")))]
            async fn list_parked(
                ctx: Ctx,
                AppState(app): AppState<Operated>,
                Query(paging): Query<Paging>,
            ) -> Result<Json<Page<ParkedEvent>>, Problem> {
                list(&app, &ctx, &paging).await
            }

            /// Hands a parked event to its consumer once more. Where it takes effect, it is parked no more, and a repeat answers 404.
            #[utoipa::path(post, path = $retry, tag = "operation", params(("id" = String, Path)),
                request_body = RetryOrder, security(("bearer" = [])),
                description = "Permission: administrators of a street office. Audited, also where it fails.",
                responses((status = 204, description = "it has taken effect"), (status = 403, description = "no administrator of a street office"),
                    (status = 404, description = "not parked, or not any more"),
                    (status = 409, description = "event-not-taken, with the cause; later-event-taken"),
                    (status = 503, description = "nothing can be taken now")))]
            async fn retry_parked(
                ctx: Ctx,
                AppState(app): AppState<Operated>,
                Path(id): Path<String>,
                Json(order): Json<RetryOrder>,
            ) -> Result<StatusCode, Problem> {
                retry(&app, &ctx, &id, &order).await
            }

            /// Drops a parked event for a reason: it never takes effect here, and a repeat answers 404.
            #[utoipa::path(post, path = $drop, tag = "operation", params(("id" = String, Path)),
                request_body = DropOrder, security(("bearer" = [])),
                description = "Permission: administrators of a street office, by a proof of late (step-up). Audited; the reason is kept.",
                responses((status = 204, description = "it is gone"), (status = 401, description = "not logged in, or step-up-required"),
                    (status = 403, description = "no administrator of a street office"),
                    (status = 404, description = "not parked, or not any more"), (status = 422, description = "fields to correct")))]
            async fn drop_parked(
                ctx: Ctx,
                AppState(app): AppState<Operated>,
                Path(id): Path<String>,
                Json(order): Json<DropOrder>,
            ) -> Result<StatusCode, Problem> {
                drop(&app, &ctx, &id, &order).await
            }
        }
    };
}

operations!(
    booking,
    "/v1/parked-events",
    "/v1/parked-events/{id}/retry",
    "/v1/parked-events/{id}/drop",
    "/admin/parked"
);
operations!(
    needs_analysis,
    "/v1/needs/parked-events",
    "/v1/needs/parked-events/{id}/retry",
    "/v1/needs/parked-events/{id}/drop",
    "/needs/parked"
);
operations!(
    signalling,
    "/v1/signalling/parked-events",
    "/v1/signalling/parked-events/{id}/retry",
    "/v1/signalling/parked-events/{id}/drop",
    "/relay/parked"
);
