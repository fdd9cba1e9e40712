//! The header is looked for in the first rows: below a title, in one row or two.

use super::header::{HEADER_ROWS_MAX, Header};
use super::read::{Heads, TableError};
use super::records::{Records, TextPlace};
use super::sheet::Sheet;

/// The header of a text: its place, that of what follows, and its rows.
#[derive(Clone, Copy)]
pub(super) struct TextHead {
    pub(super) at: TextPlace,
    pub(super) below: TextPlace,
    pub(super) rows: u64,
}

/// The header in the first rows of a text. Without any known heading, the first row is taken for it, so that what is missing
/// can be named.
pub(super) fn text_header(
    records: &Records,
    first: TextPlace,
    heads: Heads<'_>,
) -> Result<Option<(Header, TextHead)>, TableError> {
    let (mut at, mut best, mut seen) = (first, None::<(Header, TextHead)>, 0);
    let mut above: Option<(Header, TextHead)> = None;
    while seen < HEADER_ROWS_MAX {
        let (record, below) = match records.read(at) {
            Ok(Some(read)) => read,
            Ok(None) => break,
            // Beyond a bound, but perhaps below the header: then it is told when the rows are counted.
            Err(_) if best.as_ref().is_some_and(|(header, ..)| header.known() > 0) => break,
            Err(error) => return Err(error),
        };
        // A mark in a title must not hide the header: each line may begin it.
        if !records.line(at).trim().is_empty() {
            seen += 1;
        }
        if let Ok(cells) = &record.cells
            && !record.is_blank()
        {
            let header = Header::of(heads, cells);
            let head = TextHead { at, below, rows: 1 };
            let both = above.take().filter(|(_, over)| over.below.byte == at.byte).and_then(|(over, upper)| {
                Some((header.joined(&over, heads)?, TextHead { at: upper.at, below, rows: 2 }))
            });
            for found in [Some((header.clone(), head)), both].into_iter().flatten() {
                if best.as_ref().is_none_or(|(known, _)| found.0.beats(known)) {
                    best = Some(found);
                }
            }
            above = Some((header, head));
        }
        at = records.next_line(at);
    }
    Ok(best)
}

/// The header in the first rows of a sheet: itself, the filled-in rows above it, and its own rows. One of two rows has
/// cells that are merged downwards or over several columns.
pub(super) fn sheet_header(sheet: &mut Sheet, heads: Heads<'_>) -> Result<(Header, u64, u64), TableError> {
    let (mut best, mut seen) = (None::<(Header, u64, u64, usize)>, 0);
    let mut above: Option<Header> = None;
    while seen < HEADER_ROWS_MAX as u64
        && let Some(record) = sheet.next()
    {
        let Ok(cells) = &record.cells else { continue };
        let header = Header::of(heads, cells);
        let both = above.take().and_then(|over| header.joined(&over, heads));
        let both = both.map(|both| (both, seen.saturating_sub(1), 2, sheet.at()));
        for found in [Some((header.clone(), seen, 1, sheet.at())), both].into_iter().flatten() {
            if best.as_ref().is_none_or(|(known, ..)| found.0.beats(known)) {
                best = Some(found);
            }
        }
        above = Some(header);
        seen += 1;
    }
    let Some((header, above, rows, at)) = best else { return Err(TableError::Empty) };
    sheet.go_to(at);
    Ok((header, above, rows))
}
