//! Every step from every state: the machine and the list of legal steps say the same.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use uuid::Uuid;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap()
}

fn appointment(minute: i64) -> Appointment {
    let interval = Interval::of_minutes(at(minute), 30).unwrap();
    Appointment { doctor: AccountId(Uuid::nil()), room: LocationId(Uuid::nil()), interval, delay_minutes: 0 }
}

fn state(name: StateName) -> State {
    let reason = String::from("because");
    let held = Held { appointment: appointment(0), started_at: Some(at(1)), finished_at: at(2) };
    match name {
        StateName::Draft => State::Draft,
        StateName::Submitted => State::Submitted,
        StateName::Returned => State::Returned { reason },
        StateName::Rejected => State::Rejected { reason },
        StateName::Accepted => State::Accepted { doctor: AccountId(Uuid::nil()) },
        StateName::Scheduled => State::Scheduled(appointment(0)),
        StateName::InSession => State::InSession { appointment: appointment(0), started_at: at(1) },
        StateName::OpinionDraft => State::OpinionDraft(held),
        StateName::Signed => State::Signed(held),
        StateName::Adopted => State::Adopted(held),
        StateName::Archived => State::Archived(held),
        StateName::Cancelled => State::Cancelled { reason, appointment: None },
        StateName::NoShow => State::NoShow { reason, appointment: appointment(0) },
        StateName::Expired => State::Expired,
    }
}

fn steps() -> Vec<Step> {
    let why = || String::from("because");
    vec![
        Step::Revise,
        Step::Submit,
        Step::Return(why()),
        Step::Reject(why()),
        Step::Accept(AccountId(Uuid::nil())),
        Step::Schedule(appointment(60)),
        Step::Reschedule(appointment(60)),
        Step::Delay(10),
        Step::Cancel(why()),
        Step::Start(at(1)),
        Step::Finish(at(2)),
        Step::NoShow(why()),
        Step::SaveOpinion,
        Step::Sign,
        Step::Adopt,
        Step::Archive,
        Step::Expire,
    ]
}

#[test]
fn a_step_is_possible_exactly_where_it_is_said_to_be() {
    for name in StateName::ALL {
        for step in steps() {
            let action = step.name();
            let outcome = state(name).apply(step);
            assert_eq!(outcome.is_ok(), name.legal().contains(&action), "{action} from {name:?}");
            if let Err(refused) = outcome {
                assert_eq!(refused, InvalidTransition { from: name, action });
            }
        }
    }
}

#[test]
fn names_are_those_that_serde_and_the_database_use() {
    for name in StateName::ALL {
        assert_eq!(serde_json::to_value(name).unwrap(), name.name());
        assert_eq!(state(name).name(), name);
    }
}

#[test]
fn what_a_state_carries_goes_on_with_it() {
    let booked = State::Accepted { doctor: AccountId(Uuid::nil()) }.apply(Step::Schedule(appointment(0))).unwrap();
    let late = booked.apply(Step::Delay(15)).unwrap();
    assert_eq!(late.appointment().unwrap().delay_minutes, 15);
    let moved = late.clone().apply(Step::Reschedule(appointment(60))).unwrap();
    assert_eq!(moved.appointment().unwrap().delay_minutes, 0, "a new time is on time");
    let signed = late.apply(Step::Start(at(3))).unwrap().apply(Step::Finish(at(9))).unwrap().apply(Step::Sign).unwrap();
    assert_eq!(signed.meeting(), (Some(at(3)), Some(at(9))));
    let by_phone = moved.apply(Step::Finish(at(9))).unwrap();
    assert_eq!(by_phone.meeting(), (None, Some(at(9))));
}
