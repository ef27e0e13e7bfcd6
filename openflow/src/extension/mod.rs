//! Messages that are no part of OpenFlow 1.3 and that Open vSwitch speaks over it: the ONF's bundles (EXT-230) and flow
//! monitors (EXT-187), and Open vSwitch's own packet-ins (`nicira-ext.h`).
//!
//! A message of a bundle that is more than these say (with properties, or around a message of another protocol version)
//! stays a [`Body::Experimenter`](crate::Body), so that nothing of it is lost.

mod bundle;
mod flow_monitor;
mod packet_in2;

use bytes::{BufMut, Bytes, BytesMut};

pub use self::bundle::{BundleAdd, BundleControl, BundleFlags, BundleId, BundleStep};
pub use self::flow_monitor::{
    FlowMonitorRequest, FlowUpdate, FlowUpdateEvent, MonitorFlags, MonitorId, MonitoredFlow,
};
pub use self::packet_in2::{PacketIn2, PacketInFormat, PacketInProperty};
use crate::error::{DecodeError, EncodeError, Part};
use crate::ids::Xid;
use crate::msg::experimenter::Experimenter;
use crate::nicira::NICIRA;
use crate::wire::{Reader, Wire, put_zeros};

/// The experimenter's id of the Open Networking Foundation.
pub const ONF: u32 = 0x4f4e_4600;

/// The type of multipart messages about flow monitors, of the experimenter [`ONF`].
pub(crate) const FLOW_MONITOR: u32 = 1870;

/// A message that an experimenter has added to OpenFlow 1.3 (OF 1.3.5 §7.5.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extension {
    /// In which form packet-ins are to come on this connection (`NXT_SET_PACKET_IN_FORMAT`).
    SetPacketInFormat(PacketInFormat),
    /// Which of a switch's controllers the sender is, for
    /// [`nicira::Controller::id`](crate::nicira::Controller::id) (`NXT_SET_CONTROLLER_ID`).
    SetControllerId(u16),
    /// A packet for the controller, with more about it than a packet-in has (`NXT_PACKET_IN2`).
    PacketIn2(PacketIn2),
    /// The work on a packet goes on that [`nicira::Controller::pause`](crate::nicira::Controller::pause) stopped; its
    /// packet-in is sent back (`NXT_RESUME`).
    Resume(PacketIn2),
    /// A bundle is opened, closed, committed or discarded (`ONFT_BUNDLE_CONTROL`).
    BundleControl(BundleControl),
    /// A message is put into a bundle (`ONFT_BUNDLE_ADD_MESSAGE`).
    BundleAdd(BundleAdd),
    /// Flows are not monitored any more (`ONFT_FLOW_MONITOR_CANCEL`).
    FlowMonitorCancel(MonitorId),
    /// The connection is too slow for all updates: no more come before [`Extension::FlowMonitorResumed`].
    FlowMonitorPaused,
    /// Updates come again, first those of all that changed meanwhile.
    FlowMonitorResumed,
}

/// One row a message: experimenter, its type, name in Open vSwitch's words.
macro_rules! names {
    ($($pattern:pat => $experimenter:ident $exp_type:literal $name:literal;)*) => {
        impl Extension {
            fn key(&self) -> (u32, u32) {
                match self { $($pattern => ($experimenter, $exp_type),)* }
            }

            /// The name of the message in Open vSwitch's words (`ONFT_BUNDLE_CONTROL`).
            pub fn name(&self) -> &'static str {
                match self { $($pattern => $name,)* }
            }
        }
    };
}

names! {
    Extension::SetPacketInFormat(_) => NICIRA 16 "NXT_SET_PACKET_IN_FORMAT";
    Extension::SetControllerId(_) => NICIRA 20 "NXT_SET_CONTROLLER_ID";
    Extension::Resume(_) => NICIRA 28 "NXT_RESUME";
    Extension::PacketIn2(_) => NICIRA 30 "NXT_PACKET_IN2";
    Extension::FlowMonitorCancel(_) => ONF 1870 "ONFT_FLOW_MONITOR_CANCEL";
    Extension::FlowMonitorPaused => ONF 1871 "ONFT_FLOW_MONITOR_PAUSED";
    Extension::FlowMonitorResumed => ONF 1872 "ONFT_FLOW_MONITOR_RESUMED";
    Extension::BundleControl(_) => ONF 2300 "ONFT_BUNDLE_CONTROL";
    Extension::BundleAdd(_) => ONF 2301 "ONFT_BUNDLE_ADD_MESSAGE";
}

/// Where it stands in errors.
const PART: Part = Part::Message("OFPT_EXPERIMENTER");

impl Extension {
    /// The message that an experimenter's is; `None` where it is none of these, or more than these say.
    pub(crate) fn read(message: &Experimenter, xid: Xid) -> Result<Option<Extension>, DecodeError> {
        let mut r = Reader::new(&message.data, 0, PART);
        let read = match (message.experimenter, message.exp_type) {
            (NICIRA, 16) => Extension::SetPacketInFormat(r.u32()?.into()),
            (NICIRA, 20) => {
                r.skip(6)?;
                Extension::SetControllerId(r.u16()?)
            }
            (NICIRA, 28) => Extension::Resume(PacketIn2::read(&mut r)?),
            (NICIRA, 30) => Extension::PacketIn2(PacketIn2::read(&mut r)?),
            (ONF, 1870) => Extension::FlowMonitorCancel(MonitorId(r.u32()?)),
            (ONF, 1871) => Extension::FlowMonitorPaused,
            (ONF, 1872) => Extension::FlowMonitorResumed,
            (ONF, 2300) => {
                let control = BundleControl::read(&mut r)?;
                if !r.is_empty() {
                    return Ok(None);
                }
                Extension::BundleControl(control)
            }
            (ONF, 2301) => match BundleAdd::read(xid, &mut r)? {
                Some(add) => Extension::BundleAdd(add),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        r.finish()?;
        Ok(Some(read))
    }

    pub(crate) fn write(&self, xid: Xid, out: &mut BytesMut) -> Result<(), EncodeError> {
        let (experimenter, exp_type) = self.key();
        out.put_u32(experimenter);
        out.put_u32(exp_type);
        match self {
            Extension::SetPacketInFormat(format) => out.put_u32((*format).into()),
            Extension::SetControllerId(id) => {
                put_zeros(out, 6);
                out.put_u16(*id);
            }
            Extension::PacketIn2(packet) | Extension::Resume(packet) => packet.write(out)?,
            Extension::BundleControl(control) => control.write(out),
            Extension::BundleAdd(add) => add.write(xid, out)?,
            Extension::FlowMonitorCancel(id) => out.put_u32(id.0),
            Extension::FlowMonitorPaused | Extension::FlowMonitorResumed => {}
        }
        Ok(())
    }
}

/// What an experimenter's multipart is made of, where it is of flow monitors.
pub(crate) fn monitored<T: Wire>(
    experimenter: u32,
    exp_type: u32,
    data: &Bytes,
) -> Result<Option<Vec<T>>, DecodeError> {
    match (experimenter, exp_type) {
        (ONF, FLOW_MONITOR) => Reader::new(data, 0, PART).list().map(Some),
        _ => Ok(None),
    }
}

pub(crate) fn write_monitored<T: Wire>(all: &[T], out: &mut BytesMut) -> Result<(), EncodeError> {
    out.put_u32(ONF);
    out.put_u32(FLOW_MONITOR);
    all.iter().try_for_each(|one| one.encode(out))
}
