//! How speech over a line would be judged: the E-model of Recommendation ITU-T G.107 (06/2015).
//!
//! `R = Ro - Is - Id - Ie,eff + A` (equation 7-1). Everything that a network does not change keeps the
//! defaults of its Table 1, so that R without delay and loss is the 93.2 of clause 7.7; the advantage
//! factor A is 0. Delay and loss are what is measured.
//!
//! Assumed for Opus, for which the ITU-T publishes neither value: Ie = 0 and Bpl = 25.1, those of G.711
//! with packet loss concealment in G.113 Appendix I, and random loss (`BurstR` = 1). The scale is that of
//! narrowband telephony, so a MOS here compares lines; it does not say how good Opus sounds.

/// Ro - Is of Table 1's defaults: 94.769 - 1.414 (equations 7-2 to 7-17).
const RO_LESS_IS: f64 = 93.355;
/// Ro of Table 1's defaults (equation 7-2).
const RO: f64 = 94.769;
/// Talker echo loudness rating, dB (Table 1): what echo cancellation in the browser leaves.
const TELR: f64 = 65.0;
/// Weighted echo path loss, dB (Table 1).
const WEPL: f64 = 110.0;
/// Delay that is not noticed, ms (Table 1, delay sensitivity class "default").
const MT_MS: f64 = 100.0;

/// The properties of a codec: equipment impairment and robustness against loss (G.113 Appendix I).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Codec {
    /// Equipment impairment factor Ie.
    pub ie: f64,
    /// Packet-loss robustness factor Bpl.
    pub bpl: f64,
}

impl Codec {
    /// Opus as it is assumed here; see the module's words.
    pub const OPUS: Self = Self { ie: 0.0, bpl: 25.1 };
}

/// The harm that one way of a line does to speech.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impairments {
    /// Id, by delay (equation 7-17 and following).
    pub delay: f64,
    /// Ie,eff, by codec and loss (equation 7-29).
    pub loss: f64,
}

impl Impairments {
    /// Of mouth-to-ear delay `delay_ms` and a share `loss` (0 to 1) of packets lost at random.
    pub fn of(delay_ms: f64, loss: f64, codec: Codec) -> Self {
        let delay_ms = delay_ms.max(0.0);
        Self {
            delay: talker_echo(delay_ms) + listener_echo(delay_ms) + absolute_delay(delay_ms),
            loss: ie_eff(loss, codec),
        }
    }

    /// The transmission rating R, 0 to 93.2.
    pub fn rating(self) -> f64 {
        (RO_LESS_IS - self.delay - self.loss).max(0.0)
    }
}

/// Idte, with perfect echo cancellation excepted (equations 7-18 to 7-21).
fn talker_echo(t_ms: f64) -> f64 {
    let terv = TELR - 40.0 * ((1.0 + t_ms / 10.0) / (1.0 + t_ms / 150.0)).log10() + 6.0 * (-0.3 * t_ms * t_ms).exp();
    let re = 80.0 + 2.5 * (terv - 14.0);
    // Roe = -1.5 (No - RLR) equals Ro with the defaults of Table 1.
    let half = (RO - re) / 2.0;
    (half + (half * half + 100.0).sqrt() - 1.0) * (1.0 - (-t_ms).exp())
}

/// Idle, with a round trip of twice the way (equations 7-24 and 7-25).
fn listener_echo(t_ms: f64) -> f64 {
    let rle = 10.5 * (WEPL + 7.0) * (2.0 * t_ms + 1.0).powf(-0.25);
    let half = (RO - rle) / 2.0;
    half + (half * half + 169.0).sqrt()
}

/// Idd with delay sensitivity sT = 1 (equations 7-27 and 7-28).
fn absolute_delay(ta_ms: f64) -> f64 {
    if ta_ms <= MT_MS {
        return 0.0;
    }
    let x = (ta_ms / MT_MS).log2();
    25.0 * ((1.0 + x.powi(6)).powf(1.0 / 6.0) - 3.0 * (1.0 + (x / 3.0).powi(6)).powf(1.0 / 6.0) + 2.0)
}

