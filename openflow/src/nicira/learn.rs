//! The action `learn`, which adds or changes a flow by what a packet is.

use bytes::{BufMut, BytesMut};
use smallvec::SmallVec;

use super::field::FieldHeader;
use super::{Subfield, nameless};
use crate::error::DecodeError;
use crate::ids::TableId;
use crate::msg::flow_mod::DEFAULT_PRIORITY;
use crate::wire::{Reader, put_zeros, wire_flags};

wire_flags! {
    /// What `learn` does besides (`nicira-ext.h`, `NX_LEARN_F_*`).
    LearnFlags: u16 {
        /// The learned flow tells the controller when it goes.
        const SEND_FLOW_REM = 1;
        /// When the flow with this action goes, what it learned goes too.
        const DELETE_LEARNED = 2;
        /// Whether the flow was learned is written to [`LearnLimit::result`].
        const WRITE_RESULT = 4;
    }
}

/// Adds or changes a flow (`ovs-actions(7)`, `learn`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Learn {
    /// Seconds without packets until the learned flow goes; 0 is never.
    pub idle_timeout: u16,
    /// Seconds until the learned flow goes; 0 is never.
    pub hard_timeout: u16,
    /// Its priority.
    pub priority: u16,
    /// Its cookie.
    pub cookie: u64,
    /// What is done besides.
    pub flags: LearnFlags,
    /// Its table.
    pub table: TableId,
    /// Its idle timeout once TCP's connection ends, in seconds; 0 leaves it.
    pub fin_idle_timeout: u16,
    /// Its hard timeout once TCP's connection ends, in seconds; 0 leaves it.
    pub fin_hard_timeout: u16,
    /// How many flows may be learned, where that is limited or the outcome is written.
    pub limit: Option<LearnLimit>,
    /// What the learned flow matches and does.
    pub specs: Vec<LearnSpec>,
}

impl Default for Learn {
    /// An empty flow in table 1, as `ovs-ofctl` has it.
    fn default() -> Self {
        Learn {
            idle_timeout: 0,
            hard_timeout: 0,
            priority: DEFAULT_PRIORITY,
            cookie: 0,
            flags: LearnFlags::empty(),
            table: TableId(1),
            fin_idle_timeout: 0,
            fin_hard_timeout: 0,
            limit: None,
            specs: Vec::new(),
        }
    }
}

/// How many flows may be learned (`ovs-actions(7)`, `learn`, "limit" and "result_dst").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LearnLimit {
    /// At most so many with this table and cookie; 0 is any number.
    pub flows: u32,
    /// The bit that tells whether the flow was learned; with [`LearnFlags::WRITE_RESULT`].
    pub result: Option<Subfield>,
}

/// A part of the learned flow (`nicira-ext.h`, `struct nx_action_learn`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LearnSpec {
    /// What it takes.
    pub source: LearnSource,
    /// What it makes of that.
    pub target: LearnTarget,
}

/// What a part of a learned flow is made of (`nicira-ext.h`, `NX_LEARN_SRC_*`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LearnSource {
    /// Bits of the packet.
    Field(Subfield),
    /// These bits, big-endian, in as many whole 16-bit words as they need.
    Value(SmallVec<[u8; 16]>),
}

/// What a part of a learned flow does (`nicira-ext.h`, `NX_LEARN_DST_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LearnTarget {
    /// It matches these bits.
    Match(Subfield),
    /// It sets these bits.
    Load(Subfield),
    /// It sends out of this port; so many bits tell its number.
    Output(u16),
}

/// The parts of a spec's header (`nicira-ext.h`, `NX_LEARN_*`).
mod header {
    pub(super) const BITS: u16 = 0x07ff;
    pub(super) const TARGET: u16 = 0x1800;
    pub(super) const LOAD: u16 = 0x0800;
    pub(super) const OUTPUT: u16 = 0x1000;
    pub(super) const VALUE: u16 = 0x2000;
    pub(super) const UNUSED: u16 = 0xc000;
}

/// Bytes of a value of so many bits.
pub(crate) fn value_len(bits: u16) -> usize {
    2 * usize::from(bits.div_ceil(16))
}

