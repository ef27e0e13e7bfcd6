//! How the actions lie on the wire (`nicira-ext.h`).

use bytes::{BufMut, Bytes, BytesMut};

use super::field::FieldHeader;
use super::{Conntrack, Controller, Learn, Nat, NxAction, Subfield, nameless};
use crate::action::Actions;
use crate::error::{DecodeError, EncodeError, Part};
use crate::ids::{PortNo, TableId};
use crate::oxm::RawField;
use crate::wire::{Reader, pad_from, put_zeros};

mod subtype {
    //! Subtypes of the actions, `NXAST_*`.
    pub(super) const RESUBMIT: u16 = 1;
    pub(super) const SET_TUNNEL: u16 = 2;
    pub(super) const POP_QUEUE: u16 = 5;
    pub(super) const REG_MOVE: u16 = 6;
    pub(super) const REG_LOAD: u16 = 7;
    pub(super) const NOTE: u16 = 8;
    pub(super) const SET_TUNNEL64: u16 = 9;
    pub(super) const OUTPUT_REG: u16 = 15;
    pub(super) const RESUBMIT_TABLE: u16 = 14;
    pub(super) const LEARN: u16 = 16;
    pub(super) const EXIT: u16 = 17;
    pub(super) const FIN_TIMEOUT: u16 = 19;
    pub(super) const CONTROLLER: u16 = 20;
    pub(super) const DEC_TTL_CNT_IDS: u16 = 21;
    pub(super) const STACK_PUSH: u16 = 27;
    pub(super) const STACK_POP: u16 = 28;
    pub(super) const OUTPUT_REG2: u16 = 32;
    pub(super) const REG_LOAD2: u16 = 33;
    pub(super) const CONJUNCTION: u16 = 34;
    pub(super) const CT: u16 = 35;
    pub(super) const NAT: u16 = 36;
    pub(super) const CONTROLLER2: u16 = 37;
    pub(super) const OUTPUT_TRUNC: u16 = 39;
    pub(super) const CLONE: u16 = 42;
    pub(super) const CT_CLEAR: u16 = 43;
    pub(super) const RESUBMIT_TABLE_CT: u16 = 44;
    pub(super) const LEARN2: u16 = 45;
    pub(super) const CHECK_PKT_LARGER: u16 = 49;
}

/// What stands before the body: type, length, experimenter.
const HEADER: usize = 8;

/// A port in the 16 bits of OpenFlow 1.0: reserved ones keep their low half.
fn narrow(port: PortNo) -> Result<u16, EncodeError> {
    match port.0 {
        0..0xff00 | 0xffff_ff00.. => Ok(port.0 as u16),
        _ => Err(EncodeError::Port { port }),
    }
}

pub(crate) fn widen(port: u16) -> PortNo {
    match port {
        0..0xff00 => PortNo(port.into()),
        reserved => PortNo(0xffff_0000 | u32::from(reserved)),
    }
}

impl NxAction {
    /// Reads the body of an action of Nicira's; `None` where it is none of these, or where it would
    /// be written otherwise.
    pub(crate) fn decode(body: &Bytes, nesting: u8) -> Option<NxAction> {
        let mut r = Reader::new(body, 0, Part::Action).at_nesting(nesting);
        let action = NxAction::read(&mut r).ok().filter(|_| r.is_empty())?;
        let mut again = BytesMut::with_capacity(body.len());
        action.encode(&mut again).ok()?;
        (again == body).then_some(action)
    }

