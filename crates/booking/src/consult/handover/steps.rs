//! Signing a hand-over, and taking one over.

use chrono::{DateTime, Utc};
use sanbao_platform::audit::{self, Disclosure};
use sanbao_platform::auth::Actor;
use sanbao_platform::db::{Conn, Tx};
use sanbao_platform::http::{Ctx, IfMatch};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;

use super::model::{HandoverFacts, HandoverSide, OpenNow, ShiftHandover, hash_of};
use super::policy::{HandoverAction, may_hand_over};
use super::store::{self, SignedHandover};
use crate::account::organisation;
use crate::consult::api::side;
use crate::consult::day::{self, DayPlace, Part};
use crate::consult::id::{ConsultId, ShiftHandoverId};
use crate::consult::input::Checks;
use crate::consult::model::Consult;
use crate::consult::state::ConsultStateName;
use crate::consult::steps::TOPIC;
use crate::consult::store::Side;
use crate::role;

/// Characters of the words at most: half a page of A4.
pub const WORDS_CHARS_MAX: usize = 1000;
/// Consults on one at most.
const ITEMS_MAX: usize = 100;

/// The audit log's word for what a hand-over is.
const KIND: &str = "shift_handover";

/// Whose list the actor hands over; a doctor has none.
pub fn side_of(actor: &Actor) -> Result<HandoverSide, Problem> {
    match side(actor)? {
        Side::Inviting => Ok(HandoverSide::Inviting),
        Side::Hospital => Ok(HandoverSide::Hospital),
        Side::Doctor => Err(Problem::forbidden()),
    }
}

/// The state of things that the caller would hand over now. Consults of later days are counted alone.
pub async fn open_now(conn: &mut Conn, ctx: &Ctx) -> Result<OpenNow, Problem> {
    read(conn, ctx, Some(&ctx.shows)).await
}

/// The same, for an answer that shows those whom it is about, or for nobody's eyes.
async fn read(conn: &mut Conn, ctx: &Ctx, shows: Option<&Disclosure>) -> Result<OpenNow, Problem> {
    let own_side = side_of(&ctx.actor)?;
    Decision::over(role::held(&ctx.actor), may_hand_over).require()?;
    let (side, now) = (side(&ctx.actor)?, ctx.now());
    let zone = organisation::own(conn, ctx).await?.zone();
    let day = day::read(conn, &ctx.actor, side, now).await?;
    let places = day.places(side, zone, now);
    let count = |place| places.get(&place).map_or(0, Vec::len);
    let kept = places.iter().filter(|(place, _)| !matches!(place, DayPlace::Later | DayPlace::Over));
    let waiting = |consult: &Consult| day.waiting.get(&consult.id).copied();
    let all = kept.flat_map(|(place, consults)| {
        consults.iter().map(|consult| (consult.id, facts(ctx, shows, (*place, waiting(consult)), consult)))
    });
    let mut items: Vec<(ConsultId, HandoverFacts)> = all.collect();
    let is_cut = items.len() > ITEMS_MAX
        || day.more.iter().any(|part| !matches!(part, Part::Booked | Part::Over | Part::OverToo));
    items.truncate(ITEMS_MAX);
    let later_count = i32::try_from(count(DayPlace::Later)).unwrap_or(i32::MAX);
    Ok(OpenNow { side: own_side, items, later_count, is_cut })
}

fn facts(
    ctx: &Ctx,
    shows: Option<&Disclosure>,
    (place, inside): (DayPlace, Option<DateTime<Utc>>),
    consult: &Consult,
) -> HandoverFacts {
    let about = shows.map_or_else(|| consult.about.unseen(), |shows| consult.about(shows));
    let ours = consult.invited_by(&ctx.actor);
    let other = if ours { &consult.invited } else { &consult.inviting };
    let phone = if ours { &consult.phones.1 } else { &consult.phones.0 };
    let appointment = consult.state.appointment();
    let asked = consult.asked.filter(|_| consult.state.name() == ConsultStateName::Submitted);
    HandoverFacts {
        place: place.key().to_owned(),
        state: consult.state.name(),
        state_since: consult.state_since,
        urgency: consult.urgency,
        resident_name: about.name.clone(),
        other_zh: other.name_zh.clone(),
        other_en: other.name_en.clone(),
        other_phone: phone.clone(),
        doctor_name: consult.doctor_name.clone(),
        room_name: consult.room_name.clone(),
        starts_at: appointment.map(|a| a.interval.starts_at()),
        ends_at: appointment.map(|a| a.interval.ends_at()),
        delay_minutes: appointment.map_or(0, |a| a.delay_minutes),
        asked_doctor_name: asked.and(consult.asked_doctor_name.clone()),
        asked_at: asked.map(|asked| asked.interval.starts_at()),
        wanted_until: consult.wanted.1,
        has_consent: consult.has_consent,
        fetcher_name: consult.fetcher.as_ref().filter(|_| ours).map(|fetcher| fetcher.name.clone()),
        waiting_since: inside.filter(|_| place == DayPlace::Waiting),
    }
}

/// Signs what is open now, if it is as the caller has seen it.
pub(super) async fn sign(tx: &mut Tx, ctx: &Ctx, seen: &IfMatch, words: &str) -> Result<ShiftHandover, Problem> {
    let (mut checks, mut words) = (Checks::default(), words.to_owned());
    checks.optional_text("words", &mut words, WORDS_CHARS_MAX);
    checks.done()?;
    let open = read(tx, ctx, None).await?;
    seen.check(open.version())?;
    let (id, by, at) = (ShiftHandoverId::new(ctx.now()), ctx.actor.subject.into(), ctx.now());
    let items: Vec<(ConsultId, &HandoverFacts)> = open.items.iter().map(|(id, facts)| (*id, facts)).collect();
    let content_hash = hash_of((id, by, at), &words, (open.later_count, open.is_cut), &items);
    let new = SignedHandover {
        id,
        organisation: ctx.actor.organisation,
        side: open.side,
        by,
        at,
        words: &words,
        items: &open.items,
        later_count: open.later_count,
        is_cut: open.is_cut,
        content_hash: &content_hash,
    };
    store::insert(tx, &new).await?;
    audit::record(tx, ctx, "shift_handover.hand_over", KIND, id).await?;
    tx.touch(TOPIC, ctx.actor.organisation);
    store::find(tx, id).await?.ok_or_else(Problem::not_found)
}

/// Signs that the caller has read a hand-over and takes over.
pub(super) async fn take(tx: &mut Tx, ctx: &Ctx, handover: &ShiftHandover) -> Result<ShiftHandover, Problem> {
    if !store::take(tx, ctx, handover.id).await? {
        return Err(Problem::invalid_transition("taken", "take", &[])
            .detail("已经有人接班签字了，请刷新后查看", "Somebody has taken over already; reload to see who"));
    }
    audit::record(tx, ctx, "shift_handover.take_over", KIND, handover.id).await?;
    tx.touch(TOPIC, ctx.actor.organisation);
    store::load(tx, ctx, handover.id, HandoverAction::Read).await
}
