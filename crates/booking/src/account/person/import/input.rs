//! Which columns a file of people has, and the person that a row tells of.

use chrono::NaiveDate;
use sanbao_platform::cn::{
    DiallingCode, Paper, PaperDoubt, PaperKind, Phone, is_doubtful_name, is_none_yet, is_rounded,
};
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::invisible::without_invisible;
use sanbao_platform::table::{Columns, Fault, Mask, TableRow, when, whole_row};

use crate::account::input::{Sex, Wrong, area_code, line, person_name};
use crate::account::person::model::Person;
use crate::account::person::phones::{PersonPhone, PhoneOwner};

/// Characters of a number in another system at most.
const ID_CHARS_MAX: usize = 100;
/// Telephones of one row at most.
const PHONES_MAX: usize = 8;

/// The columns of a file of people.
pub(super) const COLUMNS: Columns = Columns {
    words: &[
        ("external_id", &["编号", "老人编号", "档案编号", "外部编号", "id"]),
        ("name", &["姓名", "老人姓名"]),
        ("sex", &["性别"]),
        ("birth_date", &["出生日期", "出生年月日", "生日", "birthday"]),
        ("paper_kind", &["证件类型", "证件种类"]),
        ("paper_number", &["证件号码", "证件号", "身份证", "身份证号", "身份证号码", "公民身份号码", "national_id"]),
        ("phone", &["电话", "联系电话", "手机", "手机号", "手机号码", "电话号码", "联系方式"]),
        ("phone_2", &["备用电话", "电话2", "手机2", "其他电话"]),
        ("address", &["地址", "住址", "详细地址", "家庭住址", "居住地址"]),
        ("area_code", &["区域编码", "网格编码", "社区编码", "区域代码", "area"]),
        ("guardian_name", &["监护人", "监护人姓名", "紧急联系人", "联系人", "家属姓名"]),
        ("guardian_phone", &["监护人电话", "紧急联系人电话", "联系人电话", "家属电话"]),
    ],
    spare: &[],
    needed: &["name"],
    digits: &["external_id", "paper_number", "phone", "phone_2", "area_code", "guardian_phone"],
    masks: &[
        ("name", Mask::Name),
        ("birth_date", Mask::Whole),
        ("paper_number", Mask::Paper),
        ("phone", Mask::Phone),
        ("phone_2", Mask::Phone),
        ("address", Mask::Whole),
        ("guardian_name", Mask::Name),
        ("guardian_phone", Mask::Phone),
    ],
};

/// Words by which files name kinds of papers.
const PAPERS: [(&str, PaperKind); 14] = [
    ("身份证", PaperKind::ResidentId),
    ("居民身份证", PaperKind::ResidentId),
    ("居住证", PaperKind::ResidencePermit),
    ("港澳台居民居住证", PaperKind::ResidencePermit),
    ("护照", PaperKind::Passport),
    ("回乡证", PaperKind::HomeReturnPermit),
    ("港澳居民来往内地通行证", PaperKind::HomeReturnPermit),
    ("台胞证", PaperKind::TaiwanPermit),
    ("台湾居民来往大陆通行证", PaperKind::TaiwanPermit),
    ("军官证", PaperKind::OfficersCard),
    ("士兵证", PaperKind::OfficersCard),
    ("外国人永久居留身份证", PaperKind::ForeignResidence),
    ("其他", PaperKind::Other),
    ("无", PaperKind::NoneYet),
];

/// Words by which files say whose a telephone is.
const OWNERS: [(&str, PhoneOwner); 20] = [
    ("本人", PhoneOwner::Own),
    ("自己", PhoneOwner::Own),
    ("老伴", PhoneOwner::Spouse),
    ("丈夫", PhoneOwner::Spouse),
    ("妻子", PhoneOwner::Spouse),
    ("配偶", PhoneOwner::Spouse),
    ("女儿", PhoneOwner::Daughter),
    ("女", PhoneOwner::Daughter),
    ("儿子", PhoneOwner::Son),
    ("子", PhoneOwner::Son),
    ("媳妇", PhoneOwner::Relative),
    ("女婿", PhoneOwner::Relative),
    ("孙子", PhoneOwner::Relative),
    ("孙女", PhoneOwner::Relative),
    ("亲戚", PhoneOwner::Relative),
    ("家属", PhoneOwner::Relative),
    ("邻居", PhoneOwner::Neighbour),
    ("保姆", PhoneOwner::Carer),
    ("护工", PhoneOwner::Carer),
    ("其他", PhoneOwner::Other),
];

