//! The history of a consult in words: its steps, and the consents, links and tickets between them.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};
use sanbao_platform::lang::Lang;
use sanbao_platform::page;
use sanbao_platform::text_enum::TextEnum as _;

use super::sheet::Sheet;
use super::{TEXTS, named, near, t, words};
use crate::consult::acts::{Act, ActLine};
use crate::consult::carried::{BELOW_RANK, OTHER_PERSON, SAME_TIME, Unbooked};
use crate::consult::consent::Method;
use crate::consult::state::{ConsultStepName, Delayed};
use crate::consult::view::HistoryLine;

/// A line as it is read.
struct Told {
    at: DateTime<Utc>,
    by: String,
    did: String,
    note: String,
    /// Whether the times were exchanged with another consult.
    exchanged: bool,
    /// That other one, where the reader may read it.
    other: Option<String>,
}

impl Told {
    fn step(lang: Lang, zone: Tz, line: &HistoryLine) -> Self {
        let exchanged = line.action == ConsultStepName::Exchange.as_str();
        Self {
            at: line.at,
            by: line.actor_name.clone().unwrap_or_else(|| t(lang, "the-house")),
            did: t(lang, &format!("step-{}", line.action)),
            note: note(lang, zone, line),
            exchanged,
            other: line.note.clone().filter(|_| exchanged),
        }
    }

    fn act(lang: Lang, line: &ActLine) -> Self {
        let words = match line.act {
            Act::Consent | Act::ConsentWithdrawn => consent(lang, line),
            Act::Fetch => String::new(),
            Act::FetchLeft => given(line.name.as_deref())
                .map_or_else(String::new, |name| TEXTS.with(lang, "note-fetch_left", &[("name", name)])),
            Act::Link | Act::LinkAgain | Act::LinkRevoked | Act::TicketRevoked => {
                let role = t(lang, &format!("role-{}", line.party));
                given(line.name.as_deref()).map_or_else(String::new, |name| {
                    named(lang, name, given(line.relation.as_deref()).unwrap_or(&role))
                })
            }
        };
        Self {
            at: line.at,
            by: line.actor_name.clone().unwrap_or_else(|| "—".to_owned()),
            did: t(lang, &format!("act-{}", line.act)),
            note: words,
            exchanged: false,
            other: None,
        }
    }
}

/// A text, unless nobody is to be told it or it was erased.
fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// 监护人：陈先生（儿子），书面签字
fn consent(lang: Lang, line: &ActLine) -> String {
    let Some(name) = given(line.name.as_deref()) else { return String::new() };
    let party = t(lang, &format!("by-{}", line.party));
    let name = given(line.relation.as_deref()).map_or_else(|| name.to_owned(), |relation| named(lang, name, relation));
    let method = t(lang, if line.method == Some(Method::Written) { "method-written" } else { "method-verbal" });
    TEXTS.with(lang, "note-consent", &[("party", &party), ("name", &name), ("method", &method)])
}

/// The words of a step: what somebody said, or what the house says about it.
fn note(lang: Lang, zone: Tz, line: &HistoryLine) -> String {
    let said = line.note.as_deref().unwrap_or_default();
    if line.overbooked {
        return TEXTS.with(lang, "note-overbooked", &[("reason", said)]);
    }
    let step = ConsultStepName::from_text(&line.action);
    match (step, said) {
        (Some(ConsultStepName::Schedule | ConsultStepName::Book | ConsultStepName::Reschedule), BELOW_RANK) => {
            t(lang, "note-below_rank")
        }
        (Some(ConsultStepName::Reschedule), SAME_TIME) => t(lang, "note-same_time"),
        (Some(ConsultStepName::Exchange), _) => String::new(),
        (Some(ConsultStepName::Accept), said) => {
            Unbooked::read(said).map_or_else(|| said.to_owned(), |unbooked| not_booked(lang, zone, &unbooked))
        }
        (Some(ConsultStepName::Revise), OTHER_PERSON) => t(lang, "note-other_person"),
        (Some(ConsultStepName::Delay), said) => match Delayed::read(said) {
            Some(delay) => delayed(lang, &delay),
            None => said.to_owned(),
        },
        _ => said.to_owned(),
    }
}

/// 所求时间 11月23日 周一 08:30 没有约上：医生这个时间不出诊了
pub(super) fn not_booked(lang: Lang, zone: Tz, unbooked: &Unbooked) -> String {
    let words = words(lang, zone);
    let day = words.day(unbooked.starts_at.with_timezone(&zone).date_naive());
    let time = format!("{day} {}", words.clock(unbooked.starts_at));
    let why = t(lang, &format!("unbooked-{}", unbooked.why));
    TEXTS.with(lang, "note-unbooked", &[("time", &time), ("why", &why)])
}

fn delayed(lang: Lang, delay: &Delayed) -> String {
    let late = match delay.minutes {
        0 => t(lang, "note-on-time"),
        minutes => TEXTS.with(lang, "late-by", &[("minutes", &minutes.to_string())]),
    };
    if delay.agreed { format!("{late} · {}", t(lang, "note-agreed")) } else { late }
}

/// The history, the oldest line first.
pub(super) fn history(lang: Lang, zone: Tz, sheet: &Sheet) -> Markup {
    let steps = sheet.history.iter().map(|line| Told::step(lang, zone, line));
    let mut lines: Vec<Told> = steps.chain(sheet.acts.iter().map(|line| Told::act(lang, line))).collect();
    // What a step itself has ended stands behind it.
    lines.sort_by_key(|line| line.at);
    html! {
        details #history {
            summary { (t(lang, "history")) }
            @if sheet.older.steps { p.faint { (t(lang, "history-more-steps")) } }
            @if sheet.older.acts { p.faint { (t(lang, "history-more")) } }
            div.scroll { table.table {
                (page::head(&["time", "who", "what", "note"].map(|key| t(lang, key)).each_ref().map(String::as_str)))
                tbody {
                    @for line in &lines {
                        tr {
                            td { (near(&sheet.ctx, zone, line.at)) }
                            td { (line.by) }
                            td { (line.did) }
                            td {
                                (line.note)
                                @if let Some(id) = &line.other { a href=(format!("/consults/{id}")) { (t(lang, "other-consult")) } }
                                @else if line.exchanged { (t(lang, "other-consult")) }
                            }
                        }
                    }
                }
            } }
        }
    }
}
