//! Rows as a file for a spreadsheet.

use super::fault::harmless;

/// CSV in UTF-8 with its mark, so that spreadsheets read it; no cell is a formula. The first row holds the headings.
pub fn spreadsheet(rows: impl IntoIterator<Item = Vec<String>>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(b"\xef\xbb\xbf".to_vec());
    for row in rows {
        writer.write_record(row.iter().map(|cell| harmless(cell)))?;
    }
    writer.into_inner().map_err(|e| e.into_error().into())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_keeps_its_commas() {
        let rows = [vec!["区域".to_owned(), "数".to_owned()], vec!["=1+1".to_owned(), "a,\"b\"".to_owned()]];
        let file = String::from_utf8(spreadsheet(rows).unwrap()).unwrap();
        assert_eq!(file, "\u{feff}区域,数\r\n'=1+1,\"a,\"\"b\"\"\"\r\n");
        assert_eq!(spreadsheet([]).unwrap(), b"\xef\xbb\xbf");
    }
}
