//! The text that is passed on unread must still be JSON that every client can read.
//!
//! The parser of the frame has checked the grammar. Left are the three things that the grammar permits and
//! parsers of good standing refuse, each of which would let one person break another's client for good,
//! since what is not acknowledged is sent again: nesting without end, half of a surrogate pair, and numbers
//! that no double holds (RFC 8259 §6, §8.2, §9).

/// How deep a passed-on value may nest.
pub(super) const DEPTH_MAX: usize = 64;
/// How many digits in a row a number may have.
const DIGITS_MAX: usize = 64;
/// How many digits an exponent may have.
const EXPONENT_DIGITS_MAX: usize = 2;

/// Why a value is not passed on.
pub(super) type Unfit = &'static str;

const TOO_DEEP: Unfit = "nests too deeply";
const HALF_PAIR: Unfit = "holds half of a surrogate pair";
const TOO_GREAT: Unfit = "holds a number that no double holds";

/// Whether `json`, one value whose grammar was checked, can be read by everybody.
pub(super) fn check(json: &str) -> Result<(), Unfit> {
    let bytes = json.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => at = string(bytes, at)?,
            b'[' | b'{' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(TOO_DEEP);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'0'..=b'9' => at = number(bytes, at)?,
            _ => {}
        }
    }
    Ok(())
}

/// From inside a string to behind its closing quote.
fn string(bytes: &[u8], mut at: usize) -> Result<usize, Unfit> {
    loop {
        match bytes.get(at) {
            None => return Ok(at),
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = escape(bytes, at + 1)?,
            Some(_) => at += 1,
        }
    }
}

/// From behind a backslash to behind the escape, a pair being one.
fn escape(bytes: &[u8], at: usize) -> Result<usize, Unfit> {
    let Some(unit) = unit(bytes, at) else { return Ok(at + 1) };
    match unit {
        0xD800..=0xDBFF => {
            let second = (bytes.get(at + 5) == Some(&b'\\')).then(|| self::unit(bytes, at + 6)).flatten();
            if second.is_some_and(|low| (0xDC00..=0xDFFF).contains(&low)) { Ok(at + 11) } else { Err(HALF_PAIR) }
        }
        0xDC00..=0xDFFF => Err(HALF_PAIR),
        _ => Ok(at + 5),
    }
}

/// The code unit of `uXXXX`.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let (b'u', digits) = bytes.get(at..at + 5)?.split_first()? else { return None };
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// From behind a number's first digit to behind that run of digits and its exponent.
fn number(bytes: &[u8], at: usize) -> Result<usize, Unfit> {
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let run = digits(at);
    let mut end = at + run;
    if run >= DIGITS_MAX {
        return Err(TOO_GREAT);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        end += 1;
        if matches!(bytes.get(end), Some(b'+' | b'-')) {
            end += 1;
        }
        let exponent = digits(end);
        if exponent > EXPONENT_DIGITS_MAX {
            return Err(TOO_GREAT);
        }
        end += exponent;
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_parser_reads_is_passed_on() {
        let deepest = format!("{}{}", "[".repeat(DEPTH_MAX), "]".repeat(DEPTH_MAX));
        for json in
            [r#"{"a":[1,-2.5e10,true,false,null,"é\n\\\"\ud83d\ude00[[["]}"#, r#""plain""#, "0", "1E-99", &deepest]
        {
            assert_eq!(check(json), Ok(()), "{json}");
            assert!(serde_json::from_str::<serde_json::Value>(json).is_ok(), "{json}");
        }
    }

    #[test]
    fn what_some_parser_refuses_is_not() {
        let too_deep = format!("{}{}", "[".repeat(DEPTH_MAX + 1), "]".repeat(DEPTH_MAX + 1));
        let (long, fraction) = ("9".repeat(400), format!("0.{}", "9".repeat(400)));
        for (json, unfit) in [
            (too_deep.as_str(), TOO_DEEP),
            (r#""\ud800""#, HALF_PAIR),
            (r#"{"\udc00":1}"#, HALF_PAIR),
            (r#"["\ud83dA"]"#, HALF_PAIR),
            (r#""\ud83d\ud83d""#, HALF_PAIR),
            ("1e999", TOO_GREAT),
            (&long, TOO_GREAT),
            (&fraction, TOO_GREAT),
        ] {
            assert_eq!(check(json), Err(unfit), "{json}");
        }
    }
}
