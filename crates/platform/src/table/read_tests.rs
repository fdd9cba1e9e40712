//! Files of rows: what is read of them, and that each line of them belongs to exactly one row.

#![expect(clippy::unwrap_used, reason = "tests")]
use proptest::prelude::*;

use super::super::fault::Fault;
use super::super::mend::Mend;
use super::super::records::{QUOTE_DOUBTFUL, Record, Records, line_ends};
use super::super::text::TextSource;
use super::*;
use crate::lang::Lang;
use crate::testing::workbook;

const COLUMNS: Columns = Columns {
    words: &[("id", &["编号"]), ("name", &["姓名"]), ("phone", &["电话", "手机号码"]), ("note", &["备注"])],
    spare: &[],
    needed: &["id", "name"],
    digits: &["id", "phone"],
    masks: &[],
};
const HEADER: &str = "编号,姓名,电话,备注\n";

fn open(text: impl AsRef<[u8]>) -> Result<TableFile, TableError> {
    TableFile::open(text.as_ref().to_vec(), &COLUMNS)
}

/// All rows of a file: the first and the last line, and the filled-in cells or the fault.
fn rows(table: &mut TableFile) -> Vec<(u64, u64, String)> {
    let read = std::iter::from_fn(|| Some(table.rows(3)).filter(|rows| !rows.is_empty())).flatten();
    let text = |row: &TableRow| match &row.cells {
        Ok(cells) => cells.iter().map(|(field, cell)| format!("{field}={cell}")).collect::<Vec<_>>().join(" "),
        Err(code) => (*code).to_owned(),
    };
    read.map(|row| (row.first, row.last, text(&row))).collect()
}

#[test]
fn each_bound_is_crossed_by_one() {
    let most = usize::try_from(ROWS_MAX).unwrap();
    assert_eq!(open(format!("{HEADER}{}", "1,2,3,4\n".repeat(most))).unwrap().total, ROWS_MAX);
    assert_eq!(open(format!("{HEADER}{}", "1\n".repeat(most + 1))).unwrap_err(), TableError::TooManyRows);
    let wide = |columns: usize| format!("{HEADER}1\n{}x\n", "x,".repeat(columns - 1));
    assert_eq!(open(wide(COLUMNS_MAX)).unwrap().total, 2);
    assert_eq!(open(wide(COLUMNS_MAX + 1)).unwrap_err(), TableError::TooManyColumns(3));
    let long = |bytes: usize| format!("{HEADER}1\n{}\n", "x".repeat(bytes));
    assert_eq!(open(long(ROW_BYTES_MAX)).unwrap().total, 2);
    assert_eq!(open(long(ROW_BYTES_MAX + 1)).unwrap_err(), TableError::RowTooLong(3));
}

#[test]
fn one_stray_mark_costs_its_own_row_and_no_other() {
    for count in [20, 5000] {
        let row = |n: usize| format!("A-{n},林某{n},13800138000,{}\n", if n == 4 { "\"好" } else { "好" });
        let mut table = open(format!("{HEADER}{}", (1..=count).map(row).collect::<String>())).unwrap();
        let all = rows(&mut table);
        assert_eq!((table.total, all.len()), (count as u64, count));
        let bad: Vec<_> = all.iter().filter(|(.., text)| !text.starts_with("id=")).collect();
        assert_eq!(bad, [&(5, 5, QUOTE_OPEN.to_owned())]);
    }
}

