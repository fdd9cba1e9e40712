//! The files as people have them, damaged in every way that chance finds: each record of a file that is read is accounted for, and
//! a file that is not read says why. `SANBAO_TEST_SEQUENCES` makes it so many ways for each file.

use sanbao_needs_analysis::import::{self, ImportError};
use sanbao_platform::testing::sqlite;

use crate::requests::house::House;
use crate::requests::import::options;
use crate::requests::import_folder::files;

const WAYS: u64 = 6;
/// Bytes that mean something to a reader of files.
const TELLING: &[u8] = b"\",;\t\r\n\0=\xef\xbb\xbf\xff\xe6\x9d'0";

/// Numbers by chance, the same each time (xorshift64*).
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % most.max(1)
    }

    /// Damages a file at a few places.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let (at, many) = (self.below(bytes.len()), self.below(200));
            let until = bytes.len().min(at + many);
            match self.below(5) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 => bytes.insert(at, TELLING[self.below(TELLING.len())]),
                2 => drop(bytes.drain(at..until)),
                3 => {
                    let twice = bytes[at..until].to_vec();
                    bytes.splice(at..at, twice);
                }
                _ => bytes.truncate(bytes.len() - self.below(bytes.len() / 4)),
            }
        }
    }
}

#[tokio::test]
async fn every_record_of_a_damaged_file_is_accounted_for_or_the_file_refused() {
    let house = House::open(&sqlite()).await;
    let (deps, options) = (&house.app.deps, options(true));
    let ways = std::env::var("SANBAO_TEST_SEQUENCES").map_or(WAYS, |text| text.parse().unwrap());
    let (mut read, mut refused) = (0, 0);
    for (at, path) in (1..).zip(files()) {
        let whole = std::fs::read(&path).unwrap();
        for way in 0..ways {
            let mut bytes = whole.clone();
            Chance(at * 1_000_003 + way).damage(&mut bytes);
            let done = import::run(&deps.db, &deps.clock, &deps.fields, bytes.as_slice(), &options, |_, _| {}).await;
            let report = match done {
                Ok(report) => report,
                Err(ImportError::Table(_)) => {
                    refused += 1;
                    continue;
                }
                Err(error) => panic!("{} way {way}: {error}", path.display()),
            };
            read += 1;
            let told =
                report.created + report.updated + report.unchanged + report.ended + report.failed + report.skipped;
            assert_eq!((told, report.done), (report.total, report.total), "{} way {way}", path.display());
            let notes = &report.notes;
            let beside = notes.above + notes.heading + notes.blank;
            let records = beside + u64::try_from(report.total).unwrap();
            assert_eq!(records, notes.records, "{} way {way}: {notes:?}", path.display());
        }
    }
    assert!(read > 0 && refused > 0, "{read} read, {refused} refused");
}
