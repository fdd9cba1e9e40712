//! A request as it is loaded.

use chrono::{DateTime, NaiveDate, Utc};
use sanbao_platform::audit::{Subject, Subjects};
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::DbError;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::State as _;
use uuid::Uuid;

use super::departed::Departed;
use super::details::Details;
use super::id::RequestId;
use super::input::Draft;
use super::sla::Timed;
use super::state::{Engagement, Involvement, RequestState, RequestStateName};

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
    /// Counts the changes; the `ETag`.
    pub version: i64,
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
        }
    }
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