#[test]
fn of_a_narrow_file_no_row_is_swallowed_and_none_invented() {
    const ONE: Columns =
        Columns { words: &[("name", &["姓名"])], spare: &[], needed: &["name"], digits: &[], masks: &[] };
    const TWO: Columns = Columns {
        words: &[("name", &["姓名"]), ("note", &["备注"])],
        spare: &[],
        needed: &["name"],
        digits: &[],
        masks: &[],
    };
    let doubtful = QUOTE_DOUBTFUL;
    for (columns, text, expected) in [
        (&ONE, "姓名\n\"张三\n甲弄\"\n李四\n", vec![(2, 3, doubtful), (4, 4, "name=李四")]),
        (&ONE, "姓名\n\"张三\n甲弄\n一楼\"\n李四\n", vec![(2, 4, doubtful), (5, 5, "name=李四")]),
        (&ONE, "姓名\n\"张三\n李四\n", vec![(2, 2, QUOTE_OPEN), (3, 3, "name=李四")]),
        (&TWO, "姓名,备注\n张三,\"甲弄\n一楼,东\"\n李四,\n", vec![(2, 3, doubtful), (4, 4, "name=李四")]),
        (
            &TWO,
            "姓名,备注\n张三,\"甲弄\n一楼\"\n李四,\n",
            vec![(2, 3, "name=张三 note=甲弄\n一楼"), (4, 4, "name=李四")],
        ),
        (&TWO, "姓名,备注\n\"张\n三\",甲\n李四,\n", vec![(2, 3, "name=张\n三 note=甲"), (4, 4, "name=李四")]),
        (&TWO, "姓名,备注\n张三,\"甲\n乙,一\n丙\"\n李四,\n", vec![(2, 4, doubtful), (5, 5, "name=李四")]),
    ] {
        let mut table = TableFile::open(text.as_bytes().to_vec(), columns).unwrap();
        let told = expected.iter().map(|(line, last, text)| (*line, *last, (*text).to_owned())).collect::<Vec<_>>();
        assert_eq!((rows(&mut table), table.total), (told, expected.len() as u64), "{text:?}");
    }
}

#[test]
fn lines_that_cannot_be_divided_stand_in_the_file_to_mend_each_by_itself() {
    let mut table = open("编号,姓名,电话\n1,甲,\"138\n2,乙,139\n").unwrap();
    let rows = table.rows(10);
    assert_eq!(rows[0].apart, [["1", "甲", "\"138"].map(str::to_owned).to_vec()]);
    let mut mend = Mend::default();
    for row in rows.iter().filter(|row| row.cells.is_err()) {
        mend.add(row, &[]);
    }
    let file = mend.file(table.headings(), Lang::Zh).unwrap();
    let mut again = open(&file).unwrap();
    let said = again.rows(10).into_iter().map(|row| row.said).collect::<Vec<_>>();
    assert_eq!(said, [["1", "甲", "\"138", ""].map(str::to_owned).to_vec()]);
}

#[test]
fn a_row_says_on_which_lines_it_stands() {
    let text = "编号,姓名,电话,备注,\r\n1,甲,,x,\r\n\r\n'2,乙,\"=\"\"138\"\"\",\"4\n5\"\r\n3,丙,,,,\r\n,,\r\n合计,3,,\r\n4,丁\r\n";
    let mut table = open(text).unwrap();
    let expected = [
        (2, 2, "id=1 name=甲 note=x"),
        (4, 5, "id=2 name=乙 phone=138 note=4\n5"),
        (6, 6, "id=3 name=丙"),
        (8, 8, "sums"),
        (9, 9, "column_count"),
    ];
    assert_eq!(rows(&mut table), expected.map(|(line, last, text)| (line, last, text.to_owned())));
    assert_eq!((table.total, table.passed), (5, Passed { above: 0, header: 1, blank: 2 }));
}

#[test]
fn whatever_parts_cells_and_stands_above_is_understood() {
    let body = "编号,姓名,家属电话,手机号码\nA,张三,1,2\n";
    let expected = "id=A name=张三 phone=2";
    for (text, line) in [
        (body.to_owned(), 2),
        (body.replace(',', ";"), 2),
        (body.replace(',', "\t"), 2),
        (format!("sep=|\r\n{}", body.replace(',', "|")), 3),
        (format!("\u{feff}某街道老人名册,,,\n2026年3月\n\n{body}"), 5),
        (format!("\"说明\n{body}"), 3),
        (body.replace('\n', "\r"), 2),
        (body.replace('\n', "\r\n"), 2),
    ] {
        let mut table = open(&text).unwrap();
        assert_eq!(rows(&mut table), [(line, line, expected.to_owned())], "{text:?}");
        assert_eq!(table.notes.unused, ["家属电话"]);
    }
    assert_eq!(open(format!("某街道\n制表\n{body}")).unwrap().notes.above, 2);
}

