//! The actions of people: they join, let in, talk, change their minds, and leave.

use std::collections::BTreeMap;
use std::rc::Rc;

use sanbao_signalling::id::PersonId;
use sanbao_signalling::room::Profile;
use sanbao_signalling::ticket::Role;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::chance::Chance;
use super::client::{Client, Place};
use super::node::Tickets;
use super::world::Person;

/// The players, and what their tickets say.
pub fn cast() -> (Tickets, Vec<Person>) {
    let cast = [
        (1, Role::Host, "a"),
        (2, Role::Clinician, "b"),
        (3, Role::Guest, "c"),
        (4, Role::Guest, "d"),
        (5, Role::Observer, "e"),
        // The clinician's other device.
        (2, Role::Clinician, "f"),
    ];
    let (mut tickets, mut people) = (BTreeMap::new(), Vec::new());
    for (index, (person, role, letter)) in cast.into_iter().enumerate() {
        let id = PersonId(Uuid::from_u128(person));
        let lobby = role == Role::Guest;
        let permissions = role.permissions();
        let (name, organisation, until) = (letter.into(), None, None);
        let profile = Profile { person: id, name, role, lobby, permissions, organisation, until };
        let ticket = format!("ticket {index}");
        tickets.insert(ticket.clone(), (Uuid::from_u128(100 + index as u128), profile));
        let device = letter.repeat(20);
        let client = Client::new(index, ticket, device, lobby);
        people.push(Person { client, id: id.to_string(), conn: None, stopped: false, said: 0 });
    }
    (Rc::new(tickets), people)
}

/// The next thing somebody says, if anything.
pub fn next(person: &Person, chance: &mut Chance) -> Option<Map<String, Value>> {
    let message = match person.client.place {
        Place::Hall => join(chance),
        Place::Lobby if chance.per_mille(100) => json!({"type": "ring"}),
        Place::Lobby if chance.per_mille(100) => consent(chance),
        Place::Lobby => return None,
        Place::Inside if person.client.room.controls && chance.per_mille(400) => rule(person, chance)?,
        Place::Inside => talk(person, chance)?,
    };
    match message {
        Value::Object(message) => Some(message),
        _ => None,
    }
}

/// Puts a mark on what is passed on, by which it is known again.
pub fn with_token(mut message: Map<String, Value>, token: &str) -> Map<String, Value> {
    for field in ["data", "sdp"] {
        if let Some(value) = message.get_mut(field) {
            *value = token.into();
        }
    }
    message
}

fn consents(chance: &mut Chance) -> (bool, bool) {
    (chance.per_mille(900), chance.per_mille(800))
}

fn join(chance: &mut Chance) -> Value {
    let (recording, transcription) = consents(chance);
    let mut join = json!({"type": "join", "audio": true, "video": true,
        "consent": {"recording": recording, "transcription": transcription}});
    match chance.below(4) {
        0 => join["elsewhere"] = "take_over".into(),
        1 | 2 => join["elsewhere"] = "both".into(),
        _ => {}
    }
    join
}

fn consent(chance: &mut Chance) -> Value {
    let (recording, transcription) = consents(chance);
    json!({"type": "consent", "recording": recording, "transcription": transcription})
}

fn other(person: &Person, chance: &mut Chance) -> Option<String> {
    let own = person.client.session.as_ref().map(|session| &session.peer);
    let others: Vec<&String> = person.client.room.peers.keys().filter(|peer| Some(*peer) != own).collect();
    chance.pick(&others).map(|peer| (*peer).clone())
}

fn talk(person: &Person, chance: &mut Chance) -> Option<Value> {
    Some(match chance.below(20) {
        0..=6 => json!({"type": "message", "data": 0}),
        7..=10 => json!({"type": "message", "to": other(person, chance)?, "data": 0}),
        11..=13 => json!({"type": "offer", "to": other(person, chance)?, "sdp": ""}),
        14 => json!({"type": "chat", "text": "您好"}),
        15 => json!({"type": "state", "audio": chance.per_mille(500), "video": true}),
        16 => json!({"type": "hand", "up": chance.per_mille(500)}),
        17 | 18 => consent(chance),
        // Nobody there, and something that this version does not know.
        19 if chance.per_mille(500) => json!({"type": "message", "to": Uuid::nil().to_string(), "data": 0}),
        _ if chance.per_mille(300) => json!({"type": "leave"}),
        _ => json!({"type": "hand", "up": false}),
    })
}

fn rule(person: &Person, chance: &mut Chance) -> Option<Value> {
    let room = &person.client.room;
    let waiting: Vec<&String> = room.waiting.iter().collect();
    if let Some(peer) = chance.pick(&waiting).filter(|_| chance.clone().per_mille(700)) {
        chance.next();
        let kind = if chance.per_mille(900) { "admit" } else { "refuse" };
        return Some(json!({"type": kind, "peer": peer}));
    }
    if let Some(removal) = room.removed.iter().next() {
        return Some(json!({"type": "lift", "removal": removal}));
    }
    Some(match chance.below(12) {
        0..=3 => json!({"type": "record", "on": chance.per_mille(800)}),
        4..=6 => json!({"type": "transcribe", "on": chance.per_mille(800)}),
        7 => json!({"type": "mute", "peer": other(person, chance)?}),
        8 | 9 => json!({"type": "put_back", "peer": other(person, chance)?}),
        10 if chance.per_mille(300) => json!({"type": "kick", "peer": other(person, chance)?}),
        10 => {
            json!({"type": "permit", "peer": other(person, chance)?, "permissions": ["audio", "video", "chat", "observe"]})
        }
        _ => return None,
    })
}
