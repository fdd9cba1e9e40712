//! The operator's choices about visits; each bound with its unit.

/// Bounds of visits.
#[derive(Clone, Debug)]
pub struct VisitConfig {
    /// The shortest visit, in minutes.
    pub visit_minutes_min: i64,
    /// The longest visit, in minutes.
    pub visit_minutes_max: i64,
    /// How many days ahead a visit may be scheduled.
    pub schedule_days_max: i64,
    /// How many minutes ago a visit that is scheduled now may have begun: the caregiver is already there.
    pub schedule_back_minutes_max: i64,
    /// How many minutes before its start a caregiver may check in.
    pub check_in_early_minutes_max: i64,
    /// How many minutes after its planned end a caregiver may still check in.
    pub check_in_late_minutes_max: i64,
    /// How many hours after check-in a caregiver may check out.
    pub check_out_hours_max: i64,
    /// How many minutes a phone's clock may be ahead.
    pub clock_ahead_minutes_max: i64,
    /// After how many minutes without check-in a visit is shown as late.
    pub late_minutes_min: i64,
    /// The first hour, local time, that is offered as an alternative.
    pub offered_hour_first: u32,
    /// The hour, local time, by which an offered visit ends.
    pub offered_hour_last: u32,
}

impl Default for VisitConfig {
    fn default() -> Self {
        Self {
            visit_minutes_min: 10,
            visit_minutes_max: 12 * 60,
            schedule_days_max: 180,
            schedule_back_minutes_max: 60,
            check_in_early_minutes_max: 60,
            check_in_late_minutes_max: 120,
            check_out_hours_max: 24,
            clock_ahead_minutes_max: 2,
            late_minutes_min: 10,
            offered_hour_first: 7,
            offered_hour_last: 20,
        }
    }
}