/// Ie,eff of random loss (equation 7-29, `BurstR` = 1).
fn ie_eff(loss: f64, codec: Codec) -> f64 {
    let ppl = loss.clamp(0.0, 1.0) * 100.0;
    codec.ie + (95.0 - codec.ie) * ppl / (ppl + codec.bpl)
}

/// The mean opinion score that listeners would give a rating, 1.0 to 4.5 (G.107 Annex B).
pub fn mos(rating: f64) -> f64 {
    if rating >= 100.0 {
        return 4.5;
    }
    let r = rating.max(0.0);
    // Below R = 6.5 the polynomial dips under 1, which no listener can say.
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64, within: f64) -> bool {
        (a - b).abs() <= within
    }

    #[test]
    fn a_perfect_line_has_the_default_rating_of_clause_7_7() {
        assert!(near(Impairments::of(0.0, 0.0, Codec::OPUS).rating(), 93.2, 0.05));
    }

    #[test]
    fn ratings_become_the_scores_of_annex_b() {
        // G.107 Table B.1: the lower limits of the user satisfaction categories.
        for (rating, score) in [(90.0, 4.34), (80.0, 4.03), (70.0, 3.60), (60.0, 3.10), (50.0, 2.58)] {
            assert!(near(mos(rating), score, 0.011), "R {rating}: {}", mos(rating));
        }
        assert!(near(mos(93.2), 4.41, 0.005), "clause 7.7 gives 4.41 for the default rating");
        assert!(near(mos(-5.0), 1.0, 1e-9) && near(mos(3.0), 1.0, 1e-9) && near(mos(120.0), 4.5, 1e-9));
    }

    #[test]
    fn delay_costs_what_the_full_model_says() {
        // Computed apart from this code with every parameter of Table 1 spelled out.
        let table = [
            (50.0, 91.76),
            (100.0, 90.66),
            (150.0, 89.54),
            (200.0, 85.81),
            (250.0, 79.18),
            (300.0, 72.67),
            (400.0, 62.25),
        ];
        for (delay_ms, rating) in table {
            let got = Impairments::of(delay_ms, 0.0, Codec::OPUS).rating();
            assert!(near(got, rating, 0.02), "{delay_ms} ms: {got}");
        }
    }

    #[test]
    fn delay_stays_near_the_well_known_straight_lines() {
        // Cole and Rosenbluth (2001) fitted Id = 0.024 d + 0.11 (d - 177.3) H(d - 177.3) for d < 400 ms.
        for delay_ms in [0.0_f64, 40.0, 80.0, 120.0, 160.0, 200.0, 240.0, 280.0, 320.0, 360.0] {
            let line = 0.024 * delay_ms + 0.11 * (delay_ms - 177.3).max(0.0);
            let got = Impairments::of(delay_ms, 0.0, Codec::OPUS).delay;
            assert!(near(got, line, 2.5), "{delay_ms} ms: {got} beside {line}");
        }
    }

    #[test]
    fn loss_costs_what_the_codecs_of_g_113_say() {
        let g729a = Codec { ie: 11.0, bpl: 19.0 };
        assert!(near(Impairments::of(0.0, 0.02, g729a).loss, 19.0, 1e-9), "11 + 84 * 2 / 21");
        let g711 = Codec { ie: 0.0, bpl: 4.3 };
        assert!(near(Impairments::of(0.0, 0.01, g711).loss, 17.92, 0.01));
        assert!(near(Impairments::of(0.0, 0.05, Codec::OPUS).loss, 15.78, 0.01));
        assert!(near(Impairments::of(0.0, 1.0, Codec::OPUS).loss, 75.94, 0.01));
    }

    #[test]
    fn worse_is_never_rated_better() {
        let mut last = f64::MAX;
        for step in 0..200 {
            let rating = Impairments::of(f64::from(step) * 10.0, f64::from(step) / 400.0, Codec::OPUS).rating();
            assert!(rating <= last && rating >= 0.0, "step {step}");
            last = rating;
        }
    }
}
