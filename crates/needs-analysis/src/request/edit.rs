//! Putting right what a request says: what was not told stays, and its history tells what stood there before.

use chrono::{DateTime, Utc};
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle::{Call, Order};
use sanbao_platform::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::category::{Category, Urgency};
use super::details::{Details, ElderDetails, person_key};
use super::input::{self, NewRequest, Rules};
use super::model::Request;
use super::step::{RequestStep, RequestStepName, Said};
use super::{queue, store};
use crate::area::{self, AreaCode};
use crate::policy::{self, Action, relation};
use crate::{ZONE, local_day};

/// The fields that are put right: one that is absent stays as it is, an empty one is taken out.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(example = json!({"phone": "19900000002", "note": "送午饭，要软的"}))]
pub struct EditRequest {
    /// The smallest area known.
    pub area_code: Option<String>,
    /// A category's code or word.
    pub category: Option<String>,
    /// `emergency`, `urgent` or `normal`.
    pub urgency: Option<String>,
    pub elder_name: Option<String>,
    /// The number to call.
    pub phone: Option<String>,
    /// The elder's resident id; what is kept stays where it is absent or empty.
    pub national_id: Option<String>,
    /// The street address.
    pub address: Option<String>,
    /// The wish in words.
    pub note: Option<String>,
    /// Help is wanted from this time.
    pub wanted_from: Option<String>,
    /// Help is wanted until this time.
    pub wanted_until: Option<String>,
    /// Why it is put right.
    pub reason: Option<String>,
}

impl EditRequest {
    /// The request as it will say, as somebody would take it down.
    fn over(&self, before: &Details) -> NewRequest {
        let elder = before.elder.unseen();
        let told = |new: &Option<String>, old: Option<String>| match new {
            Some(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
            None => old,
        };
        let moment = |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc3339());
        let category = before.category_raw.clone().unwrap_or_else(|| before.category.as_str().to_owned());
        NewRequest {
            received_at: moment(Some(before.received_at)),
            area_code: told(&self.area_code, Some(before.area_code.to_string())),
            category: told(&self.category, Some(category)),
            urgency: told(&self.urgency, Some(before.urgency.as_str().to_owned())),
            elder_name: told(&self.elder_name, Some(elder.name.clone())),
            phone: told(&self.phone, elder.phone.clone()),
            national_id: self.national_id.clone().filter(|id| !id.trim().is_empty()),
            address: told(&self.address, elder.address.clone()),
            note: told(&self.note, elder.note.clone()),
            wanted_from: told(&self.wanted_from, moment(before.wanted_from)),
            wanted_until: told(&self.wanted_until, moment(before.wanted_until)),
            ..NewRequest::default()
        }
    }
}

/// The lines of what has changed, as the history keeps them: the field, what stood there, and what stands there now.
fn changes(before: &Details, after: &Details) -> Vec<String> {
    let (old, new) = (before.elder.unseen(), after.elder.unseen());
    let moment = |at: Option<DateTime<Utc>>| at.map(|at| at.with_timezone(&ZONE).format("%Y-%m-%d %H:%M").to_string());
    let words = |d: &Details| d.category_raw.clone().unwrap_or_else(|| category_word(d.category));
    let pairs = [
        ("姓名", Some(old.name.clone()), Some(new.name.clone())),
        ("电话", old.phone.clone(), new.phone.clone()),
        ("区域", Some(before.area_code.to_string()), Some(after.area_code.to_string())),
        ("地址", old.address.clone(), new.address.clone()),
        ("类别", Some(words(before)), Some(words(after))),
        ("紧急程度", Some(urgency_word(before.urgency)), Some(urgency_word(after.urgency))),
        ("要求", old.note.clone(), new.note.clone()),
        ("希望从", moment(before.wanted_from), moment(after.wanted_from)),
        ("希望到", moment(before.wanted_until), moment(after.wanted_until)),
    ];
    let none = || "（无）".to_owned();
    let mut lines: Vec<String> = pairs
        .into_iter()
        .filter(|(_, old, new)| old != new)
        .map(|(name, old, new)| format!("{name}：{} → {}", old.unwrap_or_else(none), new.unwrap_or_else(none)))
        .collect();
    if before.national_id_index != after.national_id_index {
        lines.push("身份证号已改".to_owned());
    }
    lines
}

