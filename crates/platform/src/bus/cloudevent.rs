//! An event on the wire: `CloudEvents` 1.0 in JSON, structured mode (`CloudEvents` JSON format §3, NATS binding §3.2).
//!
//! The place in the publisher's log travels as the extension attribute `sequence` (`CloudEvents` Sequence
//! extension), padded with zeros, because that extension's order is that of text. `previousid`, an extension of our own,
//! is the `id` of the event before; events that were forwarded before there was one lack it. `traceparent` (Distributed Tracing
//! extension) is the span that caused the event; one that is not well-formed is none.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::Event;
use crate::telemetry::trace::TraceContext;

/// The media type of what [`encode`] makes.
pub(super) const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

#[derive(Serialize, Deserialize)]
struct Wire {
    specversion: String,
    id: Uuid,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    subject: Uuid,
    time: String,
    datacontenttype: String,
    sequence: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previousid: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<Value>,
    data: Value,
}

fn source(publisher: &str) -> String {
    format!("/sanbao/{publisher}")
}

/// The JSON text of an event of `publisher`.
pub(super) fn encode(publisher: &str, event: &Event) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Wire {
        specversion: "1.0".to_owned(),
        id: event.event_id,
        source: source(publisher),
        kind: event.kind.clone(),
        subject: event.subject,
        time: event.occurred_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        datacontenttype: "application/json".to_owned(),
        sequence: format!("{:020}", event.position),
        previousid: event.previous,
        traceparent: event.traceparent.clone().map(Value::String),
        data: event.data.clone(),
    })
}

/// The `traceparent` that an attribute is.
fn well_formed(attribute: &Value) -> Option<String> {
    let context: TraceContext = attribute.as_str()?.parse().ok()?;
    Some(context.to_string())
}

/// The event that a text of `publisher` stands for, or what is wrong with it.
pub(super) fn decode(publisher: &str, text: &[u8]) -> Result<Event, String> {
    let wire: Wire = serde_json::from_slice(text).map_err(|e| format!("no CloudEvent: {e}"))?;
    if wire.specversion != "1.0" {
        return Err(format!("CloudEvents {}, not 1.0", wire.specversion));
    }
    if wire.source != source(publisher) {
        return Err(format!("of {}", wire.source));
    }
    let occurred_at = DateTime::parse_from_rfc3339(&wire.time).map_err(|e| format!("time: {e}"))?;
    Ok(Event {
        position: wire.sequence.parse().map_err(|e| format!("sequence: {e}"))?,
        event_id: wire.id,
        previous: wire.previousid,
        kind: wire.kind,
        subject: wire.subject,
        occurred_at: occurred_at.with_timezone(&Utc),
        data: wire.data,
        traceparent: wire.traceparent.as_ref().and_then(well_formed),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    fn event() -> Event {
        Event {
            position: 42,
            event_id: Uuid::from_u128(7),
            previous: Some(Uuid::from_u128(6)),
            kind: "booking.consult.signed".to_owned(),
            subject: Uuid::from_u128(9),
            occurred_at: "2026-11-23T00:30:00.000001Z".parse().unwrap(),
            data: json!({ "consult_id": "x", "note": "签发" }),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        }
    }

    #[test]
    fn what_is_written_is_what_the_standard_names_and_what_is_read() {
        let text = encode("booking", &event()).unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&text).unwrap(),
            json!({
                "specversion": "1.0", "id": "00000000-0000-0000-0000-000000000007", "source": "/sanbao/booking",
                "type": "booking.consult.signed", "subject": "00000000-0000-0000-0000-000000000009",
                "time": "2026-11-23T00:30:00.000001Z", "datacontenttype": "application/json",
                "sequence": "00000000000000000042", "previousid": "00000000-0000-0000-0000-000000000006",
                "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "data": { "consult_id": "x", "note": "签发" },
            })
        );
        assert_eq!(decode("booking", &text).unwrap(), event());
    }

    #[test]
    fn what_is_no_event_of_the_publisher_is_refused_with_the_reason() {
        let with = |name: &str, value: Value| {
            let mut wire: Value = serde_json::from_slice(&encode("booking", &event()).unwrap()).unwrap();
            wire[name] = value;
            decode("booking", wire.to_string().as_bytes()).unwrap_err()
        };
        assert!(with("specversion", json!("2.0")).contains("2.0"));
        assert!(with("source", json!("/sanbao/signalling")).contains("/sanbao/signalling"));
        assert!(with("sequence", json!("first")).contains("sequence"));
        assert!(with("time", json!("yesterday")).contains("time"));
        assert!(with("id", json!(7)).contains("no CloudEvent"));
        assert!(decode("booking", b"hello").unwrap_err().contains("no CloudEvent"));
        let old = Event { previous: None, traceparent: None, ..event() };
        assert_eq!(decode("booking", &encode("booking", &old).unwrap()).unwrap(), old);
        // An attribute that somebody adds later is nobody's fault.
        let mut wire: Value = serde_json::from_slice(&encode("booking", &event()).unwrap()).unwrap();
        wire["partitionkey"] = json!("x");
        assert_eq!(decode("booking", wire.to_string().as_bytes()).unwrap(), event());
        for strange in [json!("00-1-2-01"), json!(7)] {
            wire["traceparent"] = strange;
            let untraced = Event { traceparent: None, ..event() };
            assert_eq!(decode("booking", wire.to_string().as_bytes()).unwrap(), untraced);
        }
    }
}