/// The person that a row tells of.
pub(super) struct ImportedPerson {
    /// The number of the row in the system it comes from.
    pub(super) external_id: Option<String>,
    pub(super) name: String,
    pub(super) sex: Sex,
    pub(super) birth_date: Option<NaiveDate>,
    pub(super) paper: Option<Paper>,
    pub(super) phones: Vec<PersonPhone>,
    pub(super) address: Option<String>,
    pub(super) area_code: Option<String>,
    pub(super) guardian_name: Option<String>,
    pub(super) guardian_phone: Option<String>,
    /// The doubts about it, and the texts that could not be read.
    pub(super) doubts: Vec<(Fault, Option<String>)>,
}

/// The day against which rows are read, and the network's own area code.
#[derive(Clone, Debug)]
pub(super) struct PersonRules {
    pub(super) today: NaiveDate,
    pub(super) own: Option<DiallingCode>,
}

struct Cells<'a> {
    by_field: &'a [(&'static str, String)],
    rules: &'a PersonRules,
    faults: Vec<Fault>,
    doubts: Vec<(Fault, Option<String>)>,
}

/// Reads a row, or tells why it cannot be taken.
pub(super) fn person(row: &TableRow, rules: &PersonRules) -> Result<ImportedPerson, Vec<Fault>> {
    let by_field = row.cells.as_deref().map_err(|code| vec![whole_row(code)])?;
    let mut cells = Cells { by_field, rules, faults: Vec::new(), doubts: Vec::new() };
    let c = &mut cells;
    let external_id = c.external_id();
    let name = c.name();
    let paper = c.paper();
    let read = ImportedPerson {
        external_id,
        name: name.unwrap_or_default(),
        sex: c.sex(),
        birth_date: c.birth_date(),
        paper,
        phones: c.phones(),
        address: c.text("address", |text| line(&text.replace(['\n', '\r'], " "), 200)),
        area_code: c.text("area_code", |text| area_code(text.strip_suffix(".0").unwrap_or(text))),
        guardian_name: c.text("guardian_name", |text| person_name(text, 40)),
        guardian_phone: c.guardian_phone(),
        doubts: Vec::new(),
    };
    let Cells { faults, doubts, .. } = cells;
    if faults.is_empty() { Ok(ImportedPerson { doubts, ..read }) } else { Err(faults) }
}

