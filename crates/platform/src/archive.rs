//! A sealed file of records: what a backup lies in.
//!
//! The records are `MessagePack`, deflated, and encrypted in frames by AES-256-GCM in the STREAM construction (Hoang, Reyhanitabar,
//! Rogaway, Vizár 2015), so that no frame can be changed, moved or left out, and no end cut off, without being noticed. The key
//! comes from a passphrase by Argon2id (RFC 9106), at a cost that stands in the head.
//!
//! Head: 16 bytes of [`MAGIC`]; memory in KiB, passes and lanes of Argon2id, 4 bytes each; 16 bytes of salt; 7 bytes of nonce. The head
//! is associated data of each frame. A frame: 4 bytes, the length of what follows, with the highest bit set in the last one;
//! then the cipher text. Numbers are big-endian.

use std::io::{self, Read, Write};

use aead_stream::{DecryptorBE32, EncryptorBE32};
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{KeyInit as _, Payload};
use argon2::{Algorithm, Argon2, Params, Version};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The first bytes of such a file; the last of them but one is the version of the format.
pub const MAGIC: &[u8; 16] = b"SANBAO BACKUP \x01\n";

const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 7;
const HEAD_BYTES: usize = MAGIC.len() + 12 + SALT_BYTES + NONCE_BYTES;
/// Bytes of a frame before it is encrypted, at most.
const FRAME_BYTES: usize = 256 * 1024;
/// Bytes that encrypting adds (the tag of GCM).
const TAG_BYTES: usize = 16;
const LAST: u32 = 1 << 31;

/// The cost of a passphrase: memory in KiB, passes, lanes. A file says its own.
const COST: [u32; 3] = [64 * 1024, 3, 1];
/// The cost that a file may ask for at most.
const COST_MAX: [u32; 3] = [1024 * 1024, 16, 16];

/// Why a sealed file cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It begins with something else.
    #[error("this is no backup of Sanbao, or of a later version of its format")]
    Foreign,
    /// The first frame does not open.
    #[error("the passphrase is not the one of this backup, or its file was changed")]
    Passphrase,
    /// The head asks for more work than anybody would have asked for.
    #[error("the cost in the head of the file is out of bounds")]
    Cost,
    /// A record that this version does not know, or that cannot be written.
    #[error("a record: {0}")]
    Record(String),
}

type Head = [u8; HEAD_BYTES];

fn cipher(head: &Head, passphrase: &str) -> Result<(Aes256Gcm, [u8; NONCE_BYTES]), ArchiveError> {
    let number = |n: usize| {
        let at = MAGIC.len() + 4 * n;
        head[at..at + 4].iter().fold(0_u32, |all, byte| all << 8 | u32::from(*byte))
    };
    let cost: [u32; 3] = std::array::from_fn(number);
    if cost.iter().zip(COST_MAX).any(|(asked, max)| *asked > max) {
        return Err(ArchiveError::Cost);
    }
    let params = Params::new(cost[0], cost[1], cost[2], Some(32)).map_err(|_| ArchiveError::Cost)?;
    let (salt, nonce) = head[MAGIC.len() + 12..].split_at(SALT_BYTES);
    let mut key = [0; 32];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(passphrase.as_bytes(), salt, &mut key).map_err(|_| ArchiveError::Cost)?;
    let mut prefix = [0; NONCE_BYTES];
    prefix.copy_from_slice(nonce);
    Ok((Aes256Gcm::new(&key.into()), prefix))
}

/// Encrypts what is written to it.
struct Sealing<W> {
    out: W,
    head: Head,
    cipher: Option<EncryptorBE32<Aes256Gcm>>,
    buffer: Vec<u8>,
}

impl<W: Write> Sealing<W> {
    fn frame(&mut self, sealed: &[u8], last: u32) -> io::Result<()> {
        let length = u32::try_from(sealed.len()).map_err(io::Error::other)? | last;
        self.out.write_all(&length.to_be_bytes())?;
        self.out.write_all(sealed)
    }

