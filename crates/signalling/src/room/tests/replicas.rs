//! Every replica that applies the same commands has the same room and says the same; also from a snapshot on.

use proptest::prelude::*;

use super::properties::{Script, steps};
use super::*;

fn stored(room: &Room) -> String {
    serde_json::to_string(room).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn two_replicas_and_one_restored_at_any_point_stay_equal(steps in steps(), restored_at in 0_usize..160) {
        let (mut first, mut second) = (World::new().room, World::new().room);
        let mut script = Script::default();
        for (n, step) in steps.iter().enumerate() {
            let Some((command, trimmed)) = script.command(step, &first) else { continue };
            if n == restored_at {
                second = serde_json::from_str(&stored(&second)).unwrap();
            }
            // The command too goes through the log's encoding.
            let logged: Command = serde_json::from_str(&serde_json::to_string(&command).unwrap()).unwrap();
            let (mut said_first, mut said_second) = (Vec::new(), Vec::new());
            first.apply_into(script.now, &command, trimmed, &mut said_first);
            second.apply_into(script.now, &logged, trimmed, &mut said_second);
            prop_assert_eq!(said_first, said_second);
            prop_assert!(first == second);
        }
        prop_assert_eq!(stored(&first), stored(&second));
    }

    /// A repeat, as after an append of which it was not known whether it was in, changes nothing.
    #[test]
    fn what_was_said_has_no_effect_a_second_time(steps in steps()) {
        let mut room = World::new().room;
        let mut script = Script::default();
        for step in &steps {
            let Some((command, trimmed)) = script.command(step, &room) else { continue };
            let mut outputs = Vec::new();
            room.apply_into(script.now, &command, trimmed, &mut outputs);
            if matches!(command, Command::Request { .. } | Command::Enter { .. } | Command::NodeGone { .. } | Command::Tick) {
                let before = room.clone();
                let again = room.apply(script.now, &command);
                let effects = again.iter().filter(|output| !matches!(output, RoomOutput::TurnAway { .. }));
                prop_assert_eq!(effects.count(), 0);
                prop_assert!(room == before);
            }
        }
    }
}

#[test]
fn an_idle_room_of_two_is_small() {
    let mut world = World::new();
    world.enter(1, Role::Host);
    world.enter(2, Role::Clinician);
    let sessions = world.room.sessions.capacity() * size_of::<Session>();
    let rest = size_of::<Room>() + world.room.standings.capacity() * size_of::<Standing>();
    assert!(sessions + rest <= 2 * 1024, "{sessions} + {rest} bytes");
}
