//! Bundles: messages that a switch carries out together, or not at all (ONF EXT-230, "Bundle Extension").

use bytes::{Buf, BufMut, BytesMut};

use crate::Body;
use crate::error::{DecodeError, EncodeError};
use crate::frame::{Header, VERSION};
use crate::ids::Xid;
use crate::wire::{Reader, put_zeros, wire_enum, wire_flags};

/// By which the messages about one bundle name it (ONF EXT-230); the controller's choice, for its connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BundleId(pub u32);

wire_enum! {
    /// What becomes of a bundle (ONF EXT-230, `ONF_BCT_*`). Switches answer each request with the reply behind it.
    BundleStep: u16 {
        /// It begins.
        OpenRequest = 0, "OPEN_REQUEST";
        /// It has begun.
        OpenReply = 1, "OPEN_REPLY";
        /// Nothing more will be added.
        CloseRequest = 2, "CLOSE_REQUEST";
        /// It is closed.
        CloseReply = 3, "CLOSE_REPLY";
        /// It is carried out, and ends.
        CommitRequest = 4, "COMMIT_REQUEST";
        /// It was carried out.
        CommitReply = 5, "COMMIT_REPLY";
        /// It is forgotten.
        DiscardRequest = 6, "DISCARD_REQUEST";
        /// It was forgotten.
        DiscardReply = 7, "DISCARD_REPLY";
    }
}

impl BundleStep {
    /// The step by which a switch answers this one; `None` where it is no controller's request.
    pub fn reply(self) -> Option<BundleStep> {
        match self {
            BundleStep::OpenRequest => Some(BundleStep::OpenReply),
            BundleStep::CloseRequest => Some(BundleStep::CloseReply),
            BundleStep::CommitRequest => Some(BundleStep::CommitReply),
            BundleStep::DiscardRequest => Some(BundleStep::DiscardReply),
            _ => None,
        }
    }
}

wire_flags! {
    /// How a bundle is carried out (ONF EXT-230, `ONF_BF_*`). All messages about one bundle have the same.
    BundleFlags: u16 {
        /// All of it or nothing.
        const ATOMIC = 1;
        /// In the order in which its messages were added.
        const ORDERED = 2;
    }
}

/// Begins or ends a bundle (ONF EXT-230).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BundleControl {
    /// Which bundle.
    pub bundle: BundleId,
    /// What becomes of it.
    pub step: BundleStep,
    /// How it is carried out.
    pub flags: BundleFlags,
}

impl BundleControl {
    pub(super) fn read(r: &mut Reader<'_>) -> Result<BundleControl, DecodeError> {
        Ok(BundleControl {
            bundle: BundleId(r.u32()?),
            step: r.u16()?.into(),
            flags: BundleFlags::from_bits_retain(r.u16()?),
        })
    }

    pub(super) fn write(&self, out: &mut BytesMut) {
        out.put_u32(self.bundle.0);
        out.put_u16(self.step.into());
        out.put_u16(self.flags.bits());
    }
}

/// Puts a message into a bundle (ONF EXT-230). Its transaction id is that of the message around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleAdd {
    /// Which bundle.
    pub bundle: BundleId,
    /// How it is carried out.
    pub flags: BundleFlags,
    /// The message; Open vSwitch takes flow-mods, group-mods, port-mods and packet-outs.
    pub body: Box<Body>,
}

/// An experimenter's message in a bundle is not read: it might be one with a message in it, and so on without end.
const EXPERIMENTER: u8 = 4;

impl BundleAdd {
    pub(super) fn read(xid: Xid, r: &mut Reader<'_>) -> Result<Option<BundleAdd>, DecodeError> {
        let bundle = BundleId(r.u32()?);
        r.skip(2)?;
        let flags = BundleFlags::from_bits_retain(r.u16()?);
        let frame = r.opaque();
        let fits = |header: &Header| {
            header.version == VERSION
                && header.msg_type != EXPERIMENTER
                && header.xid == xid
                && usize::from(header.length) == frame.remaining()
        };
        match Header::parse(&frame) {
            Ok(header) if fits(&header) => {
                let body = Box::new(Body::decode(header, frame)?);
                Ok(Some(BundleAdd { bundle, flags, body }))
            }
            _ => Ok(None),
        }
    }

    pub(super) fn write(&self, xid: Xid, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u32(self.bundle.0);
        put_zeros(out, 2);
        out.put_u16(self.flags.bits());
        self.body.encode(xid, out)
    }
}