impl Learn {
    /// With a limit it is the newer of two forms.
    pub(super) fn read(r: &mut Reader<'_>, limited: bool) -> Result<Learn, DecodeError> {
        let mut learn = Learn {
            idle_timeout: r.u16()?,
            hard_timeout: r.u16()?,
            priority: r.u16()?,
            cookie: r.u64()?,
            flags: LearnFlags::from_bits_retain(r.u16()?),
            table: TableId(r.u8()?),
            ..Learn::default()
        };
        r.skip(1)?;
        learn.fin_idle_timeout = r.u16()?;
        learn.fin_hard_timeout = r.u16()?;
        if limited {
            let flows = r.u32()?;
            let offset = r.u16()?;
            r.skip(2)?;
            let result = match learn.flags.contains(LearnFlags::WRITE_RESULT) {
                true => Some(Subfield::checked(FieldHeader::read(r)?, offset, 1)?),
                false => None,
            };
            learn.limit = Some(LearnLimit { flows, result });
        }
        while r.len() >= 2 {
            match r.u16()? {
                // What fills the action up.
                0 => {
                    r.remainder();
                }
                spec => learn.specs.push(LearnSpec::read(spec, r)?),
            }
        }
        r.remainder();
        Ok(learn)
    }

    pub(super) fn write(&self, out: &mut BytesMut) {
        out.put_u16(self.idle_timeout);
        out.put_u16(self.hard_timeout);
        out.put_u16(self.priority);
        out.put_u64(self.cookie);
        out.put_u16(self.flags.bits());
        out.put_u8(self.table.0);
        put_zeros(out, 1);
        out.put_u16(self.fin_idle_timeout);
        out.put_u16(self.fin_hard_timeout);
        if let Some(limit) = &self.limit {
            out.put_u32(limit.flows);
            out.put_u16(limit.result.map_or(0, Subfield::offset));
            put_zeros(out, 2);
            if let Some(result) = limit.result {
                result.header().put(out);
            }
        }
        self.specs.iter().for_each(|spec| spec.write(out));
    }
}

fn located(r: &mut Reader<'_>, bits: u16) -> Result<Subfield, DecodeError> {
    let header = FieldHeader::read(r)?;
    Subfield::checked(header, r.u16()?, bits)
}

fn put_located(field: Subfield, out: &mut BytesMut) {
    field.header().put(out);
    out.put_u16(field.offset());
}

impl LearnSpec {
    /// How many bits it is about.
    pub fn bits(&self) -> u16 {
        match (self.target, &self.source) {
            (LearnTarget::Match(field) | LearnTarget::Load(field), _) => field.bits(),
            (LearnTarget::Output(bits), _) => bits,
        }
    }

    fn read(spec: u16, r: &mut Reader<'_>) -> Result<LearnSpec, DecodeError> {
        let bits = spec & header::BITS;
        if bits == 0 || spec & header::UNUSED != 0 {
            return Err(nameless("part of a learned flow", spec));
        }
        let source = match spec & header::VALUE {
            0 => LearnSource::Field(located(r, bits)?),
            _ => LearnSource::Value(SmallVec::from_slice(r.take(value_len(bits))?)),
        };
        let target = match spec & header::TARGET {
            0 => LearnTarget::Match(located(r, bits)?),
            header::LOAD => LearnTarget::Load(located(r, bits)?),
            header::OUTPUT => LearnTarget::Output(bits),
            _ => return Err(nameless("part of a learned flow", spec)),
        };
        Ok(LearnSpec { source, target })
    }

    fn write(&self, out: &mut BytesMut) {
        let from = match self.source {
            LearnSource::Field(_) => 0,
            LearnSource::Value(_) => header::VALUE,
        };
        let to = match self.target {
            LearnTarget::Match(_) => 0,
            LearnTarget::Load(_) => header::LOAD,
            LearnTarget::Output(_) => header::OUTPUT,
        };
        out.put_u16(self.bits() & header::BITS | from | to);
        match &self.source {
            LearnSource::Field(field) => put_located(*field, out),
            LearnSource::Value(value) => out.put_slice(value),
        }
        match self.target {
            LearnTarget::Match(field) | LearnTarget::Load(field) => put_located(field, out),
            LearnTarget::Output(_) => {}
        }
    }
}
