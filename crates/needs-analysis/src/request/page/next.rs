//! The order of a request's steps on its pages: first the one that comes next, then what may be done beside, last what hurts.

use crate::request::state::RequestStateName as S;
use crate::request::step::RequestStepName as Step;
use crate::request::view::RequestView;

/// The step that a state waits for: the first of these that the caller may take is the main button.
fn awaited(state: S) -> &'static [Step] {
    match state {
        S::Received => &[Step::Triage],
        S::Triaged | S::Rejected | S::NoShow | S::Escalated | S::Reopened => &[Step::Dispatch, Step::Triage],
        S::Dispatched => &[Step::Accept],
        S::Done => &[Step::FollowUp],
        S::FollowedUp => &[Step::Close],
        S::Accepted | S::Scheduled | S::InService | S::Closed | S::Cancelled | S::Merged => &[],
    }
}

/// The main step, if one waits for the caller.
pub(super) fn main(r: &RequestView) -> Option<Step> {
    awaited(r.state).iter().copied().find(|step| r.legal.contains(step))
}

/// Whether a step asks for nothing: one press of the list takes it.
pub(super) fn needs_no_words(step: Step) -> bool {
    matches!(step, Step::Accept | Step::FollowUp | Step::Close | Step::Triage)
}

/// Whether a step takes something away from somebody.
pub(super) fn hurts(step: Step) -> bool {
    matches!(step, Step::Cancel | Step::Reject | Step::Merge)
}

/// The steps that the caller may take, in their order.
pub(super) fn ordered(r: &RequestView) -> Vec<Step> {
    let main = main(r);
    let mut steps = r.legal.clone();
    steps.sort_by_key(|step| (Some(*step) != main, hurts(*step), matches!(step, Step::Reopen | Step::Separate)));
    steps
}
