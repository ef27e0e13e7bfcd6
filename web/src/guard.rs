//! Who may talk to the server.
//!
//! Three locks, in this order: the `Host` header must name this server, else a foreign name was made to point here
//! (DNS rebinding); the `Origin` header, which browsers send with requests that one site makes to another and with
//! those that change something, must be this server's own; and the token must be known.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};

use crate::token::Token;

/// Checks requests to the server at one address.
#[derive(Debug)]
pub(crate) struct Guard {
    addr: SocketAddr,
    names: Vec<String>,
    token: Token,
    cookie: String,
}

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intruder {
    /// It was meant for a server of another name.
    Host,
    /// Another site's page made it.
    Origin,
    /// It has no token, or a wrong one.
    Token,
}

impl Guard {
    /// Guards the server at `addr`, known by further `names` than its address.
    pub(crate) fn new(addr: SocketAddr, names: Vec<String>, token: Token) -> Self {
        // Cookies do not tell ports apart, so that each server on a machine needs its own name.
        let cookie = format!("flowbed-{}", addr.port());
        Self { addr, names, token, cookie }
    }

    /// Lets the request pass, or says what is wrong with it.
    pub(crate) fn admit(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Intruder> {
        self.admit_site(uri, headers)?;
        if self.bearer(headers) || self.cookie(headers) { Ok(()) } else { Err(Intruder::Token) }
    }

    /// As [`Self::admit`], without asking for the token.
    pub(crate) fn admit_site(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Intruder> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().ok(),
            _ => None,
        };
        let host = host.filter(|host| self.is_here(host)).ok_or(Intruder::Host)?;
        if uri.authority().is_some_and(|authority| !self.is_here(authority.as_str())) {
            return Err(Intruder::Host);
        }
        let own =
            |origin: &str| origin.strip_prefix("http://").is_some_and(|site| site.eq_ignore_ascii_case(host));
        if headers.get_all(ORIGIN).iter().all(|origin| origin.to_str().is_ok_and(own)) {
            Ok(())
        } else {
            Err(Intruder::Origin)
        }
    }

    /// Whether `candidate`, from the address that flowbed printed, is the token.
    pub(crate) fn admits_token(&self, candidate: &str) -> bool {
        self.token.admits(candidate)
    }

    /// The cookie by which a browser keeps the token.
    pub(crate) fn set_cookie(&self) -> String {
        format!("{}={}; Path=/; HttpOnly; SameSite=Strict", self.cookie, self.token.as_str())
    }

