//! Tables of addresses, candidates and descriptions, and random texts.
#![expect(clippy::unwrap_used, reason = "tests")]

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sanbao_platform::config::Secret;
use uuid::Uuid;

use super::*;
use crate::config::{Config, EmbeddedTurn};
use crate::id::PersonId;
use crate::turn::PortsWatch;

fn ice(turn: bool, relay_only: RelayOnly) -> IceConfig {
    let mut config = Config::new(Secret("x".to_owned()));
    config.relay_only = relay_only;
    config.turn = turn.then(|| EmbeddedTurn {
        listen: "0.0.0.0:3478".parse().unwrap(),
        tls: None,
        public_ips: vec!["192.168.7.7".parse().unwrap()],
        relay_ports: (50_000, 50_999),
        allow_peers: Vec::new(),
        deny_peers: Vec::new(),
    });
    config.ice(PortsWatch::all())
}

fn person(role: Role, organisation: u128) -> Profile {
    Profile {
        person: PersonId(Uuid::from_u128(organisation)),
        name: "x".into(),
        role,
        lobby: false,
        permissions: role.permissions(),
        organisation: (organisation > 0).then(|| Uuid::from_u128(organisation)),
        until: None,
    }
}

/// The two of whom the tables tell.
struct Relation {
    ice: IceConfig,
    from: Profile,
    to: Profile,
}

impl Relation {
    fn rule(&self) -> Disclosure<'_> {
        Disclosure::between(Some(&self.from), Some(&self.to), &self.ice)
    }
}

fn relation(from: (Role, u128), to: (Role, u128), turn: bool, relay_only: RelayOnly) -> Relation {
    Relation { ice: ice(turn, relay_only), from: person(from.0, from.1), to: person(to.0, to.1) }
}

const NAME: &str = "8f6ae5b2-1c3d-4e5f-8a9b-0c1d2e3f4a5b.local";
const HOST: (Role, u128) = (Role::Host, 1);
const NURSE: (Role, u128) = (Role::Clinician, 1);
const DOCTOR: (Role, u128) = (Role::Clinician, 2);
const GUEST: (Role, u128) = (Role::Guest, 0);

fn line(address: &str, kind: &str) -> String {
    format!("candidate:1 1 udp 2113937151 {address} 50123 typ {kind} generation 0 ufrag Jk3a")
}

fn object(candidate: &str) -> String {
    serde_json::json!({ "candidate": candidate, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "Jk3a" })
        .to_string()
}

#[test]
fn who_may_learn_which_candidate_of_whom() {
    // A public host candidate, a private one, a hidden one, a reflexive one, a relayed one, a private relayed one of ours.
    let candidates = [
        line("203.0.114.9", "host"),
        line("10.0.0.5", "host"),
        line(NAME, "host"),
        line("203.0.114.9", "srflx"),
        line("198.51.100.7", "relay"),
        line("192.168.7.7", "relay"),
    ];
    for (what, relation, passes) in [
        ("staff of one house", relation(HOST, NURSE, true, RelayOnly::Guests), "111111"),
        ("staff of two houses", relation(HOST, DOCTOR, true, RelayOnly::Guests), "100111"),
        ("staff of no known house", relation((Role::Host, 0), (Role::Host, 0), true, RelayOnly::Guests), "100111"),
        ("staff to a guest", relation(HOST, GUEST, true, RelayOnly::Guests), "000011"),
        ("a guest to staff", relation(GUEST, DOCTOR, true, RelayOnly::Guests), "000011"),
        ("a guest to a guest", relation(GUEST, GUEST, true, RelayOnly::Guests), "000011"),
        ("an interpreter of the house", relation((Role::Interpreter, 1), HOST, true, RelayOnly::Guests), "000011"),
        ("staff to a guest, directly", relation(HOST, GUEST, true, RelayOnly::Nobody), "000111"),
        ("a guest to staff, directly", relation(GUEST, HOST, true, RelayOnly::Nobody), "100111"),
        ("everybody by TURN", relation(HOST, NURSE, true, RelayOnly::Everybody), "000011"),
        ("no TURN: a guest in the house", relation(GUEST, DOCTOR, false, RelayOnly::Guests), "111111"),
        ("no TURN: staff", relation(HOST, DOCTOR, false, RelayOnly::Everybody), "111111"),
    ] {
        let passed: String = candidates
            .iter()
            .map(|candidate| if relation.rule().candidate(&object(candidate)) == PassedOn::Whole { '1' } else { '0' })
            .collect();
        // Without TURN nobody knows of relayed addresses: a private one is as good as any other private one.
        assert_eq!(passed, passes, "{what}");
    }
    let ice = ice(true, RelayOnly::Nobody);
    let stranger = Disclosure::between(None, None, &ice);
    assert_eq!(stranger.candidate(&object(&candidates[1])), PassedOn::Nothing);
}

