//! The meeting in words: the people who were there and those who are missing, how good the lines were, and the
//! findings of checks; the tickets that stand; and the bell over the list for people whom nobody lets in.

use chrono_tz::Tz;
use maud::{Markup, html};
use sanbao_platform::http::Ctx;
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Send, Tone};

use super::sheet::Sheet;
use super::{TEXTS, named, near, t, words};
use crate::consult::meeting::{CallView, LineView, MeetingView, Presence};
use crate::consult::ticket::RoomRole;
use crate::consult::ticket::issued::{LIST_MAX, TicketHolder};

fn badge(lang: Lang, verdict: &str) -> Markup {
    let tone = match verdict {
        "good" => Tone::Ok,
        "fair" => Tone::Info,
        "poor" => Tone::Warn,
        "bad" => Tone::Bad,
        _ => Tone::Plain,
    };
    page::badge(tone, &t(lang, &format!("line-{verdict}")))
}

/// That somebody did not come, with the way to record it.
pub(super) fn absent(lang: Lang, sheet: &Sheet) -> Markup {
    html! {
        @if let Some(absent) = sheet.meeting.absent {
            div.notice.warn role="status" {
                p { (t(lang, &format!("absent-{}", absent.as_str()))) }
                @if sheet.can("no_show") {
                    (record_absence(lang, sheet, &t(lang, &format!("absent-{}", absent.as_str()))))
                }
            }
        }
    }
}

/// The button that records the absence.
fn record_absence(lang: Lang, sheet: &Sheet, reason: &str) -> Markup {
    let (call, ask) = (sheet.call("POST", "/no-show"), t(lang, "ask-no_show"));
    let send = Send { confirm: Some(&ask), ..Send::step(&call, sheet.consult.version) };
    let fields = html! {
        input type="hidden" name="reason" value=(reason);
        button.button.danger type="submit" { (t(lang, "do-no_show")) }
    };
    page::form(lang, None, "", send, &fields)
}

/// The people who are in the room now.
pub(super) fn inside(lang: Lang, meeting: &MeetingView) -> Markup {
    let inside: Vec<&Presence> = meeting.attendance.iter().filter(|p| p.left_at.is_none()).collect();
    html! {
        @if !inside.is_empty() {
            p { (page::badge(Tone::Ok, &t(lang, "inside-now"))) @for p in inside { " " (p.name) } }
        }
    }
}

