//! Actions of Open vSwitch's own that stand for words of `ovs-ofctl` which OpenFlow 1.3 has no
//! action for. On the wire they are an experimenter's.

use bytes::{BufMut, BytesMut};

use super::field::TextField;
use super::number::Bits;
use crate::action::Action;
use crate::ids::PortNo;
use crate::oxm::{CLASS_BASIC, FieldId};

/// The experimenter's id of Nicira, who made Open vSwitch (`nicira-ext.h`).
const NICIRA: u32 = 0x2320;

mod subtype {
    //! Subtypes of the actions, `NXAST_*`.
    pub(super) const POP_QUEUE: u16 = 5;
    pub(super) const REG_LOAD: u16 = 7;
    pub(super) const DEC_TTL_CNT_IDS: u16 = 21;
    pub(super) const OUTPUT_TRUNC: u16 = 39;
}

fn action(subtype: u16, write: impl FnOnce(&mut BytesMut)) -> Action {
    let mut body = BytesMut::new();
    body.put_u16(subtype);
    write(&mut body);
    let length = body.len().next_multiple_of(8);
    body.resize(length, 0);
    Action::Experimenter { experimenter: NICIRA, body: body.freeze() }
}

/// Back to the queue of before `set_queue`.
pub(super) fn pop_queue() -> Action {
    action(subtype::POP_QUEUE, |_| {})
}

/// Out of a port, cut to a length in bytes.
pub(super) fn output_trunc(port: PortNo, max_len: u32) -> Action {
    action(subtype::OUTPUT_TRUNC, |body| {
        // Ports have 16 bits here, as in OpenFlow 1.0.
        body.put_u16(port.0 as u16);
        body.put_u32(max_len);
    })
}

/// Counts the TTL down; packets whose TTL is over go to these controllers.
pub(super) fn dec_ttl(controllers: &[u16]) -> Action {
    action(subtype::DEC_TTL_CNT_IDS, |body| {
        body.put_u16(controllers.len() as u16);
        body.put_u32(0);
        controllers.iter().for_each(|id| body.put_u16(*id));
    })
}

/// Class and number by which the actions name a field: Nicira's, where it has one.
pub(super) fn name(field: TextField) -> (u16, u8) {
    match field {
        TextField::InPort => (0, 0),
        TextField::VlanTci | TextField::DlVlan | TextField::DlVlanPcp => (0, 4),
        TextField::NwTos => (0, 5),
        TextField::Oxm(id) => id.nxm().unwrap_or((CLASS_BASIC, id as u8)),
    }
}

/// How many bits of a field can be set, by Open vSwitch's count.
fn settable_bits(field: TextField) -> u32 {
    match field {
        TextField::Oxm(FieldId::VlanVid) => 12,
        TextField::Oxm(id) => id.bits(),
        older => 8 * older.bytes() as u32,
    }
}

/// Sets some bits of a field: an action for each run of bits.
pub(super) fn load(field: TextField, bits: Bits) -> impl Iterator<Item = Action> {
    let (class, number) = name(field);
    let header = u32::from(class) << 16 | u32::from(number) << 9 | field.bytes() as u32;
    let width = settable_bits(field);
    let mut left = bits.mask & u128::MAX >> (u128::BITS - width);
    std::iter::from_fn(move || {
        let offset = left.trailing_zeros();
        if left == 0 {
            return None;
        }
        let run = (left >> offset).trailing_ones().min(64);
        let ones = u128::MAX >> (u128::BITS - run);
        left &= !(ones << offset);
        Some(action(subtype::REG_LOAD, |body| {
            body.put_u16((offset << 6 | (run - 1)) as u16);
            body.put_u32(header);
            body.put_u64((bits.value >> offset & ones) as u64);
        }))
    })
}
