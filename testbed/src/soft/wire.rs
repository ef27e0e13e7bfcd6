//! What stands in front of a frame on a packet socket: what a host left undone (`struct
//! virtio_net_hdr` of `linux/virtio_net.h`, by `PACKET_VNET_HDR`, `packet(7)`), and the VLAN tag that
//! the kernel takes out of the frame (`struct tpacket_auxdata`).

use openflow::pipeline::{Cut, CutKind, Offload};

/// Bytes of the header.
pub(super) const HEADER: usize = 10;

const NEEDS_CHECKSUM: u8 = 1;
const GSO_TCP4: u8 = 1;
const GSO_TCP6: u8 = 4;
const GSO_UDP: u8 = 5;
/// Beside the kind: the segments may be marked by routers (RFC 3168).
const GSO_ECN: u8 = 0x80;

/// What a host left undone. Nothing, where its transport is one that cannot be told here.
pub(super) fn read(header: [u8; HEADER]) -> Option<Offload> {
    let [flags, kind, _, _, s0, s1, c0, c1, o0, o1] = header;
    if flags & NEEDS_CHECKSUM == 0 {
        return None;
    }
    let kind = match kind & !GSO_ECN {
        GSO_TCP4 => Some(CutKind::Tcp4),
        GSO_TCP6 => Some(CutKind::Tcp6),
        GSO_UDP => Some(CutKind::Udp),
        _ => None,
    };
    let size = u16::from_ne_bytes([s0, s1]);
    Some(Offload {
        start: u16::from_ne_bytes([c0, c1]).into(),
        checksum: u16::from_ne_bytes([o0, o1]).into(),
        cut: kind.map(|kind| Cut { kind, size }),
    })
}

/// The header that says it.
pub(super) fn write(offload: Option<Offload>) -> [u8; HEADER] {
    let Some(Offload { start, checksum, cut }) = offload else { return [0; HEADER] };
    // Both lie in the first kilobytes of a frame, whose length is 16 bits.
    let [c0, c1] = u16::try_from(start).unwrap_or(u16::MAX).to_ne_bytes();
    let [o0, o1] = u16::try_from(checksum).unwrap_or(u16::MAX).to_ne_bytes();
    let kind = match cut.map(|cut| cut.kind) {
        None => 0,
        Some(CutKind::Tcp4) => GSO_TCP4,
        Some(CutKind::Tcp6) => GSO_TCP6,
        Some(CutKind::Udp) => GSO_UDP,
    };
    // The kernel wants to know how far the headers go; what is more than that does no harm.
    let headers = u16::try_from(start + 60).unwrap_or(u16::MAX);
    let [h0, h1] = if kind == 0 { [0; 2] } else { headers.to_ne_bytes() };
    let [s0, s1] = cut.map_or(0, |cut| cut.size).to_ne_bytes();
    [NEEDS_CHECKSUM, kind, h0, h1, s0, s1, c0, c1, o0, o1]
}

/// A VLAN tag: type, priority and id.
pub(super) type Tag = [u8; 4];

/// The tag that the kernel took out of a frame, by what it says of it (`struct tpacket_auxdata`).
pub(super) fn tag(auxdata: &[u8]) -> Option<Tag> {
    const VLAN_VALID: u32 = 1 << 4;
    const TPID_VALID: u32 = 1 << 6;
    let status = u32::from_ne_bytes(*auxdata.first_chunk()?);
    let [t0, t1, k0, k1] = *auxdata.get(16..)?.first_chunk()?;
    let tci = u16::from_ne_bytes([t0, t1]);
    let kind = if status & TPID_VALID == 0 { 0x8100 } else { u16::from_ne_bytes([k0, k1]) };
    let [a, b, c, d] = (u32::from(kind) << 16 | u32::from(tci)).to_be_bytes();
    (status & VLAN_VALID != 0).then_some([a, b, c, d])
}

/// Puts the tag back into the frame that begins at `start` of `buf`; where it begins then. The room
/// before it is at least four bytes.
pub(super) fn put_back(tag: Tag, buf: &mut [u8], start: usize) -> usize {
    const ADDRESSES: usize = 12;
    let Some(begin) = start.checked_sub(tag.len()).filter(|_| buf.len() >= start + ADDRESSES) else {
        return start;
    };
    buf.copy_within(start..start + ADDRESSES, begin);
    buf[begin + ADDRESSES..start + ADDRESSES].copy_from_slice(&tag);
    begin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_undone_is_read_as_it_is_written() {
        let kinds = [None, Some(CutKind::Tcp4), Some(CutKind::Tcp6), Some(CutKind::Udp)];
        for cut in kinds.map(|kind| kind.map(|kind| Cut { kind, size: 1448 })) {
            let offload = Some(Offload { start: 34, checksum: 16, cut });
            assert_eq!(read(write(offload)), offload);
        }
        assert_eq!(read(write(None)), None);
        let marked = [1, GSO_TCP4 | GSO_ECN, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(read(marked).and_then(|it| it.cut).map(|cut| cut.kind), Some(CutKind::Tcp4));
    }

    #[test]
    fn tags_come_back_where_they_were() {
        let mut auxdata = [0; 20];
        auxdata[..4].copy_from_slice(&(1u32 << 4 | 1 << 6 | 1).to_ne_bytes());
        auxdata[16..18].copy_from_slice(&0x6005u16.to_ne_bytes());
        auxdata[18..20].copy_from_slice(&0x88a8u16.to_ne_bytes());
        assert_eq!(tag(&auxdata), Some([0x88, 0xa8, 0x60, 0x05]));
        auxdata[0] = 1 << 4;
        assert_eq!(tag(&auxdata), Some([0x81, 0x00, 0x60, 0x05]));
        auxdata[0] = 1;
        assert_eq!((tag(&auxdata), tag(&[])), (None, None));
        let mut buf = [&[0; 8][..], &[1; 6], &[2; 6], &[8, 6], &[9; 4]].concat();
        let start = put_back([0x81, 0, 0, 5], &mut buf, 8);
        assert_eq!(buf[start..], [&[1; 6][..], &[2; 6], &[0x81, 0, 0, 5], &[8, 6], &[9; 4]].concat());
        assert_eq!(put_back([0; 4], &mut [0; 12], 8), 8, "too short to have had one");
    }
}
