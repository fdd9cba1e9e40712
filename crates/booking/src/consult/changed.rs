//! The word to somebody whose page is old: who has done what with the consult since.

use chrono::{DateTime, Utc};
use sanbao_platform::http::Ctx;
use sanbao_platform::lang::Lang;
use sanbao_platform::page::Words;
use sanbao_platform::problem::Problem;
use serde::Serialize;

use super::id::ConsultId;
use super::model::Consult;
use super::policy::ConsultAction;
use super::store;
use super::view::{self, HistoryLine};
use crate::App;
use crate::texts::CONSULT as TEXTS;

/// Steps that are named; of more the newest.
const NAMED_MAX: usize = 5;

/// A step that was taken since. Of the words that were said nothing: a refusal shows nobody's record.
#[derive(Serialize)]
struct StepSince<'a> {
    version: i64,
    at: DateTime<Utc>,
    actor_name: Option<&'a str>,
    action: &'a str,
}

impl<'a> StepSince<'a> {
    fn of(line: &'a HistoryLine) -> Self {
        let HistoryLine { version, at, actor_name, action, .. } = line;
        Self { version: *version, at: *at, actor_name: actor_name.as_deref(), action }
    }
}

/// Adds the steps since `read` to the refusal, as the caller may read them in the history.
pub(super) async fn told(app: &App, ctx: &Ctx, id: ConsultId, read: i64, problem: Problem) -> Problem {
    let found = async {
        let mut conn = app.deps.db.read().await?;
        let consult = store::load(&mut conn, ctx, id, ConsultAction::Read).await?;
        let (mut lines, _) = view::history(&mut conn, ctx, &consult).await?;
        lines.retain(|line| line.version > read);
        Ok::<_, Problem>((consult, lines))
    };
    match found.await {
        Ok((_, lines)) if lines.is_empty() => problem,
        Ok((consult, lines)) => {
            let said = |lang| said(ctx, &consult, &lines, lang);
            let since: Vec<StepSince> = lines.iter().map(StepSince::of).collect();
            problem.detail(said(Lang::Zh), said(Lang::En)).with("since", &since)
        }
        Err(cause) => problem.because(cause.cause().unwrap_or_default()),
    }
}

/// 您读过之后：李医生 今天 10:32 改期；王护士 今天 10:35 取消。
fn said(ctx: &Ctx, consult: &Consult, lines: &[HistoryLine], lang: Lang) -> String {
    let words = Words::new(&TEXTS, lang, consult.zone_of(&ctx.actor));
    let line = |line: &HistoryLine| {
        let house = TEXTS.get(lang, "the-house");
        let parts = [
            ("name", line.actor_name.as_deref().unwrap_or(&house)),
            ("time", &words.near_text(line.at, ctx.now())),
            ("step", &TEXTS.get(lang, &format!("step-{}", line.action))),
        ];
        TEXTS.with(lang, "since-line", &parts)
    };
    let newest = &lines[lines.len().saturating_sub(NAMED_MAX)..];
    let named: Vec<String> = newest.iter().map(line).collect();
    TEXTS.with(lang, "since-read", &[("steps", &named.join(&TEXTS.get(lang, "since-between")))])
}
