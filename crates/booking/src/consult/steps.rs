//! A consult's way through its life: what each step asks for, takes and frees.

use chrono::{DateTime, Utc};
use sanbao_platform::bus::NewEvent;
use sanbao_platform::crypto::sha256_hex;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::{Ctx, IfMatch};
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lifecycle::{self, By, Call, Change, Lifecycle, Order, StepAnswer, seen};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::Problem;
use serde::Serialize;
use uuid::Uuid;

use super::conflicts::DelayView;
use super::id::ConsultId;
use super::input::{Delay, Invitation, Reason, Wanted};
use super::model::Consult;
use super::opinion::{self, Adoption, OpinionView, Parts};
use super::policy::{ConsultAction, ConsultStance};
use super::practitioner::store as doctors;
use super::state::{ConsultState, ConsultStateName, ConsultStep, ConsultStepName, Delayed, Revision, TakenOn};
use super::timing::{require_agreed, require_due};
use super::view::{self, ConsultView};
use super::{asked, at_once, booking, changed, conflicts, events, follow, invitation, store};
use crate::App;
use crate::account::person::require_here;
use crate::account::shared_device;

/// The topic of live lists; keys are the organisations of both sides.
pub const TOPIC: &str = "consults";

/// The permission that a step needs; `None` for what only events and time do.
fn action_of(step: ConsultStepName) -> Option<ConsultAction> {
    Some(match step {
        ConsultStepName::Revise | ConsultStepName::Submit => ConsultAction::Invite,
        ConsultStepName::Accept | ConsultStepName::Return | ConsultStepName::Reject => ConsultAction::Answer,
        ConsultStepName::Schedule | ConsultStepName::Reschedule | ConsultStepName::Exchange => ConsultAction::Schedule,
        ConsultStepName::Delay => ConsultAction::Delay,
        ConsultStepName::Cancel => ConsultAction::Cancel,
        ConsultStepName::Finish => ConsultAction::Finish,
        ConsultStepName::NoShow => ConsultAction::NoShow,
        ConsultStepName::SaveOpinion | ConsultStepName::Sign => ConsultAction::Opinion,
        ConsultStepName::Adopt | ConsultStepName::Archive => ConsultAction::Adopt,
        ConsultStepName::Book | ConsultStepName::Start | ConsultStepName::Expire => return None,
    })
}

/// The step that calls a consult off, in these words.
pub(crate) fn called_off(words: &str) -> ConsultStep {
    ConsultStep::Cancel(words.to_owned())
}

impl Lifecycle for Consult {
    const NAME: &'static str = "consult";
    const TOPIC: &'static str = TOPIC;

    type App = App;
    type Id = ConsultId;
    type State = ConsultState;
    type Stance = ConsultStance;
    type View = ConsultView;

