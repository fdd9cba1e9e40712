//! Which requests a list shows: those that the actor may see, filtered, in pages. A queue shows what is due first on top, a search and
//! the list of all the newest.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::auth::Actor;
use sanbao_platform::cn::{Phone, half_width, plain_name};
use sanbao_platform::db::{Conn, DbError, Engine};
use sanbao_platform::http::Paging;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::on;
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use sanbao_platform::text_enum::TextEnum as _;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::IntoParams;
use uuid::Uuid;

use super::category::{Category, Urgency};
use super::id::RequestId;
use super::model::{Listed, ListedRow, phone_end};
use super::number::{self, SaidNumber};
use super::policy::Standing;
use super::queue::{self, Queue};
use super::state::RequestStateName;
use super::store::{request_columns, request_names};
use crate::area::{self, AreaCode};
use crate::local_day;
use crate::policy::{self, Action, Relation};

/// A longer search text is cut.
const SEARCH_CHARS_MAX: usize = 60;
/// Digits of a telephone's end at least.
const PHONE_END_MIN: usize = 4;
/// So many names and addresses are looked up one by one; a text that more contain is met soon in the list itself.
const TEXTS_MAX: i64 = 200;

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
    /// Name or address contains this; the telephone is this, or ends with these four or more digits; or the number is this
    /// (`1129-0042`), or the other system's id.
    pub q: Option<String>,
    /// Only those of this queue, sorted by when they are due: see `GET /v1/requests/queues`. Not together with `q`.
    pub queue: Option<String>,
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
    pub(super) state: Option<RequestStateName>,
    area: Option<AreaCode>,
    /// The codes of the wanted area and of all below it.
    pub(super) wanted: Option<Vec<String>>,
    pub(super) category: Option<Category>,
    pub(super) urgency: Option<Urgency>,
    open: bool,
    search: Option<String>,
    /// The queue that is shown: none for a search.
    pub queue: Option<Queue>,
    person: Option<Uuid>,
    after: Option<(DateTime<Utc>, Uuid)>,
    /// Rows of a page.
    pub limit: i64,
}

/// Which requests an actor sees at all.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The codes of its areas with all below them.
    pub scope: Vec<String>,
    /// Its organisation, for roles that answer for an agency.
    pub agency: Option<OrganisationId>,
}

// One statement for all filters: what is null filters nothing. `$1` are the codes of the caller's areas, `$3` those of a wanted one.
macro_rules! filtered {
    () => {
        "and (r.agency_id = $4 or r.area_code in (select code from scope))
        and ($3 is null or r.area_code in (select code from wanted))
        and ($5 is null or r.state = $5)
        and ($6 is null or r.category = $6)
        and ($7 is null or r.urgency = $7)
        and replace($10, ',' || r.state || ',', '') = $10
        and (r.received_at, r.id) < ($11, $12)
        order by r.received_at desc, r.id desc limit $13"
    };
}
macro_rules! in_scope {
    () => {
        ", r.area_code in (select code from scope) as in_scope from request r "
    };
}
// A text that is part of many names is found soon, however it is looked for.
macro_rules! looked {
    () => {
        " where r.removed_at is null and ($8 is null or lower(r.elder_name) like $8 escape '\\'
            or lower(r.address) like $8 escape '\\' or r.phone = $2 or r.external_id = $9) "
    };
}
const LIST_SQLITE: &str = concat!(
    "with scope (code) as (select value from json_each($1)), wanted (code) as (select value from json_each($3)) ",
    request_columns!(),
    in_scope!(),
    request_names!(),
    looked!(),
    filtered!()
);
const LIST_POSTGRES: &str = concat!(
    "with scope (code) as (select jsonb_array_elements_text($1)),
        wanted (code) as (select jsonb_array_elements_text($3)) ",
    request_columns!(),
    in_scope!(),
    request_names!(),
    looked!(),
    filtered!()
);

