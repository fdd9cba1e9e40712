//! Acts on a consult that are no steps of it: consents, the family's links, tickets that were taken back.

use chrono::{DateTime, Utc};
use sanbao_platform::audit::Personal;
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::Lifecycle as _;
use sanbao_platform::{on, text_enum};

use super::carried::OTHER_PERSON;
use super::consent::Method;
use super::id::ConsultId;
use super::model::Consult;
use super::state::ConsultStepName;

/// Acts that are read of one consult at most: the newest ones.
const ACTS_MAX: i64 = 200;

// A link that was made again ends the one before in the same moment: that is one act. Names that were given before the
// invitation became one for another person are those of the former person's family.
const ACTS: &str = "select u.at, u.act, u.actor_name, u.party, u.method,
        case when u.given_at > o.at then u.name end as name, case when u.given_at > o.at then u.relation end as relation
    from (select k.recorded_at as at, 'consent' as act, a.display_name as actor_name, k.name as name,
        k.relation as relation, k.given_by as party, k.method as method, k.recorded_at as given_at
    from consult_consent k join account a on a.id = k.recorded_by where k.consult_id = $1
    union all select k.withdrawn_at, 'consent_withdrawn', a.display_name, k.name, k.relation, k.given_by, k.method,
        k.recorded_at
    from consult_consent k left join account a on a.id = k.withdrawn_by
    where k.consult_id = $1 and k.withdrawn_at is not null
    union all select g.created_at, case when g.first_id is null then 'link' else 'link_again' end, a.display_name,
        g.name, g.relation, g.role, null, g.created_at
    from consult_guest g join account a on a.id = g.created_by where g.consult_id = $1 and $3
    union all select g.revoked_at, 'link_revoked', a.display_name, g.name, g.relation, g.role, null, g.created_at
    from consult_guest g left join account a on a.id = g.revoked_by
    where g.consult_id = $1 and $3 and g.revoked_at is not null and not exists (select 1 from consult_guest n
        where n.consult_id = g.consult_id and n.first_id = coalesce(g.first_id, g.id) and n.created_at = g.revoked_at)
    union all select t.revoked_at, 'ticket_revoked', max(a.display_name), max(t.name), null, max(t.role), null,
        min(t.issued_at)
    from consult_ticket t join account a on a.id = t.revoked_by
    where t.consult_id = $1 and $4 and t.organisation_id = $2 and t.revoked_at is not null
    group by t.person, t.revoked_at
    union all select f.recorded_at, 'fetch', a.display_name, null, null, '', null, f.recorded_at
    from consult_fetch f join account a on a.id = f.fetched_by where f.consult_id = $1 and $3
    union all select f.withdrawn_at, 'fetch_left', a.display_name, case when f.withdrawn_by <> f.fetched_by then b.display_name end,
        null, '', null, f.withdrawn_at
    from consult_fetch f join account a on a.id = f.withdrawn_by join account b on b.id = f.fetched_by
    where f.consult_id = $1 and $3 and f.withdrawn_at is not null) u
    cross join (select coalesce(max(h.at), $5) as at from history h
        where h.aggregate = $6 and h.id = $1 and h.step = $7 and h.note = $8) o
    order by u.at desc, u.act desc limit $9";

text_enum! {
    /// The thing that was done.
    pub(super) enum Act {
        Consent = "consent",
        ConsentWithdrawn = "consent_withdrawn",
        /// A link for the family.
        Link = "link",
        /// The same for somebody who had one.
        LinkAgain = "link_again",
        LinkRevoked = "link_revoked",
        TicketRevoked = "ticket_revoked",
        /// Somebody of the house fetches the person.
        Fetch = "fetch",
        FetchLeft = "fetch_left",
    }
}

/// One act.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(super) struct ActLine {
    pub(super) at: DateTime<Utc>,
    pub(super) act: Act,
    /// The account that did it; none where it is not known.
    pub(super) actor_name: Option<String>,
    /// The person who consents, is invited, held the ticket or was to fetch; none where the consult is about somebody else since.
    pub(super) name: Option<String>,
    /// That person's relation to the resident.
    pub(super) relation: Option<String>,
    /// By whom a consent is given, or as what somebody enters the room.
    pub(super) party: String,
    /// How a consent was given.
    pub(super) method: Option<Method>,
}

/// The acts that are the reader's to see beside the consents.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// The family's links, and who fetches the person: the home's own.
    pub(super) links: bool,
    /// Tickets of the reader's own side that were taken back.
    pub(super) tickets: bool,
}

/// The acts on a consult, the oldest first; and whether older ones are left out.
pub(super) async fn of(
    conn: &mut Conn,
    consult: ConsultId,
    own: OrganisationId,
    seen: Seen,
) -> Result<(Personal<Vec<ActLine>>, bool), DbError> {
    let mut acts: Vec<ActLine> = on!(conn, |c| {
        let query = sqlx::query_as(ACTS).bind(consult).bind(own).bind(seen.links).bind(seen.tickets);
        let query = query.bind(DateTime::<Utc>::UNIX_EPOCH).bind(Consult::NAME);
        let query = query.bind(ConsultStepName::Revise.as_str()).bind(OTHER_PERSON).bind(ACTS_MAX + 1);
        query.fetch_all(c).await
    })?;
    let most = usize::try_from(ACTS_MAX).unwrap_or(usize::MAX);
    let more = acts.len() > most;
    acts.truncate(most);
    acts.reverse();
    Ok((acts.into(), more))
}
