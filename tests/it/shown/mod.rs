//! An answer that shows somebody leaves an audit row with exactly those whom it shows: every operation whose answer tells
//! of a person, by the OpenAPI document, and every page. An operation, a schema or a page that is not listed fails.

mod journey;
mod pages;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use sanbao::role::Role;
use sanbao_platform::on;
use sanbao_platform::testing::{self, Answer, TestEngine};
use serde_json::Value;
use uuid::Uuid;

use crate::common::{Client, Served, sample};

/// Schemas of answers that tell of a resident, an elder or a family.
const PERSONAL: &[&str] = &[
    "AgreementView",
    "CareContact",
    "CareView",
    "CheckView",
    "ClinicalFacts",
    "ConflictView",
    "ConsentView",
    "ConsultDraftView",
    "ConsultExchangeView",
    "ConsultLine",
    "ConsultRecord",
    "ConsultView",
    "DelayView",
    "Departed",
    "DoorFacts",
    "DoorView",
    "DraftParts",
    "EmergencyAccessView",
    "EmergencyRecord",
    "EndedView",
    "ExportedDoor",
    "ExportedMatter",
    "ExportedRequest",
    "ExportedSection",
    "Feedback",
    "GuestView",
    "HandoverFacts",
    "HandoverItem",
    "HistoryLine",
    "HistoryView",
    "HoldView",
    "JoinedView",
    "JoinsView",
    "LineView",
    "LookedUp",
    "LookupView",
    "MannerFacts",
    "MatterDetail",
    "MatterLine",
    "MatterView",
    "MeetingView",
    "NationalIdView",
    "OpenView",
    "Opinion",
    "OpinionView",
    "Page_ConsultDraftView",
    "Page_ConsultLine",
    "Page_DoorView",
    "Page_EmergencyAccessView",
    "Page_MatterView",
    "Page_PairView",
    "Page_PersonView",
    "Page_RequestView",
    "Page_TransferView",
    "Page_VisitView",
    "PaperView",
    "PapersView",
    "Parts",
    "PersonExportView",
    "PersonView",
    "PhoneView",
    "Presence",
    "RegisteredView",
    "RequestDetail",
    "RequestView",
    "RequestsExport",
    "ResidentView",
    "SeparatedView",
    "SharingConsentView",
    "ShiftHandoverView",
    "TicketHolder",
    "TicketView",
    "TimeTaken",
    "TransferView",
    "VisitDetail",
    "VisitExchangeView",
    "VisitHistoryLine",
    "VisitProof",
    "VisitView",
    "VisitsToday",
    "WholePaper",
];
/// Schemas of answers that do not: of staff, organisations, places and numbers; of the caller's own account; of a
/// file that the caller has sent.
const PLAIN: &[&str] = &[
    "Assignee",
    "DeskPeople",
    "QueueCounts",
    "AccountLink",
    "AccountReport",
    "AccountView",
    "AccountWithLink",
    "AffectedConsult",
    "AffiliationLine",
    "AffiliationStepTaken",
    "AffiliationView",
    "AppointmentView",
    "AreaDetail",
    "AreaName",
    "AreaReport",
    "AreaView",
    "AskedSlot",
    "AskedView",
    "BookedOutside",
    "CalendarRule",
    "CalendarRuleView",
    "CaregiverHours",
    "CaregiverHoursLine",
    "CaregiverView",
    "CategoryCount",
    "CheckResult",
    "ChildCounts",
    "ClosedDevice",
    "ConsultDraftKept",
    "ConsultHoldView",
    "CountsView",
    "DelayConflict",
    "DeviceName",
    "DoctorView",
    "DoorCounts",
    "DoorReport",
    "Drawing",
    "DualControlView",
    "EmergencyOpened",
    "Erasure",
    "ExceptionAdded",
    "ExceptionView",
    "FactorBegun",
    "Fetcher",
    "FileHeader",
    "FileNotes",
    "FitView",
    "GuestLink",
    "Heading",
    "HoursChanged",
    "HoursLine",
    "HoursView",
    "ImportedLink",
    "Item",
    "JoinView",
    "Kept",
    "Location",
    "LogInView",
    "Mapping",
    "Mappings",
    "MatterFigure",
    "MatterFigures",
    "MatterNumbers",
    "MatterPlace",
    "NeedingConsult",
    "OfferAccepted",
    "OfferLink",
    "OfferMade",
    "OfferView",
    "OrderDone",
    "OrderView",
    "Organisation",
    "OrganisationMade",
    "OrganisationName",
    "OwnAccount",
    "OwnOrganisation",
    "Page_AccountView",
    "Page_AffiliationLine",
    "Page_AreaView",
    "Page_AuditEvent",
    "Page_CaregiverLine",
    "Page_FreeSlot",
    "Page_Location",
    "Page_Organisation",
    "Page_ParkedEvent",
    "Page_SharedDevice",
    "Page_ShiftHandoverLine",
    "PersonReport",
    "PlannedOutside",
    "PrecheckAnswer",
    "Proved",
    "RecoveryCodes",
    "Report",
    "RoundArea",
    "RoundDetail",
    "RoundView",
    "RowError",
    "Runs",
    "SameFile",
    "SharedDevice",
    "ShiftHandoverLine",
    "SignalTaken",
    "Signature",
    "Sla",
    "Switched",
    "TableReport",
    "TakenOver",
    "Tokens",
    "Undo",
    "UnknownWord",
    "UnknownWords",
    "Upload",
    "VerdictSeconds",
    "WorkdayChanged",
    "WorkdayNotice",
    "WorkdayView",
    "WorkdaysView",
];

