//! The rows that were refused, as a file: as they stood, with the reason behind, to be mended and imported again.

use super::fault::{Fault, harmless};
use super::read::TableRow;
use crate::lang::Lang;
use crate::page::OWN;

/// Rows of such a file at most.
pub const MEND_ROWS_MAX: usize = 5_000;
/// Bytes of it at most.
const MEND_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Rows to mend. They are told to the person whose file it is and kept nowhere.
#[derive(Debug, Default)]
pub struct Mend {
    rows: Vec<(Vec<String>, Vec<Fault>)>,
    bytes: usize,
}

impl Mend {
    /// Takes a row that was refused, while there is room.
    pub fn add(&mut self, row: &TableRow, faults: &[Fault]) {
        let said = Some(&row.said).filter(|said| !said.is_empty());
        for said in said.into_iter().chain(&row.apart) {
            let bytes: usize = said.iter().map(String::len).sum();
            if self.rows.len() >= MEND_ROWS_MAX || self.bytes + bytes > MEND_BYTES_MAX {
                return;
            }
            self.bytes += bytes;
            self.rows.push((said.clone(), faults.to_vec()));
        }
    }

    /// The file, if there is a row in it: under the headings of the first, with a column for the reasons. It is UTF-8 with
    /// its mark, so that spreadsheets read it.
    pub fn file(&self, headings: &[String], lang: Lang) -> Option<String> {
        if self.rows.is_empty() {
            return None;
        }
        let columns = self.rows.iter().map(|(said, _)| said.len()).max().unwrap_or_default().max(headings.len());
        let mut writer =
            csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(b"\xef\xbb\xbf".to_vec());
        let mut head: Vec<String> = headings.iter().map(|heading| harmless(heading)).collect();
        head.resize(columns, String::new());
        head.push(OWN.get(lang, "import-reason"));
        writer.write_record(&head).ok()?;
        for (said, faults) in &self.rows {
            let mut cells: Vec<String> = said.iter().map(|cell| harmless(cell)).collect();
            cells.resize(columns, String::new());
            let reasons: Vec<&str> = faults.iter().map(|fault| lang.pick(&fault.zh, &fault.en)).collect();
            cells.push(reasons.join(&OWN.get(lang, "list-join")));
            writer.write_record(&cells).ok()?;
        }
        String::from_utf8(writer.into_inner().ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_row_stands_there_with_its_reason_and_as_no_formula() {
        let said = ["张三", "+852 1", "a\n\"b\""].map(str::to_owned).to_vec();
        let row = TableRow { line: 3, first: 3, last: 4, cells: Ok(Vec::new()), said, apart: Vec::new() };
        let mut mend = Mend::default();
        assert_eq!(mend.file(&[], Lang::Zh), None);
        mend.add(&row, &[Fault::new("phone", "x", "电话不对", "Wrong"), Fault::new("", "y", "重复", "Twice")]);
        let headings = ["姓名", "=电话"].map(str::to_owned);
        let file = mend.file(&headings, Lang::Zh).unwrap();
        assert_eq!(file, "\u{feff}姓名,'=电话,,原因\r\n张三,'+852 1,\"a\n\"\"b\"\"\",电话不对、重复\r\n");
    }
}
