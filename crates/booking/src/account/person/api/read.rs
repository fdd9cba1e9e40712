//! Reading people, masked.

use axum::extract::State as AppState;
use sanbao_platform::audit::{Personal, Subject};
use sanbao_platform::http::{Ctx, ETag, Json, LIMIT_MAX, Page, Paging, Path, Query};
use sanbao_platform::problem::Problem;

use crate::App;
use crate::account::id::PersonId;
use crate::account::organisation;
use crate::account::person::input::{PersonQuery, PersonSearch};
use crate::account::person::model::{Person, register};
use crate::account::person::store;
use crate::account::person::view::{NationalIdView, PapersView, PersonView};
use crate::account::policy::{self, AccountAction};
use crate::account::problems::NATIONAL_ID_UNREADABLE;

/// People of the caller's care home; for dispatchers, elders at home whom they have to do with and who fit a search.
#[utoipa::path(get, path = "/v1/persons", tag = "people", params(PersonQuery), security(("bearer" = [])),
    description = "Permission: care staff and administrators of a care home. With `q`: an agency's dispatchers, of those whom it visits or visited in 90 days; a street's dispatchers and administrators, of its area. Audited.",
    responses((status = 200, body = Page<PersonView>), (status = 403, description = "not one of these roles"),
        (status = 422, description = "a dispatcher without q")))]
pub async fn list(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Query(query): Query<PersonQuery>,
) -> Result<Json<Page<PersonView>>, Problem> {
    Ok(Json(listed(&app, &ctx, query).await?))
}

async fn listed(app: &App, ctx: &Ctx, query: PersonQuery) -> Result<Page<PersonView>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let own = organisation::own(&mut conn, ctx).await?;
    let (relation, organisation) = register(&own);
    policy::of(&ctx.actor, AccountAction::PersonList, relation).require()?;
    let search = PersonSearch::of(query.q.as_deref(), &app.deps, ctx.now().date_naive())?;
    let paging = Paging { after: query.after, limit: query.limit };
    let limit = paging.limit()?;
    let rows = match organisation {
        Some(id) => store::residents(&mut conn, id, &search, paging.after()?, limit + 1).await?,
        None if query.q.as_deref().is_none_or(|q| q.trim().is_empty()) => {
            let (zh, en) = ("请输入姓名、手机号或身份证号", "Give a name, a telephone number or a national id");
            return Err(Problem::field("?q", zh, en));
        }
        None => store::elders(&mut conn, ctx, &own, &search, limit).await?,
    };
    let key = |p: &Personal<Person>| (p.unseen().name.clone(), p.unseen().id);
    let page = Page::of(rows, limit, key);
    let next = page.next;
    let items = page.items.into_iter().map(|p| PersonView::of(p, &ctx.shows, &app.deps.fields)).collect();
    Ok(Page { items, next })
}

/// The residents of the caller's care home for a page; at most 200.
pub(in crate::account) async fn residents_for_page(
    app: &App,
    ctx: &Ctx,
    q: Option<String>,
) -> Result<Page<PersonView>, Problem> {
    let own = organisation::own(&mut app.deps.db.read().await?, ctx).await?;
    if register(&own).1.is_none() {
        // Elders at home are no organisation's residents.
        return Err(Problem::forbidden());
    }
    listed(app, ctx, PersonQuery { after: None, limit: Some(LIMIT_MAX), q }).await
}

/// One person, masked. The reading is audited.
#[utoipa::path(get, path = "/v1/persons/{id}", tag = "people", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: care staff, doctors and administrators of the person's care home; an agency's dispatchers for elders at home whom it visits or visited in 90 days; a street's dispatchers and administrators for those of its area. Audited.",
    responses((status = 200, body = PersonView), (status = 404, description = "unknown, or of no concern to the caller")))]
pub async fn get(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<PersonId>,
) -> Result<(ETag, Json<PersonView>), Problem> {
    let mut conn = app.deps.db.read().await?;
    let person = store::load(&mut conn, &ctx, id, AccountAction::PersonRead).await?;
    let view = PersonView::of(person, &ctx.shows, &app.deps.fields);
    Ok((ETag(view.version), Json(view)))
}

/// The whole national id, for forms that need it. Each look is audited.
#[utoipa::path(get, path = "/v1/persons/{id}/national-id", tag = "people", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: care staff and administrators of the person's care home, by a proof of late (step-up). Audited.",
    responses((status = 200, body = NationalIdView), (status = 401, description = "not logged in, or step-up-required"), (status = 403, description = "may see the person, not the number"),
        (status = 404, description = "unknown, of no concern to the caller, or no number known"),
        (status = 409, description = "national-id-unreadable")))]
pub async fn national_id(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<PersonId>,
) -> Result<Json<NationalIdView>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let person = store::load(&mut conn, &ctx, id, AccountAction::PersonNationalId).await?;
    ctx.proved_lately()?;
    let person = person.shown(&ctx.shows, &Subject::new("person", id));
    let known = person.national_id(&app.deps.fields).map_err(|_| Problem::new(&NATIONAL_ID_UNREADABLE))?;
    let national_id = known.ok_or_else(Problem::lacking)?;
    Ok(Json(NationalIdView { national_id }))
}

/// The whole numbers of every paper, for forms that need them. Each look is audited.
#[utoipa::path(get, path = "/v1/persons/{id}/papers", tag = "people", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: care staff and administrators of the person's care home, by a proof of late (step-up). Audited.",
    responses((status = 200, body = PapersView), (status = 401, description = "not logged in, or step-up-required"), (status = 403, description = "may see the person, not the numbers"),
        (status = 404, description = "unknown, or of no concern to the caller"),
        (status = 409, description = "national-id-unreadable")))]
pub async fn papers(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<PersonId>,
) -> Result<Json<PapersView>, Problem> {
    let mut conn = app.deps.db.read().await?;
    let person = store::load(&mut conn, &ctx, id, AccountAction::PersonNationalId).await?;
    ctx.proved_lately()?;
    let person = person.shown(&ctx.shows, &Subject::new("person", id));
    let papers = PapersView::of(&person, &app.deps.fields);
    Ok(Json(papers.map_err(|_| Problem::new(&NATIONAL_ID_UNREADABLE))?))
}
