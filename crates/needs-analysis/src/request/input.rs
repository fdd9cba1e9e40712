//! Input: what a caller or a file says becomes a [`Draft`], or a list of faults that say what to mend.
//!
//! The API and the import read the same way; only where a fault points differs.

use chrono::{DateTime, Duration, NaiveDate, TimeZone as _, Utc};
use sanbao_platform::cn::{DiallingCode, ResidentId, is_doubtful_name, plain_name};
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::moment::Moment;
use sanbao_platform::problem::{FieldError, Problem};
use sanbao_platform::text_enum;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::category::{Category, Urgency};
use super::details::{Details, ElderDetails, person_key, place};
use super::field::{Faults, area_code, external_id, national_id, phone, with_text};
use super::id::RequestId;
use crate::{ZONE, local_day};
use sanbao_platform::table::{Fault, when};

/// Nothing was received before this day.
pub const RECEIVED_MIN: NaiveDate = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a date");
/// How far a caller's clock may be ahead, in minutes.
pub const CLOCK_AHEAD_MINUTES_MAX: i64 = 5;
/// How far ahead help may be wanted, in days.
pub const WANTED_DAYS_MAX: i64 = 366;
/// Characters of a name at most.
pub const NAME_CHARS_MAX: usize = 50;
/// Characters of an address at most.
pub const ADDRESS_CHARS_MAX: usize = 200;
/// Characters of a note or a reason at most.
pub const NOTE_CHARS_MAX: usize = 2000;
/// Characters of another system's id or word at most.
pub const WORD_CHARS_MAX: usize = 100;

/// A request as it comes in. Texts as people write them; what is wanted is checked field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"area_code": "330211001001", "category": "meal", "urgency": "normal",
    "elder_name": "林某某", "phone": "19900000001", "address": "城东东苑 2 幢 1 单元", "note": "送午饭，牙口不好"}))]
pub struct NewRequest {
    /// The id in the system of the caller's organisation that it comes from, unique there.
    pub external_id: Option<String>,
    /// When it came in: RFC 3339, or a local time such as `2026-11-23 14:30`. The present when absent.
    pub received_at: Option<String>,
    /// Where the elder lives: the smallest area known.
    pub area_code: Option<String>,
    /// A category's code or word; one that the table lacks is kept as it is under `other`.
    pub category: Option<String>,
    /// `emergency`, `urgent` or `normal`; normal when absent.
    pub urgency: Option<String>,
    pub elder_name: Option<String>,
    /// The number to call, of any kind: a mobile, a landline with its extension, a service number, one abroad.
    pub phone: Option<String>,
    /// The elder's resident id, if known.
    pub national_id: Option<String>,
    /// The street address.
    pub address: Option<String>,
    /// The wish in words.
    pub note: Option<String>,
    /// Help is wanted from this time.
    pub wanted_from: Option<String>,
    /// Help is wanted until this time.
    pub wanted_until: Option<String>,
    /// The elder's record in the network, where the caller has it open; its area must be one of the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_id: Option<Uuid>,
    /// The way it came in on: by telephone when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// To send it to an agency at once (登记并派单): category and urgency are confirmed as they are told. All of it or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatch: Option<DispatchTo>,
    /// To let it go on in an open request at once (并单): its words join that one's history. All of it or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<MergeInto>,
}

text_enum! {
    /// The way a request came in on, where a person took it down; also the source that it has then.
    pub enum Channel {
        /// 电话热线: by telephone.
        Hotline = "hotline",
        /// 上门来访: somebody came to the desk.
        WalkIn = "walk_in",
        /// 小程序、公众号: by an app.
        App = "app",
        /// 入户走访: told at home.
        HomeVisit = "home_visit",
    }
}

/// To whom a new request is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DispatchTo {
    /// The agency; needed.
    #[schema(required)]
    pub agency_id: Option<OrganisationId>,
}

/// In which request a new one goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeInto {
    /// An open request that the caller handles.
    pub into: RequestId,
}

