//! The requests that each role may make of a room, as one picture: role and place × request.

use std::fmt::Write as _;

use super::*;

const GRID: &str = "
                     join ring relay message state screen hand chat consent admit refuse put_back mute permit record kick lift finish leave
host inside             ✘    ✘     ✔       ✔     ✔      ✔    ✔    ✔       ✔     ✔      ✔        ✔    ✔      ✔      ✔    ✔    ✔      ✔     ✔
clinician inside        ✘    ✘     ✔       ✔     ✔      ✔    ✔    ✔       ✔     ✔      ✔        ✔    ✔      ✔      ✔    ✔    ✔      ✔     ✔
guest inside            ✘    ✘     ✔       ✔     ✔      ✘    ✔    ✔       ✔     ✘      ✘        ✘    ✘      ✘      ✘    ✘    ✘      ✘     ✔
interpreter inside      ✘    ✘     ✔       ✔     ✔      ✘    ✔    ✔       ✔     ✘      ✘        ✘    ✘      ✘      ✘    ✘    ✘      ✘     ✔
observer inside         ✘    ✘     ✔       ✔     ✘      ✘    ✔    ✘       ✔     ✘      ✘        ✘    ✘      ✘      ✘    ✘    ✘      ✘     ✔
guest on hold           ✘    ✘     ✘       ✘     ✘      ✘    ✔    ✔       ✔     ✘      ✘        ✘    ✘      ✘      ✘    ✘    ✘      ✘     ✔
guest in the lobby      ✘    ✔     ✘       ✘     ✘      ✘    ✘    ✘       ✔     ✘      ✘        ✘    ✘      ✘      ✘    ✘    ✘      ✘     ✔
observer put back       ✘    ✔     ✘       ✘     ✘      ✘    ✘    ✘       ✔     ✘      ✘        ✘    ✘      ✘      ✘    ✘    ✘      ✘     ✔
host in the hall        ✔    ✘     ✘       ✘     ✘      ✘    ✘    ✘       ✘     ✘      ✘        ✘    ✘      ✘      ✘    ✘    ✘      ✘     ✔
";

const REQUESTS: [&str; 19] = [
    "join", "ring", "relay", "message", "state", "screen", "hand", "chat", "consent", "admit", "refuse", "put_back",
    "mute", "permit", "record", "kick", "lift", "finish", "leave",
];

const PLACES: [&str; 9] = [
    "host inside",
    "clinician inside",
    "guest inside",
    "interpreter inside",
    "observer inside",
    "guest on hold",
    "guest in the lobby",
    "observer put back",
    "host in the hall",
];

/// Whether the request is carried out, in a room with staff inside, somebody waiting and somebody sent away.
fn allowed(who: &str, what: &str) -> bool {
    let mut world = World::new();
    let staff = world.enter(1, Role::Host);
    let waiting = world.enter(2, Role::Guest);
    let other = world.enter_by(staff, 3, Role::Guest);
    let gone = world.enter(4, Role::Guest);
    world.say(staff, RoomRequest::Kick(gone));
    let peer = match who {
        "host inside" => world.enter(9, Role::Host),
        "clinician inside" => world.enter(9, Role::Clinician),
        "observer inside" => world.enter(9, Role::Observer),
        "guest inside" => world.enter_by(staff, 9, Role::Guest),
        "interpreter inside" => world.enter_by(staff, 9, Role::Interpreter),
        "guest on hold" => {
            let guest = world.enter_by(staff, 9, Role::Guest);
            world.say(staff, RoomRequest::Permit { peer: guest, permissions: Permissions::CHAT });
            guest
        }
        "guest in the lobby" => world.enter(9, Role::Guest),
        "observer put back" => {
            let observer = world.enter(9, Role::Observer);
            world.say(staff, RoomRequest::PutBack(observer));
            observer
        }
        "host in the hall" => world.connect(profile(9, Role::Host)).0,
        unknown => panic!("no such place: {unknown}"),
    };
    for consenting in [staff, other, peer] {
        world.say(consenting, RoomRequest::Consent(BOTH));
    }
    world.pass_ms(20_000);
    let request = match what {
        "join" => RoomRequest::Join { media: MEDIA, consent: BOTH, elsewhere: None },
        "ring" => RoomRequest::Ring,
        "relay" => offer(peer, staff),
        "message" => RoomRequest::Message { body: Body::passed_on("message", peer, "data", "1") },
        "state" => RoomRequest::State(MEDIA),
        "screen" => RoomRequest::State(Media { screen: true, ..Media::default() }),
        "hand" => RoomRequest::Hand { up: true },
        "chat" => RoomRequest::Chat { text: "x".into() },
        "consent" => RoomRequest::Consent(Consent::default()),
        "admit" => RoomRequest::Admit(waiting),
        "refuse" => RoomRequest::Refuse(waiting),
        "put_back" => RoomRequest::PutBack(other),
        "mute" => RoomRequest::Mute(other),
        "permit" => RoomRequest::Permit { peer: other, permissions: Permissions::AUDIO },
        "record" => RoomRequest::Record { on: true },
        "kick" => RoomRequest::Kick(other),
        "lift" => RoomRequest::Lift { removal: 1 },
        "finish" => RoomRequest::Finish,
        "leave" => RoomRequest::Leave,
        unknown => panic!("no such request: {unknown}"),
    };
    error_to(&world.say(peer, request), peer).is_none()
}

#[test]
fn the_grid_is_what_the_room_does() {
    let mut grid = format!("\n{:20}", "");
    for what in REQUESTS {
        let _ = write!(grid, " {what}");
    }
    grid.push('\n');
    for who in PLACES {
        let _ = write!(grid, "{who:20}");
        for what in REQUESTS {
            let sign = if allowed(who, what) { "✔" } else { "✘" };
            let _ = write!(grid, " {sign:>width$}", width = what.len());
        }
        grid.push('\n');
    }
    assert_eq!(grid, GRID, "{grid}");
}