#[test]
fn a_file_that_is_none_says_why() {
    for text in ["", "\n\r\n", "\u{feff}"] {
        assert_eq!(open(text).unwrap_err(), TableError::Empty);
    }
    assert_eq!(open("姓名,电话\n").unwrap_err(), TableError::MissingColumns("编号 (id)".into()));
    assert_eq!(open("编号,姓名,name\n").unwrap_err(), TableError::TwiceColumn("name"));
    assert_eq!(open("x").unwrap_err(), TableError::MissingColumns("编号 (id), 姓名 (name)".into()));
}

#[test]
fn a_sheet_is_read_as_a_text_is() {
    let bytes = workbook(&[
        (
            "老人",
            &[
                &["某街道老人名册"],
                &["编号", "姓名", "联系方式", ""],
                &["", "", "手机号码", "家属"],
                &["#1", "张三", "#13800138000", "x"],
                &["~2", "李\n四"],
                &[],
                &["合计", "#2"],
                &["3", "王五", "", "", "多出的"],
            ],
        ),
        ("去年", &[&["编号", "姓名"]]),
    ]);
    let mut table = open(bytes).unwrap();
    let expected = [(4, "id=1 name=张三 phone=13800138000"), (5, "id=2 name=李\n四"), (7, "sums"), (8, "column_count")];
    assert_eq!(rows(&mut table), expected.map(|(line, text)| (line, line, text.to_owned())));
    let notes = FileNotes {
        unused: vec!["家属".to_owned()],
        sheet: Some("老人".to_owned()),
        sheets_left: 1,
        hidden_rows: 1,
        above: 1,
        heading: 2,
        blank: 1,
        records: 8,
    };
    assert_eq!((table.total, &table.notes), (4, &notes));
}

#[test]
fn rows_are_numbered_as_a_spreadsheet_numbers_them() {
    let body = "编号,姓名,电话,备注\n1,甲,,\"软\n热\"\n\n2,乙,,\"好\n合计：2 条\n3,丙,,\n";
    for (above, shift) in [("", (0, 0)), ("sep=,\n", (0, 1)), ("\"某街道\n名册\",,,\n\n", (2, 3))] {
        let mut table = open(format!("{above}{body}")).unwrap();
        let rows = table.rows(10);
        let told: Vec<_> =
            rows.iter().map(|row| (row.line - shift.0, row.first - shift.1, row.last - shift.1)).collect();
        assert_eq!(told, [(2, 2, 3), (4, 5, 5), (5, 6, 6), (6, 7, 7)], "{above:?}");
        assert_eq!(rows[1].fault_line(), RowPlace { row: 4 + shift.0, line: 5 + shift.1 });
        assert_eq!((rows[1].cells.clone(), rows[2].skipped().map(|f| f.code)), (Err(QUOTE_OPEN), Some("sums")));
        assert_eq!(accounted(&table), table.notes.records, "{:?}", table.notes);
    }
}

#[test]
fn merged_headings_are_read_out_of_a_text_too() {
    let rows_of = |text: &str| {
        let mut table = open(text).unwrap();
        let rows = rows(&mut table).into_iter().map(|(.., text)| text).collect::<Vec<_>>();
        assert_eq!(accounted(&table), table.notes.records);
        (rows, table.notes.unused.clone(), table.notes.heading)
    };
    let known = rows_of("某街道,,,\n编号,姓名,联系方式,\n,,手机号码,家属\n1,张三,13800138000,x\n");
    assert_eq!(known, (vec!["id=1 name=张三 phone=13800138000".into()], vec!["家属".into()], 2));
    let other = rows_of("编号,姓名,电话,\n,,本人,家属\n1,张三,13800138000,x\n");
    assert_eq!(other, (vec!["id=1 name=张三 phone=13800138000".into()], vec!["家属".into()], 2));
    let one = rows_of("编号,姓名,电话,备注\n,,138,x\n");
    assert_eq!(one, (vec!["phone=138 note=x".into()], vec![], 1));
}

#[test]
fn what_a_person_has_said_of_a_heading_goes_before_its_words() {
    let text = "单号,姓名,name,电话\n1,张三,x,138\n";
    assert_eq!(open(text).unwrap_err(), TableError::TwiceColumn("name"));
    let headings = TableFile::headings_of(Box::new(std::io::Cursor::new(text)), &COLUMNS, &[]).unwrap();
    assert_eq!(
        headings.iter().map(|(_, field)| *field).collect::<Vec<_>>(),
        [None, Some("name"), Some("name"), Some("phone")]
    );
    let said = [("单号".to_owned(), Some("id")), ("name".to_owned(), None)];
    let mut table = TableFile::open_as(Box::new(std::io::Cursor::new(text)), &COLUMNS, &said).unwrap();
    assert_eq!(rows(&mut table)[0].2, "id=1 name=张三 phone=138");
    assert_eq!(table.notes.unused, ["name"]);
}

