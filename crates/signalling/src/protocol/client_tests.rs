//! The reading of a frame, and what is said about one that cannot be.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::protocol::Elsewhere;

const PEER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn from() -> PeerId {
    "0198aaaa-0000-7000-8000-000000000001".parse().unwrap()
}

fn said(text: &str) -> RoomRequest {
    match read(from(), text) {
        Ok(ClientFrame { message: ClientMessage::Request(request), .. }) => request,
        other => panic!("{text}: {other:?}"),
    }
}

fn refusal(text: &str) -> (Option<String>, Option<u64>, ErrorCode) {
    let rejected = read(from(), text).unwrap_err();
    (rejected.id.map(Into::into), rejected.seq, rejected.code)
}

#[test]
fn unknown_fields_and_fields_of_other_messages_are_ignored() {
    let frame =
        read(from(), r#"{"type":"leave","id":"7","seq":3,"ack":2,"mood":"fine","to":5,"sdp":[],"v":"x"}"#).unwrap();
    assert_eq!((frame.id.as_deref(), frame.seq, frame.ack), (Some("7"), Some(3), Some(2)));
    assert_eq!(frame.message, ClientMessage::Request(RoomRequest::Leave));
}

#[test]
fn each_unreadable_message_has_its_typed_error_and_echoes_id_and_number() {
    let a = || Some("a".to_owned());
    for (text, expected) in [
        (r#"{"type":"dance","id":"a","seq":4}"#, (a(), Some(4), ErrorCode::UnknownType)),
        (r#"{"type":"admit","id":"a","seq":4}"#, (a(), Some(4), ErrorCode::BadMessage)),
        (r#"{"type":"admit","id":"a","seq":4,"peer":"nobody"}"#, (a(), Some(4), ErrorCode::BadMessage)),
        (r#"{"type":"admit","id":"a","seq":4,"peer":7}"#, (a(), Some(4), ErrorCode::BadMessage)),
        (r#"{"type":"state","id":"a","seq":4,"audio":"yes","video":true}"#, (a(), Some(4), ErrorCode::BadMessage)),
        (r#"{"type":"chat","id":"a","seq":4,"text":"  "}"#, (a(), Some(4), ErrorCode::BadMessage)),
        (r#"{"type":"chat","id":"a","seq":4,"text":{}}"#, (a(), Some(4), ErrorCode::BadMessage)),
        (r#"{"type":"hand","id":"a","seq":4,"up":1}"#, (a(), Some(4), ErrorCode::BadMessage)),
        (r#"{"type":"join","id":"a","seq":4,"elsewhere":"maybe"}"#, (a(), Some(4), ErrorCode::BadMessage)),
        (r#"{"type":"lift","id":"a","seq":4,"removal":-1}"#, (a(), Some(4), ErrorCode::BadMessage)),
        (r#"{"type":"leave","id":"a"}"#, (a(), None, ErrorCode::BadMessage)),
        (r#"{"type":"leave","id":"a","seq":"4"}"#, (a(), None, ErrorCode::BadMessage)),
        (r#"{"type":"leave","id":"a","seq":4,"ack":-1}"#, (a(), Some(4), ErrorCode::BadMessage)),
        (r#"{"type":"leave","id":7,"seq":4}"#, (None, Some(4), ErrorCode::BadMessage)),
        (r#"{"id":"a","seq":4}"#, (a(), Some(4), ErrorCode::BadMessage)),
        (r#"{"type":5,"id":"a"}"#, (a(), None, ErrorCode::BadMessage)),
        (r#"{"type":"leave","type":"leave","seq":1}"#, (None, None, ErrorCode::BadMessage)),
        (r#"["leave","a",1]"#, (None, None, ErrorCode::BadMessage)),
        ("", (None, None, ErrorCode::BadMessage)),
        (r#"{"type":"leave""#, (None, None, ErrorCode::BadMessage)),
    ] {
        assert_eq!(refusal(text), expected, "{text}");
    }
    let long = format!(r#"{{"type":"leave","seq":1,"id":"{}"}}"#, "x".repeat(65));
    assert_eq!(refusal(&long), (None, Some(1), ErrorCode::BadMessage));
    let permit = format!(r#"{{"type":"permit","seq":1,"peer":"{PEER}","permissions":["fly"]}}"#);
    assert_eq!(refusal(&permit).2, ErrorCode::BadMessage);
}

#[test]
fn what_goes_to_a_peer_keeps_its_text_and_names_its_sender() {
    let sender = from();
    for (text, body) in [
        (
            format!(r#"{{"sdp":"v=0\r\n\u0041","to":"{PEER}","type":"offer","seq":1,"x":1}}"#),
            format!(r#"{{"type":"offer","from":"{sender}","sdp":"v=0\r\n\u0041"}}"#),
        ),
        (
            format!(r#"{{"type":"candidate","seq":1,"to":"{PEER}","candidate":{{"sdpMid": "0"}}}}"#),
            format!(r#"{{"type":"candidate","from":"{sender}","candidate":{{"sdpMid": "0"}}}}"#),
        ),
        (
            format!(r#"{{"type":"candidate","seq":1,"to":"{PEER}","candidate":null}}"#),
            format!(r#"{{"type":"candidate","from":"{sender}","candidate":null}}"#),
        ),
        (
            format!(r#"{{"type":"message","seq":1,"to":"{PEER}","data":null}}"#),
            format!(r#"{{"type":"message","from":"{sender}","data":null}}"#),
        ),
    ] {
        let RoomRequest::Relay { to, body: relayed } = said(&text) else { panic!("{text}") };
        assert_eq!((to.to_string().as_str(), relayed.as_str()), (PEER, body.as_str()));
        assert!(serde_json::from_str::<serde_json::Value>(relayed.as_str()).is_ok());
    }
    let to_all = said(r#"{"type":"message","seq":1,"data":{"a":[1, 2]}}"#);
    let RoomRequest::Message { body } = to_all else { panic!("{to_all:?}") };
    assert_eq!(body.as_str(), format!(r#"{{"type":"message","from":"{sender}","data":{{"a":[1, 2]}}}}"#));
}

#[test]
fn what_a_peer_could_not_read_is_not_passed_on() {
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    for fields in [
        r#""sdp":"\ud800""#.to_owned(),
        r#""sdp":{}"#.to_owned(),
        r#""candidate":"x","type":"candidate""#.to_owned(),
        r#""type":"candidate""#.to_owned(),
        r#""type":"message""#.to_owned(),
        r#""type":"message","data":1e999"#.to_owned(),
        format!(r#""type":"message","data":{deep}"#),
    ] {
        let kind = if fields.contains("type") { "" } else { r#""type":"offer","# };
        let text = format!(r#"{{{kind}"to":"{PEER}","seq":1,{fields}}}"#);
        let (_, seq, code) = refusal(&text);
        assert_eq!((seq, code), (Some(1), ErrorCode::BadMessage), "{text}");
    }
}

#[test]
fn requests_are_read_with_their_fields() {
    let peer: PeerId = PEER.parse().unwrap();
    let media = Media { audio: true, video: false, screen: true };
    let consent = Consent { recording: true, transcription: false };
    assert_eq!(
        said(r#"{"type":"join","seq":1,"audio":true,"screen":true,"consent":{"recording":true},"elsewhere":"both"}"#),
        RoomRequest::Join { media, consent, elsewhere: Some(Elsewhere::Both) }
    );
    let bare = RoomRequest::Join { media: Media::default(), consent: Consent::default(), elsewhere: None };
    assert_eq!(said(r#"{"type":"join","seq":1}"#), bare);
    assert_eq!(said(r#"{"type":"chat","seq":1,"text":" 你\n好 "}"#), RoomRequest::Chat { text: "你\n好".into() });
    assert_eq!(said(&format!(r#"{{"type":"put_back","seq":1,"peer":"{PEER}"}}"#)), RoomRequest::PutBack(peer));
    assert_eq!(said(r#"{"type":"lift","seq":1,"removal":3}"#), RoomRequest::Lift { removal: 3 });
    let longest = "长".repeat(CHAT_CHARS_MAX);
    assert_eq!(
        said(&format!(r#"{{"type":"chat","seq":1,"text":"{longest}"}}"#)),
        RoomRequest::Chat { text: longest.clone().into() }
    );
    assert_eq!(refusal(&format!(r#"{{"type":"chat","seq":1,"text":"{longest}长"}}"#)).2, ErrorCode::BadMessage);
}

#[test]
fn hello_says_who_and_from_which_device() {
    let hello = |text: &str| match read(from(), text).map(|frame| frame.message) {
        Ok(ClientMessage::Hello(hello)) => Ok(*hello),
        Ok(other) => panic!("{other:?}"),
        Err(rejected) => Err(rejected.code),
    };
    let device = "0123456789abcdef";
    let read = hello(&format!(r#"{{"type":"hello","v":1,"ticket":"t","device":"{device}"}}"#)).unwrap();
    assert_eq!((read.ticket.as_deref(), read.device.as_str(), read.resume), (Some("t"), device, None));
    let resume = format!(r#"{{"consult":"{PEER}","session":"{PEER}","secret":"s","epoch":"{PEER}","seq":9}}"#);
    let read = hello(&format!(r#"{{"type":"hello","v":1,"device":"{device}","resume":{resume}}}"#)).unwrap();
    let resume = read.resume.unwrap();
    assert_eq!((resume.session.to_string().as_str(), resume.seq, resume.snapshot), (PEER, 9, false));
    assert_eq!(hello(r#"{"type":"hello","v":2}"#).unwrap().v, 2);
    for bad in [
        format!(r#"{{"type":"hello","v":1,"device":"{device}"}}"#),
        r#"{"type":"hello","v":1,"ticket":"t"}"#.to_owned(),
        r#"{"type":"hello","v":1,"ticket":"t","device":"short"}"#.to_owned(),
        r#"{"type":"hello","v":1,"ticket":"t","device":"0123456789abcde "}"#.to_owned(),
        format!(r#"{{"type":"hello","v":1,"ticket":"t","device":"{}"}}"#, "x".repeat(65)),
        format!(r#"{{"type":"hello","v":1,"device":"{device}","resume":{{"secret":"s"}}}}"#),
    ] {
        assert_eq!(hello(&bad), Err(ErrorCode::BadMessage), "{bad}");
    }
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let deep = format!("{}{}", "[".repeat(60_000), "]".repeat(60_000));
    assert_eq!(refusal(&deep).2, ErrorCode::BadMessage);
    assert_eq!(refusal(&format!(r#"{{"type":"hello","v":{deep}}}"#)).2, ErrorCode::BadMessage);
    assert_eq!(said(&format!(r#"{{"type":"leave","seq":1,"x":{deep}}}"#)), RoomRequest::Leave);
}

#[test]
fn what_is_said_about_a_message_is_short_however_long_it_was() {
    let long = "长".repeat(10_000);
    for text in [
        format!(r#"{{"type":"hand","seq":1,"up":"{long}"}}"#),
        format!(r#"{{"type":"{long}","seq":1}}"#),
        format!(r#"{{"type":"permit","seq":1,"peer":"{PEER}","permissions":"{long}"}}"#),
    ] {
        let words = read(from(), &text).unwrap_err().message;
        assert!((10..=REJECTED_BYTES_MAX).contains(&words.len()), "{words}");
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever comes, there is an answer, and what is passed on is one object that begins as promised.
        #[test]
        fn any_text_is_read_or_rejected(text in ".{0,200}") {
            let _ = read(from(), &text);
        }

        #[test]
        fn any_value_passed_on_is_an_object_that_can_be_read(value in r#"[\[\]{}":,a0-9\\udDcC8e+.-]{0,60}"#) {
            let text = format!(r#"{{"type":"message","seq":1,"data":{value}}}"#);
            if let Ok(ClientFrame { message: ClientMessage::Request(RoomRequest::Message { body }), .. }) = read(from(), &text) {
                prop_assert_eq!(&body.as_str()[..2], "{\"");
                let read: Result<serde_json::Value, _> = serde_json::from_str(body.as_str());
                prop_assert!(read.is_ok(), "{}", body.as_str());
            }
        }
    }
}
