//! The words of a file about how far a request has come elsewhere: history is taken in as such, and stands in nobody's queue.

use chrono::{DateTime, Utc};
use sanbao_platform::table::{Fault, when};

use super::input::{FINISHED, RowWords, STATE};
use crate::ZONE;
use crate::request::input::parse_moment;
use crate::request::model::Request;
use crate::request::state::{Involvement, RequestState};

/// The end that a request has come to elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Past {
    pub(super) state: RequestState,
    /// When; unknown where the file does not say.
    pub(super) at: Option<DateTime<Utc>>,
}

const CLOSED: [&str; 12] = [
    "已办结",
    "办结",
    "已完成",
    "完成",
    "已结束",
    "已关闭",
    "已回访",
    "closed",
    "done",
    "finished",
    "completed",
    "followed_up",
];
const CANCELLED: [&str; 7] = ["已取消", "取消", "已撤销", "撤销", "作废", "cancelled", "canceled"];
const OPEN: [&str; 21] = [
    "已受理",
    "受理",
    "待受理",
    "待办",
    "待处理",
    "待派单",
    "已派单",
    "待接单",
    "已接单",
    "处理中",
    "办理中",
    "服务中",
    "进行中",
    "未办结",
    "未完成",
    "received",
    "open",
    "pending",
    "in_service",
    "dispatched",
    "accepted",
];

/// The end that a row tells of, with the doubts about it; a text that nobody knows is kept in the note.
pub(super) fn read(words: &mut RowWords) -> (Option<Past>, Vec<Fault>) {
    let mut doubts = Vec::new();
    let at = finished(words, &mut doubts);
    let text = words.state.clone().unwrap_or_default();
    let said = text.trim().to_lowercase();
    let is = |words: &[&str]| words.contains(&said.as_str());
    let closed = RequestState::Closed(Involvement::Nobody);
    let state = if is(&CLOSED) || (said.is_empty() && at.is_some()) {
        closed
    } else if is(&CANCELLED) {
        RequestState::Cancelled(Involvement::Nobody)
    } else {
        if !said.is_empty() && !is(&OPEN) {
            words.keep_in_note(STATE, &text);
            let zh = "不认识这个状态，按未办结收下，原文记在备注里";
            let en = "This state is unknown: the request was taken as open, and the text is kept in the note";
            doubts.push(Fault::new(STATE, "state_unknown", zh, en));
        }
        return (None, doubts);
    };
    (Some(Past { state, at }), doubts)
}

fn finished(words: &mut RowWords, doubts: &mut Vec<Fault>) -> Option<DateTime<Utc>> {
    let text = words.finished_at.clone()?;
    let serial = || {
        let local = text.trim().parse().ok().filter(|_| when::is_serial(&text)).and_then(when::of_serial)?;
        local.and_local_timezone(ZONE).earliest().map(|at| at.with_timezone(&Utc))
    };
    let at = parse_moment(text.trim()).or_else(serial);
    if at.is_none() {
        words.keep_in_note(FINISHED, &text);
        let zh = "办结时间读不出来，原文记在备注里";
        let en = "The time of its end cannot be read; the text is kept in the note";
        doubts.push(Fault::new(FINISHED, "time_format", zh, en));
    }
    at
}

impl Past {
    /// A request as it stands at that end: from when it ended, which lies neither before it came in nor ahead.
    pub(super) fn of(self, request: Request, now: DateTime<Utc>) -> Request {
        let received_at = request.details.received_at;
        let at = self.at.unwrap_or(received_at).clamp(received_at.min(now), now);
        Request { state: self.state, state_since: at, ..request }
    }
}

/// The doubt about a row that says ended of a request that is open here.
pub(super) fn open_here() -> Fault {
    let zh = "文件里已经结束，这里还没有办结，状态没有按文件改动";
    let en = "Ended in the file and open here; its state was left as it is";
    Fault::new(STATE, "state_kept", zh, en)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_an_end_or_none() {
        let read_of = |state: &str, finished: Option<&str>| {
            let (state, finished_at) = (Some(state.to_owned()), finished.map(str::to_owned));
            let mut words = RowWords { state, finished_at, ..RowWords::default() };
            let (past, doubts) = read(&mut words);
            (
                past.map(|p| (p.state, p.at.is_some())),
                doubts.iter().map(|f| f.code).collect::<Vec<_>>(),
                words.request.note,
            )
        };
        let closed = RequestState::Closed(Involvement::Nobody);
        assert_eq!(read_of("已办结", Some("2026年3月5日 14:30")), (Some((closed, true)), vec![], None));
        assert_eq!(read_of("Done", Some("46086.6")), (Some((closed, true)), vec![], None));
        assert_eq!(read_of("", Some("2026.3.5")), (Some((closed, true)), vec![], None));
        assert_eq!(read_of("取消", None), (Some((RequestState::Cancelled(Involvement::Nobody), false)), vec![], None));
        assert_eq!(read_of("处理中", None), (None, vec![], None));
        assert_eq!(read_of("搁置", None), (None, vec!["state_unknown"], Some("状态：搁置".into())));
        assert_eq!(
            read_of("办结", Some("去年")),
            (Some((closed, false)), vec!["time_format"], Some("办结时间：去年".into()))
        );
    }
}
