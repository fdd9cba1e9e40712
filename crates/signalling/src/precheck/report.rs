//! The findings of a browser's check, and what that means for the visit. Pure.

use serde::{Deserialize, Serialize};

use crate::quality::Verdict;
use crate::quality::emodel::{Codec, Impairments};

/// Reports of one connection come at most this often, ms.
pub const REPORT_INTERVAL_MS_MIN: u64 = 2_000;
/// The time that frame and jitter buffer add to the way at least, ms: 26.5 of Opus (RFC 6716 §2), 20 of one packet.
const SOUND_MS: f64 = 46.5;

/// How a camera or microphone was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// It works.
    Ok,
    /// The person or the browser did not allow it.
    Denied,
    /// There is none.
    Missing,
    /// Another program has it.
    Busy,
    /// The page is not on HTTPS.
    Insecure,
    /// It works, and nothing comes: no picture, or no sound above silence.
    Silent,
    /// The person does not want to use it.
    Off,
}

/// One way of media, as it was tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// Whether the data channel opened.
    pub ok: bool,
    /// How long that took, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_ms: Option<f32>,
    /// Median round-trip time, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f32>,
    /// Mean difference between round trips, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter_ms: Option<f32>,
    /// Share of messages that did not come back, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f32>,
}

/// The ways that were tried; one that is missing was not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Paths {
    /// Without TURN on this side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direct: Option<Path>,
    /// TURN over UDP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub udp: Option<Path>,
    /// TURN over TCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<Path>,
    /// TURN over TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Path>,
}

/// The client's `precheck`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrecheckReport {
    pub camera: Device,
    pub microphone: Device,
    /// The ways of media.
    #[serde(default)]
    pub paths: Paths,
}

/// Why a report is not taken.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum PrecheckError {
    /// Sooner than [`REPORT_INTERVAL_MS_MIN`] after the one before.
    #[error("a check is reported at most every {REPORT_INTERVAL_MS_MIN} ms")]
    TooSoon,
    /// A figure that no line has.
    #[error("`paths.{path}.{field}` is not within 0 to {most}")]
    OutOfRange {
        /// The way.
        path: &'static str,
        field: &'static str,
        /// The greatest value it may have.
        most: f32,
    },
}

/// The obstacle to a good visit, with a text for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The camera does not work: sound only.
    NoCamera,
    /// The microphone does not work.
    NoMicrophone,
    /// The browser gives no devices without HTTPS.
    Insecure,
    /// Media finds no way at all.
    NoPath,
    /// Only TCP or TLS goes through: the picture may stutter.
    UdpBlocked,
    /// Messages are lost.
    Lossy,
    /// Messages take long.
    Slow,
}

impl Finding {
    /// The text of the finding and of what to do.
    pub fn text_key(self) -> &'static str {
        match self {
            Self::NoCamera => "precheck-no-camera",
            Self::NoMicrophone => "precheck-no-microphone",
            Self::Insecure => "precheck-insecure",
            Self::NoPath => "precheck-no-path",
            Self::UdpBlocked => "precheck-udp-blocked",
            Self::Lossy => "precheck-lossy",
            Self::Slow => "precheck-slow",
        }
    }

    /// Every finding.
    pub const ALL: [Self; 7] =
        [Self::NoCamera, Self::NoMicrophone, Self::Insecure, Self::NoPath, Self::UdpBlocked, Self::Lossy, Self::Slow];
}

/// The part of somebody's check that both sides see.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PrecheckNote {
    /// How the visit would go.
    pub verdict: Verdict,
    /// The faults that were found.
    pub findings: Vec<Finding>,
    /// Round-trip time on the best way, whole ms.
    pub rtt_ms: Option<f32>,
    /// Loss on the best way, three digits.
    pub loss: Option<f32>,
    #[serde(flatten)]
    pub report: PrecheckReport,
}

