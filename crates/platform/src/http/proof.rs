//! Step-up: what is hard to take back, or opens what is else masked, asks for a proof of late (RFC 9470).
//!
//! The proof's time is the claim `auth_time` of the access token, so that every service can ask for it. The service that
//! keeps the log-ins renews it at `POST /v1/session/step-up`; a page's script asks the person there and sends again.

use chrono::Duration;

use super::Ctx;
use crate::problem::{Problem, STEP_UP_REQUIRED};

/// How old a proof may be.
pub const PROOF_MINUTES_MAX: i64 = 10;

impl Ctx {
    /// Goes on when the person proved lately who they are, by password, PIN or code. Ask the policy first.
    pub fn proved_lately(&self) -> Result<(), Problem> {
        if self.now() - self.actor.proved_at < Duration::minutes(PROOF_MINUTES_MAX) {
            return Ok(());
        }
        let (zh, en) =
            ("请输入密码、PIN 或验证码，然后再做这一步", "Give your password, PIN or code, then do this again");
        Err(Problem::new(&STEP_UP_REQUIRED).detail(zh, en).with("max_age", PROOF_MINUTES_MAX * 60))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use axum::http::header;
    use uuid::Uuid;

    use super::*;
    use crate::auth::Actor;
    use crate::clock::Clock;
    use crate::id::OrganisationId;
    use crate::lang::Lang;
    use crate::testing::Person;

    #[test]
    fn a_proof_is_good_for_its_minutes_and_the_challenge_says_how_many() {
        let clock = Clock::manual("2026-11-23T00:30:00Z".parse().unwrap());
        let mut actor = Actor::from(Person::new(Uuid::nil(), OrganisationId(Uuid::nil()), &[], "x").claims());
        assert!(Ctx::new(actor.clone(), clock.clone(), "r").proved_lately().is_err(), "a token that does not say when");
        actor.proved_at = clock.now();
        let ctx = Ctx::new(actor, clock.clone(), "r");
        clock.advance(std::time::Duration::from_secs(599));
        assert!(ctx.proved_lately().is_ok());
        clock.advance(std::time::Duration::from_secs(1));
        let answer = ctx.proved_lately().unwrap_err().render(Lang::Zh, "r");
        assert_eq!(answer.status(), 401);
        let challenge = answer.headers()[header::WWW_AUTHENTICATE].to_str().unwrap();
        assert!(challenge.contains(r#"error="insufficient_user_authentication""#), "{challenge}");
        assert!(challenge.contains(&format!(r#"max_age="{}""#, PROOF_MINUTES_MAX * 60)), "{challenge}");
    }
}
