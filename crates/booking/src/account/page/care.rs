//! Care facts on a person's page: the parts that the reader may see, and the form that changes them.

use maud::{Markup, html};
use sanbao_platform::cn::phone_link;
use sanbao_platform::http::Ctx;
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Choice, Errors, Field, Select, Send, Tone, Words, badge, form};
use sanbao_platform::problem::Problem;
use sanbao_platform::text_enum::TextEnum;

use super::TEXTS;
use crate::App;
use crate::account::person::care::{
    AbilityLevel, CONTACTS_MAX, CareContact, CareView, ClinicalFacts, DoorFacts, HearingLevel, MannerFacts, PlaceMap,
    SightLevel, TEXT_CHARS_MAX, api,
};
use crate::account::person::sheet::PersonSheet;

/// Empty lines for further contacts.
const CONTACTS_MORE: usize = 2;

/// The care facts of the person of a page; none for those who see no part of them.
pub(super) async fn shown(app: &App, ctx: &Ctx, sheet: &PersonSheet) -> Result<Option<CareView>, Problem> {
    match api::read(app, ctx, sheet.person.id).await {
        Ok(view) => Ok(Some(view)),
        Err(problem) if problem.status() == 404 => Ok(None),
        Err(problem) => Err(problem),
    }
}

pub(super) fn part(words: Words, care: &CareView) -> Markup {
    let contacts = care.contacts.as_deref().unwrap_or_default();
    html! {
        section.card #care aria-labelledby="care-title" {
            h2 #care-title { (words.t("care-title")) }
            @if care.version == 0 { p.faint { (words.t("care-none")) } }
            dl.facts { @for (key, text) in known(words, care) {
                dt { (words.t(&format!("care-{key}"))) }
                dd { (text) }
            } }
            @if !contacts.is_empty() {
                h3 { (words.t("care-contacts")) }
                ol.plain-list { @for contact in contacts { li { (call(words, contact)) } } }
            }
            @if care.may_write {
                details {
                    summary { (words.t("care-edit")) }
                    (edit(words.lang, care))
                }
            }
        }
    }
}

fn call(words: Words, contact: &CareContact) -> Markup {
    html! {
        (contact.name) " "
        @if let Some(relation) = &contact.relation { span.faint { (relation) } " " }
        @if contact.guardian { (badge(Tone::Info, &words.t("care-guardian"))) " " }
        a href=(phone_link(&contact.phone)) { (contact.phone) }
    }
}

