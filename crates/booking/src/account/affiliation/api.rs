//! `/v1/affiliations`: agreements between care homes and hospitals.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::{Ctx, ETag, Idempotency, Json, Page, Paging, Path, Query};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::{self, By, Lifecycle as _, StepError, StepRequest};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::input::{AffiliationAcceptance, AffiliationChange, AffiliationRefusal, NewAffiliation};
use super::model::OrganisationAffiliation;
use super::policy::{self, AffiliationAction, AffiliationSide, side_of};
use super::state::AffiliationStep;
use super::steps::{AffiliationOrder, AffiliationStance};
use super::store::{self, PROPOSALS_MAX};
use super::view::{AffiliationLine, AffiliationView};
use crate::App;
use crate::account::id::AffiliationId;
use crate::account::organisation::{self, Organisation, OrganisationState};
use crate::account::problems::{AFFILIATION_OVERLAPS, AFFILIATION_PROPOSED, TOO_MANY_AFFILIATIONS};
use crate::role;

pub(in crate::account) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, propose))
        .routes(routes!(get))
        .routes(routes!(accept))
        .routes(routes!(decline))
        .routes(routes!(withdraw))
        .routes(routes!(change))
        .routes(routes!(end))
}

/// The caller's organisation and its side, for an administrator of one that has agreements.
pub(in crate::account) async fn own(conn: &mut Conn, ctx: &Ctx) -> Result<(Organisation, AffiliationSide), Problem> {
    let own = organisation::own(conn, ctx).await?;
    Decision::over(role::held(&ctx.actor), |role| policy::may_list(role, own.kind)).require()?;
    let side = side_of(own.kind).ok_or_else(Problem::forbidden)?;
    Ok((own, side))
}

/// The agreements of the caller's organisation, over and declined ones too; the newest first.
#[utoipa::path(get, path = "/v1/affiliations", tag = "organisations", params(Paging), security(("bearer" = [])),
    description = "Permission: administrators of a care home, hospital or health centre.",
    responses((status = 200, body = Page<AffiliationLine>), (status = 403, description = "not one of these"),
        (status = 422, description = "parameters to correct")))]
async fn list(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<AffiliationLine>>, Problem> {
    Ok(Json(listed(&mut app.deps.db.read().await?, &ctx, &paging).await?))
}

/// A page of agreements for a caller who has any.
pub(in crate::account) async fn listed(
    conn: &mut Conn,
    ctx: &Ctx,
    paging: &Paging,
) -> Result<Page<AffiliationLine>, Problem> {
    let (own, _) = own(conn, ctx).await?;
    let limit = paging.limit()?;
    let after = paging.after::<(DateTime<Utc>, AffiliationId)>()?;
    let rows = store::list(conn, own.id, ctx.now(), after, limit + 1).await?;
    let page = Page::of(rows, limit, |a: &OrganisationAffiliation| (a.proposed_at, a.id));
    let items = page.items.iter().map(|a| AffiliationLine::of(ctx, a)).collect::<Result<_, _>>()?;
    Ok(Page { items, next: page.next })
}

/// The agreements that wait for an answer or are not over, for a caller who has any, and whether there are older ones than these.
pub(in crate::account) async fn current(conn: &mut Conn, ctx: &Ctx) -> Result<(Vec<AffiliationLine>, bool), Problem> {
    let (own, _) = own(conn, ctx).await?;
    // The days are the hospitals', where it may be a day earlier; what is over there is told by its standing.
    let earliest = (ctx.now() - Duration::days(1)).date_naive();
    let (found, more) = store::current(conn, own.id, earliest).await?;
    let lines = found.iter().map(|a| AffiliationLine::of(ctx, a)).collect::<Result<_, _>>()?;
    Ok((lines, more))
}

/// Proposes an agreement to a hospital or health centre, or to a care home that has invited the caller's hospital; the other side
/// answers. Another that waits for an
/// answer between the two is 409 `affiliation-proposed`, one that stands for some of these days 409 `affiliation-overlaps`. An
/// organisation has at most 100 proposals of its own that wait for an answer: 409 `too-many-affiliations`. One whose days are over
/// without an answer is taken back by the new one.
#[utoipa::path(post, path = "/v1/affiliations", tag = "organisations", request_body = NewAffiliation, security(("bearer" = [])),
    description = "Permission: administrators of a care home, hospital or health centre. Takes Idempotency-Key. Audited.",
    responses((status = 201, body = AffiliationView), (status = 403, description = "not one of these"),
        (status = 409, description = "affiliation-proposed, affiliation-overlaps or too-many-affiliations"),
        (status = 422, description = "fields to correct")))]
