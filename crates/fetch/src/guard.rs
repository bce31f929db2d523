//! Which addresses nothing is fetched from, unless the user allows it.
//!
//! The ranges are those of IANA's special-purpose registries that lead into somebody's own network. A transition format
//! that carries an IPv4 address is judged by that address. Ranges for documentation lead nowhere and are left alone.

use crate::address::Network;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

const fn v4(a: u8, b: u8, c: u8, d: u8) -> u32 {
    u32::from_be_bytes([a, b, c, d])
}

/// First address, length of the prefix, what lives there; the first match counts.
const V4: [(u32, u32, &str); 13] = [
    (v4(0, 0, 0, 0), 8, "unspecified, which is this machine"),
    (v4(127, 0, 0, 0), 8, "loopback, which is this machine"),
    (v4(169, 254, 169, 254), 32, "a cloud's metadata service"),
    (v4(100, 100, 100, 200), 32, "a cloud's metadata service"),
    (v4(169, 254, 0, 0), 16, "link-local"),
    (v4(10, 0, 0, 0), 8, "private"),
    (v4(172, 16, 0, 0), 12, "private"),
    (v4(192, 168, 0, 0), 16, "private"),
    (v4(100, 64, 0, 0), 10, "shared by a carrier's customers"),
    (v4(192, 0, 0, 0), 24, "kept for protocols"),
    (v4(224, 0, 0, 0), 4, "multicast"),
    (v4(255, 255, 255, 255), 32, "broadcast"),
    (v4(240, 0, 0, 0), 4, "reserved"),
];

/// As `V4`, by the first four groups, for those whose prefix is no longer.
const V6: [(u64, u32, &str); 5] = [
    (0x0064_ff9b_0001_0000, 48, "translated to IPv4 by this network"),
    (0xfc00 << 48, 7, "private (unique local)"),
    (0xfe80 << 48, 10, "link-local"),
    (0xfec0 << 48, 10, "private (site-local)"),
    (0xff00 << 48, 8, "multicast"),
];

const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// What speaks against fetching from `address`; `None`: nothing.
#[must_use]
pub fn refused(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => refused_v4(address),
        IpAddr::V6(address) => refused_v6(address),
    }
}

fn refused_v4(address: Ipv4Addr) -> Option<&'static str> {
    let hit = |(first, prefix, _): &&(u32, u32, _)| (address.to_bits() ^ first) >> (32 - prefix) == 0;
    V4.iter().find(hit).map(|(_, _, what)| *what)
}

fn refused_v6(address: Ipv6Addr) -> Option<&'static str> {
    match address {
        Ipv6Addr::UNSPECIFIED => return Some("unspecified, which is this machine"),
        Ipv6Addr::LOCALHOST => return Some("loopback, which is this machine"),
        METADATA => return Some("a cloud's metadata service"),
        _ => {}
    }
    if let Some(address) = carried(address) {
        return refused_v4(address);
    }
    let [a, b, c, d, ..] = address.segments();
    let upper = [a, b, c, d].iter().fold(0, |bits: u64, group| bits << 16 | u64::from(*group));
    let hit = |(first, prefix, _): &&(u64, u32, _)| (upper ^ first) >> (64 - prefix) == 0;
    V6.iter().find(hit).map(|(_, _, what)| *what)
}

/// The IPv4 address inside an IPv6 one that is mapped, compatible, translated, NAT64 or 6to4.
pub(crate) fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let (upper, lower) = match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0 | 0xffff] | [0, 0, 0, 0, 0xffff, 0] | [0x64, 0xff9b, 0, 0, 0, 0] => (g, h),
        [0x2002, upper, lower, ..] => (upper, lower),
        _ => return None,
    };
    Some(Ipv4Addr::from_bits(u32::from(upper) << 16 | u32::from(lower)))
}

/// Nothing is fetched from this address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{host}` is at {address}, which is {reason}: nothing is fetched from there unless `allow_addresses` in config.toml lists it"
)]
pub struct Refusal {
    /// The host as the URL names it.
    pub host: String,
    /// Where it is.
    pub address: IpAddr,
    /// What lives there.
    pub reason: &'static str,
}

/// The ranges, and what the user allows of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guard {
    pub(crate) allowed: Vec<Network>,
}

impl Guard {
    fn check(&self, host: &str, address: IpAddr) -> Result<(), Refusal> {
        match refused(address) {
            Some(reason) if !self.allowed.iter().any(|network| network.contains(address)) => {
                Err(Refusal { host: host.into(), address, reason })
            }
            _ => Ok(()),
        }
    }

