//! The operator's choices about log-ins.

use chrono::Duration;

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
    /// How long a link that makes the first administrator lives.
    pub setup_link_hours: u32,
}

impl Default for AccountConfig {
    fn default() -> Self {
        Self { refresh_hours: 12, pin_hours: 12, wrong_pins_max: 5, idle_lock_minutes: 10, setup_link_hours: 24 }
    }
}

impl AccountConfig {
    /// How long a refresh token lives.
    pub fn refresh(&self) -> Duration {
        Duration::hours(i64::from(self.refresh_hours))
    }

    /// How long a PIN works after the password.
    pub fn pin(&self) -> Duration {
        Duration::hours(i64::from(self.pin_hours))
    }
}
