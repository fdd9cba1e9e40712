//! `/v1/persons/{id}/export`.

use axum::extract::State as AppState;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use sanbao_platform::audit::{self, Subject};
use sanbao_platform::db::Conn;
use sanbao_platform::db::copy::ToldRow;
use sanbao_platform::http::{Ctx, Json, Path};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use serde_json::Value;

use super::store;
use super::view::{ExportedSection, PersonExportView};
use crate::App;
use crate::account::id::PersonId;
use crate::account::organisation;
use crate::account::person::care;
use crate::account::person::store::{find_as_stored, load_related};
use crate::account::person::view::{PapersView, PersonView};
use crate::account::policy::{self, AccountAction, AccountRelation};

/// All that is kept of a person, with who has read it and whom it was told: a file to hand to the person.
#[utoipa::path(get, path = "/v1/persons/{id}/export", tag = "people", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: as for correcting the person, by a proof of late (step-up). Audited, as reading and as `person.export`.",
    responses((status = 200, body = PersonExportView), (status = 401, description = "not logged in, or step-up-required"),
        (status = 403, description = "may see the person, not take all of it"),
        (status = 404, description = "unknown, or of no concern to the caller"), (status = 409, description = "care-unreadable")))]
pub async fn get(ctx: Ctx, AppState(app): AppState<App>, Path(id): Path<PersonId>) -> Result<Response, Problem> {
    let view = exported(&app, &ctx, id).await?;
    let name = format!("attachment; filename=\"sanbao-person-{}.json\"", view.person_id);
    Ok(([(header::CONTENT_DISPOSITION, name)], Json(view)).into_response())
}

/// The person whose file a caller may give by an id, which is of the record or of one that leads on to it.
pub(in crate::account) async fn require(app: &App, ctx: &Ctx, id: PersonId) -> Result<PersonId, Problem> {
    let mut conn = app.deps.db.read().await?;
    let (person, _) = load_related(&mut conn, ctx, id, AccountAction::PersonExport).await?;
    Ok(person.unseen().id)
}

/// The file for a caller who has proved lately who asks. The export is written down before it goes out.
pub(in crate::account) async fn exported(app: &App, ctx: &Ctx, id: PersonId) -> Result<PersonExportView, Problem> {
    let mut conn = app.deps.db.read().await?;
    let (person, relation) = load_related(&mut conn, ctx, id, AccountAction::PersonExport).await?;
    ctx.proved_lately()?;
    let person_id = person.unseen().id;
    let own = organisation::own(&mut conn, ctx).await?;
    let sealed = sealed(app, &mut conn, ctx, person_id, relation).await?;
    let told = store::sections(&mut conn, person_id, ctx).await?.shown(&ctx.shows, &Subject::new("person", person_id));
    drop(conn);
    let mut tx = app.deps.db.begin().await?;
    audit::record(&mut tx, ctx, "person.export", "person", person_id).await?;
    tx.commit().await?;
    Ok(PersonExportView {
        person_id,
        made_at: ctx.now(),
        given_by: own.name_zh,
        papers_whole: opens_papers(ctx, relation),
        sections: sealed.into_iter().chain(told).collect(),
    })
}

fn opens_papers(ctx: &Ctx, relation: AccountRelation) -> bool {
    policy::of(&ctx.actor, AccountAction::PersonNationalId, relation) == Decision::Allow
}

/// The parts that lie sealed: papers, care facts, texts that could not be read, drafts; of the record and of those joined into it.
async fn sealed(
    app: &App,
    conn: &mut Conn,
    ctx: &Ctx,
    person: PersonId,
    relation: AccountRelation,
) -> Result<Vec<ExportedSection>, Problem> {
    let (keys, of) = (&app.deps.fields, Subject::new("person", person));
    let (mut papers, mut facts) = (Vec::new(), Vec::new());
    for record in store::records(conn, person).await? {
        let Some(kept) = find_as_stored(conn, record).await? else { continue };
        let whole = PapersView::of(kept.show(&ctx.shows, &of), keys).ok().filter(|_| opens_papers(ctx, relation));
        let rows = match whole {
            Some(whole) => rows_of(&whole.papers)?,
            None => rows_of(&PersonView::masked(kept.shown(&ctx.shows, &of), keys).papers)?,
        };
        papers.extend(rows);
        facts.extend(rows_of(&care::told(conn, ctx, keys, person, record).await?)?);
    }
    let texts = store::unreadable_texts(conn, keys, person, ctx.actor.organisation).await?.shown(&ctx.shows, &of);
    let drafts = store::drafts(conn, keys, person, ctx).await?.shown(&ctx.shows, &of);
    let section = |name, rows| ExportedSection { name, rows, cut: false };
    Ok(vec![section("papers", papers), section("care", facts), texts, drafts])
}

/// Things as rows: the members of each.
fn rows_of<T: Serialize>(things: &[T]) -> Result<Vec<ToldRow>, Problem> {
    let row = |thing: &T| match serde_json::to_value(thing) {
        Ok(Value::Object(members)) => Ok(ToldRow(members.into_iter().collect())),
        Ok(other) => Ok(ToldRow(vec![("value".to_owned(), other)])),
        Err(error) => Err(Problem::internal(error)),
    };
    things.iter().map(row).collect()
}