impl Cells<'_> {
    fn get(&self, field: &str) -> Option<&str> {
        self.by_field.iter().find(|(name, _)| *name == field).map(|(_, text)| text.as_str())
    }

    fn doubt(&mut self, fault: Fault, text: &str) {
        self.doubts.push((fault, Some(text.to_owned())));
    }

    /// A field that need not be there: what cannot be read of it is a doubt.
    fn text(&mut self, field: &'static str, read: impl Fn(&str) -> Result<String, Wrong>) -> Option<String> {
        let text = self.get(field)?.to_owned();
        match read(&text) {
            Ok(value) => Some(value),
            Err(_) if is_none_yet(&text) => None,
            Err(wrong) => {
                self.doubt(Fault { field, code: "unreadable", zh: wrong.zh, en: wrong.en }, &text);
                None
            }
        }
    }

    fn external_id(&mut self) -> Option<String> {
        let text = self.get("external_id")?.to_owned();
        if is_rounded(&text) {
            let zh = "编号被表格软件当成数字截断了，请把该列设为文本后重新填写";
            let en = "A spreadsheet has rounded this number: make its column text";
            self.faults.push(Fault::new("external_id", "id_rounded", zh, en));
        }
        match line(&text, ID_CHARS_MAX) {
            Ok(id) => Some(id),
            Err(wrong) => {
                let fault = Fault { field: "external_id", code: "id_format", zh: wrong.zh, en: wrong.en };
                self.faults.push(fault);
                None
            }
        }
    }

    fn name(&mut self) -> Option<String> {
        let text = without_invisible(self.get("name").unwrap_or_default());
        match person_name(&text, 40) {
            _ if text.trim().is_empty() => {
                self.faults.push(Fault::new("name", "required", "请填写姓名", "A name is needed"));
                None
            }
            Ok(name) => {
                if is_doubtful_name(&name) {
                    let zh = "姓名里可能有字丢失了，请核对";
                    let en = "Characters of the name may be lost; look at it again";
                    self.doubts.push((Fault::new("name", "name_doubtful", zh, en), None));
                }
                Some(name)
            }
            Err(wrong) => {
                self.faults.push(Fault { field: "name", code: "name_format", zh: wrong.zh, en: wrong.en });
                None
            }
        }
    }

    fn sex(&mut self) -> Sex {
        let Some(text) = self.get("sex").map(str::to_lowercase) else { return Sex::Unknown };
        match text.as_str() {
            "男" | "男性" | "male" | "m" | "1" => Sex::Male,
            "女" | "女性" | "female" | "f" | "2" => Sex::Female,
            "未知" | "不详" | "unknown" | "0" | "9" => Sex::Unknown,
            _ => {
                let fault = Fault::new("sex", "sex_unknown", "性别应为男或女", "Male or female");
                self.doubt(fault, &text);
                Sex::Unknown
            }
        }
    }

    fn birth_date(&mut self) -> Option<NaiveDate> {
        let text = self.get("birth_date")?.to_owned();
        let today = self.rules.today;
        let day = when::day(&text).filter(|day| *day <= today && *day > today - chrono::Duration::days(366 * 130));
        if day.is_none() && !is_none_yet(&text) {
            let fault = if when::is_serial(&text) {
                let zh = "日期被表格软件变成了数字，请把该列设为日期或文本后重新填写";
                Fault::new("birth_date", "time_serial", zh, "A spreadsheet has made a number of this date")
            } else {
                Fault::new("birth_date", "date_format", "出生日期不对", "Not a possible birth date")
            };
            self.doubt(fault, &text);
        }
        day
    }

    fn paper(&mut self) -> Option<Paper> {
        let kind = self.get("paper_kind").map(str::to_owned);
        let known = kind.as_deref().and_then(kind_of);
        let text = self.get("paper_number").map(str::to_owned);
        if let Some(kind) = kind.filter(|_| known.is_none()) {
            let fault = Fault::new("paper_kind", "paper_kind_unknown", "证件类型不认识", "A paper of no known kind");
            self.doubt(fault, &kind);
        }
        let Some(text) = text else {
            return known
                .filter(|kind| *kind == PaperKind::NoneYet)
                .map(|kind| Paper::read(Some(kind), "", self.rules.today));
        };
        let paper = Paper::read(known, &text, self.rules.today);
        let fault = match paper.doubt() {
            Some(PaperDoubt::Rounded) => Some((
                "paper_rounded",
                "证件号被表格软件当成数字截断了，原文已保留；请把该列设为文本后重新填写",
                "A spreadsheet has rounded this number; it is kept as it stands",
            )),
            Some(PaperDoubt::Unreadable) => {
                Some(("paper_unreadable", "证件号读不出，原文已保留", "The paper cannot be read; its text is kept"))
            }
            None if paper.kind() == PaperKind::Other && known != Some(PaperKind::Other) => Some((
                "paper_other",
                "不像任何一种证件的号码，按其他证件保留",
                "A number of no known paper; it is kept as another",
            )),
            None => None,
        };
        // The paper itself keeps the text.
        self.doubts.extend(fault.map(|(code, zh, en)| (Fault::new("paper_number", code, zh, en), None)));
        Some(paper)
    }

    fn phones(&mut self) -> Vec<PersonPhone> {
        let mut phones: Vec<PersonPhone> = Vec::new();
        for field in ["phone", "phone_2"] {
            let Some(text) = self.get(field).map(str::to_owned) else { continue };
            for part in numbers(&text, self.rules.own.as_ref()) {
                match part {
                    Ok(phone) if phones.iter().any(|known| known.number == phone.number) => {}
                    Ok(phone) if phones.len() < PHONES_MAX => phones.push(phone),
                    Ok(phone) => {
                        let fault = Fault::new(field, "phones_many", "最多 8 个电话", "Eight telephones at most");
                        self.doubt(fault, &phone.number);
                    }
                    Err((fault, text)) => self.doubt(Fault { field, ..fault }, &text),
                }
            }
        }
        phones
    }

    fn guardian_phone(&mut self) -> Option<String> {
        let text = self.get("guardian_phone")?.to_owned();
        let mut first = None;
        for part in numbers(&text, self.rules.own.as_ref()) {
            match part {
                Ok(phone) if first.is_none() => first = Some(phone.number),
                Ok(phone) => {
                    let fault =
                        Fault::new("guardian_phone", "phone_several", "只取第一个电话", "The first one is taken");
                    self.doubt(fault, &phone.number);
                }
                Err((fault, text)) => self.doubt(Fault { field: "guardian_phone", ..fault }, &text),
            }
        }
        first
    }
}

