//! Looking somebody up while one types.

use axum::extract::State as AppState;
use sanbao_platform::audit::Personal;
use sanbao_platform::cn::Paper;
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::http::{Ctx, Json, Query};
use sanbao_platform::problem::Problem;
use serde::Deserialize;
use utoipa::IntoParams;

use super::key::{Beginning, LookupSign, beginnings};
use super::store::{self, Bounds};
use super::view::{LookedUp, LookupView};
use crate::App;
use crate::account::input::{Fields, line};
use crate::account::organisation;
use crate::account::person::model::{Person, paper_tail, register};
use crate::account::person::view::PersonView;
use crate::account::policy::{self, AccountAction};

/// People whom an answer names at most.
const FOUND_MAX: usize = 20;
/// The rows that are read for one beginning: one person more than are named, so that it is known whether there are more.
const BOUNDS: Bounds = Bounds { keys: 100, people: 21 };

/// The query of a look-up.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::account) struct LookupQuery {
    /// Any part of a telephone (three digits at least), of a name, its pinyin or initials, or of an address; the whole
    /// number of a paper, or its last four characters.
    q: String,
}

/// People who fit what is typed, of those whom the caller may see; at most 20, the surest first.
#[utoipa::path(get, path = "/v1/persons/lookup", tag = "people", params(LookupQuery), security(("bearer" = [])),
    description = "Permission: care staff and administrators of a care home, of its residents; an agency's dispatchers, of those whom it visits or visited in 90 days or has registered; a street's dispatchers and administrators, of its area. Audited.",
    responses((status = 200, body = LookupView), (status = 403, description = "not one of these roles"),
        (status = 422, description = "nothing to look for")))]
pub async fn lookup(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Query(query): Query<LookupQuery>,
) -> Result<Json<LookupView>, Problem> {
    Ok(Json(looked_up(&app, &ctx, &query.q).await?))
}

/// Refuses an account that may look nobody up.
pub(in crate::account) async fn may(app: &App, ctx: &Ctx) -> Result<(), Problem> {
    let own = organisation::own(&mut app.deps.db.read().await?, ctx).await?;
    policy::of(&ctx.actor, AccountAction::PersonList, register(&own).0).require()
}

/// The people who fit what was typed, as the caller may see them.
pub(in crate::account) async fn looked_up(app: &App, ctx: &Ctx, typed: &str) -> Result<LookupView, Problem> {
    let mut conn = app.deps.db.read().await?;
    let own = organisation::own(&mut conn, ctx).await?;
    policy::of(&ctx.actor, AccountAction::PersonList, register(&own).0).require()?;
    let mut fields = Fields::default();
    let typed = fields.take("?q", line(typed, 60));
    let typed = fields.finish(typed)?;
    let (mut found, mut more): (Vec<(Personal<Person>, LookupSign)>, bool) = (Vec::new(), false);
    for beginning in of(&typed, &app.deps.fields, ctx) {
        let (people, cut) = store::found(&mut conn, ctx, &own, &beginning, BOUNDS).await?;
        more |= cut;
        for person in people {
            if !found.iter().any(|(known, _)| known.unseen().id == person.unseen().id) {
                found.push((person, beginning.sign));
            }
        }
        if found.len() > FOUND_MAX {
            break;
        }
    }
    more |= found.len() > FOUND_MAX;
    let view = |(person, because)| LookedUp { person: PersonView::of(person, &ctx.shows, &app.deps.fields), because };
    let items = found.into_iter().take(FOUND_MAX).map(view).collect();
    Ok(LookupView { items, more })
}

/// The beginnings of keys that a text may be.
fn of(typed: &str, keys: &FieldKeys, ctx: &Ctx) -> Vec<Beginning> {
    let today = ctx.now().date_naive();
    let papers = Paper::perhaps(typed, today).into_iter();
    let indexes = papers.filter_map(|paper| match paper.resident_id(today) {
        Some(id) => Some(id.index(keys)),
        None => paper.index(keys),
    });
    let tail = paper_tail(keys, typed);
    beginnings(typed, &indexes.collect::<Vec<_>>(), tail.as_deref())
}
