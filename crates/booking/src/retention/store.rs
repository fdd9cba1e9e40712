//! The things whose time is over. Of a consult the clock begins at its last step, of a visit at its end: as the papers that keep
//! somebody from being erased.

use sanbao_platform::db::{DbError, Engine, Tx};
use sanbao_platform::on;
use sanbao_platform::retention::Bound;
use uuid::Uuid;

/// No hold stands on a person's record, nor on one that leads on to it or to which it leads.
macro_rules! unheld_consult {
    () => {
        " and not exists (select 1 from person_hold h join person hp on hp.id = h.person_id
            join person p on p.id = c.resident_id
            where h.lifted_at is null and coalesce(hp.merged_into, hp.id) = coalesce(p.merged_into, p.id))"
    };
}
macro_rules! unheld_visit {
    () => {
        " and not exists (select 1 from person_hold h join person hp on hp.id = h.person_id
            join person p on p.id = v.person_id
            where h.lifted_at is null and coalesce(hp.merged_into, hp.id) = coalesce(p.merged_into, p.id))"
    };
}
/// A draft that nobody was sent is no paper, and has no clock.
macro_rules! ended_consult {
    () => {
        "c.state in ('rejected', 'adopted', 'archived', 'cancelled', 'no_show', 'expired')"
    };
}
macro_rules! with_media {
    () => {
        " and c.starts_at is not null and c.media_removed_at is null"
    };
}
macro_rules! ended_visit {
    () => {
        "v.state in ('completed', 'cancelled', 'no_show')"
    };
}
macro_rules! visit_clock {
    () => {
        "coalesce(v.checked_out_at, v.closed_at, v.created_at)"
    };
}

pub(super) const CONSULTS_DUE: &str = concat!(
    "select c.id, c.state_since from consult c where ",
    ended_consult!(),
    " and c.state_since <= $1 and (c.state_since, c.id) > ($2, $3)",
    unheld_consult!(),
    " order by c.state_since, c.id limit $4"
);
pub(super) const CONSULTS_OLDEST: &str = "select min(c.state_since) from consult c where c.state <> 'draft'";
const CONSULT_STILL: &str = concat!(
    "select count(*) from consult c where c.id = $1 and c.state_since <= $2 and ",
    ended_consult!(),
    unheld_consult!()
);

pub(super) const MEDIA_DUE: &str = concat!(
    "select c.id, c.state_since from consult c where ",
    ended_consult!(),
    with_media!(),
    " and c.state_since <= $1 and (c.state_since, c.id) > ($2, $3)",
    unheld_consult!(),
    " order by c.state_since, c.id limit $4"
);
pub(super) const MEDIA_OLDEST: &str =
    concat!("select min(c.state_since) from consult c where c.state <> 'draft'", with_media!());
const MEDIA_STILL: &str = concat!(
    "select count(*) from consult c where c.id = $1 and c.state_since <= $2 and ",
    ended_consult!(),
    with_media!(),
    unheld_consult!()
);

pub(super) const VISITS_DUE: &str = concat!(
    "select v.id, ",
    visit_clock!(),
    " from visit v where ",
    ended_visit!(),
    " and ",
    visit_clock!(),
    " <= $1 and (",
    visit_clock!(),
    ", v.id) > ($2, $3)",
    unheld_visit!(),
    " order by 2, 1 limit $4"
);
pub(super) const VISITS_OLDEST: &str = concat!("select min(", visit_clock!(), ") from visit v");
const VISIT_STILL: &str = concat!(
    "select count(*) from visit v where v.id = $1 and ",
    visit_clock!(),
    " <= $2 and ",
    ended_visit!(),
    unheld_visit!()
);

// The same records, in the same order, as those who set a hold lock.
const LOCK_CONSULT_POSTGRES: &str = "select p.id from person p, consult c where c.id = $1
    and (p.id = c.resident_id or p.id = (select m.merged_into from person m where m.id = c.resident_id))
    order by p.id for update of p";
const LOCK_VISIT_POSTGRES: &str = "select p.id from person p, visit v where v.id = $1
    and (p.id = v.person_id or p.id = (select m.merged_into from person m where m.id = v.person_id))
    order by p.id for update of p";

/// One kind of thing, for the question whether it goes still.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Consult,
    Media,
    Visit,
}

/// Whether the time of a thing is over still, while nobody sets a hold on its person's record until the transaction ends.
pub(super) async fn is_due(tx: &mut Tx, kind: Kind, id: Uuid, bound: Bound) -> Result<bool, DbError> {
    let (lock, still) = match kind {
        Kind::Consult => (LOCK_CONSULT_POSTGRES, CONSULT_STILL),
        Kind::Media => (LOCK_CONSULT_POSTGRES, MEDIA_STILL),
        Kind::Visit => (LOCK_VISIT_POSTGRES, VISIT_STILL),
    };
    if let Engine::Postgres(c) = tx.engine() {
        sqlx::query(lock).bind(id).execute(c).await?;
    }
    let still: i64 = on!(tx, |c| sqlx::query_scalar(still).bind(id).bind(bound.before).fetch_one(c).await)?;
    Ok(still > 0)
}

#[cfg(test)]
mod tests {
    use crate::consult::ConsultStateName;
    use crate::visit::VisitStateName;

    #[test]
    fn a_consult_that_can_still_be_answered_and_a_draft_have_no_clock() {
        let open = ["draft", "submitted", "returned", "accepted", "scheduled", "in_session", "opinion_draft", "signed"];
        let ended = ConsultStateName::ALL.iter().filter(|name| !open.contains(&name.as_str()));
        let ended: Vec<String> = ended.map(|name| format!("'{name}'")).collect();
        assert_eq!(ended_consult!(), format!("c.state in ({})", ended.join(", ")));
    }

    #[test]
    fn a_visit_that_is_not_over_has_no_clock() {
        let ended = VisitStateName::ALL.iter().filter(|name| !name.is_open());
        let ended: Vec<String> = ended.map(|name| format!("'{name}'")).collect();
        assert_eq!(ended_visit!(), format!("v.state in ({})", ended.join(", ")));
    }
}