/// The kind of paper that a word names.
fn kind_of(word: &str) -> Option<PaperKind> {
    let known = PAPERS.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind);
    known.or_else(|| PaperKind::ALL.iter().copied().find(|kind| kind.as_str() == word))
}

/// The telephones in a cell, each with whose it is; or the parts that are none.
fn numbers(text: &str, own: Option<&DiallingCode>) -> Vec<Result<PersonPhone, (Fault, String)>> {
    // One number may hold a sign that parts others: `0574-8625/1234` is refused in parts only.
    if let Ok(phone) = one(text, own) {
        return vec![Ok(phone)];
    }
    let parts =
        text.split([',', '，', '、', ';', '；', '/', '|', '\n', '\r']).map(str::trim).filter(|part| !is_none_yet(part));
    parts.map(|part| one(part, own)).collect()
}

/// One telephone, with words before or behind it that say whose it is: `13800138000（女儿）`, `女儿：13800138000`.
fn one(text: &str, own: Option<&DiallingCode>) -> Result<PersonPhone, (Fault, String)> {
    let error = match Phone::parse(text, own) {
        Ok(phone) => return Ok(PersonPhone { number: phone.as_str().to_owned(), whose: PhoneOwner::Own }),
        Err(error) => error,
    };
    let word: String = text.chars().filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c)).collect();
    let rest = text.replace(['（', '）', '：'], " ");
    let rest: String =
        rest.chars().filter(|c| !('\u{4e00}'..='\u{9fff}').contains(c) && !matches!(c, ':' | '(' | ')')).collect();
    let whose = OWNERS.iter().find(|(known, _)| *known == word).map(|(_, whose)| *whose);
    match (whose, Phone::parse(&rest, own)) {
        (Some(whose), Ok(phone)) => Ok(PersonPhone { number: phone.as_str().to_owned(), whose }),
        (None, Ok(phone)) if !word.is_empty() => {
            Ok(PersonPhone { number: phone.as_str().to_owned(), whose: PhoneOwner::Other })
        }
        _ => {
            let (zh, en) = error.advice();
            Err((Fault::new("phone", error.code(), zh, en), text.to_owned()))
        }
    }
}

impl ImportedPerson {
    /// The record that the row makes, or would make, of this person.
    pub(super) fn fill(&self, person: &mut Person, keys: &FieldKeys, today: NaiveDate) {
        person.name.clone_from(&self.name);
        person.sex = self.sex;
        person.birth_date = self.birth_date;
        if let Some(paper) = &self.paper {
            person.set_paper(keys, paper, today);
        }
        person.set_phones(self.phones.clone());
        person.address.clone_from(&self.address);
        person.area_code.clone_from(&self.area_code);
        person.guardian_name.clone_from(&self.guardian_name);
        person.guardian_phone.clone_from(&self.guardian_phone);
    }

    /// The texts that could not be read, by their column.
    pub(super) fn unread(&self) -> Vec<(&'static str, &str)> {
        self.doubts.iter().filter_map(|(fault, text)| Some((fault.field, text.as_deref()?))).collect()
    }
}

#[cfg(test)]
#[path = "input_tests.rs"]
mod tests;
