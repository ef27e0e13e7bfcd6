//! The connection tracker's actions: `ct` and `nat`.

use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::{BufMut, BytesMut};

use super::field::FieldHeader;
use super::{NxAction, Subfield, nameless};
use crate::action::Actions;
use crate::error::{DecodeError, EncodeError};
use crate::ids::TableId;
use crate::wire::{Reader, pad_from, put_zeros};

/// Through the connection tracker (`ovs-actions(7)`, `ct`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Conntrack {
    /// The connection is kept.
    pub commit: bool,
    /// One of the other direction is ended first.
    pub force: bool,
    /// Where connections are told apart from others of the same addresses.
    pub zone: Zone,
    /// Where the packet goes on, with its state known; `None` is nowhere.
    pub table: Option<TableId>,
    /// The application protocol whose further connections are known: 21 FTP, 69 TFTP, 0 none.
    pub alg: u16,
    /// What is done to a connection that is kept: [`NxAction::Nat`], and the setting of its mark and
    /// label.
    pub actions: Actions,
}

/// The zone of a connection (`ovs-actions(7)`, `ct`, "zone").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Zone {
    /// This one.
    Number(u16),
    /// The one that these 16 bits tell.
    Field(Subfield),
}

impl Default for Zone {
    fn default() -> Self {
        Zone::Number(0)
    }
}

mod flag {
    pub(super) const COMMIT: u16 = 1;
    pub(super) const FORCE: u16 = 2;
}

impl Conntrack {
    pub(super) fn read(r: &mut Reader<'_>) -> Result<Conntrack, DecodeError> {
        let flags = r.u16()?;
        let zone = match r.array::<4>()? {
            [0, 0, 0, 0] => Zone::Number(r.u16()?),
            [c0, c1, field, length] => {
                let class = u16::from_be_bytes([c0, c1]);
                let key = crate::oxm::OxmKey { class, experimenter: None, field: field >> 1 };
                let (offset, bits) = Subfield::unpack(r.u16()?);
                Zone::Field(Subfield::checked(FieldHeader { key, length }, offset, bits)?)
            }
        };
        let table = Some(TableId(r.u8()?)).filter(|table| *table != TableId::ALL);
        r.skip(3)?;
        let alg = r.u16()?;
        let actions = Actions::read_nested(r)?;
        let (commit, force) = (flags & flag::COMMIT != 0, flags & flag::FORCE != 0);
        Ok(Conntrack { commit, force, zone, table, alg, actions })
    }

    pub(super) fn write(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let bit = |set, bit| if set { bit } else { 0 };
        out.put_u16(bit(self.commit, flag::COMMIT) | bit(self.force, flag::FORCE));
        match self.zone {
            Zone::Number(zone) => {
                out.put_u32(0);
                out.put_u16(zone);
            }
            Zone::Field(field) => {
                field.header().put(out);
                out.put_u16(field.packed()?);
            }
        }
        out.put_u8(self.table.unwrap_or(TableId::ALL).0);
        put_zeros(out, 3);
        out.put_u16(self.alg);
        self.actions.write(out)
    }
}

/// Network address translation (`ovs-actions(7)`, `nat`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Nat {
    /// What is translated; `None` does what is known of the connection.
    pub kind: Option<NatKind>,
    /// To one of these addresses.
    pub addresses: NatAddresses,
    /// To one of these ports: the first and, if there are more, the last.
    pub ports: Option<(u16, Option<u16>)>,
    /// The same client gets the same address, also after a restart.
    pub persistent: bool,
    /// Ports are chosen by a hash.
    pub hash: bool,
    /// Ports are chosen at random.
    pub random: bool,
}

/// What is translated (`ovs-actions(7)`, `nat`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NatKind {
    /// The source of the packet that begins a connection.
    Source,
    /// The destination of the packet that begins a connection.
    Destination,
}

/// The first address and, if there are more, the last (`ovs-actions(7)`, `nat`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NatAddresses {
    /// The address stays.
    #[default]
    None,
    /// IPv4.
    V4(Ipv4Addr, Option<Ipv4Addr>),
    /// IPv6.
    V6(Ipv6Addr, Option<Ipv6Addr>),
}