    fn id(&self) -> ConsultId {
        self.id
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn state(&self) -> &ConsultState {
        &self.state
    }

    fn advanced(self, state: ConsultState, step: &ConsultStep, at: DateTime<Utc>) -> Self {
        let state_since = if state.name() == self.state.name() { self.state_since } else { at };
        // A draft of the opinion has versions of its own.
        let grown = i64::from(!matches!(step, ConsultStep::SaveOpinion));
        let consult = Self { state, state_since, version: self.version + grown, ..self };
        match step {
            ConsultStep::Revise(revision) => consult.revised(&revision.invitation, revision.asked),
            _ => consult,
        }
    }

    async fn find(conn: &mut Conn, id: ConsultId) -> Result<Option<Self>, DbError> {
        store::find(conn, id).await
    }

    async fn hold(tx: &mut Tx, ids: &[ConsultId]) -> Result<(), DbError> {
        store::hold_whole(tx, ids).await
    }

    async fn write(tx: &mut Tx, before: Option<&Self>, after: &Self) -> Result<bool, DbError> {
        let written = match before {
            Some(before) => store::update(tx, before.version, after).await?,
            None => store::insert(tx, after).await?,
        };
        let before = before.map_or(&[][..], |before| &before.devices);
        if written && !before.iter().map(|d| d.id).eq(after.devices.iter().map(|d| d.id)) {
            store::bring(tx, after).await?;
        }
        Ok(written)
    }

    async fn follow_up(tx: &mut Tx, by: &By<'_>, changes: &[Change<Self>]) -> Result<(), DbError> {
        for change in changes {
            follow::up(tx, by, change).await?;
        }
        Ok(())
    }

    fn events(by: &By<'_>, change: &Change<Self>) -> Result<Vec<NewEvent>, DbError> {
        events::of(by.at(), change)
    }

    fn audience(change: &Change<Self>) -> Vec<Uuid> {
        match &change.step {
            Some(ConsultStep::SaveOpinion) => Vec::new(),
            _ => change.before.iter().chain([&change.after]).flat_map(sides).collect(),
        }
    }

    async fn stance(&self, _app: &App, conn: &mut Conn, ctx: &Ctx) -> Result<ConsultStance, Problem> {
        let specialty = store::specialty_for(conn, &ctx.actor, self).await?;
        Ok(ConsultStance::of(ctx, self, specialty.as_deref()))
    }

    fn sees(ctx: &Ctx, stance: &ConsultStance) -> Decision {
        stance.decide(ctx, ConsultAction::Read)
    }

    fn allows(ctx: &Ctx, stance: &ConsultStance, step: ConsultStepName) -> Decision {
        action_of(step).map_or(Decision::Forbid, |action| stance.decide(ctx, action))
    }

    fn timely(_ctx: &Ctx, stance: &ConsultStance, step: ConsultStepName) -> bool {
        stance.is_due(step)
    }

    async fn since(app: &App, ctx: &Ctx, id: ConsultId, read: i64, problem: Problem) -> Problem {
        changed::told(app, ctx, id, read, problem).await
    }

    async fn view(_app: &App, conn: &mut Conn, ctx: &Ctx, id: ConsultId) -> Result<ConsultView, Problem> {
        view::seen(conn, ctx, id).await
    }
}

/// Whose lists show a consult: the inviting side's; from the moment it is sent the hospital's, and that of its doctor or,
/// while there is none, of the doctors of the specialty.
fn sides(consult: &Consult) -> Vec<Uuid> {
    let (inviting, invited) = (consult.inviting.id.0, consult.invited.id);
    if consult.state.name() == ConsultStateName::Draft {
        return vec![inviting];
    }
    let doctors = match consult.state.doctor() {
        Some(doctor) => doctor.into(),
        None => specialty_key(invited, &consult.wanted_specialty),
    };
    vec![inviting, invited.0, doctors]
}

/// The key under which the doctors of a hospital's specialty hear of what nobody has taken on.
pub fn specialty_key(hospital: OrganisationId, specialty: &str) -> Uuid {
    let hash = sha256_hex(format!("{hospital} {specialty}").as_bytes());
    hash.get(..32).and_then(|hex| hex.parse().ok()).unwrap_or_default()
}

/// Tells both sides' lists that something beside the life cycle has changed: a consent, the people in the room.
pub fn touch(tx: &mut Tx, consult: &Consult) {
    for side in sides(consult) {
        tx.touch(TOPIC, side);
    }
}

/// A wish of somebody of either side.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsultOrder {
    /// Change the invitation.
    Revise(Invitation),
    /// Send it to the hospital.
    Submit,
    /// Take it on.
    Accept,
    /// Send it back for more facts.
    Return(Reason),
    /// Refuse it.
    Reject(Reason),
    /// Give it doctor, room and time.
    Schedule(Wanted),
    /// Give it others.
    Reschedule(Wanted),
    /// Say that it will be late.
    Delay(Delay),
    /// Call it off.
    Cancel(Reason),
    /// End the meeting without the room.
    Finish,
    /// Say that somebody did not come.
    NoShow(Reason),
    /// Write the opinion, over the version of it that was read.
    SaveOpinion {
        /// The opinion.
        parts: Parts,
        /// The version that was read; none for a first draft.
        #[serde(skip)]
        read: IfMatch,
    },
    /// Sign the opinion as it was read.
    Sign {
        /// The version that was read.
        #[serde(skip)]
        read: IfMatch,
    },
    /// Say what was done with the opinion.
    Adopt(Adoption),
    /// Close the file.
    Archive,
}