/// A request whose fields have been checked; whether there is such an area is for the database to say.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The id in the system it comes from.
    pub external_id: Option<String>,
    /// The elder's resident id in the open: it is sealed for the one request that it is of.
    pub national_id: Option<ResidentId>,
    /// The text of a paper in a file that is no resident id: it is sealed too, and finds nobody.
    pub paper_text: Option<String>,
    /// Everything else, as it is kept.
    pub details: Details,
}

impl Draft {
    /// The details of the request of this id: the resident id is sealed for it. Whose it is in the network is for the
    /// database to say.
    pub fn details_of(self, request: RequestId, fields: &FieldKeys) -> Details {
        let Self { national_id, paper_text, details, .. } = self;
        let index = national_id.as_ref().map(|id| id.index(fields));
        let paper = national_id.map(|id| id.as_str().to_owned()).or(paper_text);
        let elder = ElderDetails {
            national_id_sealed: paper.map(|text| fields.seal(&place(request.0), &text)),
            ..details.elder.into_unseen()
        };
        Details {
            person_key: person_key(index.as_deref(), &elder.name, elder.phone.as_deref(), fields),
            elder: elder.into(),
            national_id_index: index,
            ..details
        }
    }
}

/// A time with its offset (RFC 3339), or a local one in the forms that files use; cut to microseconds. Of a year in
/// which nothing here lies it is none.
pub fn parse_moment(text: &str) -> Option<DateTime<Utc>> {
    told_moment(text).and_then(Moment::new).map(|moment| *moment)
}

fn told_moment(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return DateTime::from_timestamp_micros(moment.timestamp_micros());
    }
    let local = when::time(text)?;
    ZONE.from_local_datetime(&local).earliest().map(|t| t.with_timezone(&Utc))
}

/// The rules by which a request is read.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The present.
    pub now: DateTime<Utc>,
    /// The network's own area code, which a landline without one is of.
    pub own: Option<&'a DiallingCode>,
    /// The request is a row of a file: it must be known again by an external id, and has a time.
    pub file: bool,
}

/// Reads a request, or tells everything that is wrong with it.
pub fn parse(raw: &NewRequest, rules: Rules<'_>) -> Result<Draft, Vec<Fault>> {
    told(raw, rules).map(|(draft, _)| draft)
}

/// The same with the doubts about it: of a row of a file a field that need not be there costs nothing but itself, and its
/// text is kept.
pub fn told(raw: &NewRequest, rules: Rules<'_>) -> Result<(Draft, Vec<Fault>), Vec<Fault>> {
    let Rules { now, own, file } = rules;
    let mut faults = Faults::default();
    let f = &mut faults;
    let external_id = external_id(f, raw.external_id.as_ref(), file);
    let received_at = received(f, raw.received_at.as_ref(), now, file);
    let area = area_code(f, raw.area_code.as_ref());
    let area_code = f.required("area_code", area);
    let words = f.text("category", raw.category.as_ref(), WORD_CHARS_MAX);
    let words = f.required("category", words);
    let urgency = raw.urgency.as_deref().map_or(Some(Urgency::Normal), Urgency::from_words);
    if urgency.is_none() {
        f.add("urgency", "urgency_unknown", "紧急程度应为紧急、加急或普通", "One of emergency, urgent, normal");
    }
    let name = f.text("elder_name", raw.elder_name.as_ref(), NAME_CHARS_MAX).map(|name| plain_name(&name));
    let elder_name = f.required("elder_name", name);
    if file && elder_name.as_deref().is_some_and(is_doubtful_name) {
        let zh = "姓名里可能有字丢失了，请核对";
        f.warn("elder_name", "name_doubtful", zh, "Characters of the name may be lost; look at it again");
    }
    let (phone, phone_text) = phone(f, raw.phone.as_ref(), own, file);
    let (national_id, paper_text) = national_id(f, raw.national_id.as_ref(), now, file);
    let address = f.text("address", raw.address.as_ref(), ADDRESS_CHARS_MAX);
    let note = f.text("note", raw.note.as_ref(), NOTE_CHARS_MAX);
    let note = with_text(note, phone_text);
    let (wanted_from, wanted_until) = wanted(f, raw, now);
    match (received_at, area_code, words, urgency, elder_name) {
        (Some(received_at), Some(area_code), Some(words), Some(urgency), Some(elder_name)) if faults.0.is_empty() => {
            let known = Category::from_words(&words);
            let elder = ElderDetails { name: elder_name, phone, address, note, ..ElderDetails::default() };
            let details = Details {
                received_at,
                area_code,
                category: known.unwrap_or(Category::Other),
                category_raw: known.is_none().then_some(words),
                urgency,
                elder: elder.into(),
                wanted_from,
                wanted_until,
                ..Details::blank()
            };
            Ok((Draft { external_id, national_id, paper_text, details }, faults.1))
        }
        _ => Err(faults.0),
    }
}

