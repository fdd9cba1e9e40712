//! QR codes (ISO/IEC 18004) as the path of an SVG.

use qrcode::{Color, EcLevel, QrCode};
use serde::Serialize;
use utoipa::ToSchema;

/// The longest text that is drawn: an address.
const DRAWN_BYTES_MAX: usize = 512;
/// The quiet zone that the standard asks for, in modules.
const QUIET: usize = 4;

/// A QR code: its side in modules, the quiet zone included, and its dark modules as the path of an SVG.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Drawing {
    pub side: usize,
    pub path: String,
}

/// Draws a text; `None` when it is too long.
pub(crate) fn draw(text: &str) -> Option<Drawing> {
    let fits = text.len() <= DRAWN_BYTES_MAX;
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M).ok().filter(|_| fits)?;
    Some(drawing(&code))
}

fn drawing(code: &QrCode) -> Drawing {
    let width = code.width();
    let dark = code.to_colors().into_iter().enumerate().filter(|(_, color)| *color == Color::Dark);
    let squares: Vec<String> =
        dark.map(|(at, _)| format!("M{} {}h1v1h-1z", at % width + QUIET, at / width + QUIET)).collect();
    Drawing { side: width + 2 * QUIET, path: squares.concat() }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_drawing_has_the_finders_of_a_code_within_its_quiet_zone() {
        let code = QrCode::new("https://sanbao.test/setup/account#x").unwrap();
        let drawing = drawing(&code);
        let last = drawing.side - QUIET - 7;
        for (x, y) in [(QUIET, QUIET), (last, QUIET), (QUIET, last)] {
            assert!(drawing.path.contains(&format!("M{x} {y}h1v1h-1z")), "{x} {y}");
        }
        assert!(!drawing.path.contains(&format!("M{} ", QUIET - 1)));
    }
}
