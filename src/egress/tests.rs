//! The guard against what attackers write and resolve; the whole hub behind it: `tests/it/egress.rs`.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::*;

fn guard(allow: &[&str]) -> Egress {
    let own = ["127.0.0.1:8443".parse().unwrap(), "0.0.0.0:9464".parse().unwrap()];
    Egress::new(allow.iter().map(|entry| entry.parse().unwrap()).collect(), own.to_vec())
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn only_what_the_operator_names_is_allowed() {
    let guard = guard(&["10.20.0.0/16:443", "10.30.0.5:9000-9100", "[fd00::/8]:443", "https://192.168.1.0/24"]);
    for good in ["10.20.3.4:443", "10.30.0.5:9000", "10.30.0.5:9100", "[fd12::1]:443", "192.168.1.7:1"] {
        assert!(guard.check(address(good)).is_ok(), "{good}");
    }
    for bad in ["10.21.0.1:443", "10.20.3.4:444", "10.30.0.5:8999", "10.30.0.6:9000", "[fd12::1]:80", "8.8.8.8:443"] {
        assert!(matches!(guard.check(address(bad)), Err(EgressError::NotAllowed { .. })), "{bad}");
    }
}

#[test]
fn everything_allowed_still_opens_no_special_block() {
    let guard = guard(&["0.0.0.0/0", "::/0"]);
    assert!(guard.check(address("10.1.2.3:443")).is_ok());
    assert!(guard.check(address("[2400::1]:443")).is_ok());
    for bad in [
        "127.0.0.1:80",
        "127.255.0.1:80",
        "100.64.0.1:80",
        "192.0.0.8:80",
        "198.19.0.1:80",
        "[::1]:80",
        "[fd00::1]:80",
        "[::ffff:127.0.0.1]:80",
        "[64:ff9b::7f00:1]:80",
        "[2002:7f00:1::]:80",
        "[2001:0:4136:e378:8000:63bf:3fff:fdd2]:80",
    ] {
        assert!(matches!(guard.check(address(bad)), Err(EgressError::NotAllowed { .. })), "{bad}");
    }
}

#[test]
fn some_addresses_are_opened_by_no_setting() {
    let guard = guard(&["0.0.0.0/0", "169.254.0.0/16", "0.0.0.0/8", "224.0.0.0/3", "fe80::/10", "ff00::/8", "::/128"]);
    for bad in [
        "0.0.0.0:80",
        "0.1.2.3:80",
        "169.254.169.254:80",
        "[::ffff:169.254.169.254]:80",
        "224.0.0.1:80",
        "255.255.255.255:80",
        "[::]:80",
        "[fe80::1]:80",
        "[ff02::1]:80",
    ] {
        assert!(matches!(guard.check(address(bad)), Err(EgressError::Never { .. })), "{bad}");
    }
}

#[test]
fn the_hubs_own_listeners_are_refused_even_where_loopback_is_allowed() {
    let guard = guard(&["127.0.0.0/8", "::1/128"]);
    assert!(guard.check(address("127.0.0.1:9101")).is_ok());
    for own in ["127.0.0.1:8443", "127.0.0.1:9464", "127.9.9.9:9464", "[::ffff:127.0.0.1]:8443", "[::1]:9464"] {
        assert!(matches!(guard.check(address(own)), Err(EgressError::Own { .. })), "{own}");
    }
}

#[test]
fn an_entry_that_is_no_network_is_refused_with_how_to_write_it() {
    for bad in [
        "",
        "*",
        "localhost",
        "10.0.0.0/33",
        "10.0.0.1/8",
        "10.0.0.0/8:",
        "10.0.0.0/8:0",
        "10.0.0.0/8:90-80",
        "10.0.0.0/8:x",
        "http://10.0.0.0/8",
        "[fd00::/8",
        "[fd00::/8]443",
        "10.0.0.0/8:1-2-3",
        "10.0.0.0/8:70000",
    ] {
        let error = bad.parse::<Allowed>().unwrap_err().to_string();
        assert!(error.contains("10.20.0.0/16:443"), "{bad}: {error}");
    }
}

#[test]
fn only_a_plain_https_address_is_an_endpoint() {
    for (good, port) in [
        ("https://hrss.example.gov.cn", 443),
        ("https://hrss.example.gov.cn/", 443),
        ("https://hrss.example.gov.cn:443", 443),
        ("https://10.20.30.40:9101", 9101),
        ("https://[fd00::1]:9101", 9101),
        ("https://localhost:9101", 9101),
    ] {
        assert_eq!(Endpoint::parse(good).unwrap().port(), port, "{good}");
    }
    let long = format!("https://{}", "a".repeat(70_000));
    for bad in [
        "",
        "127.0.0.1:9101",
        "http://127.0.0.1:9101",
        "file:///etc/passwd",
        "gopher://127.0.0.1",
        "ftp://10.0.0.1",
        "https://",
        "https:10.0.0.1",
        "https:///10.0.0.1",
        "https:\\\\10.0.0.1",
        "//10.0.0.1",
        "HTTPS://10.0.0.1",
        "https://user:secret@127.0.0.1",
        "https://user@127.0.0.1",
        "https://@127.0.0.1",
        "https://a\\@127.0.0.1",
        "https://127.0.0.1/path",
        "https://127.0.0.1/?query",
        "https://127.0.0.1?q",
        "https://127.0.0.1#f",
        "https://127.0.0.1\r\nx: y",
        "https://127.0.0.1\0",
        "https://127.0.0.1\t",
        " https://127.0.0.1",
        "https://127.0.0.1 ",
        "https://127.1",
        "https://2130706433",
        "https://0x7f000001",
        "https://0x7f.1",
        "https://0177.0.0.1",
        "https://017700000001",
        "https://127.0.0.1.",
        "https://127.000.000.001",
        "https://１２７.0.0.1",
        "https://ⓛocalhost",
        "https://LOCALHOST",
        "https://127。0。0。1",
        "https://%31%32%37.0.0.1",
        "https://[::ffff:7f00:1%25lo]",
        "https://[0:0:0:0:0:0:0:1]",
        "https://[::FFFF:127.0.0.1]",
        "https://10.0.0.1:0",
        "https://10.0.0.1:70000",
        "https://10.0.0.1:443:443",
        "https://10.0.0.1:+1",
        "https://10.0.0.1:",
        "https://核对",
        "https://a_b%00",
        "https://exa mple",
        "https://10.0.0.1/..",
        "https://10.0.0.1//",
        &long,
    ] {
        assert!(matches!(Endpoint::parse(bad), Err(EgressError::Endpoint { .. })), "{bad:?}");
    }
}

/// A resolver that answers differently each time.
struct Changing(AtomicUsize, Vec<Vec<SocketAddr>>);

impl Resolve for Changing {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Resolved<'a> {
        let turn = self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(self.1[turn.min(self.1.len() - 1)].clone())))
    }
}

