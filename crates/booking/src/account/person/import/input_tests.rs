//! The rows of a file of people, as they are read.

#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;

fn rules() -> PersonRules {
    PersonRules { today: "2026-11-23".parse().unwrap(), own: "0574".parse().ok() }
}

fn read(cells: &[(&'static str, &str)]) -> Result<ImportedPerson, Vec<Fault>> {
    let cells = cells.iter().map(|(field, text)| (*field, (*text).to_owned())).collect();
    person(&TableRow { line: 2, first: 2, last: 2, cells: Ok(cells), said: Vec::new(), apart: Vec::new() }, &rules())
}

fn codes(person: &ImportedPerson) -> Vec<(&'static str, &'static str)> {
    person.doubts.iter().map(|(fault, _)| (fault.field, fault.code)).collect()
}

#[test]
fn several_telephones_of_one_cell_are_told_apart_with_whose_they_are() {
    use PhoneOwner::{Daughter, Other, Own, Son};
    for (text, expected) in [
        ("13800138000", vec![("13800138000", Own)]),
        ("13800138000（女儿）、0574-86251234", vec![("13800138000", Daughter), ("057486251234", Own)]),
        ("儿子：139 0013 9000; 86251234转803", vec![("13900139000", Son), ("057486251234-803", Own)]),
        ("13800138000/13800138000\n+852 2345 6789", vec![("13800138000", Own), ("+85223456789", Own)]),
        ("王主任 13800138000", vec![("13800138000", Other)]),
        ("无", vec![]),
    ] {
        let person = read(&[("name", "张三"), ("phone", text)]).unwrap();
        let phones: Vec<_> = person.phones.iter().map(|phone| (phone.number.as_str(), phone.whose)).collect();
        assert_eq!((phones, codes(&person)), (expected, vec![]), "{text}");
    }
}

#[test]
fn whatever_cannot_be_read_is_a_doubt_and_its_text_is_kept() {
    for (field, text, code) in [
        ("phone", "12", "phone_format"),
        ("phone", "1.38E+10", "phone_rounded"),
        ("birth_date", "1935年", "date_format"),
        ("birth_date", "2030-01-01", "date_format"),
        ("birth_date", "12785", "time_serial"),
        ("sex", "不男不女", "sex_unknown"),
        ("area_code", "城东社区", "unreadable"),
        ("guardian_phone", "x", "phone_format"),
        ("paper_kind", "会员卡", "paper_kind_unknown"),
    ] {
        let person = read(&[("name", "张三"), (field, text)]).unwrap();
        assert_eq!(codes(&person), [(field, code)], "{text}");
        assert_eq!(person.unread(), [(field, text)]);
    }
    for (text, kind, code) in [
        ("330211193501011000", PaperKind::Other, Some("paper_rounded")),
        ("3.30211E+17", PaperKind::Other, Some("paper_rounded")),
        ("身份证丢了", PaperKind::Other, Some("paper_unreadable")),
        ("110105194912310021", PaperKind::Other, Some("paper_other")),
        ("11010519491231002X", PaperKind::ResidentId, None),
        ("E12345678", PaperKind::Passport, None),
        ("无", PaperKind::NoneYet, None),
    ] {
        let person = read(&[("name", "张三"), ("paper_number", text)]).unwrap();
        assert_eq!(person.paper.as_ref().unwrap().kind(), kind, "{text}");
        assert_eq!(codes(&person).first().map(|(_, code)| *code), code, "{text}");
    }
    assert_eq!(codes(&read(&[("name", "王?")]).unwrap()), [("name", "name_doubtful")]);
}

#[test]
fn only_a_name_must_be_there() {
    for (cells, field, code) in [
        (vec![], "name", "required"),
        (vec![("name", "\u{200b} ")], "name", "required"),
        (vec![("name", "张三"), ("external_id", "2.02611E+14")], "external_id", "id_rounded"),
    ] {
        let faults = read(&cells).err().unwrap();
        assert_eq!((faults[0].field, faults[0].code), (field, code), "{cells:?}");
    }
    assert!(read(&[("name", "么")]).is_ok());
}
