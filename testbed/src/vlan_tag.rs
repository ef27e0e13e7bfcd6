//! The VLAN tag that the kernel takes out of a frame on its way to a packet socket, and tells beside it (`struct
//! tpacket_auxdata`, `packet(7)`).

/// A VLAN tag: type, priority and id.
pub(crate) type Tag = [u8; 4];

/// The tag that the kernel took out of a frame, by what it says of it (`struct tpacket_auxdata`).
pub(crate) fn tag(auxdata: &[u8]) -> Option<Tag> {
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
pub(crate) fn put_back(tag: Tag, buf: &mut [u8], start: usize) -> usize {
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
