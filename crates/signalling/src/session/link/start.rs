//! The numbers of a message, written without an allocation.

/// The numbers at the start of a message, on the stack: at most `{"seq":` and `"ack":` with 20 digits each and a comma.
pub(super) struct Start {
    pub(super) bytes: [u8; 56],
    pub(super) len: usize,
}

impl Default for Start {
    fn default() -> Self {
        Self { bytes: [0; 56], len: 0 }
    }
}

impl Start {
    pub(super) fn member(&mut self, name: &[u8], mut number: u64) {
        self.push(name);
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.push(&digits[at..]);
        self.push(b",");
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
}