fn received(f: &mut Faults, text: Option<&String>, now: DateTime<Utc>, required: bool) -> Option<DateTime<Utc>> {
    let told = f.moment("received_at", text);
    let moment = if required { f.required("received_at", told) } else { told.or(Some(now)) }?;
    let wrong = f.0.iter().any(|fault| fault.field == "received_at");
    if local_day(moment) < RECEIVED_MIN || moment > now + Duration::minutes(CLOCK_AHEAD_MINUTES_MAX) {
        f.add("received_at", "time_out_of_range", "时间应在 2000 年以后、现在以前", "After 2000 and not in the future");
        return None;
    }
    (!wrong).then_some(moment)
}

fn wanted(f: &mut Faults, raw: &NewRequest, now: DateTime<Utc>) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    let from = f.moment("wanted_from", raw.wanted_from.as_ref());
    let until = f.moment("wanted_until", raw.wanted_until.as_ref());
    let too_late = |t: &DateTime<Utc>| *t > now + Duration::days(WANTED_DAYS_MAX) || local_day(*t) < RECEIVED_MIN;
    if from.as_ref().is_some_and(too_late) {
        f.add("wanted_from", "time_out_of_range", "时间应在一年以内", "Within a year");
    }
    if until.as_ref().is_some_and(too_late) {
        f.add("wanted_until", "time_out_of_range", "时间应在一年以内", "Within a year");
    }
    if from.zip(until).is_some_and(|(from, until)| until <= from) {
        f.add("wanted_until", "ends_before_start", "结束时间应晚于开始时间", "The end must be after the start");
    }
    (from, until)
}