#[test]
fn what_leads_to_the_device_itself_or_to_a_cloud_passes_to_nobody() {
    for relation in [
        relation(HOST, NURSE, true, RelayOnly::Nobody),
        relation(GUEST, HOST, false, RelayOnly::Nobody),
        relation(GUEST, HOST, true, RelayOnly::Guests),
    ] {
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "169.254.1.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fe80::1%eth0",
            "ff02::1",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "100.100.100.200",
            // A name that is no address would be asked of a resolver.
            "localhost",
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "010.0.0.1",
            "printer.local",
            "router.lan",
            "",
            "evil.example",
            "127.0.0.1.",
            "[::1]",
        ] {
            for kind in ["host", "srflx", "prflx", "relay"] {
                let candidate = object(&line(address, kind));
                assert_eq!(relation.rule().candidate(&candidate), PassedOn::Nothing, "{address} {kind}");
            }
        }
    }
}

#[test]
fn lines_that_are_none_do_not_pass() {
    let relation = relation(HOST, NURSE, false, RelayOnly::Nobody);
    for bad in [
        "candidate:",
        "candidate:1 1 udp 1 203.0.114.9",
        "candidate:1 1 udp 1 203.0.114.9 70000 typ host",
        "candidate:1 1 udp 1 203.0.114.9 0 typ host",
        "candidate:1 1 udp 1 203.0.114.9 9 typ other",
        "candidate:1 1 udp 1 203.0.114.9 9 type host",
        "candidate:1 1 udp 1 203.0.114.9 9 typ host\r\na=candidate:1 1 udp 1 127.0.0.1 9 typ host",
        "candidate:1 1 udp 1\t203.0.114.9 9 typ host",
        "x candidate:1 1 udp 1 203.0.114.9 9 typ host",
        " ",
    ] {
        assert_eq!(relation.rule().candidate(&object(bad)), PassedOn::Nothing, "{bad:?}");
    }
    for bad in [
        r#"{"candidate":1}"#.to_owned(),
        r#"{"candidate":"","candidate":"candidate:1 1 udp 1 127.0.0.1 9 typ host"}"#.to_owned(),
        object(&line("127.0.0.1", "host")).replace("127", r"\u0031\u0032\u0037"),
        object(&line("127.0.0.1", "host")).replace(r#""candidate""#, r#""c\u0061ndidate""#),
        object(&format!("a={}", line("127.0.0.1", "host"))),
    ] {
        assert_eq!(relation.rule().candidate(&bad), PassedOn::Nothing, "{bad}");
    }
    let good = [
        "null".to_owned(),
        r#"{"candidate":"","sdpMid":"0","usernameFragment":"Jk3a"}"#.to_owned(),
        r#"{"candidate":null}"#.to_owned(),
        r#"{"sdpMid":"0"}"#.to_owned(),
        object("candidate:1 1 tcp 1518280447 192.168.1.9 9 typ host tcptype active generation 0"),
        object(&format!("a={}", line("2400:3200::1", "host"))),
    ];
    for good in good {
        assert_eq!(relation.rule().candidate(&good), PassedOn::Whole, "{good}");
    }
}

#[test]
fn a_candidate_does_not_tell_where_it_was_made() {
    let relayed = "candidate:3 1 udp 41885439 198.51.100.7 50012 typ relay raddr 203.0.114.9 rport 61000 generation 0";
    let reflexive = "candidate:2 1 udp 1677729535 203.0.114.9 61000 typ srflx raddr 10.0.0.5 rport 50123 generation 0";
    let told = |relation: &Relation, text: &str| match relation.rule().candidate(&object(text)) {
        PassedOn::Less(less) => {
            let object: serde_json::Value = serde_json::from_str(&less).unwrap();
            assert_eq!((&object["sdpMid"], &object["usernameFragment"]), (&"0".into(), &"Jk3a".into()));
            object["candidate"].as_str().unwrap().to_owned()
        }
        PassedOn::Whole => text.to_owned(),
        PassedOn::Nothing => String::new(),
    };
    let guest = relation(HOST, GUEST, true, RelayOnly::Guests);
    assert_eq!(
        told(&guest, relayed),
        "candidate:3 1 udp 41885439 198.51.100.7 50012 typ relay raddr 0.0.0.0 rport 0 generation 0"
    );
    let houses = relation(HOST, DOCTOR, true, RelayOnly::Guests);
    assert_eq!(told(&houses, relayed), relayed);
    assert_eq!(
        told(&houses, reflexive),
        "candidate:2 1 udp 1677729535 203.0.114.9 61000 typ srflx raddr 0.0.0.0 rport 0 generation 0"
    );
    assert_eq!(told(&relation(HOST, NURSE, true, RelayOnly::Guests), reflexive), reflexive);
    let v6 = "candidate:3 1 udp 1 2400:3200::1 50012 typ srflx raddr fd00::5 rport 61000";
    assert_eq!(told(&houses, v6), "candidate:3 1 udp 1 2400:3200::1 50012 typ srflx raddr :: rport 0");
}

const OFFER: &str = "v=0\r\no=- 46117 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
m=audio 50123 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 10.0.0.5\r\na=rtcp:50124 IN IP4 10.0.0.5\r\na=mid:0\r\na=rtcp-mux\r\n\
a=candidate:1 1 udp 2113937151 10.0.0.5 50123 typ host generation 0\r\n\
a=candidate:2 1 udp 1677729535 203.0.114.9 61000 typ srflx raddr 10.0.0.5 rport 50123\r\n\
a=candidate:3 1 udp 41885439 198.51.100.7 50012 typ relay raddr 203.0.114.9 rport 61000\r\na=end-of-candidates\r\n\
a=ice-ufrag:Jk3a\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=mid:1\r\n";

const SHOWN: &str = "v=0\r\no=- 46117 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=mid:0\r\na=rtcp-mux\r\n\
a=candidate:3 1 udp 41885439 198.51.100.7 50012 typ relay raddr 0.0.0.0 rport 0\r\na=end-of-candidates\r\n\
a=ice-ufrag:Jk3a\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=mid:1\r\n";

fn described(relation: &Relation, raw: &str) -> String {
    match relation.rule().description(raw) {
        PassedOn::Whole => serde_json::from_str(raw).unwrap(),
        PassedOn::Less(less) => serde_json::from_str(&less).unwrap(),
        PassedOn::Nothing => String::new(),
    }
}

#[test]
fn a_description_keeps_all_but_the_addresses() {
    let raw = serde_json::to_string(OFFER).unwrap();
    let guest = relation(HOST, GUEST, true, RelayOnly::Guests);
    assert_eq!(described(&guest, &raw), SHOWN);
    // However it is escaped.
    let escaped = raw.replace("10.0", r"\u00310.0").replace("a=rtcp-mux", r"a=rtcp\/mux");
    assert_eq!(described(&guest, &escaped), SHOWN.replace("a=rtcp-mux", "a=rtcp/mux"));
    assert_eq!(described(&guest, &raw.replace(r"\r\n", r"\n")), SHOWN.replace("\r\n", "\n"));
    for whole in [relation(HOST, NURSE, true, RelayOnly::Guests), relation(GUEST, DOCTOR, false, RelayOnly::Guests)] {
        assert_eq!(whole.rule().description(&raw), PassedOn::Whole);
    }
    let again = serde_json::to_string(SHOWN).unwrap();
    assert_eq!(guest.rule().description(&again), PassedOn::Whole, "what was filtered once is copied no more");
}

#[test]
fn lines_of_a_description_each_right_or_wrong() {
    let relation = relation(GUEST, DOCTOR, true, RelayOnly::Nobody);
    for (line, shown) in [
        ("c=IN IP4 203.0.114.9", "c=IN IP4 203.0.114.9"),
        ("c=IN IP4 10.0.0.5", "c=IN IP4 0.0.0.0"),
        ("c=IN IP4 224.2.1.1/127/3", "c=IN IP4 0.0.0.0"),
        ("c=IN IP6 fd00::5", "c=IN IP4 0.0.0.0"),
        ("c=IN IP6 ::", "c=IN IP6 ::"),
        ("c=IN IP4 router.lan", "c=IN IP4 0.0.0.0"),
        ("c=", "c=IN IP4 0.0.0.0"),
        ("C=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0"),
        ("o=- 1 2 IN IP4 10.0.0.5", "o=- 1 2 IN IP4 0.0.0.0"),
        ("o=- 1 2 IN IP6 fd00::5", "o=- 1 2 IN IP6 ::"),
        ("o=me 1 2 IN IP4 laptop.lan", "o=me 1 2 IN IP4 0.0.0.0"),
        ("o=- 1 2 IN IP4 127.0.0.1", "o=- 1 2 IN IP4 127.0.0.1"),
        ("a=rtcp:5000", "a=rtcp:5000"),
        ("a=rtcp:5000 IN IP4 203.0.114.9", "a=rtcp:5000 IN IP4 203.0.114.9"),
        ("a=rtcp:5000 IN IP4 169.254.169.254", "a=rtcp:9 IN IP4 0.0.0.0"),
        ("a=rtcp:5000 IN IP4", "a=rtcp:9 IN IP4 0.0.0.0"),
        ("a=rtcp-fb:111 transport-cc", "a=rtcp-fb:111 transport-cc"),
        ("a=crypto:1", "a=crypto:1"),
        ("a=candidate:1 1 udp 1 203.0.114.9 9 typ srflx", "a=candidate:1 1 udp 1 203.0.114.9 9 typ srflx"),
        ("a=candidate:1 1 udp 1 127.0.0.1 9 typ srflx", ""),
        ("A=Candidate:1 1 udp 1 127.0.0.1 9 typ srflx", ""),
        (" a=candidate:1 1 udp 1 127.0.0.1 9 typ srflx", ""),
        ("a= candidate:1 1 udp 1 127.0.0.1 9 typ srflx", ""),
        ("a=candidate 1 1 udp 1 127.0.0.1 9 typ srflx", ""),
        ("a=remote-candidates:1 10.0.0.5 22", ""),
    ] {
        let raw = serde_json::to_string(&format!("v=0\r\n{line}\r\ns=-\r\n")).unwrap();
        let shown = if shown.is_empty() { String::new() } else { format!("{shown}\r\n") };
        assert_eq!(described(&relation, &raw), format!("v=0\r\n{shown}s=-\r\n"), "{line}");
        let last = serde_json::to_string(&format!("v=0\r\n{line}")).unwrap();
        assert_eq!(described(&relation, &last), format!("v=0\r\n{}", shown.trim_end()), "{line}, the last");
    }
    let of_session =
        serde_json::to_string("v=0\r\nc=IN IP4 10.0.0.5\r\nm=audio 50123 X 0\r\nm=video 0 X 0\r\n").unwrap();
    let shown = "v=0\r\nc=IN IP4 0.0.0.0\r\nm=audio 9 X 0\r\nm=video 0 X 0\r\n";
    assert_eq!(described(&relation, &of_session), shown, "a medium that was refused stays refused");
}

/// Pieces of which addresses are made, and of which the readers of addresses are.
const PIECES: &[&str] = &[
    "a=candidate:",
    "candidate:",
    "c=IN IP4 ",
    "c=IN IP6 ",
    "a=rtcp:9 IN IP4 ",
    "m=audio 5000 ",
    "o=- 1 2 IN IP4 ",
    "\r\n",
    "\n",
    "\r",
    " ",
    " 1 1 udp 1 ",
    "1 ",
    "10.0.0.5",
    "127.0.0.1",
    "169.254.169.254",
    "203.0.114.9",
    "::ffff:10.0.0.5",
    "fe80::1%1",
    " 9 typ host",
    " 9 typ srflx",
    " 9 typ relay",
    " raddr ",
    " rport 9",
    "\"",
    "\\",
    "\u{0}",
    "字",
    "\u{2028}",
    "a=",
    "A=",
    "/127",
    "remote-candidates:1 ",
    NAME,
];

#[test]
fn from_any_text_nothing_private_reaches_a_guest_and_the_rest_stays_json() {
    let relation = relation(HOST, GUEST, true, RelayOnly::Guests);
    let mut random = StdRng::seed_from_u64(19);
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..random.random_range(1..24_usize) {
            if random.random_bool(0.03) {
                text.push(char::from(random.random::<u8>()));
            } else {
                text.push_str(PIECES[random.random_range(0..PIECES.len())]);
            }
        }
        let raw = serde_json::to_string(&text).unwrap();
        let shown = described(&relation, &raw);
        for line in shown.split(['\r', '\n']).map(|line| line.trim_start().to_ascii_lowercase()) {
            if line.starts_with("a=candidate") || line.starts_with("c=") || line.starts_with("a=rtcp:") {
                for address in ["10.0.0.5", "127.0.0.1", "169.254.169.254", "203.0.114.9 9 typ host", "fe80"] {
                    let in_a_tail = line.starts_with("a=candidate") && !line.contains(&format!(" {address} "));
                    let in_a_port =
                        line.starts_with("a=rtcp:") && line.split(' ').nth(3).is_none_or(|a| a == "0.0.0.0");
                    assert!(in_a_tail || in_a_port || !line.contains(address), "{text:?}\n{shown:?}\n{line:?}");
                }
            }
        }
        let again = serde_json::to_string(&shown).unwrap();
        assert_eq!(described(&relation, &again), shown, "what passed once passes whole");
        // A candidate: any object at all.
        match relation.rule().candidate(&object(&text)) {
            PassedOn::Less(less) => drop(serde_json::from_str::<serde_json::Value>(&less).unwrap()),
            PassedOn::Whole => assert!(text.is_empty() || text.contains(" typ relay"), "{text:?}"),
            PassedOn::Nothing => {}
        }
        // And what is no JSON string, or no object.
        let _ = (relation.rule().description(&text), relation.rule().candidate(&text));
    }
}
