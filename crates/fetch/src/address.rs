//! Hosts and networks as users write them in settings.

use crate::guard;
use reqwest::Url;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A host that a setting speaks of, with its port if that is not the scheme's own: `registry.example:5000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    name: String,
    port: Option<u16>,
}

impl Host {
    /// Whether `url` leads to this host and port.
    #[must_use]
    pub fn is_of(&self, url: &Url) -> bool {
        url.host_str() == Some(&self.name)
            && match self.port {
                None => url.port().is_none(),
                port => url.port_or_known_default() == port,
            }
    }
}

impl FromStr for Host {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let fault = || AddressError::new(text, "a host, or host:port");
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
                (name, Some(port.parse().map_err(|_| fault())?))
            }
            _ => (text, None),
        };
        // The same parser as for URLs, so that `0x7f.1` and `127.0.0.1` are one host.
        let url = Url::parse(&format!("http://{name}/")).map_err(|_| fault())?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || !url.username().is_empty() || url.password().is_some() || url.port().is_some() {
            return Err(fault());
        }
        Ok(Self { name: url.host_str().ok_or_else(fault)?.into(), port })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)?;
        self.port.map_or(Ok(()), |port| write!(formatter, ":{port}"))
    }
}

/// A range of addresses, `10.0.0.0/8`, or a single one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u32,
}

impl Network {
    /// Whether `address`, or the IPv4 address it carries, lies inside.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let carried = match address {
            IpAddr::V6(address) => guard::carried(address).map(IpAddr::V4),
            IpAddr::V4(_) => None,
        };
        [Some(address), carried].into_iter().flatten().any(|address| {
            address.is_ipv4() == self.first.is_ipv4()
                && masked(bits(address), self.prefix) == bits(self.first)
        })
    }
}

impl FromStr for Network {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let fault = || AddressError::new(text, "a network like 10.0.0.0/8, or one address");
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(first, last)| (first, Some(last)));
        let first: IpAddr = address.parse().map_err(|_| fault())?;
        let width = if first.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(width), str::parse).map_err(|_| fault())?;
        if prefix > width {
            return Err(fault());
        }
        // IPv4 lies in the upper bits, see `bits`.
        if masked(bits(first), prefix) != bits(first) {
            return Err(AddressError::new(
                text,
                "the first address of a network: bits are set behind the prefix",
            ));
        }
        Ok(Self { first, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.first, self.prefix)
    }
}

/// The address in the upper bits, so that one mask serves both families.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn masked(bits: u128, prefix: u32) -> u128 {
    bits & u128::MAX.checked_shl(128 - prefix).unwrap_or(0)
}

/// A setting that names no host or network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{got}` is not {expected}")]
pub struct AddressError {
    got: String,
    expected: &'static str,
}

impl AddressError {
    fn new(got: &str, expected: &'static str) -> Self {
        Self { got: got.escape_debug().to_string(), expected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_port_is_the_one_on_the_schemes_own() {
        let is = |host: &str, url: &str| host.parse::<Host>().unwrap().is_of(&Url::parse(url).unwrap());
        assert!(is("registry.example", "https://registry.example/v2/"));
        assert!(is("registry.example:443", "https://registry.example/v2/"));
        assert!(is("Registry.Example:5000", "http://registry.example:5000/"));
        assert!(is("[::1]:5000", "http://[0:0::1]:5000/"));
        assert!(is("0x7f.1:80", "http://127.0.0.1/"));
        assert!(!is("registry.example", "https://registry.example:8443/"));
        assert!(!is("registry.example:80", "https://registry.example/"));
        assert!(!is("registry.example", "https://sub.registry.example/"));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in
            ["", "a/b", "user@host", "host:", "host:port", "host:70000", "a b", "host?x", "https://host"]
        {
            let error = text.parse::<Host>().unwrap_err();
            assert_eq!(error.to_string(), format!("`{text}` is not a host, or host:port"));
        }
    }

    #[test]
    fn a_network_holds_its_first_and_last_address() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255"], ["9.255.255.255", "11.0.0.0"]),
            ("192.0.2.7", ["192.0.2.7", "::ffff:192.0.2.7"], ["192.0.2.6", "192.0.2.8"]),
            ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["fc00::", "::2:0:0:0"]),
            ("fc00::/7", ["fc00::", "fdff:ffff::"], ["fbff::", "fe00::"]),
            ("::1", ["::1", "0::1"], ["::", "::2"]),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert!(inside.iter().all(|address| parsed.contains(address.parse().unwrap())), "{network}");
            assert!(!outside.iter().any(|address| parsed.contains(address.parse().unwrap())), "{network}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "host/8"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        assert_eq!(
            "10.1.0.0/8".parse::<Network>().unwrap_err().to_string(),
            "`10.1.0.0/8` is not the first address of a network: bits are set behind the prefix"
        );
    }
}
