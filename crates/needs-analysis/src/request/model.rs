//! A request as it is loaded.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::audit::{Subject, Subjects};
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::DbError;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::State as _;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::departed::Departed;
use super::details::Details;
use super::id::RequestId;
use super::input::Draft;
use super::number::RequestNumber;
use super::queue::Waiting;
use super::sla::{Pause, RULES, SlaClock, Timed};
use super::state::{Engagement, Involvement, RequestState, RequestStateName};
use super::step::Satisfaction;

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub id: RequestId,
    /// The organisation that took it down or imported it, whose source this is; none where that was not kept.
    pub organisation: Option<OrganisationId>,
    /// Which system it came from.
    pub source: String,
    /// Its id there, unique within the organisation's source.
    pub external_id: Option<String>,
    pub details: Details,
    /// Whether a person has confirmed category and urgency: a later import keeps them.
    pub triaged: bool,
    pub state: RequestState,
    /// The moment of the step into this state.
    pub state_since: DateTime<Utc>,
    /// When it was added here.
    pub created_at: DateTime<Utc>,
    /// The number that people say; none until it is written.
    pub number: Option<RequestNumber>,
    /// Where its clock stood still.
    pub pause: Pause,
    /// The person of the office who has it in hand.
    pub assignee: Option<Assignee>,
    /// Whether the elder was content, once asked.
    pub satisfaction: Option<Satisfaction>,
    /// Counts the changes; the `ETag`.
    pub version: i64,
}

/// A person of the office who has a request in hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Assignee {
    /// The account.
    pub id: Uuid,
    /// Its name when it took the request.
    pub name: String,
}

/// The place of a request in the queues of the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// By when it must have moved on; of one that only waits to be closed, since when.
    pub queue_at: DateTime<Utc>,
    /// From then on little time is left.
    pub risk_at: Option<DateTime<Utc>>,
    pub waits_for: Waiting,
}

/// A request as it is stored: the state's name, and in columns of their own what belongs to some of the states.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(super) struct RequestRow {
    id: RequestId,
    #[sqlx(rename = "organisation_id")]
    organisation: Option<OrganisationId>,
    source: String,
    external_id: Option<String>,
    #[sqlx(flatten)]
    details: Details,
    triaged: bool,
    state: RequestStateName,
    state_since: DateTime<Utc>,
    agency_id: Option<OrganisationId>,
    accepted_at: Option<DateTime<Utc>>,
    visit_id: Option<Uuid>,
    merged_into: Option<RequestId>,
    created_at: DateTime<Utc>,
    number_day: Option<NaiveDate>,
    number: Option<i64>,
    #[sqlx(flatten)]
    pause: Pause,
    assignee_id: Option<Uuid>,
    assignee_name: Option<String>,
    satisfaction: Option<Satisfaction>,
    version: i64,
}

/// A request with the names that go with its codes.
#[derive(Clone, Debug)]
pub struct Listed {
    pub request: Request,
    /// The area's Chinese name.
    pub area_name: String,
    /// The agency's Chinese name, if known.
    pub agency_name: Option<String>,
    /// That the person has died or left.
    pub departed: Option<Departed>,
}

/// The same as it is read.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(super) struct ListedRow {
    #[sqlx(flatten)]
    request: RequestRow,
    area_name: String,
    agency_name: Option<String>,
    ended_as: Option<String>,
    ended_on: Option<NaiveDate>,
}

impl Subjects for Request {
    fn subjects(&self) -> Vec<Subject> {
        let person = self.details.person_id.map(|person| Subject::new("person", person));
        [Subject::new("request", self.id)].into_iter().chain(person).collect()
    }
}

impl Request {
    /// A request from a draft; `source` names the system of the organisation that it comes from.
    pub fn from_draft(
        draft: Draft,
        organisation: OrganisationId,
        source: &str,
        fields: &FieldKeys,
        now: DateTime<Utc>,
    ) -> Self {
        let id = RequestId::new(now);
        Self {
            id,
            organisation: Some(organisation),
            source: source.to_owned(),
            external_id: draft.external_id.clone(),
            state_since: draft.details.received_at,
            details: draft.details_of(id, fields),
            triaged: false,
            state: RequestState::Received,
            created_at: now,
            number: None,
            pause: Pause::default(),
            assignee: None,
            satisfaction: None,
            version: 1,
        }
    }

    /// The name of its state.
    pub fn state_name(&self) -> RequestStateName {
        self.state.name()
    }

    /// The agency that has to do with it, or had.
    pub fn agency(&self) -> Option<OrganisationId> {
        self.state.involvement().agency()
    }

