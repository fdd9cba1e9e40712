//! The devices that an organisation's consults share, on its page: listed, added, renamed, resized, closed and reopened.

use maud::{Markup, html};
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Errors, Field, Send, Tone, badge, count, empty, form, head, press};

use super::super::TEXTS;
use crate::account::organisation::Organisation;
use crate::account::shared_device::{self, NAME_CHARS_MAX, QUANTITY_MAX, SharedDevice, SharedDeviceState};

/// The part with the devices.
pub(super) async fn part(conn: &mut Conn, lang: Lang, own: &Organisation) -> Result<Markup, DbError> {
    let devices = shared_device::list(conn, own.id).await?;
    let needed = shared_device::needed(conn, own.id).await?;
    let t = |key: &str| TEXTS.get(lang, key);
    let heads = ["room-name", "device-quantity", "room-state", "actions"].map(t);
    Ok(html! {
        section.card #devices aria-labelledby="devices-title" {
            h2 #devices-title { (t("devices-title")) }
            @if devices.is_empty() {
                (empty(&t("devices-none"), None))
            } @else {
                (count(lang, devices.len(), false))
                div.scroll { table.table {
                    (head(&heads.each_ref().map(String::as_str)))
                    tbody { @for device in &devices { (row(lang, device, needed.get(&device.id).copied().unwrap_or(0))) } }
                } }
            }
            (add(lang, own))
        }
    })
}

fn row(lang: Lang, device: &SharedDevice, needed: i64) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let open = device.state == SharedDeviceState::Open;
    html! {
        tr {
            th scope="row" { (device.name) }
            td data-label=(t("device-quantity")) { (device.quantity) }
            td data-label=(t("room-state")) {
                @if open { (badge(Tone::Ok, &t("room-open"))) } @else { (badge(Tone::Plain, &t("room-closed"))) }
                @if needed > 0 { " " span.faint { (TEXTS.with(lang, "device-needed", &[("count", &needed.to_string())])) } }
            }
            td {
                @if open { (rename(lang, device)) (resize(lang, device)) }
                (switch(lang, device, needed))
            }
        }
    }
}

fn name_field<'a>(label: &'a str, id: &'a str, value: &'a str) -> Field<'a> {
    Field { name: "name", id, label, value, required: true, chars_max: NAME_CHARS_MAX, ..Field::default() }
}

fn quantity_field<'a>(label: &'a str, help: &'a str, id: &'a str, value: &'a str) -> Field<'a> {
    let (kind, inputmode, help) = ("number", Some("numeric"), Some(help));
    Field { name: "quantity", id, label, help, value, kind, inputmode, required: true, ..Field::default() }
}

fn resize(lang: Lang, device: &SharedDevice) -> Markup {
    let (label, id, value) =
        (TEXTS.get(lang, "device-quantity"), format!("quantity-{}", device.id), device.quantity.to_string());
    let help = TEXTS.with(lang, "device-quantity-help", &[("max", &QUANTITY_MAX.to_string())]);
    let fields = html! {
        (quantity_field(&label, &help, &id, &value).draw(lang, &Errors::default()))
        button.button type="submit" { (TEXTS.get(lang, "device-resize-save")) }
    };
    let call = format!("POST /v1/devices/{}/resize", device.id);
    html! {
        details {
            summary { (TEXTS.get(lang, "device-resize")) }
            (form(lang, None, "stack", Send::step(&call, device.version), &fields))
        }
    }
}

fn rename(lang: Lang, device: &SharedDevice) -> Markup {
    let (label, id) = (TEXTS.get(lang, "room-name"), format!("name-{}", device.id));
    let fields = html! {
        (name_field(&label, &id, &device.name).draw(lang, &Errors::default()))
        button.button type="submit" { (TEXTS.get(lang, "room-rename-save")) }
    };
    let call = format!("PATCH /v1/devices/{}", device.id);
    html! {
        details {
            summary { (TEXTS.get(lang, "room-rename")) }
            (form(lang, None, "stack", Send::step(&call, device.version), &fields))
        }
    }
}

/// The button that closes a device, or reopens it.
fn switch(lang: Lang, device: &SharedDevice, needed: i64) -> Markup {
    let step = if device.state == SharedDeviceState::Open { "close" } else { "reopen" };
    let call = format!("POST /v1/devices/{}/{step}", device.id);
    let ask = (step == "close").then(|| {
        TEXTS.with(
            lang,
            if needed > 0 { "device-ask-close-needed" } else { "device-ask-close" },
            &[("name", &device.name), ("count", &needed.to_string())],
        )
    });
    let send = Send { confirm: ask.as_deref(), ..Send::step(&call, device.version) };
    press(&format!("{step}-{}", device.id), "button", send, &TEXTS.get(lang, &format!("room-{step}")))
}

fn add(lang: Lang, own: &Organisation) -> Markup {
    let (label, number) = (TEXTS.get(lang, "device-new"), TEXTS.get(lang, "device-quantity"));
    let help = TEXTS.with(lang, "device-quantity-help", &[("max", &QUANTITY_MAX.to_string())]);
    let fields = html! {
        (name_field(&label, "device-name", "").draw(lang, &Errors::default()))
        (quantity_field(&number, &help, "device-quantity", "1").draw(lang, &Errors::default()))
        button.button type="submit" { (TEXTS.get(lang, "device-add")) }
    };
    let call = format!("POST /v1/organisations/{}/devices", own.id);
    form(lang, None, "stack", Send::to(&call), &fields)
}