impl Paths {
    fn named(&self) -> [(&'static str, Option<Path>); 4] {
        [("direct", self.direct), ("udp", self.udp), ("tcp", self.tcp), ("tls", self.tls)]
    }

    /// The way that a call would rather take: datagrams before streams.
    fn best(&self) -> Option<Path> {
        self.named().into_iter().filter_map(|(_, path)| path).find(|path| path.ok)
    }
}

impl PrecheckReport {
    /// Whether every figure is one that a line can have.
    pub fn check(&self) -> Result<(), PrecheckError> {
        for (path, figures) in self.paths.named() {
            let Some(p) = figures else { continue };
            for (field, value, most) in [
                ("connect_ms", p.connect_ms, 60_000.0),
                ("rtt_ms", p.rtt_ms, 60_000.0),
                ("jitter_ms", p.jitter_ms, 60_000.0),
                ("loss", p.loss, 1.0),
            ] {
                if value.is_some_and(|v| !(0.0..=most).contains(&v)) {
                    return Err(PrecheckError::OutOfRange { path, field, most });
                }
            }
        }
        Ok(())
    }

    /// The meaning of the report for the visit.
    pub fn judge(self) -> PrecheckNote {
        let mut findings = Vec::new();
        if matches!(self.camera, Device::Insecure) || matches!(self.microphone, Device::Insecure) {
            findings.push(Finding::Insecure);
        } else {
            if !matches!(self.microphone, Device::Ok | Device::Off) {
                findings.push(Finding::NoMicrophone);
            }
            if !matches!(self.camera, Device::Ok | Device::Off) {
                findings.push(Finding::NoCamera);
            }
        }
        let tried = self.paths.named().iter().any(|(_, path)| path.is_some());
        let best = self.paths.best();
        let mut verdict = if tried { Verdict::Bad } else { Verdict::NoData };
        if let Some(path) = best {
            verdict = self.line(path, &mut findings);
        } else if tried {
            findings.push(Finding::NoPath);
        }
        let devices = match findings.first() {
            Some(Finding::Insecure | Finding::NoMicrophone) => Verdict::Bad,
            Some(Finding::NoCamera) => Verdict::Fair,
            _ => Verdict::NoData,
        };
        let round = |value: Option<f32>, steps: f32| value.map(|v| (v * steps).round() / steps);
        PrecheckNote {
            verdict: verdict.max(devices),
            findings,
            rtt_ms: round(best.and_then(|p| p.rtt_ms), 1.0),
            loss: round(best.and_then(|p| p.loss), 1000.0),
            report: self,
        }
    }

    fn line(&self, path: Path, findings: &mut Vec<Finding>) -> Verdict {
        let way_ms = f64::from(path.rtt_ms.unwrap_or(0.0)) / 2.0 + f64::from(path.jitter_ms.unwrap_or(0.0)) * 2.0;
        // Over the echo a message is lost on either way; a call loses on one.
        let loss = 1.0 - (1.0 - f64::from(path.loss.unwrap_or(0.0))).sqrt();
        let impairments = Impairments::of(way_ms + SOUND_MS, loss, Codec::OPUS);
        let mut verdict = Verdict::of_rating(impairments.rating());
        if verdict > Verdict::Good {
            findings.push(if impairments.loss >= impairments.delay { Finding::Lossy } else { Finding::Slow });
        }
        let datagrams = [self.paths.direct, self.paths.udp];
        let blocked = datagrams.iter().flatten().count() > 0 && !datagrams.iter().flatten().any(|p| p.ok);
        if blocked {
            findings.push(Finding::UdpBlocked);
            verdict = verdict.max(Verdict::Fair);
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "the table sets ways that were tried beside ways that were not")]
    fn way(rtt_ms: f32, loss: f32) -> Option<Path> {
        Some(Path { ok: true, connect_ms: Some(80.0), rtt_ms: Some(rtt_ms), jitter_ms: Some(2.0), loss: Some(loss) })
    }

