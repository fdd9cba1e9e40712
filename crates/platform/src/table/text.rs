//! Bytes become text: UTF-8 with or without its mark, UTF-16 with its mark, else GB 18030. A file that is none of these
//! says so; one that is damaged UTF-8 is never read as something else.

use encoding_rs::{Encoding, GB18030, UTF_16BE, UTF_16LE};

use super::read::TableError;

/// Bytes of a file that are looked at for what they are, at most.
const LOOKED_AT_MAX: usize = 64 * 1024;

/// The text of a file.
pub(super) fn decode(mut bytes: Vec<u8>) -> Result<String, TableError> {
    if let Some((encoding, mark)) = Encoding::for_bom(&bytes) {
        bytes.drain(..mark);
        if encoding == UTF_16LE || encoding == UTF_16BE {
            return whole(encoding, &bytes).ok_or(TableError::DamagedUtf16);
        }
        return utf8(bytes).map_err(|bytes| TableError::DamagedUtf8(line_of_fault(&bytes)));
    }
    if is_utf16_without_mark(&bytes) {
        return Err(TableError::Utf16WithoutMark);
    }
    let bytes = match utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(bytes) => bytes,
    };
    if is_damaged_utf8(&bytes) {
        return Err(TableError::DamagedUtf8(line_of_fault(&bytes)));
    }
    whole(GB18030, &bytes).ok_or(TableError::Encoding)
}

fn utf8(bytes: Vec<u8>) -> Result<String, Vec<u8>> {
    String::from_utf8(bytes).map_err(std::string::FromUtf8Error::into_bytes)
}

fn whole(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    encoding.decode_without_bom_handling_and_without_replacement(bytes).map(std::borrow::Cow::into_owned)
}

/// Every other byte of Latin text in UTF-16 is zero, and no other text has zeros.
fn is_utf16_without_mark(bytes: &[u8]) -> bool {
    let seen = &bytes[..bytes.len().min(LOOKED_AT_MAX)];
    let zeros = |odd: usize| seen.iter().skip(odd).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    // Separators and line ends alone make some of them.
    let most = even.max(odd);
    most >= 4 && most * 20 > seen.len() && even.min(odd) * 10 < most
}

/// Whether bytes that are not UTF-8 were it before some were damaged: then most of what is not ASCII reads as characters
/// of three bytes still. Text in GB 18030 hardly ever does.
fn is_damaged_utf8(bytes: &[u8]) -> bool {
    let (mut good, mut bad) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| c.len_utf8() >= 3).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    good > bad
}

/// The line of the first byte that is not UTF-8.
fn line_of_fault(bytes: &[u8]) -> u64 {
    let good = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    1 + super::records::line_ends(good)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const TEXT: &str = "编号,姓名\r\nA-1,欧阳修\r\nA-2,张三\r\n";

    fn utf16(text: &str, little: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    }

    #[test]
    fn each_encoding_is_read() {
        let (gb, _, _) = GB18030.encode(TEXT);
        let bom = [b"\xef\xbb\xbf".as_slice(), TEXT.as_bytes()].concat();
        let little = utf16(&format!("\u{feff}{TEXT}"), true);
        let big = utf16(&format!("\u{feff}{TEXT}"), false);
        for bytes in [TEXT.as_bytes(), &gb, &bom, &little, &big] {
            assert_eq!(decode(bytes.to_vec()).unwrap(), TEXT);
        }
        let (rare, _, lossy) = GB18030.encode("姓名\n𠮷某\n䶮某\n");
        assert!(!lossy);
        assert_eq!(decode(rare.into_owned()).unwrap(), "姓名\n𠮷某\n䶮某\n");
    }

    #[test]
    fn what_is_none_of_them_says_what_it_is() {
        for name in ["张三", "欧阳修"] {
            let damaged = [b"id,name\n1,".as_slice(), name.as_bytes(), b"\n2,\xe6\x9d\n3,x\n"].concat();
            assert_eq!(decode(damaged), Err(TableError::DamagedUtf8(3)), "{name}");
        }
        let marked = [b"\xef\xbb\xbf".as_slice(), "名\r张\r".as_bytes(), b"\xff"].concat();
        assert_eq!(decode(marked), Err(TableError::DamagedUtf8(3)));
        assert_eq!(decode(b"\xff\xff\xff\x00".to_vec()), Err(TableError::Encoding));
        for little in [true, false] {
            assert_eq!(decode(utf16("id,name,phone\n1,abc,2\n", little)), Err(TableError::Utf16WithoutMark));
        }
        let half = [&utf16("\u{feff}id", true)[..], &[0x00, 0xd8]].concat();
        assert_eq!(decode(half), Err(TableError::DamagedUtf16));
    }
}
