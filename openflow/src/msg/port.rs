//! Ports: what they are, that they changed, and changing them (OF 1.3.5 §7.2.1, §7.4.3, §7.3.4.3).

use bytes::{BufMut, BytesMut};

use super::fixed_str::PortName;
use crate::error::{DecodeError, EncodeError};
use crate::ids::{MacAddr, PortNo};
use crate::wire::{Reader, Wire, put_zeros, wire_enum, wire_flags};

/// A port of a switch (OF 1.3.5 §7.2.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Port {
    /// Its number.
    pub number: PortNo,
    /// Its Ethernet address.
    pub hw_addr: MacAddr,
    /// Its name, as a rule that of the network interface.
    pub name: PortName,
    /// What the controller has set.
    pub config: PortConfig,
    /// What the switch sees.
    pub state: PortState,
    /// Speed and medium at present.
    pub curr: PortFeatures,
    /// What the port advertises.
    pub advertised: PortFeatures,
    /// What the port supports.
    pub supported: PortFeatures,
    /// What the peer advertises.
    pub peer: PortFeatures,
    /// Speed at present, kbit/s.
    pub curr_speed: u32,
    /// Highest speed, kbit/s.
    pub max_speed: u32,
}

impl Port {
    /// Whether packets can pass: neither set down nor without a link.
    pub fn is_up(&self) -> bool {
        !self.config.contains(PortConfig::PORT_DOWN) && !self.state.contains(PortState::LINK_DOWN)
    }
}

wire_flags! {
    /// What a controller sets on a port (`OFPPC_*`, OF 1.3.5 §7.2.1).
    PortConfig: u32 {
        /// Set down.
        const PORT_DOWN = 1 << 0;
        /// Drops all that it receives.
        const NO_RECV = 1 << 2;
        /// Drops all that is sent out of it.
        const NO_FWD = 1 << 5;
        /// Sends no packet-in.
        const NO_PACKET_IN = 1 << 6;
    }
}

wire_flags! {
    /// What a switch sees of a port (`OFPPS_*`, OF 1.3.5 §7.2.1).
    PortState: u32 {
        /// No link.
        const LINK_DOWN = 1 << 0;
        /// Blocked by a protocol outside OpenFlow, such as a spanning tree.
        const BLOCKED = 1 << 1;
        /// Ready for fast failover.
        const LIVE = 1 << 2;
    }
}

wire_flags! {
    /// Speed and medium of a port (`OFPPF_*`, OF 1.3.5 §7.2.1).
    PortFeatures: u32 {
        /// 10 Mbit/s half duplex.
        const RATE_10MB_HD = 1 << 0;
        /// 10 Mbit/s full duplex.
        const RATE_10MB_FD = 1 << 1;
        /// 100 Mbit/s half duplex.
        const RATE_100MB_HD = 1 << 2;
        /// 100 Mbit/s full duplex.
        const RATE_100MB_FD = 1 << 3;
        /// 1 Gbit/s half duplex.
        const RATE_1GB_HD = 1 << 4;
        /// 1 Gbit/s full duplex.
        const RATE_1GB_FD = 1 << 5;
        /// 10 Gbit/s full duplex.
        const RATE_10GB_FD = 1 << 6;
        /// 40 Gbit/s full duplex.
        const RATE_40GB_FD = 1 << 7;
        /// 100 Gbit/s full duplex.
        const RATE_100GB_FD = 1 << 8;
        /// 1 Tbit/s full duplex.
        const RATE_1TB_FD = 1 << 9;
        /// Another rate.
        const RATE_OTHER = 1 << 10;
        /// Copper.
        const COPPER = 1 << 11;
        /// Fibre.
        const FIBER = 1 << 12;
        /// Negotiates by itself.
        const AUTONEG = 1 << 13;
        /// Pause.
        const PAUSE = 1 << 14;
        /// Pause, one way.
        const PAUSE_ASYM = 1 << 15;
    }
}

impl Wire for Port {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let number = PortNo(r.u32()?);
        r.skip(4)?;
        let hw_addr = MacAddr(r.array()?);
        r.skip(2)?;
        Ok(Port {
            number,
            hw_addr,
            name: PortName::read(r)?,
            config: PortConfig::from_bits_retain(r.u32()?),
            state: PortState::from_bits_retain(r.u32()?),
            curr: PortFeatures::from_bits_retain(r.u32()?),
            advertised: PortFeatures::from_bits_retain(r.u32()?),
            supported: PortFeatures::from_bits_retain(r.u32()?),
            peer: PortFeatures::from_bits_retain(r.u32()?),
            curr_speed: r.u32()?,
            max_speed: r.u32()?,
        })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u32(self.number.0);
        put_zeros(out, 4);
        out.put_slice(&self.hw_addr.0);
        put_zeros(out, 2);
        self.name.write(out);
        out.put_u32(self.config.bits());
        out.put_u32(self.state.bits());
        for features in [self.curr, self.advertised, self.supported, self.peer] {
            out.put_u32(features.bits());
        }
        out.put_u32(self.curr_speed);
        out.put_u32(self.max_speed);
        Ok(())
    }
}

/// A port came, went or changed (OF 1.3.5 §7.4.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortStatus {
    /// Which of them.
    pub reason: PortStatusReason,
    /// The port as it is now; as it was, if it went.
    pub port: Port,
}

wire_enum! {
    /// What happened to a port (`OFPPR_*`, OF 1.3.5 §7.4.3).
    PortStatusReason: u8 {
        /// It came.
        Add = 0, "ADD";
        /// It went.
        Delete = 1, "DEL";
        /// It changed.
        Modify = 2, "MOD";
    }
}

impl Wire for PortStatus {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let reason = r.u8()?.into();
        r.skip(7)?;
        let port = Port::decode(r)?;
        Ok(PortStatus { reason, port })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u8(self.reason.into());
        put_zeros(out, 7);
        self.port.encode(out)
    }
}

/// A change of a port (OF 1.3.5 §7.3.4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortMod {
    /// Which port.
    pub port: PortNo,
    /// Its Ethernet address, as a check that it is the right one.
    pub hw_addr: MacAddr,
    /// What to set.
    pub config: PortConfig,
    /// Which bits of `config` to set.
    pub mask: PortConfig,
    /// What to advertise; empty leaves it as it is.
    pub advertise: PortFeatures,
}

impl Wire for PortMod {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let port = PortNo(r.u32()?);
        r.skip(4)?;
        let hw_addr = MacAddr(r.array()?);
        r.skip(2)?;
        let config = PortConfig::from_bits_retain(r.u32()?);
        let mask = PortConfig::from_bits_retain(r.u32()?);
        let advertise = PortFeatures::from_bits_retain(r.u32()?);
        r.skip(4)?;
        Ok(PortMod { port, hw_addr, config, mask, advertise })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u32(self.port.0);
        put_zeros(out, 4);
        out.put_slice(&self.hw_addr.0);
        put_zeros(out, 2);
        out.put_u32(self.config.bits());
        out.put_u32(self.mask.bits());
        out.put_u32(self.advertise.bits());
        put_zeros(out, 4);
        Ok(())
    }
}
