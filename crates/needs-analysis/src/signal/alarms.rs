//! An alarm of an SOS button or a sensor: an urgent request, each signal once. What it says too little or wrongly costs nothing:
//! help is sent for all the same.

use axum::body::Bytes;
use axum::extract::State as AppState;
use axum::http::{HeaderMap, StatusCode};
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::{Json, Visitor};
use sanbao_platform::invisible::without_invisible;
use sanbao_platform::lang::Lang;
use sanbao_platform::lifecycle::{By, StepError, create};
use sanbao_platform::problem::Problem;
use sanbao_platform::text_enum;
use sanbao_platform::text_enum::TextEnum as _;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::hook::Hook;
use super::{SignalTaken, signed};
use crate::area::{self, AreaCode};
use crate::request::category::{Category, Urgency};
use crate::request::input::{self, NAME_CHARS_MAX, NOTE_CHARS_MAX, NewRequest, WORD_CHARS_MAX};
use crate::request::model::Request;
use crate::request::store;
use crate::texts::TEXTS;
use crate::{App, local_day};

/// The source of these requests.
const SOURCE: &str = "alarm";

text_enum! {
    /// The kind of an alarm.
    pub(crate) enum AlarmKind {
        /// 一键呼叫: the button was pressed.
        Sos = "sos",
        /// 跌倒
        Fall = "fall",
        /// 烟感
        Smoke = "smoke",
        /// 燃气
        Gas = "gas",
        /// 久无活动: nobody has moved for long.
        Inactivity = "inactivity",
        /// Anything else that the note says.
        Other = "other",
    }
}

/// An alarm, with whatever its sender knows of the place and the person. A field that is not known here is left alone: help is not
/// refused for what a new version of a device says beside.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"device_id": "SOS-0042", "kind": "sos", "elder_name": "林某某", "phone": "19900000001",
    "address": "城东东苑 2 幢 1 单元", "area_code": "330211001001"}))]
pub(crate) struct AlarmSignal {
    /// The device's id at its sender.
    device_id: String,
    /// Another word is kept in the note.
    #[schema(value_type = AlarmKind)]
    kind: String,
    elder_name: Option<String>,
    phone: Option<String>,
    address: Option<String>,
    /// Where the device is; the sender's own area where it is none of that.
    area_code: Option<String>,
    /// The elder's record in the network.
    #[schema(value_type = Option<Uuid>)]
    person_id: Option<String>,
    /// More about it.
    note: Option<String>,
}

/// Files an urgent request for somebody whose button or sensor gave the alarm. By a platform of devices alone, signed by Standard
/// Webhooks: `webhook-id`, `webhook-timestamp` within five minutes, `webhook-signature`. A signal that comes again changes nothing.
#[utoipa::path(post, path = "/v1/alarms", tag = "signals", request_body = AlarmSignal, security(()), responses(
    (status = 201, body = SignalTaken), (status = 401), (status = 413), (status = 422)))]
pub(crate) async fn alarm(
    AppState(app): AppState<App>,
    visitor: Visitor,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<SignalTaken>), Problem> {
    let (hook, signal, alarm) = signed::<AlarmSignal>(&app, &headers, &body)?;
    let now = app.deps.clock.now();
    let mut tx = app.deps.db.begin().await?;
    let (area, person) = place(&mut tx, hook, &alarm, local_day(now)).await?;
    let raw = NewRequest {
        external_id: Some(format!("{}:{signal}", hook.name)),
        received_at: Some(now.to_rfc3339()),
        area_code: Some(area.to_string()),
        category: Some(Category::Emergency.as_str().to_owned()),
        urgency: Some(Urgency::Emergency.as_str().to_owned()),
        elder_name: Some(name_of(&alarm)),
        phone: alarm.phone.as_deref().map(|text| cut(&text.replace(['\n', '\r'], "、"), WORD_CHARS_MAX)),
        address: alarm.address.as_deref().map(|text| cut(text, input::ADDRESS_CHARS_MAX)),
        note: Some(note_of(&alarm)),
        ..NewRequest::default()
    };
    // As a row of a file: a telephone that is none is kept as text.
    let rules = input::Rules { now, own: app.deps.dialling_code.as_ref(), file: true };
    let (draft, _) = input::told(&raw, rules).map_err(|faults| input::invalid(&faults))?;
    let mut request = Request::from_draft(draft, hook.organisation, SOURCE, &app.deps.fields, now);
    request.details.person_id = person;
    let taken = file(&mut tx, request, &visitor.request_id).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(SignalTaken { taken })))
}

/// Whether it was new: the source's id is the signal's.
async fn file(tx: &mut Tx, request: Request, cause: &str) -> Result<bool, Problem> {
    let by = By::Automatic { cause, at: request.created_at, actor: None };
    match create(tx, &by, request).await {
        Ok(()) => Ok(true),
        Err(StepError::Overtaken) => Ok(false),
        Err(other) => Err(other.into()),
    }
}

/// Where it is, within the sender's area, and for whom: the record that was named, if it is of there.
async fn place(
    conn: &mut Conn,
    hook: &Hook,
    alarm: &AlarmSignal,
    today: chrono::NaiveDate,
) -> Result<(AreaCode, Option<Uuid>), Problem> {
    let inside = area::descendants(conn, &hook.area, today).await?;
    let within = |code: Option<AreaCode>| code.filter(|code| inside.contains(code));
    let elder = match alarm.person_id.as_deref().and_then(|text| text.trim().parse().ok()) {
        Some(person) => store::elder_at_home(conn, person).await?,
        None => None,
    };
    let home = elder.and_then(|elder| Some((within(elder.area_code)?, elder.person_id)));
    let told = within(alarm.area_code.as_deref().and_then(|text| AreaCode::parse(text).ok()));
    let (area, person) = home.unzip();
    Ok((told.or(area).unwrap_or_else(|| hook.area.clone()), person))
}

/// The readable part of a text, as long as it may be.
fn cut(text: &str, chars_max: usize) -> String {
    let text = without_invisible(text).replace(|c: char| c.is_control(), " ");
    text.trim().chars().take(chars_max).collect()
}

/// The elder's name; the device's where none is told, so that the request is never lost.
fn name_of(alarm: &AlarmSignal) -> String {
    let told = alarm.elder_name.as_deref().map(|name| cut(name, NAME_CHARS_MAX)).filter(|name| !name.is_empty());
    let device = || cut(&TEXTS.with(Lang::Zh, "alarm-nobody", &[("device", &device(alarm))]), NAME_CHARS_MAX);
    told.unwrap_or_else(device)
}

/// The kind of alarm and the device in words, and what its sender says beside.
fn note_of(alarm: &AlarmSignal) -> String {
    let kind = AlarmKind::from_text(&alarm.kind).map(|kind| TEXTS.get(Lang::Zh, &format!("alarm-{kind}")));
    let kind = kind.unwrap_or_else(|| cut(&alarm.kind, WORD_CHARS_MAX));
    let told = TEXTS.with(Lang::Zh, "alarm-note", &[("kind", &kind), ("device", &device(alarm))]);
    let more = alarm.note.as_deref().unwrap_or_default();
    cut(&format!("{told} {more}"), NOTE_CHARS_MAX)
}

fn device(alarm: &AlarmSignal) -> String {
    cut(&alarm.device_id, WORD_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        assert_eq!(TEXTS.lacking(AlarmKind::ALL.iter().map(|kind| format!("alarm-{kind}"))), [""; 0]);
    }
}