/// The facts that are known, each with the key of its words.
fn known(words: Words, care: &CareView) -> Vec<(&'static str, String)> {
    let mut known: Vec<(&'static str, Option<String>)> = Vec::new();
    if let Some(DoorFacts { address_detail, access_hint, latitude, longitude, key, pets }) = care.door.clone() {
        known.extend([("address_detail", address_detail), ("access_hint", access_hint), ("key", key), ("pets", pets)]);
        known.push(("place", place(latitude, longitude)));
    }
    if let Some(MannerFacts { hearing, sight, language, allergies, devices, wishes }) = care.manner.clone() {
        known.push(("hearing", hearing.map(|level| words.t(&format!("care-hearing-{}", level.as_str())))));
        known.push(("sight", sight.map(|level| words.t(&format!("care-sight-{}", level.as_str())))));
        known.extend([("language", language), ("allergies", allergies), ("devices", devices), ("wishes", wishes)]);
    }
    if let Some(ClinicalFacts { conditions, ability, ability_on }) = care.clinical.clone() {
        known.push(("conditions", conditions));
        known.push(("ability", ability.map(|level| words.t(&format!("care-ability-{}", level.as_str())))));
        known.push(("ability_on", ability_on.map(|day| words.day(day))));
    }
    known.into_iter().filter_map(|(key, text)| text.map(|text| (key, text))).collect()
}

fn place(latitude: Option<f64>, longitude: Option<f64>) -> Option<String> {
    latitude.zip(longitude).map(|(latitude, longitude)| format!("{latitude:.6},{longitude:.6}"))
}

/// A text of a part.
fn text(lang: Lang, part: &str, key: &str, value: Option<&String>, more: Field<'_>) -> Markup {
    let (name, label) = (format!("{part}.{key}"), TEXTS.get(lang, &format!("care-{key}")));
    let chars_max = if more.chars_max == 0 { TEXT_CHARS_MAX } else { more.chars_max };
    let value = value.map(String::as_str).unwrap_or_default();
    Field { name: &name, label: &label, value, chars_max, ..more }.draw(lang, &Errors::default())
}

/// One of several values of a part, or that it is not known.
fn choose<T: TextEnum + PartialEq>(lang: Lang, part: &str, key: &str, chosen: Option<T>) -> Markup {
    let unknown = TEXTS.get(lang, "care-unknown");
    select(lang, part, key, Some(&unknown), chosen)
}

fn select<T: TextEnum + PartialEq>(lang: Lang, part: &str, key: &str, none: Option<&str>, chosen: Option<T>) -> Markup {
    let (name, label) = (format!("{part}.{key}"), TEXTS.get(lang, &format!("care-{key}")));
    let choice = |value: &T| Choice {
        value: value.as_str().to_owned(),
        words: TEXTS.get(lang, &format!("care-{key}-{}", value.as_str())),
        chosen: chosen.as_ref() == Some(value),
    };
    let choices: Vec<Choice> = T::ALL.iter().map(choice).collect();
    Select { name: &name, label: &label, none, ..Select::default() }.draw(&choices)
}

fn edit(lang: Lang, care: &CareView) -> Markup {
    let fields = html! {
        @if let Some(door) = &care.door { (edit_door(lang, door)) }
        @if let Some(manner) = &care.manner { (edit_manner(lang, manner)) }
        @if let Some(clinical) = &care.clinical { (edit_clinical(lang, clinical)) }
        @if let Some(contacts) = &care.contacts { (edit_contacts(lang, contacts)) }
        button.button type="submit" { (TEXTS.get(lang, "care-save")) }
    };
    let call = format!("PUT /v1/persons/{}/care", care.person_id);
    form(lang, Some("care-form"), "stack", Send::step(&call, care.version), &fields)
}

fn edit_door(lang: Lang, door: &DoorFacts) -> Markup {
    let help = TEXTS.get(lang, "care-place-help");
    let line = |key, value| text(lang, "door", key, value, Field::default());
    let at = place(door.latitude, door.longitude);
    html! {
        (text(lang, "door", "address_detail", door.address_detail.as_ref(), Field { chars_max: 200, ..Field::default() }))
        (line("access_hint", door.access_hint.as_ref()))
        (line("key", door.key.as_ref()))
        (line("pets", door.pets.as_ref()))
        (text(lang, "door", "place", at.as_ref(), Field { help: Some(&help), chars_max: 60, ..Field::default() }))
        (select(lang, "door", "place_map", None, Some(PlaceMap::Wgs84)))
    }
}

fn edit_manner(lang: Lang, manner: &MannerFacts) -> Markup {
    let line = |key, value| text(lang, "manner", key, value, Field::default());
    html! {
        (choose::<HearingLevel>(lang, "manner", "hearing", manner.hearing))
        (choose::<SightLevel>(lang, "manner", "sight", manner.sight))
        (text(lang, "manner", "language", manner.language.as_ref(), Field { chars_max: 60, ..Field::default() }))
        (line("allergies", manner.allergies.as_ref()))
        (line("devices", manner.devices.as_ref()))
        (line("wishes", manner.wishes.as_ref()))
    }
}

fn edit_clinical(lang: Lang, clinical: &ClinicalFacts) -> Markup {
    let on = clinical.ability_on.map(|day| day.to_string());
    html! {
        (text(lang, "clinical", "conditions", clinical.conditions.as_ref(), Field::default()))
        (choose::<AbilityLevel>(lang, "clinical", "ability", clinical.ability))
        (text(lang, "clinical", "ability_on", on.as_ref(), Field { kind: "date", ..Field::default() }))
    }
}

fn edit_contacts(lang: Lang, contacts: &[CareContact]) -> Markup {
    let t = |key: &str| TEXTS.get(lang, key);
    let [name_label, relation_label, phone_label] = ["care-contact-name", "care-contact-relation", "phone"].map(t);
    let field = |name: &str, label: &str, value: &str, chars_max| {
        Field { name, label, value, chars_max, ..Field::default() }.draw(lang, &Errors::default())
    };
    html! {
        @for at in 0..(contacts.len() + CONTACTS_MORE).min(CONTACTS_MAX) {
            @let contact = contacts.get(at);
            @let of = |read: fn(&CareContact) -> &str| contact.map(read).unwrap_or_default().to_owned();
            fieldset {
                legend { (TEXTS.with(lang, "care-contact", &[("n", &(at + 1).to_string())])) }
                (field(&format!("contacts.{at}.name"), &name_label, &of(|c| &c.name), 40))
                (field(&format!("contacts.{at}.relation"), &relation_label, &of(|c| c.relation.as_deref().unwrap_or_default()), 20))
                (field(&format!("contacts.{at}.phone"), &phone_label, &of(|c| &c.phone), 40))
                label {
                    input type="checkbox" name=(format!("contacts.{at}.guardian")) value="true" checked[contact.is_some_and(|c| c.guardian)];
                    " " (t("care-guardian"))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_a_key_is_made_of_has_its_words() {
        let keys = [
            "address_detail",
            "access_hint",
            "key",
            "pets",
            "place",
            "place_map",
            "hearing",
            "sight",
            "language",
            "allergies",
            "devices",
            "wishes",
            "conditions",
            "ability",
            "ability_on",
        ];
        let keys = keys.iter().map(|key| format!("care-{key}"));
        let hearing = HearingLevel::ALL.iter().map(|level| format!("care-hearing-{}", level.as_str()));
        let sight = SightLevel::ALL.iter().map(|level| format!("care-sight-{}", level.as_str()));
        let ability = AbilityLevel::ALL.iter().map(|level| format!("care-ability-{}", level.as_str()));
        let maps = PlaceMap::ALL.iter().map(|map| format!("care-place_map-{}", map.as_str()));
        assert_eq!(TEXTS.lacking(keys.chain(hearing).chain(sight).chain(ability).chain(maps)), [""; 0]);
    }
}
