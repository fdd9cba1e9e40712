//! Descriptions and candidates, without the addresses that are not for the other side.

use super::inner::CellState;
use crate::id::PeerId;
use crate::protocol::Body;
use crate::room::RoomRequest;
use crate::session::disclosure::{Disclosure, PassedOn};
use crate::session::node::Node;

impl CellState {
    /// The request as it goes into the room's log. One without addresses goes as it came.
    pub(super) fn disclosed(&self, node: &Node, from: PeerId, request: RoomRequest) -> RoomRequest {
        let RoomRequest::Relay { to, body } = &request else { return request };
        let Some((kind @ ("offer" | "answer" | "candidate"), field, raw)) = body.carried() else { return request };
        let room = self.replica.room();
        let rule = Disclosure::between(room.profile(from), room.profile(*to), &node.ice);
        let passed = if kind == "candidate" { rule.candidate(raw) } else { rule.description(raw) };
        match passed {
            PassedOn::Whole => request,
            PassedOn::Less(less) => {
                let body = Body::passed_on(kind, from, field, &less);
                RoomRequest::Relay { to: *to, body }
            }
            PassedOn::Nothing => RoomRequest::Withheld { to: *to },
        }
    }
}
