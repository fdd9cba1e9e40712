//! Who may ask what of a room, as one picture: ticket and place × request.

use std::fmt::Write as _;

use super::*;

const GRID: &str = "
                     join admit refuse relay state finish leave
host inside             ✘     ✔      ✔     ✔     ✔      ✔     ✔
clinician inside        ✘     ✔      ✔     ✔     ✔      ✔     ✔
guest inside            ✘     ✘      ✘     ✔     ✔      ✘     ✔
observer inside         ✘     ✘      ✘     ✔     ✘      ✘     ✔
guest in the lobby      ✘     ✘      ✘     ✘     ✘      ✘     ✔
host before joining     ✔     ✘      ✘     ✘     ✘      ✘     ✔
";

const REQUESTS: [&str; 7] = ["join", "admit", "refuse", "relay", "state", "finish", "leave"];

/// Whether the request is carried out, in a room with staff inside and somebody waiting.
fn allowed(who: &str, what: &str) -> bool {
    let mut world = World::new();
    let staff = world.enter(1, Role::Host);
    let waiting = world.enter(2, Role::Guest);
    let peer = match who {
        "host inside" => world.enter(9, Role::Host),
        "clinician inside" => world.enter(9, Role::Clinician),
        "observer inside" => world.enter(9, Role::Observer),
        "guest in the lobby" => world.enter(9, Role::Guest),
        "host before joining" => world.connect(profile(9, Role::Host)).0,
        "guest inside" => {
            let guest = world.enter(9, Role::Guest);
            world.say(staff, Request::Admit(guest));
            guest
        }
        other => panic!("no such place: {other}"),
    };
    let media = Media { audio: true, video: true };
    let request = match what {
        "join" => Request::Join(media),
        "admit" => Request::Admit(waiting),
        "refuse" => Request::Refuse(waiting),
        "relay" => offer(staff),
        "state" => Request::State(media),
        "finish" => Request::Finish,
        "leave" => Request::Leave,
        other => panic!("no such request: {other}"),
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
    let places = [
        "host inside",
        "clinician inside",
        "guest inside",
        "observer inside",
        "guest in the lobby",
        "host before joining",
    ];
    for who in places {
        let _ = write!(grid, "{who:20}");
        for what in REQUESTS {
            let sign = if allowed(who, what) { "✔" } else { "✘" };
            let _ = write!(grid, " {sign:>width$}", width = what.len());
        }
        grid.push('\n');
    }
    assert_eq!(grid, GRID, "{grid}");
}
