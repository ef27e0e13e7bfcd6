//! Routes of hosts, in the words of `ip-route(8)`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Ipv4Net, Ipv6Net, text};

/// A way out of a host's own networks, written `default via 10.0.1.254` or `10.9.0.0/16 via 10.0.1.1`, and the same with
/// IPv6 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// Over IPv4.
    V4 {
        /// Where it leads: a network, with no bits beyond its prefix.
        to: Ipv4Net,
        /// The next hop, in a network of the host's own.
        via: Ipv4Addr,
    },
    /// Over IPv6.
    V6 {
        /// Where it leads: a network, with no bits beyond its prefix.
        to: Ipv6Net,
        /// The next hop, in a network of the host's own.
        via: Ipv6Addr,
    },
}

/// A text that is no route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no route; {expected}")]
pub struct ParseRouteError {
    text: String,
    expected: String,
}

impl Route {
    /// The next hop.
    #[must_use]
    pub fn via(&self) -> IpAddr {
        match self {
            Route::V4 { via, .. } => IpAddr::V4(*via),
            Route::V6 { via, .. } => IpAddr::V6(*via),
        }
    }

    /// Whether both lead to the same network.
    pub(super) fn leads_where(&self, other: &Route) -> bool {
        match (self, other) {
            (Route::V4 { to: a, .. }, Route::V4 { to: b, .. }) => a == b,
            (Route::V6 { to: a, .. }, Route::V6 { to: b, .. }) => a == b,
            _ => false,
        }
    }

    /// How many bits say that the next hop is in a network of an interface with these addresses; `None` if it is not.
    pub(super) fn fit(&self, ipv4: Option<Ipv4Net>, ipv6: Option<Ipv6Net>) -> Option<u8> {
        match self {
            Route::V4 { via, .. } => ipv4.filter(|net| net.contains(*via)).map(|net| net.prefix),
            Route::V6 { via, .. } => ipv6.filter(|net| net.contains(*via)).map(|net| net.prefix),
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Route::V4 { to: Ipv4Net { prefix: 0, .. }, via } => write!(f, "default via {via}"),
            Route::V4 { to, via } => write!(f, "{to} via {via}"),
            Route::V6 { to: Ipv6Net { prefix: 0, .. }, via } => write!(f, "default via {via}"),
            Route::V6 { to, via } => write!(f, "{to} via {via}"),
        }
    }
}

impl FromStr for Route {
    type Err = ParseRouteError;

    fn from_str(text: &str) -> Result<Route, ParseRouteError> {
        let wrong = |expected: &str| ParseRouteError { text: text.to_owned(), expected: expected.to_owned() };
        let words: Vec<&str> = text.split_whitespace().collect();
        let [to, "via", via] = words.as_slice() else {
            return Err(wrong("expected NETWORK via ADDRESS, such as default via 10.0.0.254"));
        };
        let via: IpAddr = via.parse().map_err(|_| wrong("expected an address behind via"))?;
        let network =
            |example: &str| wrong(&format!("expected default or a network, such as {example}, before via"));
        let beyond =
            |right: String| wrong(&format!("the network has bits beyond its prefix: {right} has not"));
        match via {
            IpAddr::V4(via) => {
                let to = match *to {
                    "default" => Ipv4Net { address: Ipv4Addr::UNSPECIFIED, prefix: 0 },
                    to => to.parse().map_err(|_| network("10.9.0.0/16"))?,
                };
                match to.network() {
                    right if right == to => Ok(Route::V4 { to, via }),
                    right => Err(beyond(right.to_string())),
                }
            }
            IpAddr::V6(via) => {
                let to = match *to {
                    "default" => Ipv6Net { address: Ipv6Addr::UNSPECIFIED, prefix: 0 },
                    to => to.parse().map_err(|_| network("fd00:9::/32"))?,
                };
                match to.network() {
                    right if right == to => Ok(Route::V6 { to, via }),
                    right => Err(beyond(right.to_string())),
                }
            }
        }
    }
}

impl Serialize for Route {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        text::required::serialize(self, to)
    }
}

impl<'de> Deserialize<'de> for Route {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Route, D::Error> {
        text::required::deserialize(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_written_as_ip_route_takes_them() {
        for text in [
            "default via 10.0.0.254",
            "10.9.0.0/16 via 10.0.0.1",
            "default via fd00::fe",
            "fd00:9::/32 via fd00::1",
            "10.1.2.3/32 via 10.0.0.1",
        ] {
            assert_eq!(text.parse::<Route>().unwrap().to_string(), text);
        }
        assert_eq!("0.0.0.0/0  via 10.0.0.1".parse::<Route>().unwrap().to_string(), "default via 10.0.0.1");
    }

    #[test]
    fn errors_say_what_is_expected() {
        let complaint = |text: &str| text.parse::<Route>().unwrap_err().to_string();
        let expected =
            "\"10.0.0.1\" is no route; expected NETWORK via ADDRESS, such as default via 10.0.0.254";
        assert_eq!(complaint("10.0.0.1"), expected);
        assert!(complaint("default via h1").ends_with("expected an address behind via"));
        assert!(complaint("fd00::/32 via 10.0.0.1").contains("such as 10.9.0.0/16, before via"));
        assert!(complaint("10.9.0.1/16 via 10.0.0.1").ends_with("beyond its prefix: 10.9.0.0/16 has not"));
        assert!(complaint("fd00:9::1/32 via fd00::1").ends_with("beyond its prefix: fd00:9::/32 has not"));
    }
}
