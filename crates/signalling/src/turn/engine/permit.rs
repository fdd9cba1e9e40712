//! Refresh (RFC 8656 §8), `CreatePermission` (§10) and `ChannelBind` (§12).

use std::net::{IpAddr, SocketAddr};

use super::allocation::{Allocation, BindError, CHANNELS};
use super::auth::TurnRequest;
use super::{Engine, Now, TurnOutput};
use crate::turn::credentials::TurnScope;
use crate::turn::stun::attr;
use crate::turn::stun::code::{self, Code};

/// Peers of one `CreatePermission` request.
const PEERS_PER_REQUEST_MAX: usize = 32;

/// Whether a peer address is of the family that the relayed address has; an IPv4 address in IPv6 clothes is not.
pub(super) fn same_family(relayed: SocketAddr, peer: IpAddr) -> bool {
    relayed.is_ipv6() == peer.is_ipv6() && peer == peer.to_canonical()
}

impl Engine {
    /// The allocation that a request is about: 437 without one, 441 when it is another user's.
    fn own(&mut self, now: Now, request: &TurnRequest<'_, '_>) -> Result<(usize, &mut Allocation), Code> {
        let (index, _) = self.allocation(now, request.client).ok_or(code::ALLOCATION_MISMATCH)?;
        let allocation = self.allocations[index].as_mut().ok_or(code::ALLOCATION_MISMATCH)?;
        if allocation.username == request.username { Ok((index, allocation)) } else { Err(code::WRONG_CREDENTIALS) }
    }

    /// Whether peers of checks are at an address, of which a permission does not say the port.
    fn may_have_echo(&self, now: Now, ip: IpAddr) -> bool {
        Some(ip) == self.public_ip(ip.is_ipv6()) || self.orders.has_echo_at(now.ms, ip)
    }

    /// The granted part of a wish: at least the default, at most the bound (RFC 8656 §7.2).
    pub(super) fn granted_s(&self, wish: Option<u32>) -> u32 {
        let max = self.limits.allocation_lifetime_s_max;
        wish.unwrap_or(0).max(super::LIFETIME_DEFAULT_S).min(max)
    }

    pub(super) fn refresh(
        &mut self,
        now: Now,
        request: &TurnRequest<'_, '_>,
        answer: &mut Vec<u8>,
    ) -> TurnOutput<'static> {
        let wish = request.message.number(attr::LIFETIME);
        let granted_s = if wish == Some(0) { 0 } else { self.granted_s(wish) };
        let family = request.message.get(attr::REQUESTED_ADDRESS_FAMILY);
        let (index, allocation) = match self.own(now, request) {
            Ok(own) => own,
            Err(code) => return request.refuse(code, answer),
        };
        if family.is_some_and(|f| f.first() != Some(&if allocation.relay.ipv6 { 2 } else { 1 })) {
            return request.refuse(code::PEER_FAMILY_MISMATCH, answer);
        }
        allocation.until_ms = now.ms + u64::from(granted_s) * 1000;
        if granted_s == 0 {
            self.release(index);
        }
        let mut writer = request.success(answer);
        writer.number(attr::LIFETIME, granted_s);
        request.signed(writer)
    }

    pub(super) fn create_permission(
        &mut self,
        now: Now,
        request: &TurnRequest<'_, '_>,
        answer: &mut Vec<u8>,
    ) -> TurnOutput<'static> {
        match self.permit_all(now, request) {
            Ok(()) => {
                let writer = request.success(answer);
                request.signed(writer)
            }
            Err(code) => request.refuse(code, answer),
        }
    }

    /// All of the request's peers are let in, or none.
    fn permit_all(&mut self, now: Now, request: &TurnRequest<'_, '_>) -> Result<(), Code> {
        let (_, allocation) = self.own(now, request)?;
        let (relayed, scope) = (allocation.relayed, allocation.scope);
        let (mut addresses, mut count) = ([relayed.ip(); PEERS_PER_REQUEST_MAX], 0);
        for peer in request.message.peers() {
            let peer = peer.ok_or(code::BAD_REQUEST)?.ip();
            let check_elsewhere = scope == TurnScope::Check && !self.may_have_echo(now, peer);
            if check_elsewhere || !self.filter.permits(peer) {
                return Err(code::FORBIDDEN);
            }
            if !same_family(relayed, peer) {
                return Err(code::PEER_FAMILY_MISMATCH);
            }
            *addresses.get_mut(count).ok_or(code::INSUFFICIENT_CAPACITY)? = peer;
            count += 1;
        }
        if count == 0 {
            return Err(code::BAD_REQUEST);
        }
        let max = self.limits.permissions_per_allocation_max;
        let (_, allocation) = self.own(now, request)?;
        if !allocation.room_for(now.ms, &addresses[..count], max) {
            return Err(code::INSUFFICIENT_CAPACITY);
        }
        for address in &addresses[..count] {
            allocation.permit(now.ms, *address);
        }
        Ok(())
    }

    pub(super) fn channel_bind(
        &mut self,
        now: Now,
        request: &TurnRequest<'_, '_>,
        answer: &mut Vec<u8>,
    ) -> TurnOutput<'static> {
        match self.bind_channel(now, request) {
            Ok(()) => {
                let writer = request.success(answer);
                request.signed(writer)
            }
            Err(code) => request.refuse(code, answer),
        }
    }

    fn bind_channel(&mut self, now: Now, request: &TurnRequest<'_, '_>) -> Result<(), Code> {
        let (_, allocation) = self.own(now, request)?;
        let (relayed, scope) = (allocation.relayed, allocation.scope);
        // The number is the first half of four bytes (RFC 8656 §18.1).
        let number = request.message.number(attr::CHANNEL_NUMBER).and_then(|n| u16::try_from(n >> 16).ok());
        let number = number.filter(|n| CHANNELS.contains(n)).ok_or(code::BAD_REQUEST)?;
        let peer = request.message.peers().next().flatten().ok_or(code::BAD_REQUEST)?;
        if !self.filter.passes(peer) || (scope == TurnScope::Check && !self.is_echo(now, peer)) {
            return Err(code::FORBIDDEN);
        }
        if !same_family(relayed, peer.ip()) {
            return Err(code::PEER_FAMILY_MISMATCH);
        }
        let (permissions, channels) =
            (self.limits.permissions_per_allocation_max, self.limits.channels_per_allocation_max);
        let (_, allocation) = self.own(now, request)?;
        if !allocation.room_for(now.ms, &[peer.ip()], permissions) {
            return Err(code::INSUFFICIENT_CAPACITY);
        }
        allocation.bind(now.ms, number, peer, channels).map_err(|e| match e {
            BindError::Taken => code::BAD_REQUEST,
            BindError::Full => code::INSUFFICIENT_CAPACITY,
        })?;
        allocation.permit(now.ms, peer.ip());
        Ok(())
    }
}
