//! The outcome of a permission question, and the grid by which people review a policy.
//!
//! Each service's `policy` is a pure function of (role, action, relation); this module knows only
//! the three answers and how to draw them.

use crate::problem::Problem;

/// The answer of a policy. Anything not named is [`Decision::Hide`]: deny by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// The caller may not know that it exists: 404.
    #[default]
    Hide,
    /// The caller may see it but not do this: 403.
    Forbid,
    /// Go on.
    Allow,
}

impl Decision {
    /// The answer as a handler's early return.
    pub fn require(self) -> Result<(), Problem> {
        match self {
            Self::Allow => Ok(()),
            Self::Forbid => Err(Problem::forbidden()),
            Self::Hide => Err(Problem::not_found()),
        }
    }

    /// The most generous answer over an actor's roles or capacities.
    pub fn over<W>(roles: impl IntoIterator<Item = W>, decide: impl Fn(W) -> Self) -> Self {
        roles.into_iter().map(decide).max().unwrap_or_default()
    }
}

/// Draws a policy as a table: a row per action and relation, a column per role or capacity;
/// ✔ allowed, ✘ forbidden (403), · hidden (404).
pub fn grid<W: Copy + std::fmt::Display, A: Copy + std::fmt::Debug, R: Copy + std::fmt::Debug>(
    roles: &[W],
    actions: &[A],
    relations: &[R],
    decide: impl Fn(W, A, R) -> Decision,
) -> String {
    use std::fmt::Write as _;
    let mut out = format!("{:<48}", "action / relation");
    for role in roles {
        let _ = write!(out, " {:<14}", role.to_string());
    }
    out.push('\n');
    for action in actions {
        for relation in relations {
            let _ = write!(out, "{:<48}", format!("{action:?} / {relation:?}"));
            for role in roles {
                let width = role.to_string().len().max(14);
                let mark = match decide(*role, *action, *relation) {
                    Decision::Allow => '✔',
                    Decision::Forbid => '✘',
                    Decision::Hide => '·',
                };
                let _ = write!(out, " {mark:<width$}");
            }
            out.truncate(out.trim_end().len());
            out.push('\n');
        }
    }
    out
}
