//! An organisation's rooms on its page: listed, added, renamed, resized, closed and reopened.

use maud::{Markup, html};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Errors, Field, Send, Tone, badge, count, empty, form, head, press};

use super::super::TEXTS;
use crate::account::location::{Location, LocationState, NAME_CHARS_MAX, ROOM_CAPACITY_MAX};
use crate::account::organisation::{Organisation, OrganisationKind};

/// Whether rooms of such an organisation are of use: it invites doctors to consults.
pub(super) fn has_rooms(kind: OrganisationKind) -> bool {
    kind == OrganisationKind::CareHome
}

/// The part with the rooms.
pub(super) fn part(lang: Lang, own: &Organisation, rooms: &[Location]) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let heads = ["room-name", "room-capacity", "room-state", "actions"].map(t);
    html! {
        section.card #rooms aria-labelledby="rooms-title" {
            h2 #rooms-title { (t("rooms-title")) }
            @if rooms.is_empty() {
                (empty(&t("rooms-none"), None))
            } @else {
                (count(lang, rooms.len(), false))
                div.scroll { table.table {
                    (head(&heads.each_ref().map(String::as_str)))
                    tbody { @for room in rooms { (row(lang, room)) } }
                } }
            }
            (add(lang, own))
        }
    }
}

fn row(lang: Lang, room: &Location) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let open = room.state == LocationState::Open;
    html! {
        tr {
            th scope="row" { (room.name) }
            td data-label=(t("room-capacity")) { (room.capacity) }
            td data-label=(t("room-state")) {
                @if open { (badge(Tone::Ok, &t("room-open"))) } @else { (badge(Tone::Plain, &t("room-closed"))) }
            }
            td {
                @if open { (rename(lang, room)) (resize(lang, room)) }
                (switch(lang, room))
            }
        }
    }
}

fn name_field<'a>(label: &'a str, id: &'a str, value: &'a str) -> Field<'a> {
    Field { name: "name", id, label, value, required: true, chars_max: NAME_CHARS_MAX, ..Field::default() }
}

fn capacity_field<'a>(label: &'a str, help: &'a str, id: &'a str, value: &'a str) -> Field<'a> {
    let (kind, inputmode, help) = ("number", Some("numeric"), Some(help));
    Field { name: "capacity", id, label, help, value, kind, inputmode, required: true, ..Field::default() }
}

fn resize(lang: Lang, room: &Location) -> Markup {
    let (label, id, value) =
        (TEXTS.get(lang, "room-capacity"), format!("capacity-{}", room.id), room.capacity.to_string());
    let help = TEXTS.with(lang, "room-capacity-help", &[("max", &ROOM_CAPACITY_MAX.to_string())]);
    let fields = html! {
        (capacity_field(&label, &help, &id, &value).draw(lang, &Errors::default()))
        button.button type="submit" { (TEXTS.get(lang, "room-resize-save")) }
    };
    let call = format!("POST /v1/locations/{}/resize", room.id);
    html! {
        details {
            summary { (TEXTS.get(lang, "room-resize")) }
            (form(lang, None, "stack", Send::step(&call, room.version), &fields))
        }
    }
}

fn rename(lang: Lang, room: &Location) -> Markup {
    let (label, id) = (TEXTS.get(lang, "room-name"), format!("name-{}", room.id));
    let fields = html! {
        (name_field(&label, &id, &room.name).draw(lang, &Errors::default()))
        button.button type="submit" { (TEXTS.get(lang, "room-rename-save")) }
    };
    let call = format!("PATCH /v1/locations/{}", room.id);
    html! {
        details {
            summary { (TEXTS.get(lang, "room-rename")) }
            (form(lang, None, "stack", Send::step(&call, room.version), &fields))
        }
    }
}

/// The button that closes a room, or reopens it.
fn switch(lang: Lang, room: &Location) -> Markup {
    let step = if room.state == LocationState::Open { "close" } else { "reopen" };
    let call = format!("POST /v1/locations/{}/{step}", room.id);
    let ask = (step == "close").then(|| TEXTS.with(lang, "room-ask-close", &[("name", &room.name)]));
    let send = Send { confirm: ask.as_deref(), ..Send::step(&call, room.version) };
    press(&format!("{step}-{}", room.id), "button", send, &TEXTS.get(lang, &format!("room-{step}")))
}

fn add(lang: Lang, own: &Organisation) -> Markup {
    let (label, number) = (TEXTS.get(lang, "room-new"), TEXTS.get(lang, "room-capacity"));
    let help = TEXTS.with(lang, "room-capacity-help", &[("max", &ROOM_CAPACITY_MAX.to_string())]);
    let fields = html! {
        (name_field(&label, "room-name", "").draw(lang, &Errors::default()))
        (capacity_field(&number, &help, "room-capacity", "1").draw(lang, &Errors::default()))
        button.button type="submit" { (TEXTS.get(lang, "room-add")) }
    };
    let call = format!("POST /v1/organisations/{}/locations", own.id);
    form(lang, None, "stack", Send::to(&call), &fields)
}
