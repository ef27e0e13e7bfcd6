//! The action `controller`, which says more than an output to the controller.

use bytes::{BufMut, Bytes, BytesMut};

use super::nameless;
use crate::action::WHOLE_PACKET;
use crate::error::{DecodeError, Part};
use crate::ids::MeterId;
use crate::msg::packet_in::PacketInReason;
use crate::wire::{Reader, pad_from, pad8, put_zeros};

/// To a controller (`ovs-actions(7)`, `controller`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Controller {
    /// Bytes of the packet to send; [`WHOLE_PACKET`] for all.
    pub max_len: u16,
    /// Which controllers get it: those that said that they are this (`NXT_SET_CONTROLLER_ID`); 0 is
    /// those that said nothing.
    pub id: u16,
    /// Why it is sent.
    pub reason: PacketInReason,
    /// Bytes that the packet-in carries; empty for none.
    pub userdata: Bytes,
    /// Stops the work on the packet; the controller may have it go on.
    pub pause: bool,
    /// The meter that packet-ins go through.
    pub meter: Option<MeterId>,
}

impl Default for Controller {
    fn default() -> Self {
        Controller {
            max_len: WHOLE_PACKET,
            id: 0,
            reason: PacketInReason::Action,
            userdata: Bytes::new(),
            pause: false,
            meter: None,
        }
    }
}

mod property {
    //! Types of properties, `NXAC2PT_*`.
    pub(super) const MAX_LEN: u16 = 0;
    pub(super) const CONTROLLER_ID: u16 = 1;
    pub(super) const REASON: u16 = 2;
    pub(super) const USERDATA: u16 = 3;
    pub(super) const PAUSE: u16 = 4;
    pub(super) const METER_ID: u16 = 5;
}

impl Controller {
    /// Whether the older form of the action can't say it.
    pub(super) fn needs_properties(&self) -> bool {
        !self.userdata.is_empty() || self.pause || self.meter.is_some()
    }

    /// The older form.
    pub(super) fn read(r: &mut Reader<'_>) -> Result<Controller, DecodeError> {
        let (max_len, id, reason) = (r.u16()?, r.u16()?, r.u8()?.into());
        r.skip(1)?;
        Ok(Controller { max_len, id, reason, ..Controller::default() })
    }

    pub(super) fn write(&self, out: &mut BytesMut) {
        out.put_u16(self.max_len);
        out.put_u16(self.id);
        out.put_u8(self.reason.into());
        put_zeros(out, 1);
    }

    /// The form with properties.
    pub(super) fn read_properties(r: &mut Reader<'_>) -> Result<Controller, DecodeError> {
        let mut controller = Controller::default();
        r.skip(6)?;
        while !r.is_empty() {
            let (kind, length) = (r.u16()?, r.u16()?);
            let mut inner = r.nested(length, 4, Part::Action)?;
            match kind {
                property::MAX_LEN => controller.max_len = inner.u16()?,
                property::CONTROLLER_ID => controller.id = inner.u16()?,
                property::REASON => controller.reason = inner.u8()?.into(),
                property::USERDATA => controller.userdata = inner.opaque(),
                property::PAUSE => controller.pause = true,
                property::METER_ID => controller.meter = Some(MeterId(inner.u32()?)),
                other => return Err(nameless("property of controller", other)),
            }
            r.skip(pad8(usize::from(length)))?;
        }
        Ok(controller)
    }

    pub(super) fn write_properties(&self, out: &mut BytesMut) {
        put_zeros(out, 6);
        let mut put = |kind: u16, value: &[u8]| {
            let start = out.len();
            out.put_u16(kind);
            // At most 65535: a longer one makes the whole action too long, which is an error there.
            out.put_u16((4 + value.len()) as u16);
            out.put_slice(value);
            pad_from(out, start);
        };
        let plain = Controller::default();
        if self.max_len != plain.max_len {
            put(property::MAX_LEN, &[&self.max_len.to_be_bytes()[..], &[0; 2]].concat());
        }
        if self.id != plain.id {
            put(property::CONTROLLER_ID, &[&self.id.to_be_bytes()[..], &[0; 2]].concat());
        }
        if self.reason != plain.reason {
            put(property::REASON, &[self.reason.into()]);
        }
        if !self.userdata.is_empty() {
            put(property::USERDATA, &self.userdata);
        }
        if self.pause {
            put(property::PAUSE, &[]);
        }
        if let Some(meter) = self.meter {
            put(property::METER_ID, &meter.0.to_be_bytes());
        }
    }
}
