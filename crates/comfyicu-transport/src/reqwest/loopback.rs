//! What is on this machine: a proxy leads to other machines, so that this one is called directly.

use url::{Host, Url};

/// Whether an address is one of this machine, as it is written. Names are not resolved.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_addresses_and_its_name() {
        let is_loopback = |host: &str| is_loopback(&Url::parse(&format!("http://{host}:1/x")).unwrap());
        let own = [
            "127.0.0.1",
            "127.1.2.3",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "localhost",
            "LOCALHOST.",
            "a.localhost",
        ];
        assert!(own.into_iter().all(is_loopback));
        let others = ["10.0.0.1", "[::2]", "localhost.example.com", "notlocalhost", "0.0.0.0"];
        assert!(!others.into_iter().any(is_loopback));
    }
}