    fn finish(mut self) -> io::Result<W> {
        let cipher = self.cipher.take().ok_or_else(ended)?;
        let payload = Payload { msg: &self.buffer, aad: &self.head };
        let sealed = cipher.encrypt_last(payload).map_err(|_| ended())?;
        self.frame(&sealed, LAST)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

fn ended() -> io::Error {
    io::Error::other("the file has come to its end")
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(FRAME_BYTES - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        if self.buffer.len() == FRAME_BYTES {
            let cipher = self.cipher.as_mut().ok_or_else(ended)?;
            let payload = Payload { msg: &self.buffer, aad: &self.head };
            // 2^32 frames are a pebibyte.
            let sealed = cipher.encrypt_next(payload).map_err(|_| ended())?;
            self.frame(&sealed, 0)?;
            self.buffer.clear();
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes records into a sealed file.
pub struct Writer<W: Write>(DeflateEncoder<Sealing<W>>);

impl<W: Write> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

impl<W: Write> Writer<W> {
    /// Begins a file under a passphrase.
    pub fn begin(mut out: W, passphrase: &str) -> Result<Self, ArchiveError> {
        let mut head = [0; HEAD_BYTES];
        let (magic, rest) = head.split_at_mut(MAGIC.len());
        magic.copy_from_slice(MAGIC);
        let (cost, random) = rest.split_at_mut(12);
        for (bytes, number) in cost.chunks_mut(4).zip(COST) {
            bytes.copy_from_slice(&number.to_be_bytes());
        }
        random.copy_from_slice(&rand::random::<[u8; SALT_BYTES + NONCE_BYTES]>());
        let (cipher, nonce) = cipher(&head, passphrase)?;
        out.write_all(&head)?;
        let cipher = Some(EncryptorBE32::from_aead(cipher, &nonce.into()));
        let sealing = Sealing { out, head, cipher, buffer: Vec::with_capacity(FRAME_BYTES) };
        Ok(Self(DeflateEncoder::new(sealing, Compression::fast())))
    }

    /// Writes a record.
    pub fn write(&mut self, record: &impl Serialize) -> Result<(), ArchiveError> {
        rmp_serde::encode::write(&mut self.0, record).map_err(|e| ArchiveError::Record(e.to_string()))
    }

    /// Ends the file; only now can it be read.
    pub fn finish(self) -> Result<W, ArchiveError> {
        Ok(self.0.finish()?.finish()?)
    }
}

/// Decrypts what it reads.
struct Opening<R> {
    from: R,
    head: Head,
    cipher: Option<DecryptorBE32<Aes256Gcm>>,
    frames: u64,
    open: Vec<u8>,
    at: usize,
}

/// The sign of a first frame that does not open, on its way through [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("the first frame does not open")]
struct Closed;

impl<R: Read> Opening<R> {
    fn next(&mut self) -> io::Result<()> {
        let Some(mut cipher) = self.cipher.take() else { return Ok(()) };
        let cut = || io::Error::new(io::ErrorKind::UnexpectedEof, "the backup is cut off or was changed");
        let mut length = [0; 4];
        self.from.read_exact(&mut length).map_err(|_| cut())?;
        let length = u32::from_be_bytes(length);
        let bytes = (length & !LAST) as usize;
        if bytes > FRAME_BYTES + TAG_BYTES {
            return Err(cut());
        }
        let mut sealed = vec![0; bytes];
        self.from.read_exact(&mut sealed).map_err(|_| cut())?;
        let payload = Payload { msg: &sealed, aad: &self.head };
        let opened = if length & LAST == 0 {
            let opened = cipher.decrypt_next(payload);
            self.cipher = Some(cipher);
            opened
        } else {
            cipher.decrypt_last(payload)
        };
        self.open = opened.map_err(|_| if self.frames == 0 { io::Error::other(Closed) } else { cut() })?;
        (self.at, self.frames) = (0, self.frames + 1);
        Ok(())
    }
}

impl<R: Read> Read for Opening<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.open.len() && self.cipher.is_some() {
            self.next()?;
        }
        let taken = out.len().min(self.open.len() - self.at);
        out[..taken].copy_from_slice(&self.open[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}

/// Reads the records of a sealed file.
pub struct Reader<R: Read>(DeflateDecoder<Opening<R>>);

impl<R: Read> std::fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader")
    }
}

impl<R: Read> Reader<R> {
    /// Opens a file by its passphrase; a wrong one is noticed here.
    pub fn open(mut from: R, passphrase: &str) -> Result<Self, ArchiveError> {
        let mut head = [0; HEAD_BYTES];
        from.read_exact(&mut head).map_err(|_| ArchiveError::Foreign)?;
        if !head.starts_with(MAGIC) {
            return Err(ArchiveError::Foreign);
        }
        let (cipher, nonce) = cipher(&head, passphrase)?;
        let cipher = Some(DecryptorBE32::from_aead(cipher, &nonce.into()));
        let mut opening = Opening { from, head, cipher, frames: 0, open: Vec::new(), at: 0 };
        opening.next().map_err(|e| match e.downcast::<Closed>() {
            Ok(Closed) => ArchiveError::Passphrase,
            Err(other) => ArchiveError::Io(other),
        })?;
        Ok(Self(DeflateDecoder::new(opening)))
    }

    /// The next record.
    pub fn read<T: DeserializeOwned>(&mut self) -> Result<T, ArchiveError> {
        rmp_serde::from_read(&mut self.0).map_err(|e| ArchiveError::Record(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Three frames of what does not deflate.
    fn records() -> Vec<Vec<u64>> {
        (0..3).map(|_| (0..30_000).map(|_| rand::random()).collect()).collect()
    }

    fn sealed(records: &[Vec<u64>]) -> Vec<u8> {
        let mut writer = Writer::begin(Vec::new(), "a passphrase").unwrap();
        for record in records {
            writer.write(record).unwrap();
        }
        writer.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Vec<Vec<u64>>, ArchiveError> {
        let mut reader = Reader::open(bytes, "a passphrase")?;
        (0..3).map(|_| reader.read()).collect()
    }

    #[test]
    fn what_was_written_is_read_and_nothing_of_it_stands_in_the_file() {
        let records = records();
        let bytes = sealed(&records);
        assert!(bytes.len() > 2 * FRAME_BYTES, "several frames");
        assert_eq!(read(&bytes).unwrap(), records);
        assert_ne!(sealed(&records)[HEAD_BYTES..], bytes[HEAD_BYTES..], "another salt");
        let text = sealed(&[vec![0x7e57_7e57_7e57_7e57; 4]]);
        assert!(!text.windows(8).any(|w| w == [0x7e, 0x57, 0x7e, 0x57, 0x7e, 0x57, 0x7e, 0x57]));
    }

    #[test]
    fn a_wrong_passphrase_and_another_file_are_told_apart() {
        let bytes = sealed(&records());
        assert!(matches!(Reader::open(&bytes[..], "another"), Err(ArchiveError::Passphrase)));
        for other in [&b"PK"[..], &[0; 100], b"SANBAO BACKUP \x02\n and more than a head of bytes and more and more"] {
            assert!(matches!(Reader::open(other, "a passphrase"), Err(ArchiveError::Foreign)));
        }
        let mut dear = bytes;
        dear[MAGIC.len()] = 0xff;
        assert!(matches!(Reader::open(&dear[..], "a passphrase"), Err(ArchiveError::Cost)));
    }

    #[test]
    fn a_file_that_was_cut_changed_or_reordered_is_not_read_to_its_end() {
        let bytes = sealed(&records());
        let frame = 4 + FRAME_BYTES + TAG_BYTES;
        let mut damaged = vec![bytes[..bytes.len() - 1].to_vec(), bytes[..HEAD_BYTES + frame].to_vec()];
        for at in [HEAD_BYTES + 10, HEAD_BYTES + frame + 100, bytes.len() - 1, MAGIC.len() + 12, HEAD_BYTES - 1] {
            let mut other = bytes.clone();
            other[at] ^= 1;
            damaged.push(other);
        }
        let mut swapped = bytes[..HEAD_BYTES].to_vec();
        swapped.extend(&bytes[HEAD_BYTES + frame..HEAD_BYTES + 2 * frame]);
        swapped.extend(&bytes[HEAD_BYTES..HEAD_BYTES + frame]);
        swapped.extend(&bytes[HEAD_BYTES + 2 * frame..]);
        damaged.push(swapped);
        for (n, bytes) in damaged.iter().enumerate() {
            assert!(read(bytes).is_err(), "{n}");
        }
    }
}
