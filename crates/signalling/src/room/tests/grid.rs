//! Who may ask what of a room, as one picture: role and place × request.

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
    world.say(staff, Request::Kick(gone));
    let peer = match who {
        "host inside" => world.enter(9, Role::Host),
        "clinician inside" => world.enter(9, Role::Clinician),
        "observer inside" => world.enter(9, Role::Observer),
        "guest inside" => world.enter_by(staff, 9, Role::Guest),
        "interpreter inside" => world.enter_by(staff, 9, Role::Interpreter),
        "guest on hold" => {
            let guest = world.enter_by(staff, 9, Role::Guest);
            world.say(staff, Request::Permit { peer: guest, permissions: Permissions::CHAT });
            guest
        }
        "guest in the lobby" => world.enter(9, Role::Guest),
        "observer put back" => {
            let observer = world.enter(9, Role::Observer);
            world.say(staff, Request::PutBack(observer));
            observer
        }
        "host in the hall" => world.connect(profile(9, Role::Host)).0,
        unknown => panic!("no such place: {unknown}"),
    };
    for consenting in [staff, other, peer] {
        world.say(consenting, Request::Consent(BOTH));
    }
    world.pass_ms(20_000);
    let request = match what {
        "join" => Request::Join { media: MEDIA, consent: BOTH, elsewhere: None },
        "ring" => Request::Ring,
        "relay" => offer(peer, staff),
        "message" => Request::Message { body: Body::passed_on("message", peer, "data", "1") },
        "state" => Request::State(MEDIA),
        "screen" => Request::State(Media { screen: true, ..Media::default() }),
        "hand" => Request::Hand { up: true },
        "chat" => Request::Chat { text: "x".into() },
        "consent" => Request::Consent(Consent::default()),
        "admit" => Request::Admit(waiting),
        "refuse" => Request::Refuse(waiting),
        "put_back" => Request::PutBack(other),
        "mute" => Request::Mute(other),
        "permit" => Request::Permit { peer: other, permissions: Permissions::AUDIO },
        "record" => Request::Record { on: true },
        "kick" => Request::Kick(other),
        "lift" => Request::Lift { removal: 1 },
        "finish" => Request::Finish,
        "leave" => Request::Leave,
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
