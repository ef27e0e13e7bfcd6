//! The secret that opens the dashboard.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use subtle::ConstantTimeEq;

/// Bytes of randomness: 192 bits, beyond any guessing.
const RANDOM_BYTES: usize = 24;

/// The secret that opens the dashboard: random, safe in a URL, compared in constant time, kept out of logs.
#[derive(Clone)]
pub struct Token(String);

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("could not get random bytes for the dashboard's token from the operating system")]
pub struct RandomError(#[source] getrandom::Error);

impl Token {
    /// A new token of 192 random bits, as 48 hexadecimal digits.
    ///
    /// # Errors
    /// Where the operating system has no random bytes to give.
    pub fn generate() -> Result<Self, RandomError> {
        let mut bytes = [0_u8; RANDOM_BYTES];
        getrandom::fill(&mut bytes).map_err(RandomError)?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The secret itself, to be shown to the person who started flowbed and to nobody else.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `candidate` is this token; the time taken tells nothing but whether the lengths are equal.
    pub(crate) fn admits(&self, candidate: &str) -> bool {
        self.0.as_bytes().ct_eq(candidate.as_bytes()).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(secret)")
    }
}

/// The address that a person opens in a browser. A server that listens on every address is named by its loopback
/// address, since no browser opens `0.0.0.0` everywhere.
pub fn url(addr: SocketAddr, token: &Token) -> String {
    let mut reachable = addr;
    if addr.ip().is_unspecified() {
        reachable.set_ip(match addr.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{reachable}/?token={}", token.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_stay_out_of_logs() {
        let (one, two) = (Token::generate().expect("random"), Token::generate().expect("random"));
        assert_eq!(one.as_str().len(), 2 * RANDOM_BYTES);
        assert!(one.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert!(one.admits(one.as_str()));
        assert!(!one.admits(two.as_str()));
        assert!(!one.admits(""));
        assert!(!one.admits(&one.as_str()[1..]));
        assert!(!format!("{one:?}").contains(one.as_str()));
    }

    #[test]
    fn the_url_can_be_opened() {
        let token = Token::generate().expect("random");
        let opened = |addr: &str| url(addr.parse().expect("an address"), &token);
        assert_eq!(opened("127.0.0.1:8080"), format!("http://127.0.0.1:8080/?token={}", token.as_str()));
        assert!(opened("0.0.0.0:80").starts_with("http://127.0.0.1:80/?token="));
        assert!(opened("[::]:80").starts_with("http://[::1]:80/?token="));
    }
}
