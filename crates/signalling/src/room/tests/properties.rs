//! Over any sequence of inputs: nothing is relayed before admission, and only to the named peer.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Connect(u8),
    Say(u8, Say),
    Lose(u8),
    Pass(u16),
}

#[derive(Clone, Debug)]
enum Say {
    Join,
    Admit(u8),
    Refuse(u8),
    Offer(u8),
    State(bool),
    Leave,
    Finish,
}

fn say() -> impl Strategy<Value = Say> {
    prop_oneof![
        4 => Just(Say::Join),
        3 => any::<u8>().prop_map(Say::Admit),
        1 => any::<u8>().prop_map(Say::Refuse),
        6 => any::<u8>().prop_map(Say::Offer),
        1 => any::<bool>().prop_map(Say::State),
        1 => Just(Say::Leave),
        1 => Just(Say::Finish),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => any::<u8>().prop_map(Step::Connect),
        14 => (any::<u8>(), say()).prop_map(|(peer, say)| Step::Say(peer, say)),
        1 => any::<u8>().prop_map(Step::Lose),
        1 => any::<u16>().prop_map(Step::Pass),
    ];
    proptest::collection::vec(step, 1..120)
}

/// Nine people: three of staff, an observer, five guests.
fn somebody(n: u8) -> Profile {
    let person = u128::from(n % 9);
    profile(
        person,
        match person {
            0 | 1 => Role::Host,
            2 => Role::Clinician,
            3 => Role::Observer,
            _ => Role::Guest,
        },
    )
}

/// What an onlooker knows from the outputs alone, without looking into the room.
#[derive(Default)]
struct Onlooker {
    people: std::collections::BTreeMap<PeerId, Profile>,
    inside: BTreeSet<PeerId>,
    admitted: BTreeSet<PersonId>,
    finished: bool,
}

impl Onlooker {
    fn check(&mut self, said: Option<(PeerId, &Request)>, outputs: &[Output]) -> Result<(), TestCaseError> {
        if let Some((by, Request::Admit(whom))) = said
            && self.inside.contains(&by)
            && self.people[&by].control
            && let Some(profile) = self.people.get(whom)
        {
            self.admitted.insert(profile.person);
        }
        for output in outputs {
            match output {
                Output::Send { to, message: ServerMessage::Relayed { from, .. } } => {
                    let Some((by, Request::Relay { to: named, .. })) = said else {
                        return Err(TestCaseError::fail("relayed without a request"));
                    };
                    prop_assert_eq!((by, *named), (*from, *to));
                    prop_assert!(self.inside.contains(to) && self.inside.contains(from));
                }
                Output::Send { to, message: ServerMessage::Joined { .. } } => {
                    let profile = &self.people[to];
                    prop_assert!(!profile.lobby || self.admitted.contains(&profile.person));
                    prop_assert!(!self.finished);
                    self.inside.insert(*to);
                    prop_assert!(self.inside.len() <= 6);
                }
                Output::Send { message: ServerMessage::Finished { .. }, .. } => self.finished = true,
                Output::Send { to, message: ServerMessage::PeerJoined(_) | ServerMessage::State { .. } } => {
                    prop_assert!(self.inside.contains(to), "told of others before being inside");
                }
                Output::Close { peer, .. } => {
                    self.inside.remove(peer);
                }
                _ => {}
            }
        }
        prop_assert!(facts(outputs).len() <= FACTS_PER_INPUT_MAX);
        Ok(())
    }
}

fn request(say: &Say, peers: &[PeerId]) -> Request {
    let pick = |n: &u8| peers[usize::from(*n) % peers.len()];
    match say {
        Say::Join => Request::Join(Media { audio: true, video: true }),
        Say::Admit(n) => Request::Admit(pick(n)),
        Say::Refuse(n) => Request::Refuse(pick(n)),
        Say::Offer(n) => offer(pick(n)),
        Say::State(on) => Request::State(Media { audio: *on, video: *on }),
        Say::Leave => Request::Leave,
        Say::Finish => Request::Finish,
    }
}

proptest! {
    #[test]
    fn nothing_before_admission_and_only_to_the_named_peer(steps in steps()) {
        let mut world = World::new();
        let mut onlooker = Onlooker::default();
        let mut peers: Vec<PeerId> = Vec::new();
        for step in steps {
            match step {
                Step::Connect(n) => {
                    let (peer, outputs) = world.connect(somebody(n));
                    onlooker.people.insert(peer, somebody(n));
                    peers.push(peer);
                    onlooker.check(None, &outputs)?;
                }
                Step::Say(n, say) if !peers.is_empty() => {
                    let (peer, request) = (peers[usize::from(n) % peers.len()], request(&say, &peers));
                    let outputs = world.say(peer, request.clone());
                    onlooker.check(Some((peer, &request)), &outputs)?;
                }
                Step::Lose(n) if !peers.is_empty() => {
                    let peer = peers[usize::from(n) % peers.len()];
                    let outputs = world.lose(peer);
                    onlooker.inside.remove(&peer);
                    onlooker.check(None, &outputs)?;
                }
                Step::Pass(seconds) => {
                    world.pass_ms(i64::from(seconds) * 1000);
                    let outputs = world.tick();
                    onlooker.check(None, &outputs)?;
                }
                Step::Say(..) | Step::Lose(_) => {}
            }
        }
    }
}
