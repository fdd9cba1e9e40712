//! Every step from every state, and what a state carries on.
#![expect(clippy::unwrap_used, reason = "tests")]

use sanbao_platform::lifecycle::legal_nowhere;

use super::*;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap()
}

fn appointment(minute: i64) -> Appointment {
    let interval = Interval::of_minutes(at(minute), 30).unwrap();
    let (doctor, room) = (AccountId(Uuid::nil()), LocationId(Uuid::nil()));
    Appointment { doctor, room, interval, delay_minutes: 0, overbooked: false, at_once: false }
}

pub fn state(name: ConsultStateName) -> ConsultState {
    let reason = String::from("because");
    let held = Held { appointment: appointment(0), started_at: Some(at(1)), finished_at: at(2) };
    match name {
        ConsultStateName::Draft => ConsultState::Draft,
        ConsultStateName::Submitted => ConsultState::Submitted,
        ConsultStateName::Returned => ConsultState::Returned { reason },
        ConsultStateName::Rejected => ConsultState::Rejected { reason },
        ConsultStateName::Accepted => ConsultState::Accepted { doctor: AccountId(Uuid::nil()) },
        ConsultStateName::Scheduled => ConsultState::Scheduled(appointment(0)),
        ConsultStateName::InSession => ConsultState::InSession { appointment: appointment(0), started_at: at(1) },
        ConsultStateName::OpinionDraft => ConsultState::OpinionDraft(held),
        ConsultStateName::Signed => ConsultState::Signed(held),
        ConsultStateName::Adopted => ConsultState::Adopted(held),
        ConsultStateName::Archived => ConsultState::Archived(held),
        ConsultStateName::Cancelled => ConsultState::Cancelled { reason, appointment: None },
        ConsultStateName::NoShow => ConsultState::NoShow { reason, appointment: appointment(0) },
        ConsultStateName::Expired => ConsultState::Expired,
    }
}

fn legal(name: ConsultStateName) -> &'static [&'static str] {
    match name {
        ConsultStateName::Draft => &["revise", "submit", "cancel"],
        ConsultStateName::Submitted => &["accept", "return", "reject", "book", "cancel", "expire"],
        ConsultStateName::Returned => &["revise", "submit", "cancel", "expire"],
        ConsultStateName::Accepted => &["schedule", "cancel", "expire"],
        ConsultStateName::Scheduled => &["reschedule", "exchange", "delay", "cancel", "start", "finish", "no_show"],
        ConsultStateName::InSession => &["finish", "save_opinion"],
        ConsultStateName::OpinionDraft => &["save_opinion", "sign"],
        ConsultStateName::Signed => &["adopt"],
        ConsultStateName::Adopted => &["archive"],
        ConsultStateName::Rejected
        | ConsultStateName::Archived
        | ConsultStateName::Cancelled
        | ConsultStateName::NoShow
        | ConsultStateName::Expired => &[],
    }
}

#[test]
fn each_state_allows_its_steps_and_no_other() {
    assert_eq!(legal_nowhere(ConsultStateName::ALL.iter().copied().map(state)), []);
    for name in ConsultStateName::ALL.iter().copied() {
        assert_eq!(state(name).name(), name);
        let found: Vec<&str> = state(name).legal().into_iter().map(ConsultStepName::as_str).collect();
        assert_eq!(found, legal(name), "{name}");
        for step in ConsultStepName::ALL.iter().copied() {
            assert_eq!(step.example().name(), step);
            if let Err(refused) = state(name).apply(step.example()) {
                assert_eq!(refused, IllegalStep { state: name.as_str(), step: step.as_str() });
            }
        }
    }
}

#[test]
fn what_was_booked_at_once_is_returned_until_it_begins() {
    let booked = state(ConsultStateName::Submitted).apply(ConsultStep::Book(appointment(0).into())).unwrap();
    let with_return = |state: &ConsultState| state.legal().contains(&ConsultStepName::Return);
    assert!(with_return(&booked) && !with_return(&state(ConsultStateName::Scheduled)));
    // Another time of it is an answer at the hospital's word alone.
    let unanswered = Appointment { at_once: true, ..appointment(60) };
    let moved = booked.clone().apply(ConsultStep::Reschedule(unanswered.into())).unwrap();
    let exchange = Exchanged::with(ConsultId(Uuid::nil()), unanswered);
    let exchanged = moved.clone().apply(ConsultStep::Exchange(exchange)).unwrap();
    assert!(!with_return(&booked.clone().apply(ConsultStep::Reschedule(appointment(60).into())).unwrap()));
    assert!(!with_return(&booked.clone().apply(ConsultStepName::Exchange.example()).unwrap()));
    let late = exchanged.clone().apply(ConsultStep::Delay(Delayed::by(15, false))).unwrap();
    for booked in [&moved, &exchanged, &late] {
        assert!(with_return(booked), "{booked:?}");
    }
    let returned = moved.apply(ConsultStep::Return("请补充化验".to_owned())).unwrap();
    assert_eq!((returned.appointment(), returned.note()), (None, Some("请补充化验")));
    let begun = booked.apply(ConsultStep::Start(at(1))).unwrap();
    assert!(!with_return(&begun));
    let asked_again =
        returned.apply(ConsultStep::Submit).unwrap().apply(ConsultStep::Accept(AccountId(Uuid::nil()).into()));
    let answered = asked_again.unwrap().apply(ConsultStep::Schedule(appointment(0).into())).unwrap();
    assert!(!with_return(&answered), "a doctor has answered");
}

#[test]
fn what_a_state_carries_goes_on_with_it() {
    let accepted = state(ConsultStateName::Accepted);
    let booked = accepted.apply(ConsultStep::Schedule(appointment(0).into())).unwrap();
    let late = booked.apply(ConsultStep::Delay(Delayed::by(15, false))).unwrap();
    assert_eq!(late.appointment().unwrap().delay_minutes, 15);
    let moved = late.clone().apply(ConsultStep::Reschedule(appointment(60).into())).unwrap();
    assert_eq!(moved.appointment().unwrap().delay_minutes, 0, "a new time is on time");
    let held = late.apply(ConsultStep::Start(at(3))).unwrap().apply(ConsultStep::Finish(at(9))).unwrap();
    assert_eq!(held.apply(ConsultStep::Sign).unwrap().meeting(), (Some(at(3)), Some(at(9))));
    let by_phone = moved.apply(ConsultStep::Finish(at(9))).unwrap();
    assert_eq!(by_phone.meeting(), (None, Some(at(9))));
}
