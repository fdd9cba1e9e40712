//! Workbooks as spreadsheets write them, made for tests.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const TYPES: &str = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/></Types>"#;
const ROOT: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const STYLES: &str = r#"<?xml version="1.0"?><styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>"#;
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const LINKS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// A packed folder of these parts.
pub fn packed(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in parts {
        zip.start_file(*path, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A workbook of these sheets with their rows. A cell that begins with `#` is a number, one that begins with `@` a moment
/// by its number; a row whose first cell begins with `~` is hidden.
pub fn workbook(sheets: &[(&str, &[&[&str]])]) -> Vec<u8> {
    let (mut names, mut links, mut parts) = (String::new(), String::new(), Vec::new());
    for (at, (name, rows)) in sheets.iter().enumerate() {
        let n = at + 1;
        let _ = write!(names, r#"<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>"#);
        let kind = format!("{LINKS}/worksheet");
        let _ = write!(links, r#"<Relationship Id="rId{n}" Type="{kind}" Target="worksheets/sheet{n}.xml"/>"#);
        parts.push((format!("xl/worksheets/sheet{n}.xml"), sheet(rows).into_bytes()));
    }
    let book = format!(r#"<workbook xmlns="{MAIN}" xmlns:r="{LINKS}"><sheets>{names}</sheets></workbook>"#);
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let styles = format!(r#"<Relationship Id="rIdS" Type="{LINKS}/styles" Target="styles.xml"/>"#);
    let links = format!(r#"<Relationships xmlns="{package}">{links}{styles}</Relationships>"#);
    let mut all: Vec<(&str, &[u8])> = vec![
        ("[Content_Types].xml", TYPES.as_bytes()),
        ("_rels/.rels", ROOT.as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", links.as_bytes()),
        ("xl/styles.xml", STYLES.as_bytes()),
    ];
    all.extend(parts.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())));
    packed(&all)
}

fn sheet(rows: &[&[&str]]) -> String {
    let mut xml = format!(r#"<worksheet xmlns="{MAIN}"><sheetData>"#);
    for (at, row) in rows.iter().enumerate() {
        let hidden = if row.first().is_some_and(|cell| cell.starts_with('~')) { r#" hidden="1""# } else { "" };
        let _ = write!(xml, r#"<row r="{}"{hidden}>"#, at + 1);
        for (column, cell) in row.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            let letter = char::from(b'A' + u8::try_from(column).unwrap());
            let place = format!("{letter}{}", at + 1);
            let _ = match (cell.strip_prefix('#'), cell.strip_prefix('@')) {
                (Some(number), _) => write!(xml, r#"<c r="{place}"><v>{number}</v></c>"#),
                (_, Some(moment)) => write!(xml, r#"<c r="{place}" s="1"><v>{moment}</v></c>"#),
                _ => {
                    let text = cell.trim_start_matches('~').replace('&', "&amp;").replace('<', "&lt;");
                    write!(xml, r#"<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>"#)
                }
            };
        }
        xml.push_str("</row>");
    }
    xml + "</sheetData></worksheet>"
}