async fn propose(
    ctx: Ctx,
    AppState(app): AppState<App>,
    key: Idempotency,
    Json(body): Json<NewAffiliation>,
) -> Result<Response, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let (own, side) = own(&mut tx, &ctx).await?;
    if let Some(answered) = key.begin(&mut tx, &ctx, "POST /v1/affiliations", &body).await? {
        return Ok(answered);
    }
    let new = proposed(&mut tx, &ctx, (&own, side), &body).await?;
    let id = new.id;
    lifecycle::create(&mut tx, &By::Person(&ctx), new).await.map_err(|error| match error {
        // The other side has proposed one at the same moment.
        StepError::Overtaken => Problem::new(&AFFILIATION_PROPOSED),
        error => error.into(),
    })?;
    let view = OrganisationAffiliation::view(&app, &mut tx, &ctx, id).await?;
    let answer = key.finish_tagged(&mut tx, &ctx, StatusCode::CREATED, ETag(view.line.version), &view).await?;
    tx.commit().await?;
    Ok(answer)
}

/// The proposal, if there may be such a one.
async fn proposed(
    tx: &mut Tx,
    ctx: &Ctx,
    (own, side): (&Organisation, AffiliationSide),
    body: &NewAffiliation,
) -> Result<OrganisationAffiliation, Problem> {
    let with = partner(tx, (own, side), body.with).await?;
    let hospital = if side == AffiliationSide::Invited { own } else { &with };
    let today = hospital.day(ctx.now());
    let new = OrganisationAffiliation::proposed(ctx.now(), (side, own), &with, body.checked(side, today)?);
    store::lock(tx, own.id).await?;
    give_way(tx, ctx, &new, today).await?;
    if store::overlaps(tx, &new).await? {
        return Err(Problem::new(&AFFILIATION_OVERLAPS));
    }
    if store::own_proposals(tx, own.id, today).await? >= PROPOSALS_MAX {
        return Err(Problem::new(&TOO_MANY_AFFILIATIONS));
    }
    Ok(new)
}

/// Takes back the proposal between the same two whose days are over without an answer; one that waits for an answer is in the way.
async fn give_way(tx: &mut Tx, ctx: &Ctx, new: &OrganisationAffiliation, today: NaiveDate) -> Result<(), Problem> {
    let Some(old) = store::proposal(tx, new).await? else { return Ok(()) };
    if old.valid_until >= today {
        return Err(Problem::new(&AFFILIATION_PROPOSED));
    }
    let by = By::Automatic { cause: "affiliation-lapsed", at: ctx.now(), actor: None };
    lifecycle::advance(tx, &by, old, AffiliationStep::Withdraw).await?;
    Ok(())
}

/// The other organisation, if it stands on the other side, takes part still, and is one that the caller's may know.
async fn partner(
    conn: &mut Conn,
    (own, side): (&Organisation, AffiliationSide),
    id: OrganisationId,
) -> Result<Organisation, Problem> {
    let known = side == AffiliationSide::Inviting || store::knows(conn, own.id, id).await?;
    let found = organisation::find(conn, id).await?.filter(|_| known);
    let fits =
        |with: &Organisation| with.state == OrganisationState::Open && side_of(with.kind).is_some_and(|of| of != side);
    found.filter(fits).ok_or_else(|| match side {
        AffiliationSide::Inviting => Problem::field("/with", "请选择医院", "Choose a hospital"),
        AffiliationSide::Invited => Problem::field(
            "/with",
            "请选择邀请过贵院的养老机构；其他机构请由对方提出",
            "Choose a care home that has invited your hospital; others propose it themselves",
        ),
    })
}

/// One agreement, with its history and how many consults between the two are open.
#[utoipa::path(get, path = "/v1/affiliations/{id}", tag = "organisations", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of both sides.",
    responses((status = 200, body = AffiliationView), (status = 404, description = "unknown, or of no concern to the caller")))]
