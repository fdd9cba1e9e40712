//! Places of Chinese map services: GCJ-02, which moves each place by some hundred metres, and the way back to WGS-84.
//!
//! The transformation is not published; these are the formulas that are known of it, on the ellipsoid of Krasovsky 1940, as in
//! *eviltransform* (<https://github.com/googollee/eviltransform>) and *coordtransform*. Outside of China services move
//! nothing, and neither does this.

use std::f64::consts::PI;

/// Semi-major axis of the ellipsoid of Krasovsky 1940, in metres.
const AXIS_M: f64 = 6_378_245.0;
/// Its eccentricity, squared.
const ECCENTRICITY_SQUARED: f64 = 0.006_693_421_622_965_943;
/// The box in which places are moved, in degrees of latitude.
const LATITUDES: std::ops::RangeInclusive<f64> = 0.8293..=55.8271;
/// The box in which places are moved, in degrees of longitude.
const LONGITUDES: std::ops::RangeInclusive<f64> = 72.004..=137.8347;
/// How often the way back is bettered: three times leaves millimetres.
const ROUNDS: usize = 6;

/// A place in degrees; which map it is of, the function says that takes or gives it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapPlace {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

impl MapPlace {
    /// Reads `31.9,121.7`: degrees north, then east, with a comma of any width or a space between; `None` for all else.
    pub fn read(text: &str) -> Option<Self> {
        let plain: String = text.chars().map(|c| if matches!(c, '，' | ',' | ';' | '；') { ' ' } else { c }).collect();
        let mut parts = plain.split_whitespace().map(str::parse::<f64>);
        let (Some(Ok(latitude)), Some(Ok(longitude)), None) = (parts.next(), parts.next(), parts.next()) else {
            return None;
        };
        let possible = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        possible.then_some(Self { latitude, longitude })
    }

    /// Whether map services move places here.
    fn is_moved(self) -> bool {
        LATITUDES.contains(&self.latitude) && LONGITUDES.contains(&self.longitude)
    }

    /// A place of WGS-84 as Chinese map services show it.
    #[must_use]
    pub fn to_gcj02(self) -> Self {
        if self.is_moved() { self.moved() } else { self }
    }

    /// A place of a Chinese map service in WGS-84, to less than a metre.
    #[must_use]
    pub fn from_gcj02(self) -> Self {
        if !self.is_moved() {
            return self;
        }
        let mut found = self;
        for _ in 0..ROUNDS {
            let shown = found.moved();
            found.latitude += self.latitude - shown.latitude;
            found.longitude += self.longitude - shown.longitude;
        }
        found
    }

    fn moved(self) -> Self {
        let (east, north) = (self.longitude - 105.0, self.latitude - 35.0);
        let latitude = self.latitude.to_radians();
        let bulge = 1.0 - ECCENTRICITY_SQUARED * latitude.sin().powi(2);
        let meridian_m = AXIS_M * (1.0 - ECCENTRICITY_SQUARED) / bulge.powf(1.5);
        let parallel_m = AXIS_M / bulge.sqrt() * latitude.cos();
        Self {
            latitude: self.latitude + (north_m(east, north) / meridian_m).to_degrees(),
            longitude: self.longitude + (east_m(east, north) / parallel_m).to_degrees(),
        }
    }
}

/// Two waves, as the formulas have them in pairs.
fn waves(at: f64, [(height, length), (second_height, second_length)]: [(f64, f64); 2]) -> f64 {
    (height * (at * PI / length).sin() + second_height * (at * PI / second_length).sin()) * 2.0 / 3.0
}

/// How far a place is moved to the north, in metres.
fn north_m(east: f64, north: f64) -> f64 {
    let plain = -100.0 + 2.0 * east + 3.0 * north + 0.2 * north * north + 0.1 * east * north + 0.2 * east.abs().sqrt();
    plain
        + waves(east, [(20.0, 1.0 / 6.0), (20.0, 0.5)])
        + waves(north, [(20.0, 1.0), (40.0, 3.0)])
        + waves(north, [(160.0, 12.0), (320.0, 30.0)])
}

/// How far a place is moved to the east, in metres.
fn east_m(east: f64, north: f64) -> f64 {
    let plain = 300.0 + east + 2.0 * north + 0.1 * east * east + 0.1 * east * north + 0.1 * east.abs().sqrt();
    plain
        + waves(east, [(20.0, 1.0 / 6.0), (20.0, 0.5)])
        + waves(east, [(20.0, 1.0), (40.0, 3.0)])
        + waves(east, [(150.0, 12.0), (300.0, 30.0)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(latitude: f64, longitude: f64) -> MapPlace {
        MapPlace { latitude, longitude }
    }

    /// Metres between two near places.
    fn metres(one: MapPlace, other: MapPlace) -> f64 {
        let north = (one.latitude - other.latitude).to_radians() * AXIS_M;
        let east = (one.longitude - other.longitude).to_radians() * AXIS_M * one.latitude.to_radians().cos();
        north.hypot(east)
    }

    #[test]
    fn known_places_are_moved_as_the_services_move_them() {
        for (wgs84, gcj02) in [
            (place(31.177_427_6, 121.527_210_6), place(31.175_303_983_645_97, 121.531_541_859_215)),
            (place(22.543_847, 113.912_316), place(22.540_796_131_694_766, 113.917_176_480_836_3)),
            (place(39.911_954, 116.377_817), place(39.913_345_455_360_69, 116.384_047_224_556_57)),
        ] {
            assert!(metres(wgs84.to_gcj02(), gcj02) < 0.01, "{wgs84:?}: {:?}", wgs84.to_gcj02());
            assert!(metres(wgs84, gcj02) > 100.0, "hundreds of metres off");
            assert!(metres(gcj02.from_gcj02(), wgs84) < 0.01);
        }
    }

    #[test]
    fn outside_of_china_nothing_is_moved() {
        for abroad in [place(48.8584, 2.2945), place(-33.8568, 151.2153), place(40.6892, -74.0445), place(0.5, 100.0)] {
            assert_eq!((abroad.to_gcj02(), abroad.from_gcj02()), (abroad, abroad));
        }
    }

    #[test]
    fn a_pasted_place_is_read_and_nothing_else() {
        for text in ["29.95,121.72", " 29.95, 121.72 ", "29.95，121.72", "29.95 121.72", "29.95;121.72"] {
            assert_eq!(MapPlace::read(text), Some(place(29.95, 121.72)), "{text}");
        }
        for text in ["", "29.95", "29.95,121.72,3", "121.72,29.95", "x,y", "NaN,1", "inf,1", "29,181"] {
            assert_eq!(MapPlace::read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_way_there_and_back_is_less_than_a_metre(latitude in 18.0..53.5_f64, longitude in 73.6..135.0_f64) {
            let wgs84 = place(latitude, longitude);
            prop_assert!(metres(wgs84.to_gcj02().from_gcj02(), wgs84) < 1.0);
        }
    }
}
