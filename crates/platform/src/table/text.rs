//! Bytes become text: UTF-8 with or without its mark, UTF-16 with its mark, else GB 18030. A file that is none of these
//! says so; one that is damaged UTF-8 is never read as something else.
//!
//! A file is read piece by piece and more than once: first all of it to know what it is, then to count its rows, then for the
//! rows themselves. No more of it than a piece is held.

use std::fmt;
use std::io::{Read, Seek, SeekFrom};

use encoding_rs::{Decoder, DecoderResult, Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};
use sha2::{Digest as _, Sha256};

use super::read::TableError;
use crate::crypto::hex;

/// Bytes of a file that are looked at for what they are, at most.
const LOOKED_AT_MAX: usize = 64 * 1024;
/// Bytes that are read at once.
const PIECE_BYTES: usize = 64 * 1024;

/// The bytes of a file, wherever they lie: they are read from the beginning more than once.
pub trait FileBytes: Read + Seek + Send {}

impl<T: Read + Seek + Send> FileBytes for T {}

/// The text of a file, piece by piece.
pub(super) struct TextSource {
    bytes: Box<dyn FileBytes>,
    encoding: &'static Encoding,
    /// Bytes of the mark before the text.
    mark: u64,
    decoder: Decoder,
    piece: Vec<u8>,
    /// The bytes of the piece that are not yet decoded.
    left: std::ops::Range<usize>,
    has_ended: bool,
}

impl fmt::Debug for TextSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextSource").field("encoding", &self.encoding).finish_non_exhaustive()
    }
}

impl TextSource {
    /// The text of these bytes, at its beginning, and the hash of the bytes.
    pub(super) fn open(mut bytes: Box<dyn FileBytes>) -> Result<(Self, String), TableError> {
        let mut seen = Seen::default();
        let (mut piece, mut hash, mut first) = (vec![0; PIECE_BYTES], Sha256::new(), Vec::new());
        bytes.rewind().map_err(unreadable)?;
        loop {
            let read = filled(&mut bytes, &mut piece)?;
            let bytes = &piece[..read];
            hash.update(bytes);
            if first.is_empty() {
                first = bytes[..read.min(LOOKED_AT_MAX)].to_vec();
            }
            let is_last = read < piece.len();
            seen.take(bytes, is_last);
            if is_last {
                break;
            }
        }
        let (encoding, mark) = encoding_of(&first, &seen)?;
        let decoder = encoding.new_decoder_without_bom_handling();
        let mut source = Self { bytes, encoding, mark, decoder, piece, left: 0..0, has_ended: false };
        source.rewind()?;
        Ok((source, hex(&hash.finalize())))
    }

    /// Goes back to the beginning.
    pub(super) fn rewind(&mut self) -> Result<(), TableError> {
        self.bytes.seek(SeekFrom::Start(self.mark)).map_err(unreadable)?;
        self.decoder = self.encoding.new_decoder_without_bom_handling();
        (self.left, self.has_ended) = (0..0, false);
        Ok(())
    }

    /// Adds to a text what follows, so many bytes at least while there are any.
    pub(super) fn more(&mut self, text: &mut String, least: usize) -> Result<(), TableError> {
        let until = text.len() + least;
        while text.len() < until && !self.has_ended {
            if self.left.is_empty() {
                let read = filled(&mut self.bytes, &mut self.piece)?;
                self.left = 0..read;
            }
            // A piece that is not full is the last.
            let is_last = self.left.end < self.piece.len();
            text.reserve(3 * self.left.len() + 16);
            let rest = &self.piece[self.left.clone()];
            let (done, read) = self.decoder.decode_to_string_without_replacement(rest, text, is_last);
            self.left.start += read;
            match done {
                DecoderResult::InputEmpty => self.has_ended = is_last,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => return Err(self.damaged()),
            }
        }
        Ok(())
    }

    /// Whether all of it was read.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    fn damaged(&self) -> TableError {
        if self.encoding == GB18030 { TableError::Encoding } else { TableError::DamagedUtf16 }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "an error is given away")]
pub(super) fn unreadable(error: std::io::Error) -> TableError {
    TableError::Unreadable(error.to_string())
}