impl Order<Consult> for ConsultOrder {
    fn step(&self) -> ConsultStepName {
        use ConsultStepName as N;
        match self {
            Self::Revise(_) => N::Revise,
            Self::Submit => N::Submit,
            Self::Accept => N::Accept,
            Self::Return(_) => N::Return,
            Self::Reject(_) => N::Reject,
            Self::Schedule(_) => N::Schedule,
            Self::Reschedule(_) => N::Reschedule,
            Self::Delay(_) => N::Delay,
            Self::Cancel(_) => N::Cancel,
            Self::Finish => N::Finish,
            Self::NoShow(_) => N::NoShow,
            Self::SaveOpinion { .. } => N::SaveOpinion,
            Self::Sign { .. } => N::Sign,
            Self::Adopt(_) => N::Adopt,
            Self::Archive => N::Archive,
        }
    }

    async fn prepare(&self, call: Call<'_, Consult>, tx: &mut Tx, consult: &Consult) -> Result<ConsultStep, Problem> {
        let (ctx, now) = (call.ctx, call.ctx.now());
        Ok(match self {
            Self::Revise(invitation) => revise(ctx, tx, consult, invitation).await?,
            Self::Submit => {
                require_here(tx, consult.resident_id).await?;
                still_wanted(consult, now)?;
                devices_are_open(tx, consult).await?;
                asked::keep(tx, ctx, consult).await?;
                ConsultStep::Submit
            }
            Self::Accept => {
                let doctor = ctx.actor.subject.into();
                booking::may_take_on(tx, consult, doctor).await?;
                let unbooked = asked::settle(tx, ctx, consult, doctor).await?;
                ConsultStep::Accept(TakenOn { doctor, unbooked })
            }
            Self::Return(why) => {
                at_once::require_returnable(consult, now)?;
                ConsultStep::Return(why.checked()?)
            }
            Self::Reject(why) => ConsultStep::Reject(why.checked()?),
            Self::Schedule(wanted) => ConsultStep::Schedule(booking::take(tx, ctx, consult, wanted).await?),
            Self::Reschedule(wanted) => ConsultStep::Reschedule(at_once::moved(tx, ctx, consult, wanted).await?),
            Self::Delay(delay) => {
                let minutes = delay.checked()?;
                require_agreed(tx, ctx, consult, *delay).await?;
                ConsultStep::Delay(Delayed::by(minutes, delay.agreed))
            }
            Self::Cancel(why) => ConsultStep::Cancel(why.checked()?),
            Self::Finish => {
                require_due(consult, self.step(), now)?;
                ConsultStep::Finish(now)
            }
            Self::NoShow(why) => {
                require_due(consult, self.step(), now)?;
                ConsultStep::NoShow(why.checked()?)
            }
            Self::SaveOpinion { parts, read } => {
                let parts = parts.clone().checked()?;
                let current = opinion::find(tx, consult.id).await?.map(|opinion| opinion.unseen().version);
                read.check_over(current)?;
                opinion::save(tx, consult.id, current, ctx.actor.subject.into(), now, &parts).await?;
                ConsultStep::SaveOpinion
            }
            Self::Sign { read } => {
                sign(ctx, tx, consult, read).await?;
                ConsultStep::Sign
            }
            Self::Adopt(adoption) => {
                let adoption = adoption.clone().checked()?;
                opinion::record_feedback(tx, consult.id, ctx.actor.subject.into(), now, &adoption).await?;
                ConsultStep::Adopt
            }
            Self::Archive => ConsultStep::Archive,
        })
    }

