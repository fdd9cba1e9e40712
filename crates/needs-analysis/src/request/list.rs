//! Which requests a list shows: those that the actor may see, filtered, in pages, the newest first.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::auth::Actor;
use sanbao_platform::cn::{Phone, half_width, plain_name};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::http::Paging;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use sanbao_platform::text_enum::TextEnum as _;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use uuid::Uuid;

use super::category::{Category, Urgency};
use super::id::RequestId;
use super::model::{Listed, ListedRow};
use super::policy::Standing;
use super::state::RequestStateName;
use crate::area::AreaCode;
use crate::policy::{self, Action, Relation};

/// A longer search text is cut.
const SEARCH_CHARS_MAX: usize = 60;

/// Which requests to list. An empty value filters nothing, as a form sends it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ListQuery {
    /// Only in this state.
    pub state: Option<String>,
    /// Only in this area and below it.
    pub area: Option<String>,
    /// Only of this category.
    pub category: Option<String>,
    /// Only of this urgency.
    pub urgency: Option<String>,
    /// Only those that are not closed, cancelled or merged: `true`.
    pub open: Option<String>,
    /// Name, telephone or address contains this; or the other system's id is this.
    pub q: Option<String>,
    /// Only those of this person, of whom a single record is kept elsewhere.
    pub person: Option<Uuid>,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Rows wanted, 1 to 200.
    pub limit: Option<u32>,
}

/// A checked filter.
#[derive(Clone, Debug)]
pub struct Filter {
    state: Option<RequestStateName>,
    area: Option<AreaCode>,
    category: Option<Category>,
    urgency: Option<Urgency>,
    open: bool,
    search: Option<String>,
    person: Option<Uuid>,
    before: (DateTime<Utc>, Uuid),
    /// Rows of a page.
    pub limit: i64,
}

// One statement for all filters: what is null filters nothing. The scope is a list of codes with commas
// and is expanded in the database; `replace` finds a code in it exactly, which `like` on SQLite does not.
const LIST: &str = "with recursive
    scope (code, depth) as (
        select a.code, 0 from area a where replace(',' || $1 || ',', ',' || a.code || ',', '') <> ',' || $1 || ','
        union all
        select p.child, scope.depth + 1 from scope join area_parent p on p.parent = scope.code
        where p.valid_from <= $2 and (p.valid_to is null or p.valid_to > $2) and scope.depth < 5),
    wanted (code, depth) as (
        select a.code, 0 from area a where a.code = $3
        union all
        select p.child, wanted.depth + 1 from wanted join area_parent p on p.parent = wanted.code
        where p.valid_from <= $2 and (p.valid_to is null or p.valid_to > $2) and wanted.depth < 5)
    select r.id, r.source, r.external_id, r.received_at, r.area_code, r.category, r.category_raw, r.urgency,
        r.elder_name, r.phone, r.national_id_sealed, r.national_id_index, r.address, r.note, r.wanted_from,
        r.wanted_until, r.person_id, r.person_key, r.content_index, r.triaged, r.state, r.state_since, r.agency_id,
        r.accepted_at, r.visit_id, r.merged_into, r.organisation_id, r.created_at, r.version, a.name_zh as area_name,
        g.name_zh as agency_name, e.ended_as, e.ended_on, r.area_code in (select code from scope) as in_scope
    from request r join area a on a.code = r.area_code left join agency g on g.organisation_id = r.agency_id
    left join elder e on e.person_id = r.person_id
    where r.removed_at is null and (r.agency_id = $4 or r.area_code in (select code from scope))
        and ($3 is null or r.area_code in (select code from wanted))
        and ($5 is null or r.state = $5)
        and ($6 is null or r.category = $6)
        and ($7 is null or r.urgency = $7)
        and ($8 is null or lower(r.elder_name) like $14 escape '\\' or r.phone like $15 escape '\\'
            or lower(r.address) like $8 escape '\\' or r.external_id = $9)
        and ($16 is null or r.person_id = $16)
        and replace($10, ',' || r.state || ',', '') = $10
        and (r.received_at, r.id) < ($11, $12)
    order by r.received_at desc, r.id desc limit $13";

#[derive(sqlx_macros::FromRow)]
struct Row {
    #[sqlx(flatten)]
    listed: ListedRow,
    in_scope: bool,
}