const SHOWN: &str = "select distinct a.action, s.kind, s.id from audit a join audit_shown s on s.shown = a.shown
    where a.request_id = $1 order by s.kind, s.id";
const ROWS: &str = "select count(*) from audit where request_id = $1 and shown is not null";
const RESIDENTS_OF: &str = "select resident_id from consult where id = $1";
const DRAFTED_OF: &str = "select resident_id from consult_draft where id = $1 and resident_id is not null";
const ELDERS_OF: &str = "select person_id from visit where id = $1";
const PERSON_OF: &str = "select person_id from request where id = $1 and person_id is not null";
const BEHIND: &str = "select person_id from door where id = $1 and person_id is not null";
const ABOUT: &str = "select person_id from matter where id = $1 and person_id is not null";
const MOVED_OF: &str = "select p.id from person_transfer t join person p on p.id = t.person_id or p.id = t.held_id
    or (t.state = 'declined' and p.national_id_index = t.national_id_index) where t.id = $1";
const OPENED_PERSON: &str = "select person_id from emergency_access where id = $1 and person_id is not null";

/// Subjects as the audit has them.
type Seen = BTreeSet<(String, Uuid)>;

/// Which service answers a path.
fn service_of(path: &str) -> Role {
    let needs = [
        "/v1/requests",
        "/v1/areas",
        "/v1/imports",
        "/v1/needs",
        "/v1/door",
        "/v1/matters",
        "/requests",
        "/needs",
        "/areas",
        "/doors",
        "/matters",
    ];
    if needs.iter().any(|prefix| path.starts_with(prefix)) { Role::NeedsAnalysis } else { Role::Booking }
}

/// The kind of thing that paths of the API name.
fn kind_of(path: &str) -> Option<&'static str> {
    let kinds = [
        ("consults", "consult"),
        // What stands on one are consults.
        ("shift-handovers", "consult"),
        ("consult-drafts", "consult_draft"),
        ("visits", "visit"),
        ("requests", "request"),
        ("doors", "door"),
        ("matters", "matter"),
        ("discharge", "transfer"),
        ("transfers", "transfer"),
        ("persons", "person"),
        ("sharing-consents", "person"),
        ("emergency-accesses", "emergency_access"),
    ];
    let found = kinds.into_iter().find(|(plural, _)| path.split('/').any(|part| part == *plural));
    found.map(|(_, kind)| kind)
}

/// The audit's account of the answer: the actions of its rows of reading, and whom they name.
async fn audited(served: &Served, path: &str, answer: &Answer) -> (BTreeSet<String>, Seen, i64) {
    let db = served.network.stores.of(service_of(path)).unwrap();
    let id = answer.header("x-request-id");
    let mut conn = db.read().await.unwrap();
    let rows: Vec<(String, String, Uuid)> = on!(conn, |c| sqlx::query_as(SHOWN).bind(id).fetch_all(c).await).unwrap();
    let count: i64 = on!(conn, |c| sqlx::query_scalar(ROWS).bind(id).fetch_one(c).await).unwrap();
    let actions = rows.iter().map(|(action, ..)| action.clone()).collect();
    (actions, rows.into_iter().map(|(_, kind, id)| (kind, id)).collect(), count)
}

/// The people whom a thing tells of.
async fn people_of(served: &Served, kind: &str, id: Uuid) -> Vec<Uuid> {
    let (role, statement) = match kind {
        "consult" => (Role::Booking, RESIDENTS_OF),
        "consult_draft" => (Role::Booking, DRAFTED_OF),
        "visit" => (Role::Booking, ELDERS_OF),
        "request" => (Role::NeedsAnalysis, PERSON_OF),
        "door" => (Role::NeedsAnalysis, BEHIND),
        "matter" => (Role::NeedsAnalysis, ABOUT),
        "emergency_access" => (Role::Booking, OPENED_PERSON),
        "transfer" => (Role::Booking, MOVED_OF),
        _ => return Vec::new(),
    };
    let mut conn = served.network.stores.of(role).unwrap().read().await.unwrap();
    on!(conn, |c| sqlx::query_scalar(statement).bind(id).fetch_all(c).await).unwrap()
}

