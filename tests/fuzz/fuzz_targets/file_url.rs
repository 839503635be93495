//! Whatever the text: what a run may bring files from is on the web, and is no address that is private by any other
//! account.

#![no_main]

use std::net::{Ipv4Addr, Ipv6Addr};

use comfyicu_server::fuzzing::takes_files_from;
use libfuzzer_sys::fuzz_target;
use url::{Host, Url};

fuzz_target!(|text: &str| {
    let base = Url::parse("https://example.com/a/b").expect("a URL");
    // As it is submitted, as a redirect names it, and as a host.
    let urls = [Url::parse(text), base.join(text), Url::parse(&format!("http://{text}/"))];
    for url in urls.into_iter().flatten() {
        let taken = takes_files_from(&url);
        let again = Url::parse(url.as_str()).expect("what was written is a URL");
        assert_eq!(takes_files_from(&again), taken, "{url}");
        if taken {
            check(&url);
        }
    }
});

fn check(url: &Url) {
    assert!(matches!(url.scheme(), "http" | "https"), "{url}");
    match url.host().expect("a host") {
        Host::Domain(name) => assert!(!name.is_empty() && name.parse::<Ipv4Addr>().is_err(), "{url}"),
        Host::Ipv4(address) => check_v4(address, url),
        Host::Ipv6(address) => check_v6(address, url),
    }
}

fn check_v4(address: Ipv4Addr, url: &Url) {
    let [a, b, ..] = address.octets();
    let private = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || a == 0
        || a >= 224
        || (a == 100 && b & 0xc0 == 64)
        || (a == 198 && b & 0xfe == 18);
    assert!(!private, "{url}");
}

fn check_v6(address: Ipv6Addr, url: &Url) {
    if let Some(inner) = address.to_ipv4_mapped() {
        return check_v4(inner, url);
    }
    let [first, second, ..] = address.segments();
    assert!((0x2000..0x4000).contains(&first) && first != 0x2002, "{url}");
    assert!(first != 0x2001 || second >= 0x200 && second != 0xdb8, "{url}");
}