    /// The facts that its clock depends on.
    pub fn timed(&self) -> Timed {
        Timed {
            category: self.details.category,
            urgency: self.details.urgency,
            received_at: self.details.received_at,
            state: self.state_name(),
            state_since: self.state_since,
            accepted_at: self.state.involvement().engagement().map(|e| e.accepted_at),
            pause: self.pause,
        }
    }

    /// The clock that runs.
    pub fn clock(&self) -> Option<SlaClock> {
        RULES.clock(&self.timed())
    }

    /// Its place in the queues; none once it has ended.
    pub fn placed(&self) -> Option<Placed> {
        let clock = self.clock();
        Some(Placed {
            waits_for: Waiting::of(self.state_name())?,
            queue_at: clock.map_or(self.state_since, |clock| clock.due_at),
            risk_at: clock.map(|clock| clock.risk_at),
        })
    }

    /// The last four digits of its telephone.
    pub fn phone_end(&self) -> Option<String> {
        let phone = self.details.elder.unseen().phone.as_deref()?;
        phone_end(phone)
    }
}

/// The last four digits of a telephone number, by which people tell it apart.
pub fn phone_end(phone: &str) -> Option<String> {
    let digits: Vec<char> = phone.chars().filter(char::is_ascii_digit).collect();
    digits.len().checked_sub(4).and_then(|from| digits.get(from..)).map(|end| end.iter().collect())
}

impl TryFrom<RequestRow> for Request {
    type Error = DbError;

    fn try_from(row: RequestRow) -> Result<Self, DbError> {
        Ok(Self {
            state: row.state()?,
            id: row.id,
            organisation: row.organisation,
            source: row.source,
            external_id: row.external_id,
            details: row.details,
            triaged: row.triaged,
            state_since: row.state_since,
            created_at: row.created_at,
            number: row.number_day.zip(row.number).map(|(day, count)| RequestNumber { day, count }),
            pause: row.pause,
            assignee: row.assignee_id.zip(row.assignee_name).map(|(id, name)| Assignee { id, name }),
            satisfaction: row.satisfaction,
            version: row.version,
        })
    }
}

impl TryFrom<ListedRow> for Listed {
    type Error = DbError;

    fn try_from(row: ListedRow) -> Result<Self, DbError> {
        let ListedRow { request, area_name, agency_name, ended_as, ended_on } = row;
        let departed = ended_as.zip(ended_on).map(|(kind, on)| Departed { kind, on });
        Ok(Self { request: request.try_into()?, area_name, agency_name, departed })
    }
}

impl RequestRow {
    fn state(&self) -> Result<RequestState, DbError> {
        Ok(match self.state {
            RequestStateName::Received => RequestState::Received,
            RequestStateName::Triaged => RequestState::Triaged,
            RequestStateName::Dispatched => RequestState::Dispatched { agency: self.agency()? },
            RequestStateName::Accepted => RequestState::Accepted(self.engagement()?),
            RequestStateName::Scheduled => RequestState::Scheduled(self.engagement()?),
            RequestStateName::InService => RequestState::InService(self.engagement()?),
            RequestStateName::NoShow => RequestState::NoShow(self.engagement()?),
            RequestStateName::Done => RequestState::Done(self.involvement()),
            RequestStateName::FollowedUp => RequestState::FollowedUp(self.involvement()),
            RequestStateName::Closed => RequestState::Closed(self.involvement()),
            RequestStateName::Rejected => RequestState::Rejected { agency: self.agency()? },
            RequestStateName::Cancelled => RequestState::Cancelled(self.involvement()),
            RequestStateName::Escalated => RequestState::Escalated(self.involvement()),
            RequestStateName::Reopened => RequestState::Reopened(self.involvement()),
            RequestStateName::Merged => RequestState::Merged {
                into: self.merged_into.ok_or_else(|| self.lacks("merged_into"))?,
                involvement: self.involvement(),
            },
        })
    }

    fn agency(&self) -> Result<OrganisationId, DbError> {
        self.agency_id.ok_or_else(|| self.lacks("agency_id"))
    }

    fn engagement(&self) -> Result<Engagement, DbError> {
        let accepted_at = self.accepted_at.ok_or_else(|| self.lacks("accepted_at"))?;
        Ok(Engagement { agency: self.agency()?, accepted_at, visit: self.visit_id })
    }

    fn involvement(&self) -> Involvement {
        match (self.agency_id, self.accepted_at) {
            (None, _) => Involvement::Nobody,
            (Some(agency), None) => Involvement::Asked(agency),
            (Some(agency), Some(accepted_at)) => {
                Involvement::Engaged(Engagement { agency, accepted_at, visit: self.visit_id })
            }
        }
    }

    fn lacks(&self, column: &'static str) -> DbError {
        let cause = format!("needed in the state {}", self.state);
        DbError::BadRow { table: "request", column, row: self.id.to_string(), cause }
    }
}
