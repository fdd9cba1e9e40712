//! The rooms' orders, between two turns.

use super::TurnDriver;
use crate::turn::control::TurnControl;
use crate::turn::engine::Now;

impl TurnDriver {
    pub(in crate::turn::driver) fn obeys(&mut self, control: TurnControl) {
        self.control = Some((control, 0));
    }

    pub(super) fn obey(&mut self, now: Now) {
        let Some((control, seen)) = &mut self.control else { return };
        for order in control.after(seen) {
            self.inner.engine.obey(now, order);
            self.inner.close_released();
        }
    }
}