/// Fills a piece as far as there are bytes; how many there were.
pub(super) fn filled(bytes: &mut dyn FileBytes, piece: &mut [u8]) -> Result<usize, TableError> {
    let mut at = 0;
    while at < piece.len() {
        match bytes.read(&mut piece[at..]) {
            Ok(0) => break,
            Ok(read) => at += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
    Ok(at)
}

/// The encoding of a file by its first bytes and all that was seen of it, and the bytes of its mark.
fn encoding_of(first: &[u8], seen: &Seen) -> Result<(&'static Encoding, u64), TableError> {
    let marked = Encoding::for_bom(first).map(|(encoding, mark)| (encoding, mark as u64));
    if let Some(marked) = marked.filter(|(encoding, _)| *encoding == UTF_16LE || *encoding == UTF_16BE) {
        return Ok(marked);
    }
    if marked.is_none() && is_utf16_without_mark(first) {
        return Err(TableError::Utf16WithoutMark);
    }
    match (seen.fault, marked) {
        (None, _) => Ok((UTF_8, marked.map_or(0, |(_, mark)| mark))),
        (Some(line), Some(_)) => Err(TableError::DamagedUtf8(line)),
        (Some(line), None) if seen.is_damaged_utf8() => Err(TableError::DamagedUtf8(line)),
        (Some(_), None) => Ok((GB18030, 0)),
    }
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

/// The bytes of a file as UTF-8, as far as they are.
#[derive(Default)]
struct Seen {
    /// Characters of three bytes and more.
    good: u64,
    /// Places that are no UTF-8.
    bad: u64,
    /// Line ends so far.
    line_ends: u64,
    /// The line of the first byte that is not UTF-8.
    fault: Option<u64>,
    /// Whether the last character was the first half of a line end.
    was_return: bool,
    /// The beginning of a character that the next piece ends.
    begun: Vec<u8>,
}

impl Seen {
    fn take(&mut self, piece: &[u8], is_last: bool) {
        let mut bytes = std::mem::take(&mut self.begun);
        bytes.extend_from_slice(piece);
        let whole = if is_last { bytes.len() } else { whole_characters(&bytes) };
        for chunk in bytes[..whole].utf8_chunks() {
            let text = chunk.valid();
            self.good += text.chars().filter(|c| c.len_utf8() >= 3).count() as u64;
            if self.fault.is_none() {
                self.count_lines(text);
            }
            if !chunk.invalid().is_empty() {
                self.bad += 1;
                self.fault = self.fault.or(Some(1 + self.line_ends));
            }
        }
        self.begun = bytes.split_off(whole);
    }

    fn count_lines(&mut self, text: &str) {
        for byte in text.bytes() {
            self.line_ends += u64::from(byte == b'\r' || (byte == b'\n' && !self.was_return));
            self.was_return = byte == b'\r';
        }
    }

    /// Whether bytes that are not UTF-8 were it before some were damaged: then most of what is not ASCII reads as characters
    /// of three bytes still. Text in GB 18030 hardly ever does.
    fn is_damaged_utf8(&self) -> bool {
        self.good > self.bad
    }
}

/// How many of the bytes are there without a character that is only begun at their end.
fn whole_characters(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let at = bytes.len() - back;
        let needs = match bytes[at] {
            0xf0.. => 4,
            0xe0.. => 3,
            0xc0.. => 2,
            0x80.. => continue,
            _ => 1,
        };
        return if back < needs { at } else { bytes.len() };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const TEXT: &str = "编号,姓名\r\nA-1,欧阳修\r\nA-2,张三\r\n";

    fn decode(bytes: Vec<u8>) -> Result<String, TableError> {
        let of_all = crate::crypto::sha256_hex(&bytes);
        let (mut source, hash) = TextSource::open(Box::new(std::io::Cursor::new(bytes)))?;
        assert_eq!(hash, of_all);
        let mut text = String::new();
        while !source.has_ended() {
            source.more(&mut text, 1)?;
        }
        source.rewind()?;
        let mut again = String::new();
        source.more(&mut again, usize::MAX / 2)?;
        assert_eq!(text, again, "the same again from the beginning");
        Ok(text)
    }

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

    #[test]
    fn pieces_make_no_difference() {
        // Characters of two, three and four bytes, so that ends of pieces fall into each of their bytes.
        let text = "é,张,𠮷
"
        .repeat(PIECE_BYTES / 4);
        let (gb, _, _) = GB18030.encode(&text);
        for (bytes, shift) in [(text.as_bytes(), 0), (text.as_bytes(), 1), (text.as_bytes(), 2), (&gb, 0), (&gb, 1)] {
            let bytes = ["a".repeat(shift).as_bytes(), bytes].concat();
            assert_eq!(decode(bytes).unwrap(), format!("{}{text}", "a".repeat(shift)));
        }
        let units = utf16(&format!("\u{feff}{text}"), true);
        assert_eq!(decode(units).unwrap(), text);
        let lines = 2 * PIECE_BYTES as u64;
        let damaged = [&b"a\r\n".repeat(2 * PIECE_BYTES)[..], "张三李四".as_bytes(), b"\xff\n"].concat();
        assert_eq!(decode(damaged), Err(TableError::DamagedUtf8(1 + lines)));
    }
}
