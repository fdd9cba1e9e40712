//! How far an address reaches, as seen by a device that is asked to send to it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The reach of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum AddressReach {
    /// The device itself, its link, a cloud's metadata, many at once, or nobody: never another person's device.
    Nowhere,
    /// A device of the same network: RFC 1918, RFC 6598, RFC 4193.
    Private,
    /// A device of the internet.
    Public,
}

/// Metadata services at addresses that look private or public: Alibaba, Azure, Oracle.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
/// The same of IPv6: AWS, Google.
const METADATA_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];

/// The reach of an address; of one that carries another (RFC 4291 §2.5.5, RFC 6052, RFC 3056) that of the other too.
pub(super) fn reach_of(address: IpAddr) -> AddressReach {
    match address {
        IpAddr::V4(v4) => reach_of_v4(v4),
        IpAddr::V6(v6) => reach_of_v6(v6),
    }
}

fn reach_of_v4(a: Ipv4Addr) -> AddressReach {
    let [first, second, third, _] = a.octets();
    let nowhere = first == 0
        || a.is_loopback()
        || a.is_link_local() // 169.254.169.254 is here
        || (first == 192 && second == 0 && third == 0)
        || METADATA_V4.contains(&a)
        || first >= 224; // multicast, reserved, broadcast
    let private =
        a.is_private() || (first == 100 && (64..128).contains(&second)) || (first == 198 && (18..20).contains(&second));
    match (nowhere, private) {
        (true, _) => AddressReach::Nowhere,
        (false, true) => AddressReach::Private,
        (false, false) => AddressReach::Public,
    }
}

fn reach_of_v6(a: Ipv6Addr) -> AddressReach {
    if let Some(carried) = carried_v4(a) {
        return reach_of_v4(carried);
    }
    let first = a.segments()[0];
    let teredo = a.segments()[..2] == [0x2001, 0];
    if METADATA_V6.contains(&a) || teredo {
        AddressReach::Nowhere
    } else if first & 0xfe00 == 0xfc00 {
        AddressReach::Private
    } else if first & 0xe000 == 0x2000 {
        AddressReach::Public
    } else {
        AddressReach::Nowhere // loopback, link-local, multicast, unspecified, and what nobody was given
    }
}

/// The IPv4 address inside a mapped, compatible, NAT64 or 6to4 one.
fn carried_v4(a: Ipv6Addr) -> Option<Ipv4Addr> {
    let ([0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, .., high, low] | [0x2002, high, low, ..]) =
        a.segments()
    else {
        return None;
    };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn each_kind_of_address_has_its_reach() {
        let nowhere = [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.0.1",
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "192.0.0.8",
            "224.0.0.251",
            "239.1.2.3",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::fb",
            "fd00:ec2::254",
            "fd20:ce::254",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::7f00:1",
            "2002:7f00:1::1",
            "2001::1",
            "100::1",
            "4000::1",
        ];
        let private = [
            "10.0.0.5",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "198.18.0.1",
            "fc00::1",
            "fd12:3456::1",
            "::ffff:10.0.0.5",
            "64:ff9b::a00:5",
            "2002:c0a8:101::1",
        ];
        let public = [
            "8.8.8.8",
            "172.32.0.1",
            "172.15.255.255",
            "100.63.255.255",
            "100.128.0.1",
            "192.0.2.1",
            "223.255.255.255",
            "2400:3200::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ];
        for (reach, addresses) in
            [(AddressReach::Nowhere, &nowhere[..]), (AddressReach::Private, &private), (AddressReach::Public, &public)]
        {
            for address in addresses {
                assert_eq!(reach_of(address.parse().unwrap()), reach, "{address}");
            }
        }
    }
}