mod nat_flag {
    pub(super) const SOURCE: u16 = 1;
    pub(super) const DESTINATION: u16 = 2;
    pub(super) const PERSISTENT: u16 = 4;
    pub(super) const HASH: u16 = 8;
    pub(super) const RANDOM: u16 = 16;
}

mod range {
    pub(super) const V4_MIN: u16 = 1;
    pub(super) const V4_MAX: u16 = 2;
    pub(super) const V6_MIN: u16 = 4;
    pub(super) const V6_MAX: u16 = 8;
    pub(super) const PORT_MIN: u16 = 16;
    pub(super) const PORT_MAX: u16 = 32;
}

impl Nat {
    pub(super) fn read(r: &mut Reader<'_>) -> Result<Nat, DecodeError> {
        r.skip(2)?;
        let (flags, present) = (r.u16()?, r.u16()?);
        let kind = match flags & (nat_flag::SOURCE | nat_flag::DESTINATION) {
            0 => None,
            nat_flag::SOURCE => Some(NatKind::Source),
            nat_flag::DESTINATION => Some(NatKind::Destination),
            _ => return Err(nameless("flags of nat", flags)),
        };
        let has = |bit| present & bit != 0;
        let mut addresses = NatAddresses::None;
        if has(range::V4_MIN) {
            let first = Ipv4Addr::from_bits(r.u32()?);
            let last = if has(range::V4_MAX) { Some(Ipv4Addr::from_bits(r.u32()?)) } else { None };
            addresses = NatAddresses::V4(first, last);
        } else if has(range::V6_MIN) {
            let first = Ipv6Addr::from(r.array::<16>()?);
            let last = if has(range::V6_MAX) { Some(Ipv6Addr::from(r.array::<16>()?)) } else { None };
            addresses = NatAddresses::V6(first, last);
        }
        let mut ports = None;
        if has(range::PORT_MIN) {
            let first = r.u16()?;
            ports = Some((first, if has(range::PORT_MAX) { Some(r.u16()?) } else { None }));
        }
        // What fills it up to a multiple of eight.
        r.remainder();
        Ok(Nat {
            kind,
            addresses,
            ports,
            persistent: flags & nat_flag::PERSISTENT != 0,
            hash: flags & nat_flag::HASH != 0,
            random: flags & nat_flag::RANDOM != 0,
        })
    }

    pub(super) fn write(&self, out: &mut BytesMut, start: usize) {
        let bit = |set, bit| if set { bit } else { 0 };
        let kind = match self.kind {
            None => 0,
            Some(NatKind::Source) => nat_flag::SOURCE,
            Some(NatKind::Destination) => nat_flag::DESTINATION,
        };
        put_zeros(out, 2);
        out.put_u16(
            kind | bit(self.persistent, nat_flag::PERSISTENT)
                | bit(self.hash, nat_flag::HASH)
                | bit(self.random, nat_flag::RANDOM),
        );
        let addresses = match self.addresses {
            NatAddresses::None => 0,
            NatAddresses::V4(_, last) => range::V4_MIN | bit(last.is_some(), range::V4_MAX),
            NatAddresses::V6(_, last) => range::V6_MIN | bit(last.is_some(), range::V6_MAX),
        };
        let ports = match self.ports {
            None => 0,
            Some((_, last)) => range::PORT_MIN | bit(last.is_some(), range::PORT_MAX),
        };
        out.put_u16(addresses | ports);
        match self.addresses {
            NatAddresses::None => {}
            NatAddresses::V4(first, last) => {
                [Some(first), last]
                    .into_iter()
                    .flatten()
                    .for_each(|address| out.put_slice(&address.octets()));
            }
            NatAddresses::V6(first, last) => {
                [Some(first), last]
                    .into_iter()
                    .flatten()
                    .for_each(|address| out.put_slice(&address.octets()));
            }
        }
        if let Some((first, last)) = self.ports {
            [Some(first), last].into_iter().flatten().for_each(|port| out.put_u16(port));
        }
        pad_from(out, start);
    }
}

impl From<Conntrack> for NxAction {
    fn from(ct: Conntrack) -> NxAction {
        NxAction::Conntrack(ct)
    }
}
