//! Notes about lines and checks reach those who can do something about it.

use super::*;

fn note(text: &str) -> Body {
    serde_json::from_value(Value::String(text.to_owned())).unwrap()
}

#[test]
fn how_good_a_line_is_goes_to_those_with_control() {
    let mut world = World::new();
    let (host, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    let guest = world.enter_by(host, 3, Role::Guest);
    let outputs = world.apply(&Command::Quality { peer: clinician, note: note(r#"{"verdict":"poor"}"#) });
    let told = message(&outputs, host, "quality");
    assert_eq!((&told["peer"], &told["verdict"]), (&clinician.to_string().into(), &"poor".into()));
    assert!(kinds(&outputs, guest).is_empty() && kinds(&outputs, clinician).is_empty());
    assert!(world.apply(&Command::Quality { peer: PeerId(Uuid::nil()), note: note("{}") }).is_empty());
}

#[test]
fn a_check_is_kept_for_those_who_come_later() {
    let mut world = World::new();
    let host = world.enter(1, Role::Host);
    let (guest, _) = world.connect(profile(3, Role::Guest));
    let outputs = world.apply(&Command::Precheck { peer: guest, note: note(r#"{"camera":true}"#) });
    assert!(outputs.is_empty(), "nobody sees a person who has not joined");
    let outputs = world.join(guest);
    assert_eq!(kinds(&outputs, host), ["ring", "precheck"]);
    assert_eq!(message(&outputs, host, "precheck")["camera"], true);
    let (clinician, _) = world.connect(profile(2, Role::Clinician));
    assert_eq!(kinds(&world.join(clinician), clinician), ["joined", "precheck"]);
    let outputs = world.apply(&Command::Precheck { peer: guest, note: note("{}") });
    assert_eq!(kinds(&outputs, host), ["precheck"]);
}

#[test]
fn a_note_too_long_is_dropped() {
    let mut world = World::new();
    let (_, clinician) = (world.enter(1, Role::Host), world.enter(2, Role::Clinician));
    for (length, told) in [(super::super::view::NOTE_BYTES_MAX, 1), (super::super::view::NOTE_BYTES_MAX + 1, 0)] {
        let long = note(&format!(r#"{{"x":"{}"}}"#, "x".repeat(length - 8)));
        assert_eq!(long.len(), length);
        assert_eq!(world.apply(&Command::Quality { peer: clinician, note: long.clone() }).len(), told);
        assert_eq!(world.apply(&Command::Precheck { peer: clinician, note: long }).len(), told);
    }
}