    fn is_here(&self, authority: &str) -> bool {
        let Ok(authority) = authority.parse::<Authority>() else {
            return false;
        };
        if authority.as_str().contains('@') || authority.port_u16().unwrap_or(80) != self.addr.port() {
            return false;
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        match host.parse::<IpAddr>() {
            // An address can't be rebound; where all are listened on, the right one can't be told apart.
            Ok(ip) => self.addr.ip().is_unspecified() || ip == self.addr.ip() || ip.is_loopback(),
            Err(_) => {
                host.eq_ignore_ascii_case("localhost")
                    || self.names.iter().any(|name| host.eq_ignore_ascii_case(name))
            }
        }
    }

    fn bearer(&self, headers: &HeaderMap) -> bool {
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        header.and_then(|value| value.split_once(' ')).is_some_and(|(scheme, candidate)| {
            scheme.eq_ignore_ascii_case("bearer") && self.token.admits(candidate.trim())
        })
    }

    fn cookie(&self, headers: &HeaderMap) -> bool {
        let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.split_once('='));
        pairs.any(|(name, value)| name.trim() == self.cookie && self.token.admits(value.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn guard(addr: &str) -> Guard {
        let token = Token::generate().expect("random");
        Guard::new(addr.parse().expect("an address"), vec!["lab.example".into()], token)
    }

    fn headers(list: &[(axum::http::HeaderName, &str)]) -> HeaderMap {
        let value = |text: &str| HeaderValue::from_str(text).expect("a header value");
        list.iter().map(|(name, text)| (name.clone(), value(text))).collect()
    }

    #[test]
    fn only_our_own_names_are_here() {
        let cases = [
            ("127.0.0.1:8080", "127.0.0.1:8080", true),
            ("127.0.0.1:8080", "localhost:8080", true),
            ("127.0.0.1:8080", "LOCALHOST:8080", true),
            ("127.0.0.1:8080", "[::1]:8080", true),
            ("127.0.0.1:8080", "lab.example:8080", true),
            ("127.0.0.1:8080", "127.0.0.1:8081", false),
            ("127.0.0.1:8080", "127.0.0.1", false),
            ("127.0.0.1:80", "127.0.0.1", true),
            ("127.0.0.1:8080", "evil.example:8080", false),
            ("127.0.0.1:8080", "127.0.0.1.evil.example:8080", false),
            ("127.0.0.1:8080", "localhost:8080@evil.example:8080", false),
            ("127.0.0.1:8080", "evil.example@localhost:8080", false),
            ("127.0.0.1:8080", "192.0.2.7:8080", false),
            ("192.0.2.7:8080", "192.0.2.7:8080", true),
            ("0.0.0.0:8080", "192.0.2.7:8080", true),
            ("0.0.0.0:8080", "evil.example:8080", false),
            ("127.0.0.1:8080", "", false),
            ("127.0.0.1:8080", ":8080", false),
        ];
        for (addr, host, here) in cases {
            assert_eq!(guard(addr).is_here(host), here, "{host:?} at {addr}");
        }
    }

    #[test]
    fn a_foreign_origin_is_turned_away_even_with_the_token() {
        let guard = guard("127.0.0.1:8080");
        let bearer = format!("Bearer {}", guard.token.as_str());
        let with = |origin: &str| {
            let map = headers(&[(HOST, "localhost:8080"), (ORIGIN, origin), (AUTHORIZATION, &bearer)]);
            guard.admit(&Uri::from_static("/"), &map)
        };
        assert_eq!(with("http://localhost:8080"), Ok(()));
        for foreign in
            ["http://localhost:9090", "https://localhost:8080", "null", "http://127.0.0.1:8080", ""]
        {
            assert_eq!(with(foreign), Err(Intruder::Origin), "{foreign:?}");
        }
    }

    #[test]
    fn two_hosts_or_a_foreign_target_are_turned_away() {
        let guard = guard("127.0.0.1:8080");
        let mut map = headers(&[(HOST, "localhost:8080")]);
        assert_eq!(guard.admit_site(&Uri::from_static("/"), &map), Ok(()));
        let foreign = Uri::from_static("http://evil.example:8080/");
        assert_eq!(guard.admit_site(&foreign, &map), Err(Intruder::Host));
        map.append(HOST, HeaderValue::from_static("evil.example:8080"));
        assert_eq!(guard.admit_site(&Uri::from_static("/"), &map), Err(Intruder::Host));
        assert_eq!(guard.admit_site(&Uri::from_static("/"), &HeaderMap::new()), Err(Intruder::Host));
    }

    #[test]
    fn the_token_comes_by_header_or_by_the_cookie_of_this_port() {
        let guard = guard("127.0.0.1:8080");
        let token = guard.token.as_str().to_owned();
        let with = |name: axum::http::HeaderName, value: String| {
            guard.admit(&Uri::from_static("/"), &headers(&[(HOST, "localhost:8080"), (name, &value)]))
        };
        assert_eq!(with(AUTHORIZATION, format!("bearer {token}")), Ok(()));
        assert_eq!(with(AUTHORIZATION, token.clone()), Err(Intruder::Token));
        assert_eq!(with(AUTHORIZATION, format!("Basic {token}")), Err(Intruder::Token));
        assert_eq!(with(COOKIE, format!("a=b; flowbed-8080={token}")), Ok(()));
        assert_eq!(with(COOKIE, format!("flowbed-8081={token}")), Err(Intruder::Token));
        assert_eq!(with(COOKIE, "flowbed-8080=".into()), Err(Intruder::Token));
    }
}
