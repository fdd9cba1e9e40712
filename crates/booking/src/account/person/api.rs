//! `/v1/persons`: residents of the caller's care home, and for dispatchers elders at home.

use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::Response;
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::{Ctx, ETag, Idempotency, IfMatch, Json, LIMIT_MAX, Page, Path, Query};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::moment::Day;
use sanbao_platform::problem::{PRECONDITION_FAILED, Problem};
use sanbao_platform::{audit, crypto::sha256_hex};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::events::{PersonEvent, REGISTERED, UPDATED};
use super::store::{self, Person, Search};
use super::view::PersonView;
use crate::App;
use crate::account::id::PersonId;
use crate::account::input::{Fields, Sex, Wrong, area_code, line, mobile, resident_id};
use crate::account::kind::NATIONAL_ID_TAKEN;
use crate::account::organisation::{Organisation, OrganisationKind, api as organisation};
use crate::account::policy::{self, Action, Relation};

pub(in crate::account) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, update)).routes(routes!(national_id))
}

/// A new person. Birth date and sex come from the national id where there is one.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"name": "陈阿婆", "national_id": "11010519491231002X", "phone": "13812345678",
    "area_code": "330211001001", "guardian_name": "陈小明", "guardian_phone": "13912345678"}))]
pub(super) struct NewPerson {
    /// Left out, it is told together with whatever else is wrong.
    #[serde(default)]
    #[schema(required)]
    name: String,
    national_id: Option<String>,
    sex: Option<Sex>,
    #[schema(value_type = Option<chrono::NaiveDate>)]
    birth_date: Option<Day>,
    phone: Option<String>,
    address: Option<String>,
    area_code: Option<String>,
    guardian_name: Option<String>,
    guardian_phone: Option<String>,
}

/// What may be corrected; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"phone": "13812345678"}))]
pub(super) struct PersonChange {
    name: Option<String>,
    national_id: Option<String>,
    sex: Option<Sex>,
    #[schema(value_type = Option<chrono::NaiveDate>)]
    birth_date: Option<Day>,
    phone: Option<String>,
    address: Option<String>,
    area_code: Option<String>,
    guardian_name: Option<String>,
    guardian_phone: Option<String>,
}

/// The query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// The `next` of the page before.
    after: Option<String>,
    /// Rows wanted, 1 to 200.
    limit: Option<u32>,
    /// Part of a name, a whole telephone number or a whole national id. Dispatchers must give one.
    q: Option<String>,
}

/// The whole national id.
#[derive(Serialize, ToSchema)]
struct NationalIdView {
    national_id: String,
}

/// Where people whom this organisation registers belong, and how its accounts stand to that place.
fn register(own: &Organisation) -> (Relation, Option<OrganisationId>) {
    match own.kind {
        OrganisationKind::CareHome => (Relation::Own, Some(own.id)),
        OrganisationKind::HomeCareAgency | OrganisationKind::StreetOffice => (Relation::AtHome, None),
        OrganisationKind::Hospital => (Relation::Foreign, None),
    }
}

/// A person, when the policy allows `action`.
async fn load(conn: &mut Conn, ctx: &Ctx, id: PersonId, action: Action) -> Result<Person, Problem> {
    let person = store::find(conn, id).await?.ok_or_else(Problem::not_found)?;
    let relation = match person.organisation_id {
        None => Relation::AtHome,
        Some(organisation) if organisation == ctx.actor.organisation => Relation::Own,
        Some(_) => Relation::Foreign,
    };
    policy::of(&ctx.actor, action, relation).require()?;
    Ok(person)
}

/// What somebody looks for: the kind of sign is seen by its form.
fn search(app: &App, ctx: &Ctx, q: Option<&str>) -> Result<Search, Problem> {
    let mut fields = Fields::default();
    let Some(text) = fields.maybe("?q", q, |t| line(t, 60)) else {
        fields.done()?;
        return Ok(Search::default());
    };
    if let Ok(id) = resident_id(&text, ctx.now().date_naive()) {
        return Ok(Search { index: Some(id.index(&app.deps.fields)), ..Search::default() });
    }
    if let Ok(phone) = mobile(&text) {
        return Ok(Search { phone: Some(phone.as_str().to_owned()), ..Search::default() });
    }
    Ok(Search { name: Some(text), ..Search::default() })
}

/// People of the caller's care home; for dispatchers, elders at home that fit a search.
#[utoipa::path(get, path = "/v1/persons", tag = "people", params(ListQuery), security(("bearer" = [])),
    description = "Permission: care staff and administrators of a care home; dispatchers (with `q`). Audited.",
    responses((status = 200, body = Page<PersonView>), (status = 403, description = "not one of these roles"),
        (status = 422, description = "a dispatcher without q")))]