    const SHUT: Option<Path> = Some(Path { ok: false, connect_ms: None, rtt_ms: None, jitter_ms: None, loss: None });

    fn report(paths: Paths) -> PrecheckReport {
        PrecheckReport { camera: Device::Ok, microphone: Device::Ok, paths }
    }

    #[test]
    fn each_finding_comes_from_what_was_found() {
        let all = Paths { direct: way(20.0, 0.0), udp: way(25.0, 0.0), tcp: way(30.0, 0.0), tls: way(30.0, 0.0) };
        let fine = report(all);
        for (report, verdict, findings) in [
            (fine, Verdict::Good, vec![]),
            (report(Paths { direct: SHUT, udp: SHUT, ..all }), Verdict::Fair, vec![Finding::UdpBlocked]),
            (report(Paths { direct: SHUT, ..all }), Verdict::Good, vec![]),
            (report(Paths { direct: SHUT, udp: SHUT, tcp: SHUT, tls: SHUT }), Verdict::Bad, vec![Finding::NoPath]),
            (report(Paths { direct: way(20.0, 0.3), ..Paths::default() }), Verdict::Poor, vec![Finding::Lossy]),
            (report(Paths { direct: way(700.0, 0.0), ..Paths::default() }), Verdict::Poor, vec![Finding::Slow]),
            (PrecheckReport { camera: Device::Busy, ..fine }, Verdict::Fair, vec![Finding::NoCamera]),
            (PrecheckReport { camera: Device::Off, ..fine }, Verdict::Good, vec![]),
            (PrecheckReport { microphone: Device::Silent, ..fine }, Verdict::Bad, vec![Finding::NoMicrophone]),
            (
                PrecheckReport { camera: Device::Insecure, microphone: Device::Insecure, ..fine },
                Verdict::Bad,
                vec![Finding::Insecure],
            ),
            (report(Paths::default()), Verdict::NoData, vec![]),
        ] {
            let note = report.judge();
            assert_eq!((note.verdict, note.findings), (verdict, findings), "{report:?}");
        }
    }

    #[test]
    fn figures_that_no_line_has_are_refused_by_name() {
        assert_eq!(report(Paths { udp: way(20.0, 0.5), ..Paths::default() }).check(), Ok(()));
        for (paths, path, field) in [
            (Paths { udp: way(-1.0, 0.0), ..Paths::default() }, "udp", "rtt_ms"),
            (Paths { tls: way(1.0, 1.5), ..Paths::default() }, "tls", "loss"),
            (Paths { direct: way(1e9, 0.0), ..Paths::default() }, "direct", "rtt_ms"),
        ] {
            let got = report(paths).check();
            assert!(matches!(got, Err(PrecheckError::OutOfRange { path: p, field: f, .. }) if p == path && f == field));
        }
    }

    #[test]
    fn it_is_read_with_what_is_missing_and_said_whole() {
        let read: PrecheckReport =
            serde_json::from_str(r#"{"camera":"ok","microphone":"denied","paths":{"udp":{"ok":false},"x":1},"y":[]}"#)
                .unwrap();
        assert_eq!(read.paths.udp, SHUT);
        let said = serde_json::to_value(read.judge()).unwrap();
        let expected = serde_json::json!({
            "verdict": "bad", "findings": ["no_microphone", "no_path"], "rtt_ms": null, "loss": null,
            "camera": "ok", "microphone": "denied", "paths": {"udp": {"ok": false}},
        });
        assert_eq!(said, expected);
    }

    #[test]
    fn every_finding_has_its_words_in_both_languages() {
        for finding in Finding::ALL {
            for texts in [include_str!("../../texts/zh-CN.ftl"), include_str!("../../texts/en.ftl")] {
                assert!(texts.lines().any(|l| l.split(" =").next() == Some(finding.text_key())), "{finding:?}");
            }
        }
    }
}
