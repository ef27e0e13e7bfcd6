//! What a load balancer's file says.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;
use std::path::Path;

use openflow::MacAddr;
use serde::Deserialize;
use toml::Spanned;

use crate::apps::file::{self, FileError, Station, Word};

/// Services, each at an address of its own or at a port of an address that it shares.
#[derive(Clone, Debug, PartialEq)]
pub struct Services(pub(super) Vec<Service>);

/// A service and those who render it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Service {
    pub(super) address: IpAddr,
    pub(super) mac: MacAddr,
    pub(super) protocol: Protocol,
    pub(super) port: u16,
    pub(super) backends: Vec<Backend>,
}

/// Who renders a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Backend {
    pub(super) address: IpAddr,
    pub(super) port: u16,
    pub(super) weight: u16,
}

/// What has ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Protocol {
    Tcp,
    Udp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    services: Vec<ServiceText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceText {
    address: Spanned<Word<IpAddr>>,
    mac: Option<Spanned<Station>>,
    protocol: Protocol,
    port: Spanned<u16>,
    backends: Spanned<Vec<Spanned<BackendText>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BackendText {
    address: Word<IpAddr>,
    port: Option<u16>,
    weight: Option<u16>,
}

const MOST_SERVICES: usize = 1024;
const MOST_BACKENDS: usize = 256;
const MOST_WEIGHT: u16 = 100;

/// What is wrong, and where in the text.
type Wrong = (Range<usize>, String);

impl Services {
    /// Reads services from a file:
    ///
    /// ```toml
    /// [[services]]
    /// address = "10.0.0.100"        # no host has it
    /// mac = "02:f1:0a:00:00:64"     # made of the address if it is left out
    /// protocol = "tcp"              # or "udp"
    /// port = 80
    ///
    /// [[services.backends]]         # at most 256
    /// address = "10.0.0.1"
    /// port = 8080                   # the service's if it is left out
    /// weight = 2                    # 1 to 100: its share; 1 if it is left out
    /// ```
    ///
    /// # Errors
    /// With the line, the column and what was expected there; also for a service that is told twice, and for a backend of
    /// two services: who answers there would have two names.
    pub fn from_toml(text: &str, path: &Path) -> Result<Services, FileError> {
        let document: Document = file::parse(text, path)?;
        Services::new(document).map_err(|(span, what)| file::error_at(path, text, span.start, what))
    }

    fn new(document: Document) -> Result<Services, Wrong> {
        let mut services: Vec<Service> = Vec::new();
        let (mut macs, mut backends) = (BTreeMap::new(), BTreeMap::new());
        for text in &document.services {
            let Word(address) = *text.address.get_ref();
            if address.is_unspecified() || address.is_multicast() || address.is_loopback() {
                return Err((text.address.span(), format!("{address} is no address of a single node")));
            }
            if services.len() >= MOST_SERVICES {
                return Err((text.address.span(), format!("there are more than {MOST_SERVICES} services")));
            }
            let port = *text.port.get_ref();
            let name = (address, text.protocol, port);
            if port == 0 {
                return Err((text.port.span(), "a port is from 1 to 65535".to_owned()));
            }
            if services.iter().any(|it| (it.address, it.protocol, it.port) == name) {
                return Err((text.port.span(), format!("{address} has a service at this port already")));
            }
            let mac = text.mac.as_ref().map_or_else(|| made_of(address), |mac| mac.get_ref().0);
            if *macs.entry(address).or_insert(mac) != mac {
                let span = text.mac.as_ref().map_or(text.address.span(), Spanned::span);
                return Err((span, format!("{address} has another Ethernet address already")));
            }
            if text.backends.get_ref().len() > MOST_BACKENDS {
                return Err((text.backends.span(), format!("there are more than {MOST_BACKENDS} backends")));
            }
            let mut service = Service { address, mac, protocol: text.protocol, port, backends: Vec::new() };
            for text in text.backends.get_ref() {
                let backend = Backend::new(text, &service)?;
                let name = (backend.address, service.protocol, backend.port);
                if backends.insert(name, ()).is_some() {
                    let what = format!("{} serves at port {} already", backend.address, backend.port);
                    return Err((text.span(), what));
                }
                service.backends.push(backend);
            }
            services.push(service);
        }
        Ok(Services(services))
    }
}

impl Backend {
    fn new(text: &Spanned<BackendText>, service: &Service) -> Result<Backend, Wrong> {
        let (span, text) = (text.span(), text.get_ref());
        let Word(address) = text.address;
        if address.is_ipv4() != service.address.is_ipv4() {
            return Err((span, format!("{address} is not of the same family as {}", service.address)));
        }
        if address == service.address {
            return Err((span, format!("{address} is the service itself")));
        }
        let (port, weight) = (text.port.unwrap_or(service.port), text.weight.unwrap_or(1));
        if port == 0 {
            return Err((span, "a port is from 1 to 65535".to_owned()));
        }
        if !(1..=MOST_WEIGHT).contains(&weight) {
            return Err((span, format!("a weight is from 1 to {MOST_WEIGHT}")));
        }
        Ok(Backend { address, port, weight })
    }
}

/// A locally administered address.
fn made_of(address: IpAddr) -> MacAddr {
    let [a, b, c, d] = match address {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(address) => {
            let [.., a, b, c, d] = address.octets();
            [a, b, c, d]
        }
    };
    MacAddr([0x02, 0xf1, a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Services, FileError> {
        Services::from_toml(text, Path::new("b.toml"))
    }

    #[test]
    fn what_is_left_out_follows() {
        let text = "[[services]]\naddress = \"10.0.0.100\"\nprotocol = \"udp\"\nport = 53\nbackends = [{ address = \"10.0.0.1\" }]\n";
        let Services(services) = read(text).unwrap();
        assert_eq!(services[0].mac, MacAddr([2, 0xf1, 10, 0, 0, 100]));
        assert_eq!(services[0].backends, [Backend { address: [10, 0, 0, 1].into(), port: 53, weight: 1 }]);
    }

    #[test]
    fn errors_point_at_the_place() {
        let service = |more: &str| {
            format!("[[services]]\naddress = \"10.0.0.100\"\nprotocol = \"tcp\"\nport = 80\n{more}\n")
        };
        let one = service("backends = []");
        let cases = [
            (
                "[[services]]\naddress = \"10.0.0.100\"\nprotocol = \"icmp\"\nport = 80\nbackends = []"
                    .to_owned(),
                "b.toml:3:12: unknown variant `icmp`, expected `tcp` or `udp`",
            ),
            (format!("{one}{one}"), "b.toml:9:8: 10.0.0.100 has a service at this port already"),
            (
                format!("{one}{}", one.replace("80", "81\nmac = \"02:00:00:00:00:01\"")),
                "b.toml:10:7: 10.0.0.100 has another Ethernet address already",
            ),
            (
                service("backends = [\n  { address = \"fd00::1\" },\n]"),
                "b.toml:6:3: fd00::1 is not of the same family as 10.0.0.100",
            ),
            (
                service(
                    "backends = [\n  { address = \"10.0.0.1\" },\n  { address = \"10.0.0.1\", weight = 2 },\n]",
                ),
                "b.toml:7:3: 10.0.0.1 serves at port 80 already",
            ),
            (
                service("backends = [\n  { address = \"10.0.0.1\", weight = 0 },\n]"),
                "b.toml:6:3: a weight is from 1 to 100",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(read(&text).unwrap_err().to_string(), expected);
        }
    }
}
