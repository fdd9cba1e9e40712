//! Which addresses may be relayed to: a security boundary. A TURN server sits inside the network it
//! serves; without this, whoever holds a credential could reach what only that server can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

/// Decides who may be a peer of a relayed connection.
#[derive(Clone, Debug)]
pub struct PeerFilter {
    /// Networks that the operator allows although they are refused by default.
    pub allowed: Vec<IpNet>,
    /// The addresses that relayed ports have.
    pub relay_addresses: Vec<IpAddr>,
    /// The relayed ports, first and last.
    pub relay_ports: (u16, u16),
    /// The server's own listening port, never a peer.
    pub listen_port: u16,
}

impl PeerFilter {
    /// Whether a permission for this address may be given (permissions have no port, RFC 8656 §9).
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.relay_addresses.contains(&address) || self.allowed_by_operator(address) || is_public(address)
    }

    /// Whether a datagram may go to or come from this peer.
    pub fn passes(&self, peer: SocketAddr) -> bool {
        let address = peer.ip().to_canonical();
        if self.relay_addresses.contains(&address) {
            // Another relayed port of ours: two people who both relay. Nothing else on this machine,
            // unless the operator allowed its address.
            let relayed = (self.relay_ports.0..=self.relay_ports.1).contains(&peer.port());
            return relayed
                || (self.allowed_by_operator(address) && peer.port() != self.listen_port && peer.port() != 0);
        }
        peer.port() != 0 && self.permits(address)
    }

    fn allowed_by_operator(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|net| net.contains(&address))
    }
}

/// Whether an address is a unicast address of the public internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

/// IANA's special-purpose registry for IPv4 (RFC 6890), and multicast.
fn is_public_v4(a: Ipv4Addr) -> bool {
    let [first, second, third, _] = a.octets();
    let refused = first == 0 // this network
        || a.is_loopback()
        || a.is_private()
        || a.is_link_local() // 169.254.169.254, the clouds' metadata, is here
        || (first == 100 && (64..128).contains(&second)) // shared, RFC 6598; one cloud's metadata is here
        || (first == 192 && second == 0 && third == 0) // protocol assignments
        || (first == 192 && second == 88 && third == 99) // 6to4 relays
        || a.is_documentation()
        || (first == 198 && (18..20).contains(&second)) // benchmarks
        || first >= 224; // multicast, reserved, broadcast
    !refused
}

/// Global unicast is `2000::/3`; within it some blocks carry an IPv4 address or are not routed.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let s = address.segments();
    let embedded = |high: u16, low: u16| is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    if s[0] == 0x64 && s[1] == 0xff9b {
        // NAT64 (RFC 6052, RFC 8215): what counts is where it leads.
        return s[2] == 0 && s[3..6] == [0, 0, 0] && embedded(s[6], s[7]);
    }
    if s[0] == 0x2002 {
        return embedded(s[1], s[2]); // 6to4, RFC 3056
    }
    let global_unicast = s[0] & 0xe000 == 0x2000;
    let teredo = s[0] == 0x2001 && s[1] == 0;
    let protocol_assignments = s[0] == 0x2001 && s[1] < 0x0200;
    let documentation = (s[0] == 0x2001 && s[1] == 0xdb8) || (s[0] == 0x3fff && s[1] < 0x1000);
    global_unicast && !teredo && !protocol_assignments && !documentation
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn filter(allowed: &[&str]) -> PeerFilter {
        PeerFilter {
            allowed: allowed.iter().map(|n| n.parse().unwrap()).collect(),
            relay_addresses: vec!["203.0.114.1".parse().unwrap()],
            relay_ports: (50_000, 50_100),
            listen_port: 3478,
        }
    }

    #[test]
    fn each_class_of_address_is_refused_by_default() {
        for (class, addresses) in [
            ("unspecified", &["0.0.0.0", "::", "0.1.2.3"][..]),
            ("loopback", &["127.0.0.1", "127.255.255.254", "::1"]),
            ("private", &["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1"]),
            ("link-local", &["169.254.0.1", "fe80::1", "febf::1", "fec0::1"]),
            ("metadata", &["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "192.0.0.192"]),
            ("shared", &["100.64.0.1", "100.127.255.255"]),
            ("multicast", &["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"]),
            ("broadcast", &["255.255.255.255", "240.0.0.1"]),
            ("documentation", &["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"]),
            ("benchmark", &["198.18.0.1", "198.19.255.255", "2001:2::1"]),
            ("discard", &["100::1"]),
            ("mapped", &["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:192.168.0.1"]),
            ("compatible", &["::127.0.0.1", "::10.0.0.1"]),
            ("nat64", &["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808"]),
            ("6to4", &["2002:7f00:1::1", "2002:c0a8:101::1"]),
            ("teredo", &["2001::1"]),
        ] {
            for address in addresses {
                let ip: IpAddr = address.parse().unwrap();
                assert!(!filter(&[]).permits(ip), "{class} {address} is permitted");
                assert!(!filter(&[]).passes((ip, 5000).into()), "{class} {address} passes");
            }
        }
    }

    #[test]
    fn public_addresses_pass_in_every_form() {
        for address in
            ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2400:3200::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
        {
            let ip: IpAddr = address.parse().unwrap();
            assert!(filter(&[]).permits(ip) && filter(&[]).passes((ip, 5000).into()), "{address}");
        }
        assert!(!filter(&[]).passes(([8, 8, 8, 8], 0).into()), "port 0 is nobody");
    }

    #[test]
    fn the_operator_can_allow_a_network_and_only_that() {
        let lan = filter(&["192.168.1.0/24", "fd00:1::/32"]);
        for (address, allowed) in [
            ("192.168.1.7", true),
            ("::ffff:192.168.1.7", true),
            ("fd00:1::5", true),
            ("192.168.2.7", false),
            ("127.0.0.1", false),
            ("fd00:2::5", false),
        ] {
            assert_eq!(lan.permits(address.parse().unwrap()), allowed, "{address}");
        }
    }

    #[test]
    fn of_its_own_address_only_relayed_ports_are_peers() {
        let own = [203, 0, 114, 1];
        assert!(filter(&[]).permits(own.into()));
        for (port, passes) in [(50_000, true), (50_100, true), (49_999, false), (22, false), (3478, false)] {
            assert_eq!(filter(&[]).passes((own, port).into()), passes, "{port}");
        }
        let allowed = filter(&["203.0.114.0/24"]);
        assert!(allowed.passes((own, 22).into()) && !allowed.passes((own, 3478).into()), "never itself: a loop");
    }
}
