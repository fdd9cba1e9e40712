//! The forms that give a consult its time: with doctors of the wanted rank, and at the inviting side's word with others.

use maud::{Markup, html};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Select, Tone};

use super::sheet::{Colleagues, ROOMS_SHOWN_MAX, SLOTS_SHOWN_MAX, Sheet};
use super::{TEXTS, overbook, t, words};
use crate::consult::practitioner::FreeSlot;
use crate::texts;

/// The times of one form.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Offer {
    /// Those of the doctor who took it on, or of all who fit.
    Fitting,
    /// Those of other doctors who fit.
    Colleague,
    /// Those of doctors below the wanted rank.
    Below,
}

impl Offer {
    /// The end of the ids in the form.
    fn suffix(self) -> &'static str {
        match self {
            Self::Fitting => "",
            Self::Colleague => "-colleague",
            Self::Below => "-below",
        }
    }

    fn slots(self, sheet: &Sheet) -> &[FreeSlot] {
        match self {
            Self::Fitting => &sheet.slots,
            Self::Colleague => match &sheet.colleagues {
                Colleagues::Free(slots) => slots,
                Colleagues::None | Colleagues::Unasked => &[],
            },
            Self::Below => &sheet.below,
        }
    }
}

/// Time and room, which may be any that is free; the value of a time is `doctor|start`.
pub(super) fn form(lang: Lang, sheet: &Sheet, step: &str) -> Markup {
    html! {
        @if sheet.rooms.is_empty() { (page::notice(Tone::Warn, &t(lang, "no-rooms"))) }
        @else {
            @if sheet.slots.is_empty() { (page::notice(Tone::Warn, &t(lang, "no-slots"))) }
            @else { (choice(lang, sheet, step, Offer::Fitting)) }
            (overbook::offer(lang, sheet, step))
            (colleague(lang, sheet, step))
            @if !sheet.below.is_empty() { (below(lang, sheet, step)) }
        }
    }
}

/// Other doctors: their times once they are asked for, until then the link that asks.
fn colleague(lang: Lang, sheet: &Sheet, step: &str) -> Markup {
    let id = format!("ask-{step}-colleague");
    html! {
        @match &sheet.colleagues {
            Colleagues::None => {},
            Colleagues::Unasked => p { a.button href=(format!("/consults/{}?colleague#{id}", sheet.consult.id)) { (t(lang, "do-colleague")) } },
            Colleagues::Free(slots) if slots.is_empty() => div id=(id) { (page::notice(Tone::Warn, &t(lang, "no-colleagues"))) },
            Colleagues::Free(_) => details id=(id) open {
                summary { (t(lang, "do-colleague")) }
                (choice(lang, sheet, step, Offer::Colleague))
            },
        }
    }
}

/// Doctors below the wanted rank, behind a word of what one agrees to.
fn below(lang: Lang, sheet: &Sheet, step: &str) -> Markup {
    let title = sheet.consult.wanted_title.map(|wanted| texts::title(lang, wanted)).unwrap_or_default();
    html! {
        details id=(format!("ask-{step}-below")) {
            summary { (t(lang, "below-rank")) }
            p { (TEXTS.with(lang, "below-rank-help", &[("title", &title)])) }
            (choice(lang, sheet, step, Offer::Below))
        }
    }
}

fn choice(lang: Lang, sheet: &Sheet, step: &str, offer: Offer) -> Markup {
    let (fitting, below) = (offer == Offer::Fitting, offer == Offer::Below);
    let main = step == "schedule" && fitting;
    html! {
        form.stack method="post" novalidate data-schedule data-zone=(sheet.consult.zone_of(&sheet.ctx.actor).name()) data-below-rank[below] data-taken=(t(lang, "taken-choose"))
            data-beside=[sheet.beside.as_ref().map(|_| overbook::dialog_id(step))] data-beside-label=[sheet.beside.as_ref().map(|_| t(lang, "do-overbook"))]
            data-beside-with=[sheet.beside.as_ref().map(|_| t(lang, "overbook-runs-into"))]
            data-send=(sheet.call("POST", &format!("/{step}"))) data-version=(sheet.consult.version) {
            noscript { (page::notice(Tone::Warn, &t(lang, "needs-script"))) }
            (fields(lang, sheet, step, offer))
            button.button.primary[fitting].large[main] type="submit" { (t(lang, &format!("do-{step}"))) }
        }
    }
}

fn fields(lang: Lang, sheet: &Sheet, step: &str, offer: Offer) -> Markup {
    let words = words(lang, sheet.consult.zone_of(&sheet.ctx.actor));
    let slots = offer.slots(sheet);
    let others = slots.iter().any(|s| Some(s.doctor_id) != sheet.consult.state.doctor());
    let room = sheet.consult.state.appointment().map(|a| a.room);
    let doctor = |s: &FreeSlot| match (offer == Offer::Below, others) {
        (true, _) => format!(" · {} {}", s.doctor_name, texts::title(lang, s.title)),
        (false, true) => format!(" · {}", s.doctor_name),
        (false, false) => String::new(),
    };
    let times = slots.iter().take(SLOTS_SHOWN_MAX).map(|s| {
        let day = words.day(s.starts_at.with_timezone(&words.zone).date_naive());
        let said = format!("{day} {}{}", words.span(s.starts_at, s.ends_at), doctor(s));
        page::pick(format!("{}|{}", s.doctor_id, s.starts_at.to_rfc3339()), said, false)
    });
    let times: Vec<_> = times.collect();
    let any = page::pick("", t(lang, "any-room"), false);
    let some = sheet.rooms.iter().take(ROOMS_SHOWN_MAX);
    let rooms = std::iter::once(any).chain(some.map(|(id, name)| page::pick(id, name, room == Some(*id))));
    let suffix = offer.suffix();
    let (time_id, time_label, help) = (format!("slot-{step}{suffix}"), t(lang, "time"), t(lang, "slot-help"));
    let (room_id, room_label) = (format!("room-{step}{suffix}"), t(lang, "room"));
    let time = Select { name: "starts_at", id: &time_id, label: &time_label, help: Some(&help), ..Select::default() };
    let room = Select { name: "room_id", id: &room_id, label: &room_label, ..Select::default() };
    html! {
        (Select { required: true, ..time }.draw(&times))
        @if slots.len() > SLOTS_SHOWN_MAX { p.faint { (TEXTS.with(lang, "slots-more", &[("count", &SLOTS_SHOWN_MAX.to_string())])) } }
        (room.draw(&rooms.collect::<Vec<_>>()))
        @if sheet.rooms.len() > ROOMS_SHOWN_MAX { p.faint { (TEXTS.with(lang, "rooms-more", &[("count", &ROOMS_SHOWN_MAX.to_string())])) } }
    }
}