    async fn answer(&self, call: Call<'_, Consult>, tx: &mut Tx, after: Consult) -> Result<StepAnswer, Problem> {
        match self {
            Self::Revise(invitation) if invitation.submit => {
                let by = By::Person(call.ctx);
                let sent = at_once::send(tx, &by, after, None).await?;
                let sent = at_once::book(tx, &by, sent).await?;
                seen(call, tx, sent).await
            }
            Self::Submit => {
                let sent = at_once::book(tx, &By::Person(call.ctx), after).await?;
                seen(call, tx, sent).await
            }
            Self::Accept => match asked::settled(tx, &after).await? {
                Some(booked) => {
                    let by = By::Person(call.ctx);
                    let booked = lifecycle::advance(tx, &by, after, ConsultStep::Schedule(booked)).await?;
                    seen(call, tx, booked).await
                }
                None => seen(call, tx, after).await,
            },
            Self::SaveOpinion { .. } => {
                let opinion = opinion::find(tx, after.id).await?.ok_or_else(Problem::not_found)?;
                let opinion = opinion.shown(&call.ctx.shows, &after);
                let version = opinion.version;
                StepAnswer::ok(version, &OpinionView { opinion, feedback: None })
            }
            Self::Delay(_) => {
                let conflicts_with = conflicts::of(tx, call.ctx, &after).await?;
                let consult = view::seen(tx, call.ctx, after.id).await?;
                StepAnswer::ok(after.version, &DelayView { consult, conflicts_with })
            }
            _ => seen(call, tx, after).await,
        }
    }

    async fn explain(&self, call: Call<'_, Consult>, consult: &Consult, problem: Problem) -> Problem {
        match self {
            Self::Schedule(wanted) | Self::Reschedule(wanted) if booking::is_taken(&problem) => {
                booking::alternatives(call.app, call.ctx, consult, wanted, &problem).await
            }
            Self::Submit => asked::alternatives(call.app, call.ctx, consult, problem).await,
            Self::Revise(invitation) => asked::instead(call.app, call.ctx, consult, invitation, problem).await,
            _ => problem,
        }
    }
}

/// Another invitation in the place of this one. When it is sent at once, the time that it asks for is held.
async fn revise(ctx: &Ctx, tx: &mut Tx, consult: &Consult, invitation: &Invitation) -> Result<ConsultStep, Problem> {
    let (invitation, asked) = invitation::read(tx, ctx, consult.inviting.id, invitation).await?;
    if invitation.submit {
        asked::keep(tx, ctx, &consult.clone().revised(&invitation, asked)).await?;
    }
    let other_person = invitation.resident_id != consult.resident_id;
    Ok(ConsultStep::Revise(Box::new(Revision { invitation, asked, other_person })))
}

/// A device that was closed while the invitation lay here is asked for no more.
async fn devices_are_open(tx: &mut Tx, consult: &Consult) -> Result<(), Problem> {
    let ids: Vec<_> = consult.devices.iter().map(|device| device.id).collect();
    if shared_device::all_open(tx, consult.inviting.id, &ids).await? {
        return Ok(());
    }
    let (zh, en) = ("有设备已停用，请先修改申请", "A device is in use no more; change the invitation first");
    Err(Problem::field("/device_ids", zh, en))
}

fn still_wanted(consult: &Consult, now: DateTime<Utc>) -> Result<(), Problem> {
    if now < consult.wanted.1 {
        return Ok(());
    }
    Err(Problem::field("/wanted_until", "希望的时间已经过去，请先修改", "The wanted time has passed; change it first"))
}

async fn sign(ctx: &Ctx, tx: &mut Tx, consult: &Consult, read: &IfMatch) -> Result<(), Problem> {
    ctx.proved_lately()?;
    let found = opinion::find(tx, consult.id).await?;
    let opinion = found.ok_or_else(|| Problem::field("/impression", "还没有写会诊意见", "There is no opinion yet"))?;
    let opinion = opinion.unseen();
    read.check(opinion.version)?;
    opinion.parts.signable()?;
    let post = doctors::PractitionerPost { doctor: ctx.actor.subject.into(), hospital: consult.invited.id };
    let doctor = doctors::find(tx, post).await?.ok_or_else(Problem::forbidden)?;
    opinion::sign(tx, consult.id, opinion, &doctor, ctx.now()).await?;
    Ok(())
}