/// The relay's account.
pub(super) fn card(ctx: &Ctx, zone: Tz, meeting: &MeetingView) -> Markup {
    let lang = ctx.lang;
    let any = !meeting.attendance.is_empty() || !meeting.lines.is_empty() || !meeting.checks.is_empty();
    html! {
        @if any {
            section.card.stack aria-labelledby="meeting" {
                h2 #meeting { (t(lang, "meeting")) }
                @if !meeting.attendance.is_empty() { (attendance(lang, zone, meeting)) }
                @if !meeting.lines.is_empty() {
                    h3 { (t(lang, "lines")) }
                    ul { @for line in &meeting.lines { li { (told(lang, line)) } } }
                }
                @if !meeting.checks.is_empty() {
                    h3 { (t(lang, "checks")) }
                    ul {
                        @for check in &meeting.checks {
                            li {
                                (check.name) " · " (near(ctx, zone, check.at)) " " (badge(lang, &check.result.verdict))
                                @for finding in known(&check.result.findings) { br; (t(lang, finding)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The findings that have words here.
fn known(findings: &[String]) -> impl Iterator<Item = &'static str> {
    let all = [
        ("no_camera", "found-no_camera"),
        ("no_microphone", "found-no_microphone"),
        ("insecure", "found-insecure"),
        ("no_path", "found-no_path"),
        ("udp_blocked", "found-udp_blocked"),
        ("lossy", "found-lossy"),
        ("slow", "found-slow"),
    ];
    findings.iter().filter_map(move |found| all.iter().find(|(name, _)| name == found).map(|(_, key)| *key))
}

/// A name with the role in the room.
fn in_role(lang: Lang, name: &str, role: RoomRole) -> String {
    named(lang, name, &t(lang, &format!("role-{role}")))
}

fn attendance(lang: Lang, zone: Tz, meeting: &MeetingView) -> Markup {
    let minutes = (meeting.together_seconds / 60).to_string();
    html! {
        p.strong { (TEXTS.with(lang, "together", &[("minutes", &minutes)])) }
        ul {
            @for p in &meeting.attendance {
                li {
                    (in_role(lang, &p.name, p.role)) " "
                    (words(lang, zone).clock(p.joined_at)) "–"
                    @if let Some(left) = p.left_at { (words(lang, zone).clock(left)) } @else { (page::badge(Tone::Ok, &t(lang, "inside-now"))) }
                }
            }
        }
    }
}

/// A line as one would tell it: good or not, in which direction, how often it broke.
fn told(lang: Lang, line: &LineView) -> Markup {
    let verdict = line.seconds.verdict().unwrap_or("no_data");
    let bad = line.seconds.poor + line.seconds.bad;
    html! {
        (line.name) " · " (t(lang, if line.direction == "out" { "line-out" } else { "line-in" })) " " (badge(lang, verdict))
        @if bad > 0 { " " (TEXTS.with(lang, "line-poor-for", &[("seconds", &bad.to_string())])) }
        @if let Some(mos) = line.mos_worst.filter(|_| verdict != "good") {
            " " span.faint { (TEXTS.with(lang, "line-mos", &[("mos", &format!("{mos:.1}"))])) }
        }
        @if line.reconnects > 0 && line.direction == "in" { " " (TEXTS.with(lang, "line-reconnects", &[("times", &line.reconnects.to_string())])) }
    }
}

/// The people of the own side who hold tickets, and taking them back.
pub(super) fn tickets(lang: Lang, sheet: &Sheet) -> Markup {
    let zone = sheet.consult.zone_of(&sheet.ctx.actor);
    let shown = usize::try_from(LIST_MAX).unwrap_or(usize::MAX);
    html! {
        @if !sheet.tickets.is_empty() {
            section.card aria-labelledby="tickets-title" {
                h2 #tickets-title { (t(lang, "tickets")) }
                p.faint { (t(lang, "tickets-help")) }
                @for holder in sheet.tickets.iter().take(shown) {
                    div.spread {
                        p {
                            (in_role(lang, &holder.name, holder.role)) br;
                            span.faint { (t(lang, "until")) " " (near(&sheet.ctx, zone, holder.expires_at)) }
                        }
                        (revoke(lang, sheet, holder))
                    }
                }
                @if sheet.tickets.len() > shown { (page::count(lang, shown, true)) }
            }
        }
    }
}

fn revoke(lang: Lang, sheet: &Sheet, holder: &TicketHolder) -> Markup {
    let (call, ask) = (sheet.call("POST", "/tickets/revoke"), t(lang, "ask-ticket-revoke"));
    let fields = html! {
        input type="hidden" name="person" value=(holder.person);
        button.plain type="submit" { (t(lang, "do-ticket-revoke")) }
    };
    page::form(lang, None, "", Send { confirm: Some(&ask), ..Send::to(&call) }, &fields)
}

/// The people who ring, so that a member of staff who is free goes and lets them in.
pub(super) fn bell(ctx: &Ctx, calls: &[CallView]) -> Markup {
    let lang = ctx.lang;
    html! {
        @for call in calls {
            @let minutes = (ctx.now() - call.since).num_minutes().max(1).to_string();
            div.notice.warn role="alert" data-bell=(format!("{}-{}", call.consult_id, call.since.timestamp())) {
                p.strong { (TEXTS.with(lang, "bell", &[("name", &call.caller.show(&ctx.shows, call).name), ("minutes", &minutes)])) }
                a.button.primary.large href=(format!("/room?consult={}", call.consult_id)) { (t(lang, "bell-go")) }
            }
        }
    }
}
