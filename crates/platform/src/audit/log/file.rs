//! The log as a file for a spreadsheet: CSV, UTF-8 with a byte order mark. No cell is a formula.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{AuditEvent, AuditQuery, AuditReader};
use crate::audit::record;
use crate::lang::Lang;
use crate::page::OWN;
use crate::problem::Problem;

/// Rows of a file at most; what is more is asked for by shorter times.
pub const FILE_ROWS_MAX: i64 = 20_000;

/// The file, after a proof of who asks. The export is written down before it goes out.
pub(super) async fn export(reader: &AuditReader<'_>, query: &AuditQuery) -> Result<Response, Problem> {
    let ctx = reader.ctx;
    ctx.proved_lately()?;
    let rows = reader.rows(query, FILE_ROWS_MAX + 1).await?;
    if i64::try_from(rows.len()).unwrap_or(i64::MAX) > FILE_ROWS_MAX {
        return Err(Problem::field(
            "?from",
            "超过 20000 条，请缩短时间再导出",
            "More than 20000 rows: ask for a shorter time",
        ));
    }
    let file = csv_of(&rows, reader.zone, ctx.lang).map_err(Problem::internal)?;
    let mut tx = reader.db.begin().await?;
    record(&mut tx, ctx, "audit.export", "organisation", ctx.actor.organisation).await?;
    tx.commit().await?;
    let name =
        format!("attachment; filename=\"sanbao-audit-{}.csv\"", ctx.now().with_timezone(&reader.zone).date_naive());
    let kind = "text/csv; charset=utf-8".to_owned();
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], file).into_response())
}

/// A text that a spreadsheet does not take for a formula.
fn safe(text: &str) -> String {
    const RISKY: &[char] = &['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
    if text.starts_with(RISKY) { format!("'{text}") } else { text.to_owned() }
}

fn local(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string()
}

fn csv_of(rows: &[AuditEvent], zone: Tz, lang: Lang) -> Result<Vec<u8>, csv::Error> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer("\u{feff}".as_bytes().to_vec());
    let heads = ["at", "who", "account", "did", "kind", "of", "shown", "outcome", "times", "where", "request"];
    writer.write_record(heads.map(|head| OWN.get(lang, &format!("audit-head-{head}"))))?;
    for e in rows {
        let id = |id: Option<uuid::Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
        let cells = [
            local(e.at, zone),
            e.account_name.clone().unwrap_or_default(),
            id(e.account),
            e.action.clone(),
            e.kind.clone(),
            id(e.thing),
            e.shown.to_string(),
            e.outcome.clone(),
            e.times.to_string(),
            e.address.clone().unwrap_or_default(),
            e.request_id.clone(),
        ];
        writer.write_record(cells.each_ref().map(|cell| safe(cell)))?;
    }
    writer.into_inner().map_err(|e| e.into_error().into())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use uuid::Uuid;

    use super::*;

    #[test]
    fn no_cell_of_an_exported_log_is_a_formula() {
        let event = AuditEvent {
            id: Uuid::nil(),
            at: "2026-11-23T06:30:00Z".parse().unwrap(),
            account: Some(Uuid::nil()),
            account_name: Some("=HYPERLINK(\"http://x\")".to_owned()),
            action: "@sum".to_owned(),
            kind: "-1".to_owned(),
            thing: None,
            shown: 0,
            outcome: "done".to_owned(),
            times: 1,
            address: None,
            request_id: "＝1".to_owned(),
        };
        let file = String::from_utf8(csv_of(&[event], chrono_tz::Asia::Shanghai, Lang::Zh).unwrap()).unwrap();
        let row = file.lines().nth(1).unwrap();
        assert!(row.starts_with("2026-11-23 14:30:00,\"'=HYPERLINK(\"\"http://x\"\")\","), "{row}");
        assert!(row.contains(",'@sum,'-1,,0,done,1,,'＝1"), "{row}");
    }
}
