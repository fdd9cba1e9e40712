//! `/v1/requests/export`.

use axum::extract::State as AppState;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use sanbao_platform::audit;
use sanbao_platform::db::Conn;
use sanbao_platform::http::{Ctx, Json, Query};
use sanbao_platform::lifecycle::Lifecycle as _;
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use uuid::Uuid;

use super::store;
use super::view::{ExportQuery, ExportedDoor, ExportedMatter, ExportedRequest, RequestsExport};
use crate::App;
use crate::door::model::Door;
use crate::matter::model::Matter;
use crate::policy::Action;
use crate::request::policy::Standing;
use crate::request::store as requests;

/// All that this service keeps of a person, as far as the caller may see their requests unmasked: a file to hand to the person.
#[utoipa::path(get, path = "/v1/requests/export", tag = "requests", params(ExportQuery),
    description = "Permission: as for seeing requests unmasked, by a proof of late (step-up). Audited, as reading and as `person.export`.",
    responses((status = 200, body = RequestsExport), (status = 401, description = "not logged in, or step-up-required"),
        (status = 403), (status = 404, description = "no request of theirs is the caller's to give"), (status = 422)))]
pub async fn get(ctx: Ctx, AppState(app): AppState<App>, Query(of): Query<ExportQuery>) -> Result<Response, Problem> {
    let view = exported(&app, &ctx, of.person).await?.ok_or_else(Problem::not_found)?;
    let name = format!("attachment; filename=\"sanbao-requests-{}.json\"", view.person_id);
    Ok(([(header::CONTENT_DISPOSITION, name)], Json(view)).into_response())
}

/// The file for a caller who has proved lately who asks; none where nothing of it is theirs to give, whether or not others
/// have requests of the person. The export is written down before it goes out.
pub(super) async fn exported(app: &App, ctx: &Ctx, person: Uuid) -> Result<Option<RequestsExport>, Problem> {
    Standing::ANY.allows(ctx, Action::RequestReadPersonal).require()?;
    ctx.proved_lately()?;
    let mut conn = app.deps.db.read().await?;
    let person = store::leads_to(&mut conn, person).await?;
    let (ids, cut) = store::of_person(&mut conn, person).await?;
    let (mut items, mut others) = (Vec::new(), 0);
    for id in ids {
        let Some(request) = requests::find(&mut conn, id).await? else { continue };
        let standing = request.stance(app, &mut conn, ctx).await?;
        if standing.allows(ctx, Action::RequestReadPersonal) != Decision::Allow {
            others += 1;
            continue;
        }
        let national_id = request.details.elder.show(&ctx.shows, &request).masked_national_id(id, &app.deps.fields);
        let told = store::one(&mut conn, id).await?.shown(&ctx.shows, &request);
        items.push(ExportedRequest { national_id: national_id.ok().flatten(), ..told });
    }
    let doors = doors(app, &mut conn, ctx, person).await?;
    let matters = matters(app, &mut conn, ctx, person).await?;
    if items.is_empty() && doors.is_empty() && matters.is_empty() {
        return Ok(None);
    }
    let elder = store::elder(&mut conn, person).await?;
    drop(conn);
    let mut tx = app.deps.db.begin().await?;
    audit::record(&mut tx, ctx, "person.export", "person", person).await?;
    tx.commit().await?;
    Ok(Some(RequestsExport { person_id: person, made_at: ctx.now(), elder, items, doors, matters, others, cut }))
}

/// The doors at which the person was looked for, as far as they lie in the caller's areas.
async fn doors(app: &App, conn: &mut Conn, ctx: &Ctx, person: Uuid) -> Result<Vec<ExportedDoor>, Problem> {
    let mut doors = Vec::new();
    for id in store::doors_of(conn, person).await? {
        let Some(door) = Door::find(conn, id).await? else { continue };
        let standing = door.stance(app, conn, ctx).await?;
        if Door::sees(ctx, &standing) == Decision::Allow {
            doors.push(store::door(conn, id).await?.shown(&ctx.shows, &door));
        }
    }
    Ok(doors)
}

/// The matters that are about the person, as far as the caller may read them.
async fn matters(app: &App, conn: &mut Conn, ctx: &Ctx, person: Uuid) -> Result<Vec<ExportedMatter>, Problem> {
    let mut matters = Vec::new();
    for id in store::matters_of(conn, person).await? {
        let Some(matter) = Matter::find(conn, id).await? else { continue };
        let standing = matter.stance(app, conn, ctx).await?;
        if Matter::sees(ctx, &standing) == Decision::Allow {
            matters.push(store::matter(conn, id).await?.shown(&ctx.shows, &matter));
        }
    }
    Ok(matters)
}
