//! W3C Trace Context (<https://www.w3.org/TR/trace-context/>): the thread by which one finds all that a request has caused, in
//! this process and in others. It is a label of logs, spans and events, and nothing is ever allowed or refused by it.

use std::fmt;
use std::str::FromStr;

use axum::http::HeaderMap;

/// The header, and the extension attribute of a `CloudEvent`.
pub const TRACEPARENT: &str = "traceparent";

/// The length of a `traceparent` of version 00.
const CHARS: usize = 55;
/// The flag of those that a collector gets.
const SAMPLED: u8 = 1;

tokio::task_local! {
    static CURRENT: TraceContext;
}

/// A place in a trace: the trace, and the span in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    pub(super) trace: u128,
    pub(super) span: u64,
    flags: u8,
}

/// A text that is no `traceparent`. It may be anything, so that it is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no traceparent")]
pub struct NoTraceParent;

/// The number that `text` writes in lower-case digits of base 16; zero stands for nothing.
fn hex(text: &str) -> Result<u128, NoTraceParent> {
    if !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return Err(NoTraceParent);
    }
    u128::from_str_radix(text, 16).map_err(|_| NoTraceParent)
}

impl FromStr for TraceContext {
    type Err = NoTraceParent;

    fn from_str(text: &str) -> Result<Self, NoTraceParent> {
        let (known, more) = text.split_at_checked(CHARS).ok_or(NoTraceParent)?;
        let mut parts = known.split('-');
        let mut part = |chars: usize| {
            let part = parts.next().filter(|part| part.len() == chars).ok_or(NoTraceParent)?;
            hex(part)
        };
        let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        // A later version may say more behind these four.
        let ends_well = if version == 0 { more.is_empty() } else { more.is_empty() || more.starts_with('-') };
        if version == 0xff || trace == 0 || span == 0 || !ends_well {
            return Err(NoTraceParent);
        }
        let (span, flags) =
            (u64::try_from(span).map_err(|_| NoTraceParent)?, u8::try_from(flags).map_err(|_| NoTraceParent)?);
        Ok(Self { trace, span, flags: flags & SAMPLED })
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
    }
}

impl TraceContext {
    /// A new span: in the trace of `parent`, or in one of its own.
    pub fn below(parent: Option<Self>) -> Self {
        let sampled = if super::otlp::is_on() { SAMPLED } else { parent.map_or(0, |parent| parent.flags) };
        let trace = parent.map_or_else(|| rand::random_range(1..=u128::MAX), |parent| parent.trace);
        Self { trace, span: rand::random_range(1..=u64::MAX), flags: sampled }
    }

    /// The place that a request names as its cause; none where it names none, several, or what is no `traceparent`.
    pub fn of_headers(headers: &HeaderMap) -> Option<Self> {
        let mut given = headers.get_all(TRACEPARENT).iter();
        let only = given.next().filter(|_| given.next().is_none())?;
        only.to_str().ok()?.parse().ok()
    }

    /// The trace's id, as logs and collectors have it.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }

    /// Runs `work` as that of this span.
    pub async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self, work).await
    }

    /// The same of work that waits for nothing.
    pub fn within<T>(self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, work)
    }
}

/// The span whose work this task does now; none for a timer or the command line.
pub fn current() -> Option<TraceContext> {
    CURRENT.try_with(|context| *context).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_is_written_is_what_the_standard_names_and_what_is_read() {
        let context: TraceContext = GIVEN.parse().unwrap();
        assert_eq!(context.to_string(), GIVEN);
        assert_eq!(context.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        let later = GIVEN.replacen("00-", "cc-", 1);
        assert_eq!(later.parse(), Ok(context));
        assert_eq!(format!("{later}-more").parse(), Ok(context));
    }

    #[test]
    fn what_is_no_traceparent_is_none() {
        for text in [
            "",
            "00",
            "00-1-2-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319cb7ad6b7169203331--01",
            "00-陈f7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(text.parse::<TraceContext>(), Err(NoTraceParent), "{text}");
        }
    }

    #[test]
    fn of_two_headers_neither_is_taken() {
        let mut headers = HeaderMap::new();
        assert_eq!(TraceContext::of_headers(&headers), None);
        headers.append(TRACEPARENT, GIVEN.parse().unwrap());
        assert_eq!(TraceContext::of_headers(&headers), GIVEN.parse().ok());
        headers.append(TRACEPARENT, GIVEN.parse().unwrap());
        assert_eq!(TraceContext::of_headers(&headers), None);
    }

    #[tokio::test]
    async fn a_span_is_known_while_its_work_is_done() {
        assert_eq!(current(), None);
        let above: TraceContext = GIVEN.parse().unwrap();
        let below = TraceContext::below(Some(above));
        assert_eq!(below.trace, above.trace);
        assert_ne!(below.span, above.span);
        assert_eq!(below.scope(async { current() }).await, Some(below));
        assert_ne!(TraceContext::below(None).trace, TraceContext::below(None).trace);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_stumble(text in ".{0,80}") {
            if let Ok(context) = text.parse::<TraceContext>() {
                prop_assert_eq!(context.to_string().parse(), Ok(context));
            }
        }
    }
}