#[tokio::test]
async fn a_name_that_begins_to_resolve_elsewhere_is_not_dialled() {
    let listen = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (wanted, canary) = (listen(), listen());
    canary.set_nonblocking(true).unwrap();
    let (good, bad) = (wanted.local_addr().unwrap(), canary.local_addr().unwrap());
    let resolver = Changing(AtomicUsize::new(0), vec![vec![good], vec![bad], vec![good, bad], vec![]]);
    let allowed = vec![format!("127.0.0.1:{}", good.port()).parse().unwrap()];
    let guard = Egress(Arc::new(Rules { allowed, own: Vec::new(), resolver: Box::new(resolver) }));
    let endpoint = Endpoint::parse("https://hrss.example.gov.cn").unwrap();
    assert!(guard.connect(&endpoint).await.is_ok());
    assert!(matches!(guard.connect(&endpoint).await, Err(EgressError::NotAllowed { address }) if address == bad));
    assert!(matches!(guard.connect(&endpoint).await, Err(EgressError::NotAllowed { address }) if address == bad));
    assert!(matches!(guard.connect(&endpoint).await, Err(EgressError::Unresolved { .. })));
    assert_eq!(canary.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody knocked");
}

proptest! {
    /// Whatever is written, what passes is https, has no credentials, and says the same to the strict reader.
    #[test]
    fn what_passes_is_what_it_says(text in "https://[\\x00-\\x7f１。@\\\\]{1,24}") {
        if let Ok(endpoint) = Endpoint::parse(&text) {
            prop_assert!(text.is_ascii() && !text.contains(['@', '\\', '%', ' ', '\t', '\n', '\r', '?', '#']));
            if let Host::Address(ip) = endpoint.host() {
                prop_assert!(text.contains(&ip.to_string()));
            }
        }
    }

    #[test]
    fn without_an_entry_nothing_is_reached(ip in any::<u32>(), port in 1_u16..) {
        prop_assert!(guard(&[]).check(SocketAddr::new(std::net::Ipv4Addr::from(ip).into(), port)).is_err());
    }
}

#[test]
fn an_endpoint_with_a_path_is_taken_in_its_plain_spelling_only() {
    for (text, authority, path) in [
        ("https://10.0.0.9:8444", "10.0.0.9:8444", ""),
        ("https://10.0.0.9:8444/", "10.0.0.9:8444", ""),
        ("https://witness.example/a/b-1/", "witness.example", "/a/b-1"),
        ("https://[fd00::1]:8444/w.2", "[fd00::1]:8444", "/w.2"),
    ] {
        let (endpoint, found) = Endpoint::parse_with_path(text).unwrap();
        assert_eq!((endpoint.authority(), found.as_str()), (authority, path), "{text}");
    }
    for bad in [
        "http://10.0.0.9/w",
        "https:///w",
        "https://h//w",
        "https://h/w//",
        "https://h/a/../b",
        "https://h/%2e%2e/b",
        "https://h/a b",
        "https://h/a?b",
        "https://h/a#b",
        "https://h?/a",
        "https://user@h/a",
        "https://h/\u{8def}",
        "https://h/a\r\nHost: x",
        "/w",
        "",
    ] {
        assert!(Endpoint::parse_with_path(bad).is_err(), "{bad:?}");
    }
}