async fn list(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<PersonView>>, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let page = listed(&app, &ctx, &mut tx, query).await?;
    tx.commit().await?;
    Ok(Json(page))
}

async fn listed(app: &App, ctx: &Ctx, tx: &mut Tx, query: ListQuery) -> Result<Page<PersonView>, Problem> {
    let own = organisation::own(tx, ctx).await?;
    let (relation, organisation) = register(&own);
    policy::of(&ctx.actor, Action::PersonList, relation).require()?;
    let search = search(app, ctx, query.q.as_deref())?;
    let paging = sanbao_platform::http::Paging { after: query.after, limit: query.limit };
    let limit = paging.limit()?;
    let rows = match organisation {
        Some(id) => store::residents(tx, id, &search, paging.after()?, limit + 1).await?,
        None if query.q.as_deref().is_none_or(|q| q.trim().is_empty()) => {
            let (zh, en) = ("请输入姓名、手机号或身份证号", "Give a name, a telephone number or a national id");
            return Err(Problem::field("?q", zh, en));
        }
        None => store::elders(tx, &search, limit).await?,
    };
    audit::record(tx, ctx, "person.list", "organisation", own.id).await?;
    let page = Page::of(rows, limit, |p| (p.name.clone(), p.id));
    let next = page.next;
    let items = page.items.into_iter().map(|p| PersonView::of(p, &app.deps.fields)).collect();
    Ok(Page { items, next })
}

/// The residents of the caller's care home for a page, with the audit row; at most 200.
pub(in crate::account) async fn residents_for_page(
    app: &App,
    ctx: &Ctx,
    q: Option<String>,
) -> Result<Page<PersonView>, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let page = listed(app, ctx, &mut tx, ListQuery { after: None, limit: Some(LIMIT_MAX), q }).await?;
    tx.commit().await?;
    Ok(page)
}

/// Applies a change to a person, all wrong fields told at once.
fn apply(person: &mut Person, change: PersonChange, app: &App, ctx: &Ctx) -> Result<(), Problem> {
    let today = ctx.now().date_naive();
    let mut fields = Fields::default();
    if let Some(name) = change.name.and_then(|t| fields.take("/name", line(&t, 40))) {
        person.name = name;
    }
    person.sex = change.sex.unwrap_or(person.sex);
    if let Some(date) = change.birth_date.map(|day| *day) {
        let past = date <= today && date > today - chrono::Duration::days(366 * 130);
        let checked = past.then_some(date).ok_or(Wrong::new("出生日期不对", "Not a possible birth date"));
        person.birth_date = fields.take("/birth_date", checked).or(person.birth_date);
    }
    let national_id = fields.maybe("/national_id", change.national_id.as_deref(), |t| resident_id(t, today));
    if let Some(id) = national_id {
        person.set_national_id(&app.deps.fields, &id);
    }
    let phone = |t: &str| mobile(t).map(|p| p.as_str().to_owned());
    let text = |max: usize| move |t: &str| line(t, max);
    person.phone = fields.maybe("/phone", change.phone.as_deref(), phone).or(person.phone.take());
    person.address = fields.maybe("/address", change.address.as_deref(), text(200)).or(person.address.take());
    person.area_code = fields.maybe("/area_code", change.area_code.as_deref(), area_code).or(person.area_code.take());
    person.guardian_name =
        fields.maybe("/guardian_name", change.guardian_name.as_deref(), text(40)).or(person.guardian_name.take());
    person.guardian_phone =
        fields.maybe("/guardian_phone", change.guardian_phone.as_deref(), phone).or(person.guardian_phone.take());
    fields.done()
}

/// Registers a resident of the caller's care home, or an elder at home.
#[utoipa::path(post, path = "/v1/persons", tag = "people", request_body = NewPerson, security(("bearer" = [])),
    description = "Permission: care staff and administrators of a care home; dispatchers. Takes Idempotency-Key.",
    responses((status = 201, body = PersonView), (status = 403, description = "not one of these roles"),
        (status = 409, description = "national-id-taken"), (status = 422, description = "fields to correct")))]
