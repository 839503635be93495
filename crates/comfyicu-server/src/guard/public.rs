//! Which addresses belong to the public Internet.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;

/// The networks of IANA's special-purpose registries that are not globally reachable, multicast, the ranges of
/// IPv6 that carry an IPv4 address inside (NAT64, 6to4, Teredo), and an address at which a cloud tells its machines
/// their secrets though it looks public.
const RESERVED: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
];

static RESERVED_NETS: LazyLock<Vec<IpNet>> =
    LazyLock::new(|| RESERVED.iter().filter_map(|text| text.parse().ok()).collect());

/// Whether an address belongs to the public Internet. An IPv4 address mapped into IPv6 is judged as itself.
pub(super) fn is_public(address: IpAddr) -> bool {
    let address = address.to_canonical();
    // Of IPv6, only this much was ever given out for the public Internet.
    if let IpAddr::V6(v6) = address
        && v6.segments()[0] >> 13 != 1
    {
        return false;
    }
    !RESERVED_NETS.iter().any(|net| net.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_a_network() {
        assert_eq!(RESERVED_NETS.len(), RESERVED.len());
    }
}