// Those of a person, of a telephone, of a number, of another system's id, and of the names and addresses that contain a text: each by an
// index of its own. `$2` is the telephone, `$8` its last four digits, `$9` the other id, `$14` the digits it ends with, `$15` names, `$16` addresses,
// `$17` ids by number, `$18` the person.
macro_rules! hits_sqlite {
    () => {
        "hits (id) as (
        select id from request where person_id = $18
        union select id from request where phone = $2
        union select id from request where phone_end = $8 and phone like '%' || $14
        union select id from request where external_id = $9
        union select id from request where lower(elder_name) in (select value from json_each($15))
        union select id from request where lower(address) in (select value from json_each($16)) and address is not null
        union select unhex(value) from json_each($17)) "
    };
}
macro_rules! hits_postgres {
    () => {
        "hits (id) as (
        select id from request where person_id = $18
        union select id from request where phone = $2
        union select id from request where phone_end = $8 and phone like '%' || $14
        union select id from request where external_id = $9
        union select id from request where lower(elder_name) in (select jsonb_array_elements_text($15))
        union select id from request where lower(address) in (select jsonb_array_elements_text($16)) and address is not null
        union select value::uuid from jsonb_array_elements_text($17)) "
    };
}
macro_rules! of_hits {
    () => {
        " where r.removed_at is null and r.id in (select id from hits) "
    };
}
const FOUND_SQLITE: &str = concat!(
    "with scope (code) as (select value from json_each($1)), wanted (code) as (select value from json_each($3)), ",
    hits_sqlite!(),
    request_columns!(),
    in_scope!(),
    request_names!(),
    of_hits!(),
    filtered!()
);
const FOUND_POSTGRES: &str = concat!(
    "with scope (code) as (select jsonb_array_elements_text($1)),
        wanted (code) as (select jsonb_array_elements_text($3)), ",
    hits_postgres!(),
    request_columns!(),
    in_scope!(),
    request_names!(),
    of_hits!(),
    filtered!()
);
const TEXTS: &str = "select kind, text from request_text where text like $1 escape '\\' limit $2";

#[derive(sqlx_macros::FromRow)]
pub(super) struct SeenRow {
    #[sqlx(flatten)]
    listed: ListedRow,
    in_scope: bool,
}

impl SeenRow {
    /// The request, with how the caller stands to it.
    pub(super) fn standing(self, agency: Option<OrganisationId>) -> Result<(Listed, Standing), DbError> {
        let listed = Listed::try_from(self.listed)?;
        let assigned = agency.is_some() && listed.request.agency() == agency;
        Ok((listed, Standing { in_scope: self.in_scope, assigned }))
    }
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
        let search = set(self.q.as_ref()).map(|q| q.chars().take(SEARCH_CHARS_MAX).collect::<String>());
        let search = search.filter(|s| !s.contains('\0'));
        let queue = one_of("queue", self.queue.as_ref(), Queue::from_text)?;
        Ok(Filter {
            state: one_of("state", self.state.as_ref(), RequestStateName::from_text)?,
            area: one_of("area", self.area.as_ref(), |t| AreaCode::parse(t).ok())?,
            wanted: None,
            category: one_of("category", self.category.as_ref(), Category::from_text)?,
            urgency: one_of("urgency", self.urgency.as_ref(), Urgency::from_text)?,
            open: set(self.open.as_ref()).is_some_and(|t| t == "true"),
            queue: queue.filter(|_| search.is_none() && self.person.is_none()),
            search,
            person: self.person,
            after: paging.after()?,
            limit: paging.limit()?,
        })
    }
}

impl Filter {
    /// The row before the page of a queue.
    pub(super) fn later(&self) -> (DateTime<Utc>, Uuid) {
        self.after.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil()))
    }

    /// The row before the page of a list with the newest on top.
    fn earlier(&self) -> (DateTime<Utc>, Uuid) {
        let far = DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
        self.after.unwrap_or((far, Uuid::max()))
    }
}

/// A search text as a pattern that means only itself.
fn pattern(text: &str) -> String {
    let text = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{text}%")
}

/// The states that a list leaves out, each between commas; none when the ended requests are wanted too.
fn left_out(open_only: bool) -> String {
    let ended = RequestStateName::ALL.iter().filter(|state| open_only && !state.is_open());
    ended.flat_map(|state| [",", state.as_str(), ","]).collect()
}

impl Seen {
    /// The requests that an actor sees on a day.
    pub async fn of(conn: &mut Conn, actor: &Actor, today: NaiveDate) -> Result<Self, DbError> {
        let may = |relation| policy::allows(actor, Action::RequestRead, relation) == Decision::Allow;
        let scope = if may(Relation::InScope) && !actor.areas.is_empty() {
            let codes = area::store::scope_codes(conn, actor, today).await?;
            codes.into_iter().map(|code| code.to_string()).collect()
        } else {
            Vec::new()
        };
        Ok(Self { scope, agency: may(Relation::Assigned).then_some(actor.organisation) })
    }
}

/// A search as the statements want it.
#[derive(Debug, Default)]
struct Search {
    phone: Option<String>,
    /// The digits a telephone ends with, and the last four of them.
    end: Option<(String, String)>,
    names: Vec<String>,
    addresses: Vec<String>,
    numbers: Vec<String>,
    /// More texts contain it than are looked at one by one.
    in_many: bool,
}