fn category_word(category: Category) -> String {
    crate::texts::category(sanbao_platform::lang::Lang::Zh, category)
}

fn urgency_word(urgency: Urgency) -> String {
    crate::texts::urgency(sanbao_platform::lang::Lang::Zh, urgency)
}

/// The details of a request once it is put right.
async fn edited(
    call: Call<'_, Request>,
    conn: &mut Conn,
    request: &Request,
    body: &EditRequest,
) -> Result<Details, Problem> {
    let (ctx, fields) = (call.ctx, &call.app.deps.fields);
    let before = &request.details;
    let rules = Rules { now: ctx.now(), own: call.app.deps.dialling_code.as_ref(), file: false };
    let draft = input::parse(&body.over(before), rules).map_err(|faults| input::invalid(&faults))?;
    let new_paper = draft.national_id.is_some();
    let after = draft.details_of(request.id, fields);
    if after.area_code != before.area_code {
        require_area(conn, ctx, &after.area_code).await?;
    }
    let old = before.elder.unseen();
    let elder = after.elder.unseen().clone();
    let (sealed, index) = if new_paper {
        (elder.national_id_sealed.clone(), after.national_id_index.clone())
    } else {
        (old.national_id_sealed.clone(), before.national_id_index.clone())
    };
    let person_id = if new_paper && index != before.national_id_index {
        store::elders_of(conn, index.as_deref()).await?.into_values().next()
    } else {
        before.person_id
    };
    let key = person_key(index.as_deref(), &elder.name, elder.phone.as_deref(), fields);
    Ok(Details {
        received_at: before.received_at,
        elder: ElderDetails { national_id_sealed: sealed, ..elder }.into(),
        national_id_index: index,
        person_id,
        person_key: key,
        content_index: before.content_index.clone(),
        ..after
    })
}

/// There must be the area, and it must be one of the caller's.
async fn require_area(conn: &mut Conn, ctx: &Ctx, code: &AreaCode) -> Result<(), Problem> {
    if area::find(conn, code).await?.is_none() {
        return Err(Problem::field("/area_code", "没有这个区域", "There is no such area"));
    }
    let inside = area::scope(conn, &ctx.actor, code, local_day(ctx.now())).await?;
    policy::allows(&ctx.actor, Action::RequestCreate, relation(inside))
        .require()
        .map_err(|_| Problem::field("/area_code", "不在您负责的区域内", "Not within your area"))
}

/// The order to put a request right.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct EditOrder(pub EditRequest);

impl Order<Request> for EditOrder {
    fn step(&self) -> RequestStepName {
        RequestStepName::Edit
    }

    async fn prepare(&self, call: Call<'_, Request>, tx: &mut Tx, request: &Request) -> Result<RequestStep, Problem> {
        let details = edited(call, tx, request, &self.0).await?;
        let lines = changes(&request.details, &details);
        if lines.is_empty() {
            return Err(Problem::field("/", "没有改动", "Nothing is changed"));
        }
        queue::people::see(tx, &call.ctx.actor, local_day(call.ctx.now())).await?;
        let reason = self.0.reason.as_ref().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        if reason.as_ref().is_some_and(|text| text.chars().count() > input::NOTE_CHARS_MAX) {
            return Err(Problem::field("/reason", "内容太长", "Too long"));
        }
        let said = Said { reason, note: Some(lines.join("\n")) };
        Ok(RequestStep::Edit { details: Box::new(details), said })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_tells_what_stood_there_and_nothing_of_what_stays() {
        let before = Details { category: Category::Meal, ..Details::blank() };
        let elder =
            ElderDetails { name: "林某某".into(), phone: Some("19900000001".into()), ..ElderDetails::default() };
        let after = Details { elder: elder.into(), urgency: Urgency::Urgent, ..before.clone() };
        let told = changes(&before, &after);
        assert_eq!(told, ["姓名： → 林某某", "电话：（无） → 19900000001", "紧急程度：普通 → 加急"]);
        assert_eq!(changes(&after, &after), [""; 0]);
    }
}