async fn create(
    ctx: Ctx,
    AppState(app): AppState<App>,
    key: Idempotency,
    Json(new): Json<NewPerson>,
) -> Result<Response, Problem> {
    let own = organisation::own(&mut app.deps.db.read().await?, &ctx).await?;
    let (relation, organisation) = register(&own);
    policy::of(&ctx.actor, Action::PersonCreate, relation).require()?;
    let mut person = Person::blank(PersonId::new(ctx.now()), organisation, ctx.now());
    apply(&mut person, new.into(), &app, &ctx)?;
    let mut tx = app.deps.db.begin().await?;
    // A hash of a national id alone could be guessed through: the key's record takes its blind index.
    let request = (&person.name, &person.national_id_index, &person.phone, &person.address, &person.guardian_phone);
    let request = sha256_hex(format!("{request:?}").as_bytes());
    if let Some(answered) = key.begin(&mut tx, &ctx, "POST /v1/persons", &request).await? {
        return Ok(answered);
    }
    if !store::insert(&mut tx, &person).await? {
        return Err(Problem::new(&NATIONAL_ID_TAKEN));
    }
    PersonEvent::of(&person).publish(&mut tx, ctx.now(), &REGISTERED).await?;
    audit::record(&mut tx, &ctx, "person.create", "person", person.id).await?;
    tx.touch("persons", own.id);
    let view = PersonView::of(person, &app.deps.fields);
    let answer = key.finish(&mut tx, &ctx, StatusCode::CREATED, &view).await?;
    tx.commit().await?;
    Ok(answer)
}

/// One person, masked. The reading is audited.
#[utoipa::path(get, path = "/v1/persons/{id}", tag = "people", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: care staff, doctors and administrators of the person's care home; dispatchers for elders at home. Audited.",
    responses((status = 200, body = PersonView), (status = 404, description = "unknown, or of no concern to the caller")))]
async fn get(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<PersonId>,
) -> Result<(ETag, Json<PersonView>), Problem> {
    let mut tx = app.deps.db.begin().await?;
    let person = load(&mut tx, &ctx, id, Action::PersonRead).await?;
    audit::record(&mut tx, &ctx, "person.read", "person", id).await?;
    tx.commit().await?;
    Ok((ETag(person.version), Json(PersonView::of(person, &app.deps.fields))))
}

/// Corrects what is known of a person.
#[utoipa::path(patch, path = "/v1/persons/{id}", tag = "people", params(("id" = uuid::Uuid, Path)),
    request_body = PersonChange, security(("bearer" = [])),
    description = "Permission: care staff and administrators of the person's care home; dispatchers for elders at home. Takes If-Match.",
    responses((status = 200, body = PersonView), (status = 403, description = "not one of these roles"),
        (status = 404, description = "unknown, or of no concern to the caller"), (status = 409, description = "national-id-taken"),
        (status = 412, description = "changed by somebody else"), (status = 422, description = "fields to correct")))]
async fn update(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<PersonId>,
    read: IfMatch,
    Json(change): Json<PersonChange>,
) -> Result<(ETag, Json<PersonView>), Problem> {
    let mut tx = app.deps.db.begin().await?;
    let mut person = load(&mut tx, &ctx, id, Action::PersonUpdate).await?;
    read.check(person.version)?;
    apply(&mut person, change, &app, &ctx)?;
    let written = store::update(&mut tx, &person).await;
    match written {
        Err(error) if error.is_unique_violation() => return Err(Problem::new(&NATIONAL_ID_TAKEN)),
        Err(error) => return Err(error.into()),
        Ok(false) => return Err(Problem::new(&PRECONDITION_FAILED)),
        Ok(true) => person.version += 1,
    }
    PersonEvent::of(&person).publish(&mut tx, ctx.now(), &UPDATED).await?;
    audit::record(&mut tx, &ctx, "person.update", "person", id).await?;
    tx.touch("persons", ctx.actor.organisation);
    tx.commit().await?;
    Ok((ETag(person.version), Json(PersonView::of(person, &app.deps.fields))))
}

/// The whole national id, for forms that need it. Each look is audited.
#[utoipa::path(get, path = "/v1/persons/{id}/national-id", tag = "people", params(("id" = uuid::Uuid, Path)), security(("bearer" = [])),
    description = "Permission: care staff and administrators of the person's care home. Audited.",
    responses((status = 200, body = NationalIdView), (status = 403, description = "may see the person, not the number"),
        (status = 404, description = "unknown, of no concern to the caller, or no number known")))]
async fn national_id(
    ctx: Ctx,
    AppState(app): AppState<App>,
    Path(id): Path<PersonId>,
) -> Result<Json<NationalIdView>, Problem> {
    let mut tx = app.deps.db.begin().await?;
    let person = load(&mut tx, &ctx, id, Action::PersonNationalId).await?;
    let national_id = person.national_id(&app.deps.fields)?.ok_or_else(Problem::not_found)?;
    audit::record(&mut tx, &ctx, "person.reveal_national_id", "person", id).await?;
    tx.commit().await?;
    Ok(Json(NationalIdView { national_id }))
}

impl From<NewPerson> for PersonChange {
    fn from(new: NewPerson) -> Self {
        Self {
            name: Some(new.name),
            national_id: new.national_id,
            sex: new.sex,
            birth_date: new.birth_date,
            phone: new.phone,
            address: new.address,
            area_code: new.area_code,
            guardian_name: new.guardian_name,
            guardian_phone: new.guardian_phone,
        }
    }
}
