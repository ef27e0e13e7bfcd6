//! Packets in the words of a match, what is not said filled in from hosts.

use std::net::{Ipv4Addr, Ipv6Addr};

use openflow::MacAddr;
use openflow::oxm::{FieldId as F, Match, OxmField};
use openflow::pipeline::{ComposeError, compose};
use openflow::text::{Parser, TextError};
use thiserror::Error;

use crate::network::{Host, Network, NetworkError};

const IPV4: u128 = 0x0800;
const IPV6: u128 = 0x86dd;
const ARP: u128 = 0x0806;
/// ARP's request (RFC 826).
const REQUEST: u128 = 1;
const ICMP: u128 = 1;
const ICMPV6: u128 = 58;

/// Why a text is no packet.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PacketError {
    /// It cannot be read.
    #[error(transparent)]
    Text(#[from] TextError),
    /// No frame can be made of it.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// It is to be sent by or to somebody who is not there.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

impl Network {
    /// The frame that has the fields of `text`, in the words of `ovs-ofctl(8)`, `payload` behind its
    /// headers: see [`compose`].
    ///
    /// What the text does not say follows from who sends it and who is to get it: addresses of
    /// Ethernet, IP and ARP. Without `to` it goes to the host that has the destination address. An ARP
    /// packet is a request and goes to all; ICMP is an echo request. All else is zero, but for a TTL of
    /// 64.
    ///
    /// # Errors
    /// A text that is none, fields that no packet can have, unknown hosts.
    pub fn packet(
        &self,
        text: &str,
        from: &str,
        to: Option<&str>,
        payload: &[u8],
    ) -> Result<Vec<u8>, PacketError> {
        Ok(compose(&self.fields(text, from, to)?, payload)?)
    }

    /// The fields of [`packet`](Self::packet), those that follow filled in.
    ///
    /// # Errors
    /// As [`packet`](Self::packet).
    pub fn fields(&self, text: &str, from: &str, to: Option<&str>) -> Result<Match, PacketError> {
        let mut fields = Fields(Parser::new().matching(text)?);
        let from = self.host(from)?;
        let to = match to {
            Some(to) => Some(self.host(to)?),
            None => fields.destination(self),
        };
        fields.fill(from, to);
        Ok(fields.0)
    }
}

struct Fields(Match);

impl Fields {
    fn get(&self, id: F) -> Option<u128> {
        self.0.get(id).and_then(|field| field.to_bits()).map(|(value, _)| value)
    }

    /// The host that has the destination's address.
    fn destination<'n>(&self, network: &'n Network) -> Option<&'n Host> {
        let v4 = self.get(F::Ipv4Dst).or(self.get(F::ArpTpa)).map(|bits| Ipv4Addr::from(bits as u32));
        let v6 = self.get(F::Ipv6Dst).map(Ipv6Addr::from);
        network.hosts().find(|host| {
            v4.is_some() && host.ipv4_address() == v4 || v6.is_some() && host.ipv6_address() == v6
        })
    }

    fn default(&mut self, id: F, value: impl Into<Option<u128>>) {
        if self.0.get(id).is_none()
            && let Some(field) = value.into().and_then(|value| OxmField::from_bits(id, value, None))
        {
            self.0.insert(field);
        }
    }

    fn fill(&mut self, from: &Host, to: Option<&Host>) {
        let mac = |host: &Host| bits(host.mac_address());
        let v4 = |host: &Host| host.ipv4_address().map(|address| u128::from(address.to_bits()));
        let v6 = |host: &Host| host.ipv6_address().map(|address| address.to_bits());
        self.default(F::EthSrc, mac(from));
        match self.get(F::EthType) {
            Some(ARP) => {
                self.default(F::ArpOp, REQUEST);
                self.default(F::ArpSha, mac(from));
                self.default(F::ArpSpa, v4(from));
                self.default(F::ArpTpa, to.and_then(v4));
                if self.get(F::ArpOp) == Some(REQUEST) {
                    self.default(F::EthDst, bits(MacAddr::BROADCAST));
                } else {
                    self.default(F::ArpTha, to.map(mac));
                }
            }
            Some(IPV4) => {
                self.default(F::Ipv4Src, v4(from));
                self.default(F::Ipv4Dst, to.and_then(v4));
                if self.get(F::IpProto) == Some(ICMP) {
                    self.default(F::Icmpv4Type, 8);
                }
            }
            Some(IPV6) => {
                self.default(F::Ipv6Src, v6(from));
                self.default(F::Ipv6Dst, to.and_then(v6));
                if self.get(F::IpProto) == Some(ICMPV6) {
                    self.default(F::Icmpv6Type, 128);
                }
            }
            _ => {}
        }
        self.default(F::EthDst, to.map(mac));
    }
}

fn bits(mac: MacAddr) -> u128 {
    mac.0.iter().fold(0, |bits, byte| bits << 8 | u128::from(*byte))
}
