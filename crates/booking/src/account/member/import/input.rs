//! Which columns a file of accounts has, and the account that a row tells of.

use sanbao_platform::lang::Lang;
use sanbao_platform::table::{Columns, Fault, Mask, TableRow, whole_row};

use crate::account::input::{Wrong, line, login};
use crate::account::member::input::roles;
use crate::account::organisation::OrganisationKind;
use crate::consult::input::{NAME_CHARS_MAX, Title};
use crate::consult::practitioner::specialty::{self, Specialty};
use crate::role::DOCTOR;
use crate::texts;

/// The columns of a file of accounts.
pub(super) const COLUMNS: Columns = Columns {
    words: &[
        ("login", &["用户名", "登录名", "账号"]),
        ("display_name", &["姓名", "显示名", "name"]),
        ("roles", &["角色", "岗位"]),
        ("areas", &["区域", "区域编码", "负责区域"]),
        ("title", &["职称"]),
        ("licence_no", &["执业证书编号", "执业证号", "执业证书号", "licence"]),
        ("specialty", &["科室", "专科"]),
    ],
    spare: &[],
    needed: &["login", "display_name", "roles"],
    digits: &["login", "areas", "licence_no"],
    masks: &[("display_name", Mask::Name), ("licence_no", Mask::Whole)],
};

/// The signs between the entries of a list in one cell.
const BETWEEN: [char; 9] = [',', '，', '、', ';', '；', '/', '|', '\n', ' '];

/// The registration of a doctor.
pub(super) struct ImportedDoctor {
    pub(super) specialty: Specialty,
    pub(super) title: Title,
    pub(super) licence_no: String,
}

/// The account that a row tells of; whether its areas are the organisation's to give is for the database to say.
pub(super) struct ImportedAccount {
    pub(super) login: String,
    pub(super) name: String,
    pub(super) roles: Vec<String>,
    pub(super) areas: Vec<String>,
    pub(super) doctor: Option<ImportedDoctor>,
    pub(super) doubts: Vec<Fault>,
}

struct Cells<'a> {
    by_field: &'a [(&'static str, String)],
    faults: Vec<Fault>,
    doubts: Vec<Fault>,
}

/// Reads a row, or tells why it cannot be taken.
pub(super) fn account(row: &TableRow, kind: OrganisationKind) -> Result<ImportedAccount, Vec<Fault>> {
    let by_field = row.cells.as_deref().map_err(|code| vec![whole_row(code)])?;
    let mut cells = Cells { by_field, faults: Vec::new(), doubts: Vec::new() };
    let login = cells.needed("login", "login_format", login);
    let name = cells.needed("display_name", "name_format", |text| line(text, 40));
    let roles =
        cells.needed("roles", "role_unknown", |text| roles(kind, &split(text).map(role_of).collect::<Vec<_>>()));
    let areas = cells.get("areas").map(|text| split(text).map(|code| code.trim_end_matches(".0").to_owned()).collect());
    let is_doctor = roles.as_ref().is_some_and(|roles| roles.iter().any(|role| role == DOCTOR));
    let doctor = cells.doctor(is_doctor);
    match (login, name, roles) {
        (Some(login), Some(name), Some(roles)) if cells.faults.is_empty() => {
            let (areas, doubts) = (areas.unwrap_or_default(), cells.doubts);
            Ok(ImportedAccount { login, name, roles, areas, doctor, doubts })
        }
        _ => Err(cells.faults),
    }
}

impl Cells<'_> {
    fn get(&self, field: &str) -> Option<&str> {
        self.by_field.iter().find(|(name, _)| *name == field).map(|(_, text)| text.as_str())
    }

    fn needed<T>(
        &mut self,
        field: &'static str,
        code: &'static str,
        read: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let Some(text) = self.get(field) else {
            self.faults.push(Fault::new(field, "required", "必填", "This field is required"));
            return None;
        };
        match read(text) {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.faults.push(Fault { field, code, zh: wrong.zh, en: wrong.en });
                None
            }
        }
    }

    fn doubt(&mut self, field: &'static str, code: &'static str, zh: &'static str, en: &'static str) {
        self.doubts.push(Fault::new(field, code, zh, en));
    }

    /// The doctor that the row tells of. Where something of one cannot be read, the account is made without it.
    fn doctor(&mut self, is_doctor: bool) -> Option<ImportedDoctor> {
        let [title, licence, specialty] =
            ["title", "licence_no", "specialty"].map(|field| self.get(field).map(str::to_owned));
        if title.is_none() && licence.is_none() && specialty.is_none() {
            return None;
        }
        if !is_doctor {
            self.doubt(
                "title",
                "no_doctor",
                "不是医生，没有登记职称和科室",
                "Not a doctor: nothing was registered of one",
            );
            return None;
        }
        let known_title = title.as_deref().and_then(title_of);
        let known = specialty.as_deref().and_then(specialty_of);
        let licence = licence.and_then(|text| line(&text, NAME_CHARS_MAX).ok());
        if known_title.is_none() {
            self.doubt(
                "title",
                "title_unknown",
                "职称不认识，请之后在医生页面登记",
                "An unknown title: register the doctor by hand",
            );
        }
        if known.is_none() {
            let zh = "科室不认识，请之后在医生页面登记";
            self.doubt("specialty", "specialty_unknown", zh, "An unknown specialty: register the doctor by hand");
        }
        if licence.is_none() {
            let zh = "缺执业证书编号，请之后在医生页面登记";
            self.doubt("licence_no", "licence_lacking", zh, "No licence: register the doctor by hand");
        }
        let ((title, specialty), licence_no) = known_title.zip(known).zip(licence)?;
        Some(ImportedDoctor { specialty, title, licence_no })
    }
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(BETWEEN).map(str::trim).filter(|part| !part.is_empty())
}

/// The name of a role that a file calls by it, or by its words.
fn role_of(word: &str) -> String {
    let same = |role: &&&str| {
        let words = |lang| texts::ACCOUNT.get(lang, &format!("role-{role}"));
        words(Lang::Zh) == word || words(Lang::En).eq_ignore_ascii_case(word)
    };
    crate::role::ALL.iter().find(same).map_or_else(|| word.to_owned(), |role| (*role).to_owned())
}

fn title_of(word: &str) -> Option<Title> {
    let same = |title: &Title| {
        title.as_str() == word
            || texts::title(Lang::Zh, *title) == word
            || texts::title(Lang::En, *title).eq_ignore_ascii_case(word)
    };
    Title::ALL.iter().copied().find(same)
}

fn specialty_of(word: &str) -> Option<Specialty> {
    specialty::ALL.into_iter().find(|s| s.code == word || s.zh == word || s.en.eq_ignore_ascii_case(word))
}
