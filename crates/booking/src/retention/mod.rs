//! The things of booking that go when their time is over: the papers of a consult with everything that hangs on it, what was said in
//! its room, and visits. A person's record has no clock; it goes when somebody is erased.

mod kept;
mod store;
mod taken;

use std::sync::Arc;

use sanbao_platform::clock::Clock;
use sanbao_platform::db::Db;
use sanbao_platform::retention::{Disposal, Disposer, Periods, RetentionClass};

use crate::NAME;

/// The one that takes away what is kept no longer.
pub fn disposer(db: Db, clock: Clock, periods: Periods) -> Disposer {
    Disposer { service: NAME, db, clock, periods, disposals: disposals(), told: None, clock_is_right: false }
}

fn disposals() -> Vec<Disposal> {
    vec![
        Disposal {
            class: RetentionClass::ClinicalPaper,
            due: store::CONSULTS_DUE,
            oldest: store::CONSULTS_OLDEST,
            take: Arc::new(|tx, id, bound| Box::pin(taken::consult(tx, id, bound))),
        },
        Disposal {
            class: RetentionClass::ConsultMedia,
            due: store::MEDIA_DUE,
            oldest: store::MEDIA_OLDEST,
            take: Arc::new(|tx, id, bound| Box::pin(taken::media(tx, id, bound))),
        },
        Disposal {
            class: RetentionClass::WorkOrder,
            due: store::VISITS_DUE,
            oldest: store::VISITS_OLDEST,
            take: Arc::new(|tx, id, bound| Box::pin(taken::visit(tx, id, bound))),
        },
    ]
}
