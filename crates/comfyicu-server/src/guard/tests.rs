//! The guard against every way of writing an address that is known to have got past one.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::*;

/// URLs that lead to no public host.
pub(crate) const PRIVATE_URLS: &[&str] = &[
    // Loopback, in all forms that a URL may have.
    "http://127.0.0.1/",
    "http://127.0.0.1:80/",
    "https://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.255.255.254/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://0177.0x0.0.0x1/",
    "http://127.0.0.1./",
    "http://user:password@127.0.0.1/",
    "http://public.example@127.0.0.1/",
    "http://127.0.0.1#@public.example/",
    "http://127.0.0.1?@public.example/",
    "http://127.0.0.1\\@public.example/",
    "http:\\\\127.0.0.1/",
    "http:/127.0.0.1/",
    "http:127.0.0.1/",
    "http://\u{ff11}\u{ff12}\u{ff17}.0.0.1/",
    "http://\u{2460}\u{2461}\u{2466}.0.0.1/",
    "http://127\u{3002}0\u{3002}0\u{3002}1/",
    "http://%31%32%37.0.0.1/",
    "http://127.0.0.1%09/",
    "http://12\t7.0.0.1/",
    "HTTP://127.0.0.1/",
    // Private, link-local, shared, and what clouds keep secrets at.
    "http://10.1.2.3/",
    "http://10.1/",
    "http://167772161/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://0xc0a80101/",
    "http://169.254.169.254/latest/meta-data",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://169.254.170.2/",
    "http://168.63.129.16/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://192.0.0.192/",
    // Nowhere, everywhere, and for documents and measurements.
    "http://0.0.0.0/",
    "http://0/",
    "http://0.1.2.3/",
    "http://192.0.2.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://198.18.0.1/",
    "http://198.19.255.255/",
    "http://192.88.99.1/",
    "http://224.0.0.1/",
    "http://239.255.255.255/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    // IPv6.
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[0000::0001]:8080/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[0:0:0:0:0:ffff:10.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[febf::1]/",
    "http://[fec0::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[ff02::1]/",
    "http://[ff0e::1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::10.0.0.1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    "http://[2001:2::1]/",
    "http://[2001:10::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[5f00::1]/",
    "http://[100::1]/",
    "http://[4000::1]/",
    // Other schemes, and no host.
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "data:text/plain,x",
    "unix:/var/run/docker.sock",
    "http:///",
    "http://",
    "//127.0.0.1/",
];

/// Addresses that a name must not lead to.
const PRIVATE_ADDRESSES: &[&str] = &[
    "127.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "168.63.129.16",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "240.0.0.1",
    "198.18.0.1",
    "192.0.2.1",
    "::1",
    "::",
    "::ffff:127.0.0.1",
    "::ffff:192.168.0.1",
    "fe80::1",
    "fd00::1",
    "ff02::1",
    "64:ff9b::a00:1",
    "2002:a00:1::",
    "2001::1",
];

/// A name service that answers what it is told to, one answer after the other; the last one stays.
#[derive(Debug)]
pub(crate) struct Scripted(Mutex<VecDeque<Vec<IpAddr>>>);

impl Scripted {
    pub(crate) fn new(answers: &[&[&str]]) -> Arc<Self> {
        let answer = |addresses: &&[&str]| addresses.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(answers.iter().map(answer).collect())))
    }

    pub(crate) fn answers_left(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[async_trait]
impl Lookup for Scripted {
    async fn lookup(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        next.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

pub(crate) fn allowed(list: &[&str]) -> Vec<AllowedHost> {
    list.iter().map(|text| text.parse().unwrap()).collect()
}

fn guard(list: &[&str]) -> Guard {
    Guard::new(allowed(list))
}

fn allows(guard: &Guard, url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| guard.check_url(&url).is_ok())
}

#[test]
fn private_addresses_are_refused_however_they_are_written() {
    let guard = guard(&[]);
    for url in PRIVATE_URLS {
        assert!(!allows(&guard, url), "{url}");
    }
    for url in [
        "http://8.8.8.8/",
        "https://example.com/",
        "http://[2606:4700::1111]/",
        "http://172.32.0.1/",
        "http://100.128.0.1/",
        "http://169.253.0.1/",
    ] {
        assert!(allows(&guard, url), "{url}");
    }
}

#[test]
fn what_is_allowed_is_allowed_on_every_port_and_nothing_else_is() {
    let guard = guard(&["127.0.0.1", "10.0.0.0/8", "[::1]"]);
    for url in
        ["http://127.0.0.1:8188/", "http://10.200.3.4:1/", "http://[::1]:99/", "http://[::ffff:127.0.0.1]/"]
    {
        assert!(allows(&guard, url), "{url}");
    }
    assert!(!allows(&guard, "http://127.0.0.2/"));
}

#[tokio::test]
async fn names_are_checked_when_they_are_resolved() {
    let error = guard(&[]).resolve("localhost").await.unwrap_err();
    let reason = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(reason.starts_with("localhost leads to a private"), "{reason}");
    assert!(guard(&["localhost"]).resolve("localhost").await.is_ok());
    assert!(guard(&["127.0.0.0/8", "::1"]).resolve("localhost").await.is_ok());
}

#[tokio::test]
async fn no_name_leads_to_a_private_address_not_even_beside_a_public_one() {
    for address in PRIVATE_ADDRESSES {
        for answer in [&[*address][..], &["8.8.8.8", *address], &[*address, "2606:4700::1111"]] {
            let guard = Guard::with_lookup(allowed(&[]), Scripted::new(&[answer]));
            assert!(guard.resolve("metadata.example").await.is_err(), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_changes_is_checked_each_time() {
    let names = Scripted::new(&[&["8.8.8.8"], &["127.0.0.1"]]);
    let guard = Guard::with_lookup(allowed(&[]), names);
    assert_eq!(guard.resolve("rebinds.example").await.unwrap(), ["8.8.8.8".parse::<IpAddr>().unwrap()]);
    assert!(guard.resolve("rebinds.example").await.is_err());
}

#[test]
fn entries_are_names_addresses_or_networks() {
    assert_eq!("Example.COM".parse(), Ok(AllowedHost::Name("example.com".to_owned())));
    for bad in ["", "a b", "http://x/", "10.0.0.0/33", "example.com/8"] {
        assert!(bad.parse::<AllowedHost>().is_err(), "{bad:?}");
    }
}
