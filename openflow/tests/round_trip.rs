//! What is written is read back the same, and no bytes make a reader fall over.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod generate;

use bytes::{Bytes, BytesMut};
use flowbed_openflow as openflow;
use generate::nicira_values::nx_values;
use generate::{Gen, any_message};
use openflow::frame;
use openflow::json::Json;
use openflow::msg::packet_out::PacketOut;
use openflow::{Message, Xid};
use proptest::prelude::*;

fn write(message: &Message) -> BytesMut {
    let mut out = BytesMut::new();
    message.encode(&mut out).expect("short enough");
    out
}

const OS_KEN: &str = include_str!("golden/os_ken.hex");
const OS_KEN_ERRORS: &str = include_str!("golden/os_ken_errors.hex");
const OVS: &str = include_str!("golden/ovs.hex");
const OVS_EXTENSIONS: &str = include_str!("golden/ovs_extensions.hex");

fn messages(file: &str) -> impl Iterator<Item = Vec<u8>> {
    file.lines().map(|line| hex::decode(line.split_once(' ').unwrap().1).unwrap())
}

/// Reads; what can be read is written and read again, and must then be the same.
fn read_and_reread(bytes: Vec<u8>) {
    let of_1_3 = bytes.first() == Some(&4) || bytes.get(1) == Some(&0);
    if let Ok(message) = Message::decode(bytes.into()) {
        serde_json::to_string(&Json(&message)).expect("nothing to fail");
        assert!(!message.to_string().is_empty());
        let wire = write(&message).freeze();
        // An error of another version is written as one of 1.3, where its numbers mean something else.
        if of_1_3 {
            assert_eq!(Message::decode(wire), Ok(message));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn decode_of_encode_is_the_message(seed: u64) {
        let message = any_message(&mut Gen::new(seed));
        let wire = write(&message).freeze();
        let read = Message::decode(wire.clone());
        prop_assert_eq!(read.as_ref(), Ok(&message));
        prop_assert_eq!(write(&message).freeze(), wire);
    }

    /// Of Open vSwitch's own actions the types allow more than the bytes can say: that is an error, and
    /// nothing else is written in its place.
    #[test]
    fn an_action_of_open_vswitch_is_written_as_it_is_or_not_at_all(seed: u64) {
        let g = &mut Gen::new(seed);
        let action = nx_values(g);
        let packet_out = PacketOut::new(Bytes::new(), [action.into()]);
        let message = Message { xid: Xid(1), body: packet_out.into() };
        let mut wire = BytesMut::new();
        match message.encode(&mut wire) {
            Ok(()) => prop_assert_eq!(Message::decode(wire.freeze()), Ok(message)),
            Err(_) => prop_assert!(wire.is_empty()),
        }
    }

    #[test]
    fn any_message_is_valid_json_and_prints(seed: u64) {
        let message = any_message(&mut Gen::new(seed));
        let text = serde_json::to_string(&Json(&message)).expect("nothing to fail");
        let value: serde_json::Value = serde_json::from_str(&text).expect("valid");
        prop_assert_eq!(&value["xid"], message.xid.0);
        let head = format!("(xid={}):", message.xid);
        prop_assert!(message.to_string().contains(&head), "{message}");
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(mut bytes in prop::collection::vec(any::<u8>(), 0..300), honest: bool) {
        if honest && bytes.len() >= 8 {
            bytes[0] = 4;
            bytes[1] %= 32;
            let len = bytes.len() as u16;
            bytes[2..4].copy_from_slice(&len.to_be_bytes());
        }
        read_and_reread(bytes);
    }

    #[test]
    fn mutated_messages_do_no_harm(seed: u64, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut wire = write(&any_message(&mut Gen::new(seed))).to_vec();
        for (at, byte) in changes {
            let at = at.index(wire.len());
            if !(2..4).contains(&at) {
                wire[at] = byte;
            }
        }
        read_and_reread(wire);
    }

    #[test]
    fn a_stream_is_split_wherever_reads_end(seeds in prop::collection::vec(any::<u64>(), 1..8), step in 1usize..200) {
        let messages: Vec<_> = seeds.iter().map(|seed| any_message(&mut Gen::new(*seed))).collect();
        let mut stream = BytesMut::new();
        messages.iter().for_each(|m| m.encode(&mut stream).unwrap());
        let mut buf = BytesMut::new();
        let mut seen = Vec::new();
        for chunk in stream.chunks(step) {
            buf.extend_from_slice(chunk);
            while let Some(frame) = frame::next(&mut buf).unwrap() {
                seen.push(Message::decode(frame).unwrap());
            }
        }
        prop_assert_eq!(seen, messages);
        prop_assert!(buf.is_empty());
    }
}

/// A reply that tells many flows as replies that tell two each: what is wrong with a byte of one concerns, at most, the
/// next, and the others would only be printed over and over.
fn in_short(golden: Vec<u8>) -> Vec<Vec<u8>> {
    const FLOW_REPLY: [u8; 3] = [19, 0, 1];
    const HEAD: usize = 16;
    if golden.len() < HEAD || [golden[1], golden[8], golden[9]] != FLOW_REPLY {
        return vec![golden];
    }
    let (head, mut rest) = golden.split_at(HEAD);
    let mut flows = Vec::new();
    while let [high, low, ..] = *rest {
        let (flow, behind) = rest.split_at(u16::from_be_bytes([high, low]).into());
        flows.push(flow);
        rest = behind;
    }
    let reply = |flows: &[&[u8]]| {
        let mut reply = [head, &flows.concat()].concat();
        let length = reply.len() as u16;
        reply[2..4].copy_from_slice(&length.to_be_bytes());
        reply
    };
    flows.chunks(2).map(reply).collect()
}

/// Every byte of the golden messages in a file, one at a time, is each of the numbers on which lengths, types and flags
/// turn.
fn every_single_byte_may_be_anything(file: &str) {
    const EDGES: [u8; 8] = [0, 1, 7, 8, 0x7f, 0x80, 0xfe, 0xff];
    for golden in messages(file).flat_map(in_short).filter(|golden| golden.len() < 1500) {
        for at in (0..golden.len()).filter(|at| !(2..4).contains(at)) {
            for byte in EDGES.into_iter().filter(|byte| *byte != golden[at]) {
                let mut bytes = golden.clone();
                bytes[at] = byte;
                read_and_reread(bytes);
            }
        }
    }
}

#[test]
fn every_single_byte_of_os_ken_s_messages_may_be_anything() {
    every_single_byte_may_be_anything(OS_KEN);
}

#[test]
fn every_single_byte_of_os_ken_s_errors_may_be_anything() {
    every_single_byte_may_be_anything(OS_KEN_ERRORS);
}

#[test]
fn every_single_byte_of_open_vswitch_s_messages_may_be_anything() {
    every_single_byte_may_be_anything(OVS);
}

#[test]
fn every_single_byte_of_open_vswitch_s_extensions_may_be_anything() {
    every_single_byte_may_be_anything(OVS_EXTENSIONS);
}

#[test]
fn a_message_longer_than_the_wire_can_say_leaves_the_buffer_alone() {
    let mut out = BytesMut::from(&b"before"[..]);
    let long = Message {
        xid: openflow::ids::Xid(1),
        body: openflow::Body::EchoRequest(Bytes::from(vec![0; 65528])),
    };
    let error = long.encode(&mut out).unwrap_err();
    assert_eq!(&out[..], b"before");
    assert_eq!(
        error.to_string(),
        "OFPT_ECHO_REQUEST of 65536 bytes is longer than the 65535 the wire can say; split it"
    );
}