    fn read(r: &mut Reader<'_>) -> Result<NxAction, DecodeError> {
        let subtype = r.u16()?;
        let action = match subtype {
            subtype::RESUBMIT | subtype::RESUBMIT_TABLE | subtype::RESUBMIT_TABLE_CT => {
                let in_port = widen(r.u16()?);
                let table = TableId(r.u8()?);
                NxAction::Resubmit {
                    in_port,
                    table: (subtype != subtype::RESUBMIT).then_some(table),
                    original_direction: subtype == subtype::RESUBMIT_TABLE_CT,
                }
            }
            subtype::SET_TUNNEL => {
                r.skip(2)?;
                NxAction::SetTunnel(r.u32()?)
            }
            subtype::SET_TUNNEL64 => {
                r.skip(6)?;
                NxAction::SetTunnel64(r.u64()?)
            }
            subtype::POP_QUEUE => NxAction::PopQueue,
            subtype::REG_MOVE => {
                let (bits, from, to) = (r.u16()?, r.u16()?, r.u16()?);
                let from = Subfield::checked(FieldHeader::read(r)?, from, bits)?;
                let to = Subfield::checked(FieldHeader::read(r)?, to, bits)?;
                NxAction::Move { from, to }
            }
            subtype::REG_LOAD => {
                let (offset, bits) = Subfield::unpack(r.u16()?);
                let to = Subfield::checked(FieldHeader::read(r)?, offset, bits)?;
                NxAction::Load { to, value: r.u64()? }
            }
            subtype::REG_LOAD2 => {
                let rest = r.remainder();
                let (raw, _) = RawField::split(rest)
                    .ok_or(DecodeError::BadLength { part: Part::Action, length: rest.len() })?;
                raw.check()?;
                NxAction::SetField(raw.typed())
            }
            subtype::NOTE => NxAction::Note(r.opaque()),
            subtype::OUTPUT_REG | subtype::OUTPUT_REG2 => {
                let (offset, bits) = Subfield::unpack(r.u16()?);
                let (header, max_len) = match subtype {
                    subtype::OUTPUT_REG => (FieldHeader::read(r)?, r.u16()?),
                    _ => {
                        let max_len = r.u16()?;
                        (FieldHeader::read(r)?, max_len)
                    }
                };
                NxAction::OutputField { from: Subfield::checked(header, offset, bits)?, max_len }
            }
            subtype::OUTPUT_TRUNC => NxAction::OutputTruncated { port: widen(r.u16()?), max_len: r.u32()? },
            subtype::LEARN => NxAction::Learn(Learn::read(r, false)?),
            subtype::LEARN2 => NxAction::Learn(Learn::read(r, true)?),
            subtype::EXIT => NxAction::Exit,
            subtype::FIN_TIMEOUT => NxAction::FinTimeout { idle: r.u16()?, hard: r.u16()? },
            subtype::CONTROLLER => NxAction::Controller(Controller::read(r)?),
            subtype::CONTROLLER2 => NxAction::Controller(Controller::read_properties(r)?),
            subtype::DEC_TTL_CNT_IDS => {
                let count = r.u16()?;
                r.skip(4)?;
                let ids: Result<Vec<u16>, _> = (0..count).map(|_| r.u16()).collect();
                NxAction::DecTtl(ids?)
            }
            subtype::STACK_PUSH | subtype::STACK_POP => {
                let offset = r.u16()?;
                let header = FieldHeader::read(r)?;
                let field = Subfield::checked(header, offset, r.u16()?)?;
                if subtype == subtype::STACK_PUSH { NxAction::Push(field) } else { NxAction::Pop(field) }
            }
            subtype::CONJUNCTION => {
                let (clause, clauses, id) = (r.u8()?, r.u8()?, r.u32()?);
                NxAction::Conjunction { id, clause, clauses }
            }
            subtype::CT => NxAction::Conntrack(Conntrack::read(r)?),
            subtype::NAT => NxAction::Nat(Nat::read(r)?),
            subtype::CT_CLEAR => NxAction::CtClear,
            subtype::CLONE => {
                r.skip(6)?;
                NxAction::Clone(Actions::read_nested(r)?)
            }
            subtype::CHECK_PKT_LARGER => {
                let (length, offset) = (r.u16()?, r.u16()?);
                let to = Subfield::checked(FieldHeader::read(r)?, offset, 1)?;
                NxAction::CheckPacketLarger { length, to }
            }
            other => return Err(nameless("Nicira's action", other)),
        };
        // What fills it up to a multiple of eight; that it is zeros is seen when it is written again.
        r.remainder();
        Ok(action)
    }