impl Search {
    async fn of(conn: &mut Conn, text: &str, today: NaiveDate) -> Result<Self, DbError> {
        let digits = half_width(text);
        let digits = digits.bytes().all(|b| b.is_ascii_digit()).then_some(digits);
        let phone = Phone::parse(text, None).map_or_else(|_| digits.clone(), |phone| Some(phone.as_str().to_owned()));
        let end = digits.filter(|d| d.len() >= PHONE_END_MIN);
        let numbers = match SaidNumber::parse(text) {
            Some(said) => number::find(conn, said, today).await?,
            None => Vec::new(),
        };
        let hex = matches!(conn.engine(), Engine::Sqlite(_));
        let id = |id: RequestId| if hex { id.0.simple().to_string() } else { id.to_string() };
        let mut search = Self {
            phone,
            end: end.and_then(|d| Some((phone_end(&d)?, d))).map(|(last, all)| (all, last)),
            numbers: numbers.into_iter().map(id).collect(),
            ..Self::default()
        };
        let like = [pattern(text), pattern(&plain_name(text))];
        for like in like.iter().take(if like[0] == like[1] { 1 } else { 2 }) {
            let texts: Vec<(String, String)> =
                on!(&mut *conn, |c| { sqlx::query_as(TEXTS).bind(like).bind(TEXTS_MAX + 1).fetch_all(c).await })?;
            search.in_many |= i64::try_from(texts.len()).unwrap_or(i64::MAX) > TEXTS_MAX;
            for (kind, text) in texts {
                if kind == "name" { search.names.push(text) } else { search.addresses.push(text) }
            }
        }
        Ok(search)
    }
}

/// Up to `limit + 1` requests that the actor may see, with how it stands to each.
pub async fn list(
    conn: &mut Conn,
    actor: &Actor,
    filter: &Filter,
    now: DateTime<Utc>,
) -> Result<Vec<(Listed, Standing)>, DbError> {
    let today = local_day(now);
    let seen = Seen::of(conn, actor, today).await?;
    let mut filter = filter.clone();
    if let Some(code) = &filter.area {
        let codes = area::store::descendants(conn, code, today).await?;
        filter.wanted = Some(codes.into_iter().map(|code| code.to_string()).collect());
    }
    if let Some(queue) = filter.queue {
        return queue::due(conn, actor, &seen, queue, &filter, now).await;
    }
    let search = match &filter.search {
        Some(text) => Search::of(conn, text, today).await?,
        None => Search::default(),
    };
    let by_hits = filter.person.is_some() || (filter.search.is_some() && !search.in_many);
    let rows =
        if by_hits { found(conn, &seen, &filter, &search).await } else { all(conn, &seen, &filter, &search).await }?;
    rows.into_iter().map(|row| row.standing(seen.agency)).collect()
}

async fn all(conn: &mut Conn, seen: &Seen, filter: &Filter, search: &Search) -> Result<Vec<SeenRow>, DbError> {
    let statement = match conn.engine() {
        Engine::Sqlite(_) => LIST_SQLITE,
        Engine::Postgres(_) => LIST_POSTGRES,
    };
    let (scope, wanted) = (Json(&seen.scope), filter.wanted.as_ref().map(Json));
    let (at, id) = filter.earlier();
    let like = filter.search.as_deref().map(pattern);
    Ok(on!(conn, |c| {
        let q = sqlx::query_as(statement).bind(scope).bind(&search.phone).bind(wanted).bind(seen.agency);
        let q = q.bind(filter.state).bind(filter.category).bind(filter.urgency).bind(&like).bind(&filter.search);
        q.bind(left_out(filter.open)).bind(at).bind(id).bind(filter.limit + 1).fetch_all(c).await
    })?)
}

async fn found(conn: &mut Conn, seen: &Seen, filter: &Filter, search: &Search) -> Result<Vec<SeenRow>, DbError> {
    let statement = match conn.engine() {
        Engine::Sqlite(_) => FOUND_SQLITE,
        Engine::Postgres(_) => FOUND_POSTGRES,
    };
    let (scope, wanted) = (Json(&seen.scope), filter.wanted.as_ref().map(Json));
    let (names, addresses, numbers) = (Json(&search.names), Json(&search.addresses), Json(&search.numbers));
    let (digits, last) = search.end.as_ref().map_or((None, None), |(digits, last)| (Some(digits), Some(last)));
    let (at, id) = filter.earlier();
    Ok(on!(conn, |c| {
        let q = sqlx::query_as(statement).bind(scope).bind(&search.phone).bind(wanted).bind(seen.agency);
        let q = q.bind(filter.state).bind(filter.category).bind(filter.urgency).bind(last).bind(&filter.search);
        let q = q.bind(left_out(filter.open)).bind(at).bind(id).bind(filter.limit + 1);
        q.bind(digits).bind(names).bind(addresses).bind(numbers).bind(filter.person).fetch_all(c).await
    })?)
}

/// The sort key of a row, for the next page.
pub fn key(listed: &Listed, queue: Option<Queue>) -> (DateTime<Utc>, RequestId) {
    let request = &listed.request;
    let due = request.placed().filter(|_| queue.is_some()).map(|placed| placed.queue_at);
    (due.unwrap_or(request.details.received_at), request.id)
}
