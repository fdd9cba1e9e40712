//! The shapes in which callers see hand-overs.

use chrono::{DateTime, Utc};
use sanbao_platform::db::Conn;
use sanbao_platform::http::Ctx;
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{HandoverFacts, HandoverSide, ShiftHandover, hash_of};
use super::policy::HandoverAction;
use super::store;
use crate::consult::id::{ConsultId, ShiftHandoverId};

/// A hand-over in a list: of nobody.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ShiftHandoverLine {
    pub id: ShiftHandoverId,
    pub side: HandoverSide,
    /// The account that has gone.
    pub written_by_name: String,
    pub signed_at: DateTime<Utc>,
    /// How many consults are on it.
    pub item_count: i32,
    /// How many were booked for later days.
    pub later_count: i32,
    /// Whether more was open than stands on it.
    pub is_cut: bool,
    /// The account that has read it and taken over.
    pub taken_by_name: Option<String>,
    pub taken_at: Option<DateTime<Utc>>,
    /// Whether the caller may take over by it now.
    pub may_take: bool,
    /// SHA-256 of all that was signed, as lower-case hex.
    pub content_hash: String,
}

/// A consult on a hand-over.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HandoverItem {
    /// The consult.
    pub id: ConsultId,
    #[serde(flatten)]
    pub facts: HandoverFacts,
}

/// A hand-over as it was signed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ShiftHandoverView {
    #[serde(flatten)]
    pub line: ShiftHandoverLine,
    /// The words of the one who has gone.
    pub words: String,
    /// The consults as they stood then, but for those that were erased since.
    pub items: Vec<HandoverItem>,
    /// Whether it says what was signed; absent where something on it was erased.
    pub is_genuine: Option<bool>,
}

impl ShiftHandoverLine {
    /// The line as the caller sees it.
    pub fn of(handover: &ShiftHandover, ctx: &Ctx) -> Self {
        let may_take = handover.taken_at.is_none() && handover.decide(ctx, HandoverAction::Take) == Decision::Allow;
        Self {
            id: handover.id,
            side: handover.side,
            written_by_name: handover.written_by_name.clone(),
            signed_at: handover.signed_at,
            item_count: handover.item_count,
            later_count: handover.later_count,
            is_cut: handover.is_cut,
            taken_by_name: handover.taken_by_name.clone(),
            taken_at: handover.taken_at,
            may_take,
            content_hash: handover.content_hash.clone(),
        }
    }
}

impl ShiftHandoverView {
    /// The whole, for an answer that shows it.
    pub async fn of(conn: &mut Conn, ctx: &Ctx, handover: &ShiftHandover) -> Result<Self, Problem> {
        let rows = store::items(conn, handover.id).await?;
        let shown = rows.iter().map(|row| (row.consult_id, row.kept.show(&ctx.shows, row).facts.0.clone()));
        let items: Vec<HandoverItem> = shown.map(|(id, facts)| HandoverItem { id, facts }).collect();
        let is_whole = usize::try_from(handover.item_count).is_ok_and(|count| count == items.len());
        let signed: Vec<(ConsultId, &HandoverFacts)> = items.iter().map(|item| (item.id, &item.facts)).collect();
        let whose = (handover.id, handover.written_by, handover.signed_at);
        let hash = hash_of(whose, &handover.words, (handover.later_count, handover.is_cut), &signed);
        let is_genuine = is_whole.then(|| hash == handover.content_hash);
        Ok(Self { line: ShiftHandoverLine::of(handover, ctx), words: handover.words.clone(), items, is_genuine })
    }
}
