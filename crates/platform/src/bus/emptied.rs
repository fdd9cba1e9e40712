//! Events whose data is emptied, because somebody whom they tell of was erased. The event itself stays: positions have no
//! holes, and a reader that comes to it later reads it still. A parked one has no reader any more, and goes.

use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::db::{DbError, Tx};
use crate::on;

const OF_SUBJECT: &str = "select seq, data from outbox where subject = $1 order by seq";
const WRITE: &str = "update outbox set data = $2 where seq = $1";

const PARKED: &str = "select consumer, event_id, data from parked_event";
const FORGET: &str = "delete from parked_event where consumer = $1 and event_id = $2";

/// Deletes the parked events in whose data `names` finds somebody; how many there were.
pub async fn forget_parked(tx: &mut Tx, names: impl Fn(&Value) -> bool) -> Result<u64, DbError> {
    let parked: Vec<(String, Uuid, Json<Value>)> = on!(tx, |c| sqlx::query_as(PARKED).fetch_all(c).await)?;
    let mut gone = 0;
    for (consumer, event, Json(data)) in parked {
        if names(&data) {
            on!(tx, |c| sqlx::query(FORGET).bind(&consumer).bind(event).execute(c).await.map(drop))?;
            gone += 1;
        }
    }
    Ok(gone)
}

/// Whether a member of an event's data is one of these ids.
pub fn is_one_of(data: &Value, member: &str, ids: &[Uuid]) -> bool {
    let id = data[member].as_str().and_then(|text| text.parse().ok());
    id.is_some_and(|id| ids.contains(&id))
}

/// Empties these texts, and takes these values out (`null`), in the data of all events of these subjects; how many events changed.
/// The copies in a stream go with its own age.
pub async fn empty(tx: &mut Tx, subjects: &[Uuid], texts: &[&str], values: &[&str]) -> Result<u64, DbError> {
    let mut changed = 0;
    for subject in subjects {
        let events: Vec<(i64, Json<Value>)> = on!(tx, |c| sqlx::query_as(OF_SUBJECT).bind(subject).fetch_all(c).await)?;
        for (seq, Json(mut data)) in events {
            if emptied(&mut data, texts, values) {
                on!(tx, |c| sqlx::query(WRITE).bind(seq).bind(Json(&data)).execute(c).await.map(drop))?;
                changed += 1;
            }
        }
    }
    Ok(changed)
}

/// Whether there was something to empty.
fn emptied(data: &mut Value, texts: &[&str], values: &[&str]) -> bool {
    let Some(members) = data.as_object_mut() else { return false };
    let mut changed = false;
    for (name, value) in members.iter_mut() {
        let blank = if texts.contains(&name.as_str()) {
            Value::String(String::new())
        } else if values.contains(&name.as_str()) {
            Value::Null
        } else {
            continue;
        };
        // A value that may be missing is missing already.
        if !value.is_null() && *value != blank {
            *value = blank;
            changed = true;
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_is_found_where_it_stands() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let data = json!({ "request_id": one, "person_id": null });
        assert!(is_one_of(&data, "request_id", &[other, one]) && !is_one_of(&data, "request_id", &[other]));
        assert!(!is_one_of(&data, "person_id", &[one]) && !is_one_of(&json!([1]), "person_id", &[one]));
    }

    #[test]
    fn only_what_is_named_is_emptied_and_only_once() {
        let mut data = json!({ "name": "陈阿婆", "note": null, "birth_year": 1940, "at": "2026-11-23" });
        assert!(emptied(&mut data, &["name", "note"], &["birth_year"]));
        assert_eq!(data, json!({ "name": "", "note": null, "birth_year": null, "at": "2026-11-23" }));
        assert!(!emptied(&mut data, &["name", "note"], &["birth_year"]));
        assert!(!emptied(&mut json!([1]), &["name"], &[]));
    }
}
