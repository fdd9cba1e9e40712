//! The operator's choices about log-ins.

use chrono::Duration;

use crate::role::{ADMINISTRATOR, DOCTOR};

/// How long a log-in lasts in all, however often it is renewed.
pub const SESSION_HOURS_MAX: i64 = 12;

/// Bounds of log-ins; every one has its unit in its name.
#[derive(Clone, Debug)]
pub struct AccountConfig {
    /// How long a refresh token lives when it is not used.
    pub refresh_hours: u32,
    /// How long after a password log-in a PIN works on that device.
    pub pin_hours: u32,
    /// Wrong PINs before the device asks for the password.
    pub wrong_pins_max: u16,
    /// Minutes without a touch before a page locks itself.
    pub idle_lock_minutes: u32,
    /// Minutes without a press before the server ends a log-in on a device that several people use.
    pub shared_idle_minutes: u32,
    /// How long a link that makes the first administrator lives.
    pub setup_link_hours: u32,
    /// Whose log-ins need a second factor; anybody may have one.
    pub second_factor: SecondFactorFor,
}

/// Whose log-ins need a second factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecondFactorFor {
    #[default]
    Administrators,
    AdministratorsAndDoctors,
    Nobody,
}

impl SecondFactorFor {
    /// The setting's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Administrators => "administrators",
            Self::AdministratorsAndDoctors => "administrators-and-doctors",
            Self::Nobody => "nobody",
        }
    }

    /// Whether somebody with these roles needs one.
    pub fn includes(self, roles: &[String]) -> bool {
        let has = |role: &str| roles.iter().any(|held| held == role);
        match self {
            Self::Administrators => has(ADMINISTRATOR),
            Self::AdministratorsAndDoctors => has(ADMINISTRATOR) || has(DOCTOR),
            Self::Nobody => false,
        }
    }
}

impl Default for AccountConfig {
    fn default() -> Self {
        Self {
            refresh_hours: 12,
            pin_hours: 12,
            wrong_pins_max: 5,
            idle_lock_minutes: 10,
            shared_idle_minutes: 15,
            setup_link_hours: 24,
            second_factor: SecondFactorFor::default(),
        }
    }
}

impl AccountConfig {
    /// How long a refresh token lives.
    pub fn refresh(&self) -> Duration {
        Duration::hours(i64::from(self.refresh_hours))
    }

    /// How long a log-in on a shared device goes on without a press.
    pub fn idle(&self) -> Duration {
        Duration::minutes(i64::from(self.shared_idle_minutes))
    }

    /// How long a PIN works after the password.
    pub fn pin(&self) -> Duration {
        Duration::hours(i64::from(self.pin_hours))
    }
}
