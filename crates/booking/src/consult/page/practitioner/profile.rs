//! A doctor's profile: specialty, rank, licence.

use maud::Markup;
use maud::html;
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Choice, Errors, Field, Select, Send};

use super::t;
use crate::account::AccountId;
use crate::consult::input::{NAME_CHARS_MAX, Title};
use crate::consult::practitioner::{Practitioner, specialty};
use crate::texts;

/// Specialty and rank in words.
pub(super) fn said(lang: Lang, doctor: &Practitioner) -> String {
    format!("{} · {}", lang.pick(&doctor.specialty_zh, &doctor.specialty_en), texts::title(lang, doctor.title))
}

pub(super) fn form(lang: Lang, id: AccountId, known: Option<&Practitioner>) -> Markup {
    let [specialty, choose, rank, licence, help] =
        ["part-specialty", "choose", "doctors-rank", "doctor-licence", "doctor-licence-help"].map(|key| t(lang, key));
    let titles: Vec<Choice> = Title::ALL
        .iter()
        .map(|title| page::pick(title.as_str(), texts::title(lang, *title), known.is_some_and(|k| k.title == *title)))
        .collect();
    let value = known.map_or("", |known| &known.licence_no);
    let licence =
        Field { name: "licence_no", label: &licence, help: Some(&help), value, required: true, ..Field::default() };
    let specialties =
        Select { name: "specialty", label: &specialty, none: Some(&choose), required: true, ..Select::default() };
    let fields = html! {
        (specialties.draw(&specialties_of(lang, known)))
        (Select { name: "title", label: &rank, none: Some(&choose), required: true, ..Select::default() }.draw(&titles))
        (Field { chars_max: NAME_CHARS_MAX, ..licence }.draw(lang, &Errors::default()))
        button.button.primary[known.is_none()] type="submit" { (t(lang, "doctor-profile-save")) }
    };
    let call = format!("PUT /v1/practitioners/{id}");
    let send = Send { version: known.map(Practitioner::version), ..Send::to(&call) };
    page::form(lang, Some("profile"), "stack", send, &fields)
}

/// The house's list, and before it the doctor's own specialty if the list lacks it.
fn specialties_of(lang: Lang, known: Option<&Practitioner>) -> Vec<Choice> {
    let code = known.map_or("", |known| &known.specialty);
    let own = known.filter(|known| specialty::find(&known.specialty).is_none());
    let own = own.map(|known| page::pick(&known.specialty, lang.pick(&known.specialty_zh, &known.specialty_en), true));
    let listed = specialty::ALL.iter().map(|s| page::pick(s.code, lang.pick(s.zh, s.en), s.code == code));
    own.into_iter().chain(listed).collect()
}