/// The rows of a file that are accounted for.
fn accounted(table: &TableFile) -> u64 {
    table.notes.above + table.notes.heading + table.notes.blank + table.total
}

/// The values of the first row of a file.
fn values(text: &str) -> Vec<(&'static str, String)> {
    open(text).unwrap().rows(1).remove(0).cells.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn what_was_read_is_read_again_from_the_file_of_rows_to_mend(
        cells in proptest::collection::vec("[=+@'\"\t -]{0,3}[a-z0-9]{0,2}\"?", 4)) {
        let mut writer = csv::Writer::from_writer(HEADER.as_bytes().to_vec());
        writer.write_record(&cells).unwrap();
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let mut table = open(&text).unwrap();
        for row in table.rows(1) {
            let mut mend = Mend::default();
            mend.add(&row, &[Fault::new("phone", "x", "电话不对", "Wrong")]);
            let again = mend.file(table.headings(), Lang::Zh).unwrap();
            prop_assert_eq!(values(&again), row.cells.unwrap(), "{:?}", again);
        }
    }
}

#[test]
fn a_value_is_the_same_however_it_is_kept_from_being_a_formula() {
    for (written, read) in
        [("\"=\"\"A001\"\"\"", "A001"), ("\"'=\"\"A001\"\"\"", "A001"), ("'+852", "+852"), ("'-x", "-x"), ("'x", "'x")]
    {
        let cells = values(&format!("{HEADER}1,甲,,{written}\n"));
        assert_eq!(cells.last().unwrap(), &("note", read.to_owned()), "{written}");
    }
}

/// A cell as files have them: with marks in the wrong places, separators, and line breaks.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z张]{0,3}",
        1 => "\"[a-z]{0,3}",
        1 => "[a-z]{0,2}\"[a-z]{0,2}",
        1 => "\"[a-z,]{0,3}\"",
        1 => "\"[a-z]{0,2}[\n\r]{1,2}[a-z,]{0,3}\"",
        1 => "\"{1,4}",
    ]
}

/// A row of some length with its line end, or a blank line.
fn line() -> impl Strategy<Value = String> {
    let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
    let cells = prop_oneof![8 => proptest::collection::vec(cell(), 4), 2 => proptest::collection::vec(cell(), 0..7)];
    (cells, end).prop_map(|(cells, end)| cells.join(",") + end)
}