/// Faults of a body as a problem.
pub fn invalid(faults: &[Fault]) -> Problem {
    Problem::invalid(
        faults.iter().map(|f| FieldError::new(format!("/{}", f.field), f.zh.clone(), f.en.clone())).collect(),
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-23T04:00:00Z".parse().unwrap()
    }

    fn rows() -> Rules<'static> {
        Rules { now: now(), own: None, file: true }
    }

    fn good() -> NewRequest {
        NewRequest {
            external_id: Some("A-1".into()),
            received_at: Some("2026-11-22 08:30".into()),
            area_code: Some("330211001001".into()),
            category: Some("助餐".into()),
            urgency: Some("加急".into()),
            elder_name: Some(" 林某 ".into()),
            phone: Some("199 0000 0001".into()),
            national_id: Some("11010519491231002x".into()),
            address: Some("东苑".into()),
            note: Some("午饭\n软些".into()),
            ..NewRequest::default()
        }
    }

    #[test]
    fn what_people_write_is_understood() {
        let draft = parse(&good(), rows()).unwrap();
        assert_eq!(draft.details.received_at, "2026-11-22T00:30:00Z".parse::<DateTime<Utc>>().unwrap());
        assert_eq!(
            (draft.details.category, draft.details.category_raw, draft.details.urgency),
            (Category::Meal, None, Urgency::Urgent)
        );
        assert_eq!(draft.details.elder.unseen().name, "林某");
        assert_eq!(draft.details.elder.unseen().phone.as_deref(), Some("19900000001"));
        let other = NewRequest { category: Some("遛狗".into()), ..good() };
        let draft = parse(&other, rows()).unwrap();
        assert_eq!((draft.details.category, draft.details.category_raw.as_deref()), (Category::Other, Some("遛狗")));
    }

    #[test]
    fn each_fault_names_its_field_and_kind() {
        type Change<'a> = (&'static str, &'a str, &'static str);
        let long = "长".repeat(NOTE_CHARS_MAX + 1);
        let cases: &[Change<'_>] = &[
            ("external_id", "", "required"),
            ("external_id", "2.02611E+14", "id_rounded"),
            ("external_id", "202611230000001000", "id_rounded"),
            ("received_at", "", "required"),
            ("received_at", "46086.6", "time_serial"),
            ("received_at", "3/5/26 14:30", "time_format"),
            ("area_code", "3.30211E+11", "area_rounded"),
            ("received_at", "昨天", "time_format"),
            ("received_at", "2026-02-30 10:00", "time_format"),
            ("received_at", "1999-12-31 23:59", "time_out_of_range"),
            ("received_at", "2026-11-23 12:06", "time_out_of_range"),
            ("received_at", "+262143-12-31T00:00:00Z", "time_format"),
            ("area_code", "", "required"),
            ("area_code", "33'; drop table area", "area_unknown"),
            ("category", " ", "required"),
            ("urgency", "快点", "urgency_unknown"),
            ("elder_name", "", "required"),
            ("elder_name", "a\u{0}b", "control_characters"),
            ("note", &long, "too_long"),
            ("wanted_from", "2030-01-01 00:00", "time_out_of_range"),
        ];
        for (field, text, code) in cases {
            let mut value = serde_json::to_value(good()).unwrap();
            value[field] = (*text).into();
            let raw: NewRequest = serde_json::from_value(value).unwrap();
            let faults = parse(&raw, rows()).unwrap_err();
            assert_eq!(faults.iter().map(|f| (f.field, f.code)).collect::<Vec<_>>(), [(*field, *code)], "{text}");
        }
    }

    #[test]
    fn a_field_that_need_not_be_there_costs_a_row_nothing_and_its_text_is_kept() {
        let cases = [
            ("phone", "110", "phone_format"),
            ("phone", "86251234", "phone_area_code"),
            ("phone", "1.38001E+10", "phone_rounded"),
            ("national_id", "1.10105E+17", "national_id_rounded"),
            ("national_id", "110105194912310021", "national_id_check_digit"),
            ("national_id", "E12345678", "national_id_length"),
            ("elder_name", "王?", "name_doubtful"),
        ];
        for (field, text, code) in cases {
            let mut value = serde_json::to_value(good()).unwrap();
            value[field] = text.into();
            let raw: NewRequest = serde_json::from_value(value).unwrap();
            let (draft, doubts) = told(&raw, rows()).unwrap();
            assert_eq!(doubts.iter().map(|f| (f.field, f.code)).collect::<Vec<_>>(), [(field, code)], "{text}");
            let elder = draft.details.elder.unseen();
            let kept = [elder.note.as_deref(), draft.paper_text.as_deref(), Some(&elder.name)];
            assert!(kept.iter().flatten().any(|kept| kept.contains(text)), "{text}");
            if field != "elder_name" {
                let typed = Rules { file: false, ..rows() };
                assert_eq!(parse(&raw, typed).unwrap_err()[0].code, code, "a person who types can look again");
            }
        }
        for (phone, first, kept) in [
            ("13800138000、13900139000", Some("13800138000"), "午饭\n软些\n电话：13800138000、13900139000"),
            ("无", None, "午饭\n软些"),
        ] {
            let (draft, doubts) = told(&NewRequest { phone: Some(phone.into()), ..good() }, rows()).unwrap();
            let elder = draft.details.elder.unseen();
            assert_eq!((elder.phone.as_deref(), elder.note.as_deref(), doubts), (first, Some(kept), vec![]));
        }
    }

    #[test]
    fn the_wanted_time_ends_after_it_starts() {
        let raw = NewRequest {
            wanted_from: Some("2026-11-24 10:00".into()),
            wanted_until: Some("2026-11-24T10:00:00+08:00".into()),
            ..good()
        };
        assert_eq!(parse(&raw, rows()).unwrap_err()[0].code, "ends_before_start");
    }
}
