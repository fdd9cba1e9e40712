//! A matter's life as a whole: a step's rows and permission, and how a person orders it.

use chrono::{DateTime, Utc};
use sanbao_platform::bus::NewEvent;
use sanbao_platform::db::{Conn, DbError, Tx};
use sanbao_platform::http::Ctx;
use sanbao_platform::lifecycle::{By, Call, Change, Lifecycle, Order, Step as _};
use sanbao_platform::policy::Decision;
use sanbao_platform::problem::{CONFLICT, Problem};
use serde::Serialize;
use uuid::Uuid;

use super::clock;
use super::id::MatterId;
use super::input::{AnswerBody, MatterReason, SettleBody};
use super::model::{Matter, MatterSaid};
use super::policy::MatterStanding;
use super::state::{MatterState, MatterStep, MatterStepName};
use super::view::{self, MatterView};
use super::way::{Way, Ways};
use super::{stays, store};
use crate::{App, local_day};

impl Lifecycle for Matter {
    const NAME: &'static str = "matter";
    const TOPIC: &'static str = "matters";

    type App = App;
    type Id = MatterId;
    type State = MatterState;
    type Stance = MatterStanding;
    type View = MatterView;

    fn id(&self) -> MatterId {
        self.id
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn state(&self) -> &MatterState {
        &self.state
    }

    fn advanced(self, state: MatterState, step: &MatterStep, at: DateTime<Utc>) -> Self {
        let said = step.reason().or(step.note()).map(str::to_owned);
        let open = state.is_open();
        Self {
            due_at: open.then(|| clock::due(state.levels().at, self.kind, at)),
            sent: self.sent + i64::from(matches!(step, MatterStep::SendUp { .. })),
            reopened: self.reopened + i64::from(matches!(step, MatterStep::Reopen { .. })),
            stay: self.stay + i64::from(open),
            said: MatterSaid { said }.into(),
            state,
            state_since: at,
            version: self.version + 1,
            ..self
        }
    }

    async fn find(conn: &mut Conn, id: MatterId) -> Result<Option<Self>, DbError> {
        Ok(store::find(conn, id).await?.map(|listed| listed.matter))
    }

    async fn write(tx: &mut Tx, before: Option<&Self>, after: &Self) -> Result<bool, DbError> {
        store::write(tx, before, after).await
    }

    async fn follow_up(tx: &mut Tx, _: &By<'_>, changes: &[Change<Self>]) -> Result<(), DbError> {
        for change in changes {
            stays::follow(tx, change).await?;
        }
        Ok(())
    }

    fn events(_: &By<'_>, _: &Change<Self>) -> Result<Vec<NewEvent>, DbError> {
        Ok(Vec::new())
    }

    fn audience(change: &Change<Self>) -> Vec<Uuid> {
        vec![change.after.area_code.live_key()]
    }

    async fn stance(&self, _: &App, conn: &mut Conn, ctx: &Ctx) -> Result<MatterStanding, Problem> {
        let today = local_day(ctx.now());
        let way = Way::of(conn, &self.area_code, today).await?;
        let levels = self.state.levels();
        let above = way.above(conn, levels.at, today).await?.is_some();
        Ok(MatterStanding::of(way.stands(&ctx.actor, levels), above, self.state_since))
    }

    fn sees(ctx: &Ctx, stance: &MatterStanding) -> Decision {
        stance.sees(ctx)
    }

    fn allows(ctx: &Ctx, stance: &MatterStanding, step: MatterStepName) -> Decision {
        stance.allows(ctx, step)
    }

    fn timely(ctx: &Ctx, stance: &MatterStanding, step: MatterStepName) -> bool {
        stance.timely(ctx, step)
    }

    async fn view(_: &App, conn: &mut Conn, ctx: &Ctx, id: MatterId) -> Result<MatterView, Problem> {
        let listed = store::find(conn, id).await?.ok_or_else(Problem::not_found)?;
        Ok(view::matter(conn, ctx, listed, &mut Ways::new(local_day(ctx.now()))).await?)
    }
}

/// A person's word about a matter.
#[derive(Debug, Serialize)]
pub enum MatterOrder {
    Settle(SettleBody),
    Answer(AnswerBody),
    SendUp(MatterReason),
    TakeBack(MatterReason),
    Reopen(MatterReason),
}

impl Order<Matter> for MatterOrder {
    fn step(&self) -> MatterStepName {
        match self {
            Self::Settle(_) => MatterStepName::Settle,
            Self::Answer(_) => MatterStepName::Answer,
            Self::SendUp(_) => MatterStepName::SendUp,
            Self::TakeBack(_) => MatterStepName::TakeBack,
            Self::Reopen(_) => MatterStepName::Reopen,
        }
    }

    async fn prepare(&self, call: Call<'_, Matter>, tx: &mut Tx, matter: &Matter) -> Result<MatterStep, Problem> {
        Ok(match self {
            Self::Settle(body) => MatterStep::Settle { note: body.checked()? },
            Self::Answer(body) => MatterStep::Answer { answer: body.checked()? },
            Self::TakeBack(body) => MatterStep::TakeBack { reason: body.checked()? },
            Self::SendUp(body) => {
                let reason = body.checked()?;
                let today = local_day(call.ctx.now());
                let way = Way::of(tx, &matter.area_code, today).await?;
                let above = way.above(tx, matter.state.levels().at, today).await?;
                let to = above.map(|area| area.level).ok_or_else(nobody_above)?;
                MatterStep::SendUp { to, reason }
            }
            Self::Reopen(body) => {
                let reason = body.checked()?;
                if call.ctx.now() > clock::reopen_until(matter.state_since) {
                    return Err(Problem::new(&CONFLICT)
                        .detail("已超过 30 天，不能重新办理，请另提一件", "Thirty days are over: raise it anew"));
                }
                MatterStep::Reopen { reason }
            }
        })
    }
}

fn nobody_above() -> Problem {
    Problem::new(&CONFLICT).detail(
        "上面没有可以上报的一级，请街道管理员先在区域里补上",
        "There is no level above: the street's administrator adds it to the areas first",
    )
}