proptest! {
    #[test]
    fn every_line_belongs_to_exactly_one_row(lines in proptest::collection::vec(line(), 0..40), cut in 0_usize..3) {
        let text = format!("{HEADER}{}", lines.concat());
        let text = text.get(..text.len() - cut).unwrap_or(&text);
        let all = line_ends(text) + u64::from(!text.ends_with(['\n', '\r']));
        let mut table = open(text).unwrap();
        let (total, passed) = (table.total, table.passed);
        let rows = rows(&mut table);
        prop_assert_eq!(rows.len() as u64, total);
        let mut next = passed.above + passed.header + 1;
        let mut between = 0;
        for (line, last, _) in &rows {
            prop_assert!(next <= *line && line <= last, "{rows:?}");
            between += line - next;
            next = last + 1;
        }
        let spanned: u64 = rows.iter().map(|(line, last, _)| 1 + last - line).sum();
        prop_assert_eq!(passed.above + passed.header + passed.blank + spanned, all, "{:?}", rows);
        prop_assert!(between <= passed.blank);
        prop_assert_eq!(accounted(&table), table.notes.records);
    }

    #[test]
    fn of_whatever_bytes_every_row_is_accounted_for_or_the_file_refused(
        head in prop_oneof![Just(""), Just(HEADER), Just("编号\t姓名\n"), Just("sep=;\n编号;姓名\n")],
        bytes in proptest::collection::vec(prop_oneof![3 => any::<u8>(), 5 => proptest::sample::select(b"a1,,;\t\"\"\n\r ".to_vec())], 0..400)) {
        let all = [head.as_bytes(), &bytes].concat();
        if let Ok(mut table) = open(&all) {
            let (total, mut next) = (table.total, 0);
            let rows: Vec<TableRow> = std::iter::from_fn(|| table.rows(1).pop()).collect();
            prop_assert_eq!(rows.len() as u64, total);
            for row in &rows {
                prop_assert!(row.line > next, "numbers ascend");
                next = row.line;
            }
            prop_assert!(next <= table.notes.records);
            prop_assert_eq!(accounted(&table), table.notes.records);
        }
    }

    #[test]
    fn a_well_made_file_loses_nothing(cells in proptest::collection::vec(
        proptest::collection::vec("[a-z张\",\n]{0,6}", 3), 1..20)) {
        let mut writer = csv::Writer::from_writer(HEADER.as_bytes().to_vec());
        for (n, row) in cells.iter().enumerate() {
            // A last cell that is not empty, so that no line of a cell reads as a whole row by chance.
            writer.write_record([&format!("A{n}"), &row[0].replace(',', ""), &row[1].replace(',', ""), &row[2].replace(',', "")]).unwrap();
        }
        let mut table = open(writer.into_inner().unwrap()).unwrap();
        prop_assert_eq!(table.total, cells.len() as u64);
        for row in &cells {
            let read = table.rows(1).remove(0);
            prop_assert_eq!(&read.said[1..], &row.iter().map(|cell| cell.replace(',', "")).collect::<Vec<_>>()[..]);
        }
    }
}

/// The records of a text under a header of four columns, with the whole text held or piece by piece.
fn records(text: &str, is_whole: bool) -> Vec<Record> {
    let source = TextSource::open(Box::new(std::io::Cursor::new(text.to_owned()))).unwrap().0;
    let mut records = Records::of(source, b',').unwrap();
    if is_whole {
        records.hold_all().unwrap();
    }
    records.columns = Some(4);
    let first = records.at;
    let read: Vec<Record> = std::iter::from_fn(|| records.next().unwrap()).collect();
    records.go_to(first, 1).unwrap();
    assert_eq!(records.next().unwrap().as_ref(), read.first(), "the same again from the beginning");
    read
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn a_long_file_is_the_same_rows_piece_by_piece(lines in proptest::collection::vec(line(), 30..60)) {
        let block = lines.concat();
        // Longer than all that is held at once.
        let text = block.repeat(3 * 1024 * 1024 / block.len());
        prop_assert!(records(&text, false) == records(&text, true));
    }
}

#[test]
fn bytes_that_can_no_longer_be_had_end_no_file() {
    /// Bytes of which some cannot be read any more.
    struct Torn(std::io::Cursor<Vec<u8>>, std::sync::Arc<std::sync::atomic::AtomicBool>);
    impl std::io::Read for Torn {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let is_gone = self.1.load(std::sync::atomic::Ordering::SeqCst) && self.0.position() > 1_000_000;
            if is_gone { Err(std::io::Error::other("torn")) } else { self.0.read(into) }
        }
    }
    impl std::io::Seek for Torn {
        fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
            self.0.seek(to)
        }
    }
    let text = format!("{HEADER}{}", "1,2,3,4\n".repeat(300_000));
    let torn = std::sync::Arc::default();
    let bytes = Torn(std::io::Cursor::new(text.into_bytes()), std::sync::Arc::clone(&torn));
    let mut table = TableFile::open_as(Box::new(bytes), &COLUMNS, &[]).unwrap();
    torn.store(true, std::sync::atomic::Ordering::SeqCst);
    let read =
        std::iter::from_fn(|| Some(table.more_rows(500))).find(|rows| !matches!(rows, Ok(rows) if rows.len() == 500));
    assert_eq!(read.unwrap().unwrap_err(), TableError::Unreadable("torn".into()));
}

#[test]
fn a_workbook_is_held_and_so_bounded() {
    let bytes = [b"PK\x03\x04".as_slice(), &vec![0; usize::try_from(WORKBOOK_BYTES_MAX).unwrap()]].concat();
    assert_eq!(open(bytes).unwrap_err(), SheetError::TooLarge.into());
}
