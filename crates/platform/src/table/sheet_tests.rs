//! Workbooks: what is read of them, and which are refused.

#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::testing::{packed, workbook};

fn rows(sheet: &mut Sheet) -> Vec<(u64, String)> {
    std::iter::from_fn(|| sheet.next()).map(|r| (r.line, r.cells.unwrap().join("|"))).collect()
}

fn error(bytes: &[u8]) -> TableError {
    Sheet::open(bytes.to_vec()).unwrap_err()
}

#[test]
fn the_first_sheet_with_something_in_it_is_read_as_it_shows() {
    let bytes = workbook(&[
        ("说明", &[]),
        (
            "老人",
            &[
                &["姓名", "电话", "", "日期"],
                &[],
                &["张三", "#13800138000", "", "@46086.6041666667"],
                &["~李\n四", "#330211193501011234", "#-0.5", "@46086"],
                &["", "", "", "", "#1.5"],
            ],
        ),
        ("空", &[&[" "]]),
        ("旧表", &[&["x"]]),
    ]);
    let mut sheet = Sheet::open(bytes).unwrap();
    assert_eq!((sheet.name.as_str(), sheet.others, sheet.hidden), ("老人", 1, 1));
    let expected = [
        (1, "姓名|电话||日期"),
        (3, "张三|13800138000||2026-03-05 14:30:00"),
        (4, "李\n四|3.30211193501011E17|-0.5|2026-03-05"),
        (5, "||||1.5"),
    ];
    assert_eq!(rows(&mut sheet), expected.map(|(line, text)| (line, text.to_owned())));
    assert!(crate::cn::is_rounded("3.30211193501011E17"), "what the sheet has lost is told as that");
}

#[test]
fn numbers_have_the_digits_that_are_kept_of_them() {
    for (number, text) in [
        (13_800_138_000.0, "13800138000"),
        (0.1 + 0.2, "0.3"),
        (0.0, "0"),
        (-12.5, "-12.5"),
        (2.026_11e14, "202611000000000"),
        (999_999_999_999_999.0, "999999999999999"),
        (1e15, "1E15"),
        (33_021_100_100_101_234.0, "3.30211001001012E16"),
        (0.001, "0.001"),
        (99_999_999_999_999_990.0, "1E17"),
        (1e300, "1E300"),
        (1e-20, "1E-20"),
    ] {
        assert_eq!(number_text(number), text);
    }
}

#[test]
fn what_is_no_workbook_says_what_it_is() {
    let book = workbook(&[("a", &[&["b"]])]);
    let old = [COMPOUND, &[0; 600]].concat();
    let word: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, expected) in [
        (old.clone(), SheetError::Old),
        ([old, word].concat(), SheetError::Password),
        (packed(&[("xl/workbook.xml", b"<workbook/>"), ("xl/vbaProject.bin", b"x")]), SheetError::Macros),
        (packed(&[("content.xml", b"x")]), SheetError::OtherKind),
        (packed(&[("xl/workbook.bin", b"x")]), SheetError::OtherKind),
        (packed(&[("word/document.xml", b"x")]), SheetError::NoWorkbook),
        (book[..book.len() / 2].to_vec(), SheetError::Damaged),
        (packed(&[("xl/workbook.xml", b"<workbook")]), SheetError::Damaged),
    ] {
        assert_eq!(error(&bytes), TableError::Sheet(expected));
    }
    assert_eq!(error(&workbook(&[("a", &[]), ("b", &[&["", " "]])])), TableError::Empty);
}

#[test]
fn a_workbook_that_swells_is_refused_before_it_is_read() {
    let zeros = vec![b' '; 64 * 1024 * 1024];
    let parts = [("xl/workbook.xml", &zeros[..10]), ("xl/a.xml", &zeros), ("xl/b.xml", &zeros), ("xl/c.xml", &zeros)];
    let bomb = packed(&parts);
    assert!(bomb.len() < 1024 * 1024, "{}", bomb.len());
    assert_eq!(error(&bomb), TableError::Sheet(SheetError::TooLarge));
}

#[test]
fn a_cell_far_away_takes_no_room() {
    let far = r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="XFD1"><v>1</v></c></row></sheetData></worksheet>"#;
    let mut cells = workbook(&[("a", &[&["b"]])]);
    let mut archive = ZipArchive::new(Cursor::new(Arc::from(std::mem::take(&mut cells)))).unwrap();
    let mut parts = Vec::new();
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).unwrap();
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).unwrap();
        let name = part.name().unwrap().into_owned();
        let bytes = if name.ends_with("sheet1.xml") { far.as_bytes().to_vec() } else { bytes };
        parts.push((name, bytes));
    }
    let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    assert_eq!(error(&packed(&parts)), TableError::TooManyColumns(1));
}

#[test]
fn a_workbook_that_promises_too_many_texts_is_refused_before_room_is_made() {
    for said in
        ["uniqueCount=\"10000000000000\"", "uniqueCount=\"many\"", "x:uniqueCount=\"9000000\" uniqueCount=\"1\""]
    {
        let shared = format!("<sst {said}><si><t>a</t></si></sst>");
        let book = packed(&[("xl/workbook.xml", b"<workbook/>"), ("xl/SharedStrings.xml", shared.as_bytes())]);
        assert_eq!(error(&book), TableError::Sheet(SheetError::TooLarge), "{said}");
    }
}
