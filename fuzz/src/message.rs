//! Reading one message.

use bytes::{Bytes, BytesMut};
use openflow::json::Json;
use openflow::text::Parser;
use openflow::{Body, FlowMod, GroupId, Instruction, Message, PortNo, TableId};

use crate::bound;

/// Reads a message; its length is set to what is there, for a wrong one is refused at once.
pub fn message(data: &[u8]) {
    let mut wire = data[..data.len().min(usize::from(u16::MAX))].to_vec();
    let length = u16::try_from(wire.len()).expect("cut").to_be_bytes();
    if let Some(stated) = wire.get_mut(2..4) {
        stated.copy_from_slice(&length);
    }
    let wire = Bytes::from(wire);
    let read = bound::memory(wire.len(), 64, 4 << 10, || Message::decode(wire.clone()));
    let read = match read {
        Ok(read) => read,
        Err(error) => {
            assert!(!error.to_string().is_empty() && !error.to_error_kind().to_string().is_empty());
            return;
        }
    };
    written_again(&wire, &read);
    bound::memory(wire.len(), 400, 64 << 10, || prints(&read));
}

fn written_again(wire: &Bytes, read: &Message) {
    let encoded = match encode(read) {
        Some(encoded) => encoded,
        // Bitmaps of versions and padding may be written longer than they came.
        None => return assert!(wire.len() > usize::from(u16::MAX) - 64, "{read:?}"),
    };
    // Errors of other versions are written as of 1.3, in which their numbers mean other things.
    if wire[0] == openflow::frame::VERSION || matches!(read.body, Body::Hello(_)) {
        assert_eq!(Message::decode(encoded.clone()).as_ref(), Ok(read));
        assert_eq!(encode(read), Some(encoded.clone()));
    }
    if let Body::Unknown { .. } | Body::EchoRequest(_) | Body::EchoReply(_) = read.body {
        assert_eq!(&encoded, wire, "what has no meaning is kept");
    }
}

fn encode(message: &Message) -> Option<Bytes> {
    let mut out = BytesMut::from(&b"before"[..]);
    let encoded = message.encode(&mut out).is_ok();
    assert!(out.starts_with(b"before") && (encoded || out.len() == 6));
    encoded.then(|| out.freeze().slice(6..))
}

fn prints(message: &Message) {
    let text = message.to_string();
    assert!(text.contains(&format!("(xid={}):", message.xid)), "{text}");
    let json = serde_json::to_string(&Json(message)).expect("nothing to fail");
    assert!(json.starts_with('{') && json.ends_with('}'));
    serde_json::from_str::<serde::de::IgnoredAny>(&json).expect("valid JSON");
    if let Body::FlowMod(flow) = &message.body
        && flow.match_.check().is_ok()
        && flow.table != TableId::ALL
    {
        // Not every flow on the wire can be said in text; one that can must mean the same.
        let mut flow = FlowMod {
            match_: flow.match_.normalized(),
            out_port: PortNo::ANY,
            out_group: GroupId::ANY,
            ..flow.clone()
        };
        flow.cookie &= if flow.cookie_mask == 0 { u64::MAX } else { flow.cookie_mask };
        // To write no actions is to write nothing, and is not read as an instruction.
        flow.instructions =
            flow.instructions.iter().filter(|i| !is_empty_write(i)).cloned().collect::<Vec<_>>().into();
        let printed = flow.to_string();
        if let Ok(again) = Parser::new().flow_change(&printed, flow.command) {
            let reprinted = again.to_string();
            // It is read as the set_field that Open vSwitch sends for it.
            if !printed.contains("set_tunnel") {
                assert_eq!(reprinted, printed);
            }
            assert_eq!(Parser::new().flow_change(&reprinted, flow.command), Ok(again));
        }
    }
}

fn is_empty_write(instruction: &Instruction) -> bool {
    matches!(instruction, Instruction::WriteActions(actions) if actions.is_empty())
}
