//! The addresses that may be relayed to: a security boundary. A TURN server sits inside the network it
//! serves. Without this, anybody with a credential could reach what only that server can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

/// Decides which addresses may be peers of a relayed connection.
///
/// Of this machine's own addresses only the relayed ports are peers, and of those only the ones that somebody has an
/// allocation at (the engine knows which). Several relays may share one address or one machine. A client of one of them
/// then reaches clients of another only where the operator allows that address. It is not so by itself, since nothing
/// tells another relay's port from the port of any other program of this machine.
#[derive(Clone, Debug)]
pub struct PeerFilter {
    /// Networks that the operator allows although they are refused by default.
    pub allowed: Vec<IpNet>,
    /// Networks that the operator refuses: those that are public, or of an allowed one. Not so the relayed ports of
    /// [`Self::relay_addresses`]: behind each is another client, which decides itself on its peers.
    pub denied: Vec<IpNet>,
    /// The addresses that relayed ports have.
    pub relay_addresses: Vec<IpAddr>,
    /// All addresses of this machine's interfaces, as far as they are known.
    pub own_addresses: Vec<IpAddr>,
    /// The relayed ports, first and last.
    pub relay_ports: (u16, u16),
    /// The server's own listening port, never a peer.
    pub listen_port: u16,
}

impl PeerFilter {
    /// Whether a permission for this address may be given (permissions have no port, RFC 8656 §9).
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.relay_addresses.contains(&address) || self.reaches(address)
    }

    /// Whether a datagram may go to or come from this peer.
    pub fn passes(&self, peer: SocketAddr) -> bool {
        let address = peer.ip().to_canonical();
        let itself = peer.port() == self.listen_port && (self.is_own(address) || address.is_loopback());
        if peer.port() == 0 || itself {
            return false;
        }
        let relayed = (self.relay_ports.0..=self.relay_ports.1).contains(&peer.port());
        (relayed && self.relay_addresses.contains(&address)) || self.reaches(address)
    }

    /// Whether this is an address that relayed ports have.
    pub fn is_relay(&self, address: IpAddr) -> bool {
        self.relay_addresses.contains(&address.to_canonical())
    }

    /// Whether any port of an address may be reached: it is allowed, or public and of another machine.
    pub fn reaches(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let leads_to = embedded_v4(address).map(IpAddr::V4);
        let denied = |net: &IpNet| net.contains(&address) || leads_to.is_some_and(|v4| net.contains(&v4));
        if self.denied.iter().any(denied) {
            return false;
        }
        let own = self.is_own(address) || leads_to.is_some_and(|v4| self.is_own(v4));
        self.allowed.iter().any(|net| net.contains(&address)) || (is_public(address) && !own)
    }

    fn is_own(&self, address: IpAddr) -> bool {
        self.relay_addresses.contains(&address) || self.own_addresses.contains(&address)
    }
}

/// The IPv4 address that an IPv6 one leads to: NAT64 (RFC 6052, RFC 8215) and 6to4 (RFC 3056).
fn embedded_v4(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    let s = v6.segments();
    let (high, low) = match s[..2] {
        [0x64, 0xff9b] => (s[6], s[7]),
        [0x2002, _] => (s[1], s[2]),
        _ => return None,
    };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

/// Whether an address is a unicast address of the public internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

/// The address that Azure gives every machine inside it: metadata, DNS and the host's agent, at an address that looks
/// public.
const AZURE_METADATA: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

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
        || a == AZURE_METADATA
        || first >= 224; // multicast, reserved, broadcast
    !refused
}

/// Global unicast is `2000::/3`; within it some blocks carry an IPv4 address or are not routed.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let s = address.segments();
    if let Some(v4) = embedded_v4(address.into()) {
        // Its destination counts; of NAT64's prefixes only the well-known one is public.
        return (s[0] == 0x2002 || s[2..6] == [0; 4]) && is_public_v4(v4);
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
            denied: Vec::new(),
            relay_addresses: vec!["203.0.114.1".parse().unwrap()],
            own_addresses: ["203.0.114.1", "203.0.114.2", "192.168.1.2"].map(|ip| ip.parse().unwrap()).to_vec(),
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
            ("metadata", &["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "192.0.0.192", "168.63.129.16"]),
            ("this machine", &["203.0.114.2", "::ffff:203.0.114.2", "64:ff9b::cb00:7202", "2002:cb00:7202::1"]),
            ("the relay in other clothes", &["64:ff9b::cb00:7201", "2002:cb00:7201::1"]),
            ("shared", &["100.64.0.1", "100.127.255.255"]),
            ("multicast", &["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"]),
            ("broadcast", &["255.255.255.255", "240.0.0.1"]),
            ("documentation", &["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"]),
            ("benchmark", &["198.18.0.1", "198.19.255.255", "2001:2::1"]),
            ("discard", &["100::1"]),
            ("mapped", &["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:192.168.0.1"]),
            ("compatible", &["::127.0.0.1", "::10.0.0.1"]),
            ("nat64", &["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::a83f:8110", "64:ff9b:1::808:808"]),
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

    #[test]
    fn an_allowed_address_of_this_machine_is_reached_but_never_the_server_itself() {
        let house = filter(&["192.168.1.0/24", "127.0.0.0/8"]);
        for own in ["192.168.1.2", "127.0.0.1"] {
            let ip: IpAddr = own.parse().unwrap();
            assert!(house.passes((ip, 5000).into()) && !house.passes((ip, 3478).into()), "{own}");
        }
        assert!(house.passes(([192, 168, 1, 7], 3478).into()), "another machine's port of that number");
    }

    #[test]
    fn what_the_operator_denies_is_refused_in_every_form_even_when_allowed() {
        let mut filter = filter(&["192.168.0.0/16"]);
        filter.denied = ["192.168.7.0/24", "8.8.0.0/16", "2400:3200::/32", "203.0.114.0/24"]
            .map(|net| net.parse().unwrap())
            .to_vec();
        for (address, permitted) in [
            ("192.168.7.1", false),
            ("192.168.6.1", true),
            ("8.8.8.8", false),
            ("::ffff:8.8.8.8", false),
            ("64:ff9b::808:808", false),
            ("2002:808:808::1", false),
            ("2400:3200::1", false),
            ("9.9.9.9", true),
            ("203.0.114.9", false),
        ] {
            let ip: IpAddr = address.parse().unwrap();
            assert_eq!((filter.permits(ip), filter.passes((ip, 5000).into())), (permitted, permitted), "{address}");
        }
        let own = [203, 0, 114, 1];
        assert!(filter.passes((own, 50_000).into()), "two people who both relay still meet");
        assert!(!filter.passes((own, 22).into()));
    }
}
