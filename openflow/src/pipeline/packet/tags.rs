//! Pushing and popping VLAN tags, MPLS entries and PBB service tags (OF 1.3.5 §5.12, §7.2.5).
//!
//! What is pushed becomes the outermost tag, immediately behind the Ethernet addresses and before
//! all other tags. Its fields are those of the header that was outermost before, where there was
//! one of its kind, else zero (OF 1.3.5 §5.12.1, table 6).

use super::{Packet, TooLong};

/// Where the Ethernet addresses end.
const ADDRESSES: usize = 12;
const MPLS_BOTTOM: u32 = 0x100;

impl Packet {
    /// Pushes a VLAN tag.
    pub(crate) fn push_vlan(&mut self, eth_type: u16) -> Result<(), TooLong> {
        if self.layout.eth_type == 0 {
            return Ok(());
        }
        let tci: [u8; 2] = if self.layout.vlan == 0 { [0; 2] } else { self.read(self.layout.vlan) };
        let [a, b] = eth_type.to_be_bytes();
        self.insert(ADDRESSES, 4)?;
        self.write(ADDRESSES, &[a, b, tci[0], tci[1]]);
        self.parse();
        Ok(())
    }

    /// Takes the outermost VLAN tag off, where there is one.
    pub(crate) fn pop_vlan(&mut self) {
        if self.layout.vlan != 0 {
            self.remove(ADDRESSES, 4);
            self.parse();
        }
    }

    /// Pushes an MPLS entry in the place of the outermost Ethernet type. Its TTL is the one of the
    /// outermost MPLS entry or of IP, else zero.
    pub(crate) fn push_mpls(&mut self, eth_type: u16) -> Result<(), TooLong> {
        if self.layout.eth_type == 0 {
            return Ok(());
        }
        // Behind a VLAN tag there may be another MPLS entry, but the packet is not one of MPLS.
        let on_top = self.layout.mpls != 0 && self.layout.vlan == 0;
        let entry = if self.layout.mpls != 0 {
            let bottom = if on_top { 0 } else { MPLS_BOTTOM };
            u32::from_be_bytes(self.read(self.layout.mpls)) & !MPLS_BOTTOM | bottom
        } else {
            MPLS_BOTTOM | u32::from(self.nw_ttl().unwrap_or(0))
        };
        self.insert(ADDRESSES, 4)?;
        self.write(ADDRESSES, &eth_type.to_be_bytes());
        self.write(ADDRESSES + 2, &entry.to_be_bytes());
        self.parse();
        Ok(())
    }

    /// Takes the outermost MPLS entry off, where there is one; what follows has this type.
    pub(crate) fn pop_mpls(&mut self, eth_type: u16) {
        let at = self.layout.mpls;
        if at != 0 {
            self.write(self.layout.eth_type, &eth_type.to_be_bytes());
            self.remove(at, 4);
            self.parse();
        }
    }

    /// Pushes a PBB service tag, and new Ethernet addresses before it, which are those of the
    /// packet; the packet's own become the customer's.
    pub(crate) fn push_pbb(&mut self, eth_type: u16) -> Result<(), TooLong> {
        if self.layout.eth_type == 0 {
            return Ok(());
        }
        let addresses: [u8; ADDRESSES] = self.read(0);
        let [_, a, b, c]: [u8; 4] = if self.layout.pbb == 0 { [0; 4] } else { self.read(self.layout.pbb) };
        let pcp = if self.layout.vlan == 0 { 0 } else { self.read::<1>(self.layout.vlan)[0] & 0xe0 };
        self.insert(0, ADDRESSES + 6)?;
        self.write(0, &addresses);
        self.write(ADDRESSES, &eth_type.to_be_bytes());
        self.write(ADDRESSES + 2, &[pcp, a, b, c]);
        self.parse();
        Ok(())
    }

    /// Takes the outermost PBB service tag off, where there is one; the customer's addresses become
    /// those of the packet. A backbone VLAN tag stays.
    pub(crate) fn pop_pbb(&mut self) {
        let at = self.layout.pbb;
        if at == 0 {
            return;
        }
        let customer: [u8; ADDRESSES] = self.read(at + 4);
        self.write(0, &customer);
        // The type, the tag and the addresses behind it.
        self.remove(at - 2, 2 + 4 + ADDRESSES);
        self.parse();
    }
}