    /// Appends subtype and all behind it, up to a multiple of eight with what stands before.
    pub(crate) fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        self.sayable()?;
        let start = out.len();
        out.put_u16(self.subtype());
        match self {
            NxAction::Resubmit { in_port, table, .. } => {
                out.put_u16(narrow(*in_port)?);
                out.put_u8(table.map_or(0, |table| table.0));
            }
            NxAction::SetTunnel(id) => {
                put_zeros(out, 2);
                out.put_u32(*id);
            }
            NxAction::SetTunnel64(id) => {
                put_zeros(out, 6);
                out.put_u64(*id);
            }
            NxAction::PopQueue | NxAction::Exit | NxAction::CtClear => {}
            NxAction::Move { from, to } => {
                out.put_u16(from.bits().min(to.bits()));
                out.put_u16(from.offset());
                out.put_u16(to.offset());
                from.header().put(out);
                to.header().put(out);
            }
            NxAction::Load { to, value } => {
                out.put_u16(to.packed()?);
                to.header().put(out);
                out.put_u64(*value);
            }
            NxAction::SetField(field) => {
                let at = out.len();
                put_zeros(out, field.wire_len());
                field.write(&mut out[at..]);
            }
            NxAction::Note(note) => out.put_slice(note),
            NxAction::OutputField { from, max_len } => {
                out.put_u16(from.packed()?);
                match from.header().key.experimenter {
                    None => {
                        from.header().put(out);
                        out.put_u16(*max_len);
                        put_zeros(out, 6);
                    }
                    Some(_) => {
                        out.put_u16(*max_len);
                        from.header().put(out);
                    }
                }
            }
            NxAction::OutputTruncated { port, max_len } => {
                out.put_u16(narrow(*port)?);
                out.put_u32(*max_len);
            }
            NxAction::Learn(learn) => learn.write(out),
            NxAction::FinTimeout { idle, hard } => {
                out.put_u16(*idle);
                out.put_u16(*hard);
            }
            NxAction::Controller(controller) if controller.needs_properties() => {
                controller.write_properties(out);
            }
            NxAction::Controller(controller) => controller.write(out),
            NxAction::DecTtl(ids) => {
                // More than 65535 make the action too long, which is an error where that is seen.
                out.put_u16(ids.len() as u16);
                put_zeros(out, 4);
                ids.iter().for_each(|id| out.put_u16(*id));
            }
            NxAction::Push(field) | NxAction::Pop(field) => {
                out.put_u16(field.offset());
                field.header().put(out);
                out.put_u16(field.bits());
            }
            NxAction::Conjunction { id, clause, clauses } => {
                out.put_u8(*clause);
                out.put_u8(*clauses);
                out.put_u32(*id);
            }
            NxAction::Conntrack(ct) => ct.write(out)?,
            NxAction::Nat(nat) => nat.write(out, start),
            NxAction::Clone(actions) => {
                put_zeros(out, 6);
                actions.write(out)?;
            }
            NxAction::CheckPacketLarger { length, to } => {
                out.put_u16(*length);
                out.put_u16(to.offset());
                to.header().put(out);
            }
        }
        // The header's eight bytes are a multiple of eight, and so need not be seen.
        const { assert!(HEADER.is_multiple_of(8)) };
        pad_from(out, start);
        Ok(())
    }

    fn subtype(&self) -> u16 {
        let narrow = |field: Subfield, one, other| match field.header().key.experimenter {
            None => one,
            Some(_) => other,
        };
        match self {
            NxAction::Resubmit { original_direction: true, .. } => subtype::RESUBMIT_TABLE_CT,
            NxAction::Resubmit { table: None, .. } => subtype::RESUBMIT,
            NxAction::Resubmit { .. } => subtype::RESUBMIT_TABLE,
            NxAction::SetTunnel(_) => subtype::SET_TUNNEL,
            NxAction::SetTunnel64(_) => subtype::SET_TUNNEL64,
            NxAction::PopQueue => subtype::POP_QUEUE,
            NxAction::Move { .. } => subtype::REG_MOVE,
            NxAction::Load { .. } => subtype::REG_LOAD,
            NxAction::SetField(_) => subtype::REG_LOAD2,
            NxAction::Note(_) => subtype::NOTE,
            NxAction::OutputField { from, .. } => narrow(*from, subtype::OUTPUT_REG, subtype::OUTPUT_REG2),
            NxAction::OutputTruncated { .. } => subtype::OUTPUT_TRUNC,
            NxAction::Learn(Learn { limit: None, .. }) => subtype::LEARN,
            NxAction::Learn(_) => subtype::LEARN2,
            NxAction::Exit => subtype::EXIT,
            NxAction::FinTimeout { .. } => subtype::FIN_TIMEOUT,
            NxAction::Controller(controller) if controller.needs_properties() => subtype::CONTROLLER2,
            NxAction::Controller(_) => subtype::CONTROLLER,
            NxAction::DecTtl(_) => subtype::DEC_TTL_CNT_IDS,
            NxAction::Push(_) => subtype::STACK_PUSH,
            NxAction::Pop(_) => subtype::STACK_POP,
            NxAction::Conjunction { .. } => subtype::CONJUNCTION,
            NxAction::Conntrack(_) => subtype::CT,
            NxAction::Nat(_) => subtype::NAT,
            NxAction::CtClear => subtype::CT_CLEAR,
            NxAction::Clone(_) => subtype::CLONE,
            NxAction::CheckPacketLarger { .. } => subtype::CHECK_PKT_LARGER,
        }
    }
}