/// The same things with the people whom they tell of.
async fn with_people(served: &Served, things: impl IntoIterator<Item = (&'static str, Uuid)>) -> Seen {
    let mut seen = Seen::new();
    for (kind, id) in things {
        seen.extend(people_of(served, kind, id).await.into_iter().map(|person| ("person".to_owned(), person)));
        seen.insert((kind.to_owned(), id));
    }
    seen
}

/// The ids of what an answer of the API shows: of its items, of itself, or of what its path names. Two records side by
/// side are a `person` and an `other`; of an exchange the other one is `with`.
fn shown_by(path: &str, answer: &Value) -> Vec<Uuid> {
    let id = |value: &Value| value["id"].as_str().and_then(|id| id.parse().ok());
    let pair = |value: &Value| [&value["person"], &value["other"]].into_iter().filter_map(id).collect::<Vec<Uuid>>();
    if let Some(items) = answer["items"].as_array() {
        return items.iter().flat_map(|item| id(item).map_or_else(|| pair(item), |id| vec![id])).collect();
    }
    if path.starts_with("/v1/persons") && answer["id"].is_null() && answer["person"]["id"].is_string() {
        return pair(answer);
    }
    if answer["with"]["id"].is_string() {
        return [answer, &answer["with"]].into_iter().filter_map(id).collect();
    }
    // A consent is told of by the person who has given it.
    let of_person = || answer["person_id"].as_str().and_then(|id| id.parse().ok());
    let of_person = if kind_of(path) == Some("person") { of_person() } else { None };
    of_person
        .or_else(|| id(answer))
        .or_else(|| path.split('/').find_map(|part| part.parse().ok()))
        .into_iter()
        .collect()
}

/// The names of the component schemas that `schema` leads to.
fn schemas(document: &Value, schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                let name = reference.rsplit('/').next().unwrap_or_default().to_owned();
                if found.insert(name) {
                    schemas(document, sample::resolve(document, reference), found);
                }
            }
            members.values().for_each(|value| schemas(document, value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| schemas(document, item, found)),
        _ => {}
    }
}

/// The schemas of an operation's answer when all is well.
fn answers_with(document: &Value, operation: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        if status.starts_with('2') {
            schemas(document, response, &mut found);
        }
    }
    // An id or a word of a list tells nothing by itself.
    let tells = |schema: &Value| ["properties", "allOf", "items"].iter().any(|key| schema.get(key).is_some());
    found.retain(|name| tells(sample::resolve(document, &format!("#/components/schemas/{name}"))));
    found
}

/// `GET /v1/consults/{id}` for each operation whose answer tells of a person.
fn personal_operations(document: &Value) -> BTreeSet<String> {
    let operations = sanbao::openapi::operations(document).into_iter();
    let personal = operations.filter(|(_, _, operation)| {
        answers_with(document, operation).iter().any(|name| PERSONAL.contains(&name.as_str()))
    });
    personal.map(|(path, method, _)| format!("{} {path}", method.to_uppercase())).collect()
}

#[tokio::test]
async fn every_schema_of_an_answer_is_known_to_tell_of_people_or_not() {
    let served = Served::empty(testing::sqlite()).await;
    let document = served.nobody().get("/openapi.json").await.expect(200);
    let mut all = BTreeSet::new();
    for (_, _, operation) in sanbao::openapi::operations(&document) {
        all.extend(answers_with(&document, operation));
    }
    let unknown: Vec<_> =
        all.iter().filter(|name| PERSONAL.contains(&name.as_str()) == PLAIN.contains(&name.as_str())).collect();
    assert!(unknown.is_empty(), "list each as PERSONAL or PLAIN: {unknown:#?}");
    let gone: Vec<_> = PERSONAL.iter().chain(PLAIN).filter(|name| !all.contains(**name)).collect();
    assert!(gone.is_empty(), "no answer has these: {gone:?}");
    served.stop().await;
}

/// The kinds of subjects that each operation leaves in the audit, as a picture.
fn picture(kinds: &BTreeMap<String, BTreeSet<String>>) -> String {
    let mut text = String::new();
    for (operation, kinds) in kinds {
        let _ = writeln!(text, "{operation:<66} {}", kinds.iter().cloned().collect::<Vec<_>>().join(", "));
    }
    text
}

async fn every_operation_names_whom_it_shows(engine: TestEngine) {
    let served = Served::demo(engine).await;
    let document = served.nobody().get("/openapi.json").await.expect(200);
    let personal = personal_operations(&document);
    let mut journey = journey::Journey::new(&served, &document).await;
    journey.go().await;
    let missing: Vec<_> = personal.iter().filter(|operation| !journey.kinds.contains_key(*operation)).collect();
    assert!(missing.is_empty(), "no test has these answer, and they tell of people: {missing:#?}");
    insta::assert_snapshot!("whom_each_operation_names", picture(&journey.kinds));
    drop(journey);
    served.stop().await;
}

#[tokio::test]
async fn every_operation_names_whom_it_shows_on_sqlite() {
    every_operation_names_whom_it_shows(testing::sqlite()).await;
}

#[tokio::test]
async fn every_operation_names_whom_it_shows_on_postgres() {
    if let Some(engine) = testing::postgres().await {
        every_operation_names_whom_it_shows(engine).await;
    }
}

/// A caller of the demo by the log-in's name.
async fn callers(served: &Served, logins: &[&'static str]) -> BTreeMap<&'static str, Client> {
    let nobody = served.nobody();
    let mut clients = BTreeMap::new();
    for login in logins {
        clients.insert(*login, nobody.demo(login).await);
    }
    clients
}