    /// Judges an address written in `url` itself: no resolver is asked for those.
    pub(crate) fn check_literal(&self, url: &Url) -> Result<(), Refusal> {
        let host = url.host_str().unwrap_or_default();
        match IpAddr::from_str(host.trim_start_matches('[').trim_end_matches(']')) {
            Ok(address) => self.check(host, address),
            Err(_) => Ok(()),
        }
    }

    /// Of the addresses of `host`, those it may be fetched from.
    fn filter(
        &self,
        host: &str,
        found: impl Iterator<Item = SocketAddr>,
    ) -> Result<Vec<SocketAddr>, Refusal> {
        let mut refusal = None;
        let mut kept = Vec::new();
        for address in found {
            match self.check(host, address.ip()) {
                Ok(()) => kept.push(address),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        if kept.is_empty() { refusal.map_or(Ok(kept), Err) } else { Ok(kept) }
    }
}

/// Resolves names into the addresses that the guard lets through.
pub(crate) struct GuardedResolver(pub(crate) Arc<Guard>);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Arc::clone(&self.0);
        Box::pin(async move {
            // Port 0 stands for the URL's.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let kept = guard.filter(name.as_str(), found)?;
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(address: &str) -> Option<&'static str> {
        refused(address.parse().unwrap())
    }

    #[test]
    fn each_range_is_refused_from_its_first_to_its_last_address() {
        for (first, last, what) in [
            ("0.0.0.0", "0.255.255.255", "unspecified"),
            ("10.0.0.0", "10.255.255.255", "private"),
            ("100.64.0.0", "100.127.255.255", "shared"),
            ("100.100.100.200", "100.100.100.200", "metadata"),
            ("127.0.0.0", "127.255.255.255", "loopback"),
            ("169.254.0.0", "169.254.255.255", "link-local"),
            ("169.254.169.254", "169.254.169.254", "metadata"),
            ("172.16.0.0", "172.31.255.255", "private"),
            ("192.0.0.0", "192.0.0.255", "protocols"),
            ("192.168.0.0", "192.168.255.255", "private"),
            ("224.0.0.0", "239.255.255.255", "multicast"),
            ("240.0.0.0", "255.255.255.254", "reserved"),
            ("255.255.255.255", "255.255.255.255", "broadcast"),
            ("::", "::", "unspecified"),
            ("::1", "::1", "loopback"),
            ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "translated"),
            ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "unique local"),
            ("fd00:ec2::254", "fd00:ec2::254", "metadata"),
            ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "link-local"),
            ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "site-local"),
            ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"),
        ] {
            for address in [first, last] {
                assert!(reason(address).is_some_and(|reason| reason.contains(what)), "{address} {what}");
            }
        }
    }

    #[test]
    fn what_lies_beside_a_range_is_let_through() {
        for address in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "223.255.255.255",
            "64:ff9b:2::",
            "fbff:ffff::",
            "fe00::",
            "fe7f:ffff::",
            "2001:4860:4860::8888",
        ] {
            assert_eq!(reason(address), None, "{address}");
        }
    }

    #[test]
    fn documentation_is_no_network_of_anybody() {
        for address in ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"] {
            assert_eq!(reason(address), None, "{address}");
        }
    }

    #[test]
    fn an_address_inside_another_is_the_one_that_counts() {
        for (inner, groups) in
            [("127.0.0.1", "7f00:1"), ("10.1.2.3", "a01:203"), ("169.254.169.254", "a9fe:a9fe")]
        {
            for outer in ["::ffff:0:", "::ffff:", "::", "64:ff9b::"].map(|prefix| format!("{prefix}{groups}"))
            {
                assert_eq!(reason(&outer), reason(inner), "{outer}");
                assert!(reason(&outer).is_some(), "{outer}");
            }
            assert!(reason(&format!("2002:{groups}::1")).is_some());
        }
        for outer in
            ["::ffff:8.8.8.8", "::8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1", "::ffff:0:808:808"]
        {
            assert_eq!(reason(outer), None, "{outer}");
        }
    }

    #[test]
    fn of_several_addresses_the_harmless_ones_remain() {
        let guard = Guard { allowed: vec!["10.1.0.0/16".parse().unwrap()] };
        let filter = |addresses: &[&str]| {
            let found = addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0));
            let kept = guard.filter("h", found)?;
            Ok::<_, Refusal>(kept.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>())
        };
        assert_eq!(filter(&["10.0.0.1", "192.0.2.1", "10.1.0.1"]).unwrap(), ["192.0.2.1", "10.1.0.1"]);
        assert!(filter(&[]).unwrap().is_empty());
        assert_eq!(
            filter(&["10.0.0.1", "::1"]).unwrap_err().to_string(),
            "`h` is at 10.0.0.1, which is private: nothing is fetched from there unless `allow_addresses` in \
             config.toml lists it"
        );
    }
}
