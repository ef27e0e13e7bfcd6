//! Packets of all kinds that a switch looks into, some of them broken.

use super::*;

/// Puts a number in its place.
fn set(packet: &mut [u8], at: usize, number: usize) {
    packet[at..at + 2].copy_from_slice(&(number as u16).to_be_bytes());
}

pub fn packet(g: &mut Gen) -> Bytes {
    let mut packet = g.bytes(12).to_vec();
    for _ in 0..g.pick(&[0, 0, 0, 1, 2, 3]) {
        packet.extend_from_slice(&g.pick(&[[0x81, 0x00], [0x88, 0xa8]]));
        packet.extend(g.bytes(2));
    }
    let (kind, body): (u16, Vec<u8>) = match g.below(10) {
        0 => (g.pick(&[0x0806, 0x8035]), arp(g)),
        1 => (g.pick(&[0x8847, 0x8848]), g.bytes(20).to_vec()),
        2 => (46, [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 6][..], &arp(g)].concat()),
        3 => (g.pick(&[46, 0x88b5]), g.bytes(46).to_vec()),
        4..7 => (0x86dd, ipv6(g)),
        _ => (0x0800, ipv4(g)),
    };
    packet.extend(kind.to_be_bytes());
    packet.extend(body);
    match g.below(8) {
        0 => packet.truncate(g.below(packet.len() + 1)),
        1 => {
            let at = 12 + g.below(packet.len() - 12);
            packet[at] ^= 1 << g.below(8);
        }
        2 => packet.extend(g.bytes(9)),
        _ => {}
    }
    packet.into()
}

fn arp(g: &mut Gen) -> Vec<u8> {
    [&[0, 1, 8, 0, 6, 4, 0, 1 + g.u8() % 2][..], &g.bytes(20)].concat()
}

const PROTOCOLS: [u8; 7] = [1, 2, 6, 17, 58, 89, 132];

fn ipv4(g: &mut Gen) -> Vec<u8> {
    let options = 4 * g.pick(&[0, 0, 0, 1, 10]);
    let mut header = g.bytes(20 + options).to_vec();
    let payload = g.bytes(24);
    header[0] = 0x45 + (options / 4) as u8;
    header[9] = g.pick(&PROTOCOLS);
    let fragment = g.pick(&[0, 0, 0x4000, 0x2000, 0x2001, 0x0001]);
    set(&mut header, 6, fragment);
    let total = header.len() + payload.len();
    set(&mut header, 2, total);
    header.extend(payload);
    header
}

fn ipv6(g: &mut Gen) -> Vec<u8> {
    let mut packet = g.bytes(40).to_vec();
    packet[0] = 0x60 | packet[0] & 0xf;
    let mut next = 6;
    for _ in 0..g.pick(&[0, 0, 1, 2]) {
        let kind = g.pick(&[0, 43, 44, 51, 60]);
        packet[next] = kind;
        next = packet.len();
        packet.extend(g.bytes(if kind == 51 { 12 } else { 8 }));
        packet[next + 1] = u8::from(kind == 51);
        let offset = g.pick(&[0, 1, 0x100]);
        set(&mut packet, next + 2, offset);
    }
    packet[next] = g.pick(&PROTOCOLS);
    if g.chance(2) {
        packet[next] = 58;
        packet.extend([135 + g.u8() % 3, u8::from(g.chance(9))]);
        packet.extend(g.bytes(22));
        for _ in 0..g.below(3) {
            packet.extend([1 + g.u8() % 3, 1]);
            packet.extend(g.bytes(6));
        }
    } else {
        packet.extend(g.bytes(24));
    }
    let length = packet.len() - 40;
    set(&mut packet, 4, length);
    packet
}