async fn get(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<AffiliationId>,
) -> Result<(ETag, Json<AffiliationView>), Problem> {
    let view = read(&mut app.deps.db.read().await?, &ctx, id).await?;
    Ok((ETag(view.line.version), Json(view)))
}

/// One agreement for a caller who may read it.
pub(in crate::account) async fn read(
    conn: &mut Conn,
    ctx: &Ctx,
    id: AffiliationId,
) -> Result<AffiliationView, Problem> {
    let found = store::find(conn, id).await?.ok_or_else(Problem::not_found)?;
    AffiliationStance::of(ctx, &found).allows(ctx, AffiliationAction::Read).require()?;
    AffiliationView::of(conn, ctx, &found).await
}

type Asked = StepRequest<App, AffiliationId>;

/// Agrees to a proposal: it counts from its first day to its last. The hospital says whether its hours are booked at once.
#[utoipa::path(post, path = "/v1/affiliations/{id}/accept", tag = "organisations", params(("id" = uuid::Uuid, Path)),
    request_body = AffiliationAcceptance, security(("bearer" = [])),
    description = "Permission: administrators of the side that has not proposed it. Takes Idempotency-Key and If-Match. Audited.",
    responses((status = 200, body = AffiliationView), (status = 403, description = "may see it, not answer it"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: answered already; affiliation-overlaps, affiliation-over, partner-closed"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
async fn accept(asked: Asked, Json(body): Json<AffiliationAcceptance>) -> Result<Response, Problem> {
    asked.take(AffiliationOrder::Accept(body)).await
}

/// Declines a proposal; the other side reads the reason.
#[utoipa::path(post, path = "/v1/affiliations/{id}/decline", tag = "organisations", params(("id" = uuid::Uuid, Path)),
    request_body = AffiliationRefusal, security(("bearer" = [])),
    description = "Permission: administrators of the side that has not proposed it. Takes Idempotency-Key and If-Match. Audited.",
    responses((status = 200, body = AffiliationView), (status = 403, description = "may see it, not answer it"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: answered already"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
async fn decline(asked: Asked, Json(body): Json<AffiliationRefusal>) -> Result<Response, Problem> {
    asked.take(AffiliationOrder::Decline(body)).await
}

/// Takes a proposal back.
#[utoipa::path(post, path = "/v1/affiliations/{id}/withdraw", tag = "organisations", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: administrators of the side that has proposed it. Takes Idempotency-Key and If-Match. Audited.",
    responses((status = 200, body = AffiliationView), (status = 403, description = "may see it, not take it back"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: answered already"), (status = 412, description = "changed by somebody else")))]
async fn withdraw(asked: Asked) -> Result<Response, Problem> {
    asked.take(AffiliationOrder::Withdraw).await
}

/// Says whether the care home books the hospital's hours at once from now on. What is booked stays.
#[utoipa::path(post, path = "/v1/affiliations/{id}/change", tag = "organisations", params(("id" = uuid::Uuid, Path)),
    request_body = AffiliationChange, security(("bearer" = [])),
    description = "Permission: the hospital's administrators. Takes Idempotency-Key and If-Match. Audited.",
    responses((status = 200, body = AffiliationView), (status = 403, description = "may see it, not change it"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: it does not stand; affiliation-over"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
async fn change(asked: Asked, Json(body): Json<AffiliationChange>) -> Result<Response, Problem> {
    asked.take(AffiliationOrder::Change(body)).await
}

/// Ends an agreement before its last day; the other side reads the reason. Consults that are booked stay.
#[utoipa::path(post, path = "/v1/affiliations/{id}/end", tag = "organisations", params(("id" = uuid::Uuid, Path)),
    request_body = AffiliationRefusal, security(("bearer" = [])),
    description = "Permission: administrators of both sides. Takes Idempotency-Key and If-Match. Audited.",
    responses((status = 200, body = AffiliationView), (status = 403, description = "may see it, not end it"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "invalid-transition: it does not stand; affiliation-over"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
async fn end(asked: Asked, Json(body): Json<AffiliationRefusal>) -> Result<Response, Problem> {
    asked.take(AffiliationOrder::End(body)).await
}