fn set(text: Option<&String>) -> Option<&str> {
    text.map(|t| t.trim()).filter(|t| !t.is_empty())
}

fn one_of<T>(name: &str, text: Option<&String>, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Problem> {
    let Some(text) = set(text) else { return Ok(None) };
    parse(text).map(Some).ok_or_else(|| Problem::field(format!("?{name}"), "没有这个选项", "There is no such choice"))
}

impl ListQuery {
    /// Checks the filter.
    pub fn check(&self) -> Result<Filter, Problem> {
        let paging = Paging { after: self.after.clone().filter(|a| !a.is_empty()), limit: self.limit };
        let far = DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let search = set(self.q.as_ref()).map(|q| q.chars().take(SEARCH_CHARS_MAX).collect::<String>());
        Ok(Filter {
            state: one_of("state", self.state.as_ref(), RequestStateName::from_text)?,
            area: one_of("area", self.area.as_ref(), |t| AreaCode::parse(t).ok())?,
            category: one_of("category", self.category.as_ref(), Category::from_text)?,
            urgency: one_of("urgency", self.urgency.as_ref(), Urgency::from_text)?,
            open: set(self.open.as_ref()).is_some_and(|t| t == "true"),
            search: search.filter(|s| !s.contains('\0')),
            person: self.person,
            before: paging.after()?.unwrap_or((far, Uuid::max())),
            limit: paging.limit()?,
        })
    }
}

/// A search text as a pattern that means only itself.
fn pattern(text: &str) -> String {
    let text = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{text}%")
}

/// The patterns of an address, of a name and of a telephone number: the latter two in the form in which they are kept.
fn patterns(text: &str) -> [Option<String>; 3] {
    let phone = Phone::parse(text, None).map_or_else(|_| half_width(text), |phone| phone.as_str().to_owned());
    [Some(pattern(text)), Some(pattern(&plain_name(text))), Some(pattern(&phone))]
}

/// The states that a list leaves out, each between commas; none when the ended requests are wanted too.
fn left_out(open_only: bool) -> String {
    let ended = RequestStateName::ALL.iter().filter(|state| open_only && !state.is_open());
    ended.flat_map(|state| [",", state.as_str(), ","]).collect()
}

/// Whose requests beside those of the scope: the organisation, for roles that answer for it.
fn agency_of(actor: &Actor) -> Option<OrganisationId> {
    let reads = policy::allows(actor, Action::RequestRead, Relation::Assigned) == Decision::Allow;
    reads.then_some(actor.organisation)
}

/// Up to `limit + 1` requests that the actor may see, with how it stands to each.
pub async fn list(
    conn: &mut Conn,
    actor: &Actor,
    filter: &Filter,
    today: NaiveDate,
) -> Result<Vec<(Listed, Standing)>, DbError> {
    let in_scope = policy::allows(actor, Action::RequestRead, Relation::InScope) == Decision::Allow;
    let codes = |a: &String| AreaCode::parse(a).ok().map(|c| c.to_string());
    let scope =
        if in_scope { actor.areas.iter().filter_map(codes).collect::<Vec<_>>().join(",") } else { String::new() };
    let agency = agency_of(actor);
    let [like, name, phone] = filter.search.as_deref().map_or_else(Default::default, patterns);
    let rows: Vec<Row> = on!(conn, |c| {
        let q = sqlx::query_as(LIST).bind(&scope).bind(today).bind(&filter.area).bind(agency).bind(filter.state);
        let q = q.bind(filter.category).bind(filter.urgency).bind(&like).bind(&filter.search);
        let q = q.bind(left_out(filter.open)).bind(filter.before.0).bind(filter.before.1).bind(filter.limit + 1);
        let q = q.bind(&name).bind(&phone).bind(filter.person);
        q.fetch_all(c).await
    })?;
    let rows = rows.into_iter().map(|row| {
        let listed = Listed::try_from(row.listed)?;
        let assigned = agency.is_some() && listed.request.agency() == agency;
        Ok((listed, Standing { in_scope: row.in_scope, assigned }))
    });
    rows.collect()
}

/// The sort key of a row, for the next page.
pub fn key(listed: &Listed) -> (DateTime<Utc>, RequestId) {
    (listed.request.details.received_at, listed.request.id)
}
