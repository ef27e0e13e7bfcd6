use super::*;
use crate::frame::Header;

const PCAP: &[u8] = include_bytes!("../../tests/golden/ovs_session.pcap");
const PCAPNG: &[u8] = include_bytes!("../../tests/golden/ovs_session.pcapng");
const TYPES: &str = include_str!("../../tests/golden/ovs_session.types");

/// Ends that stand for the controller and the switch.
const CONTROLLER: ([u8; 4], u16) = ([127, 0, 0, 1], 6653);
const SWITCH: ([u8; 4], u16) = ([127, 0, 0, 1], 40000);

fn all(file: &[u8]) -> Vec<Seen> {
    Capture::read(file, &PORTS).unwrap().collect::<Result<_, _>>().unwrap()
}

fn from_switch(sequence: u32, payload: &[u8]) -> Segment<'_> {
    Segment { from: SWITCH.into(), to: CONTROLLER.into(), sequence, syn: false, payload }
}

fn syn(sequence: u32) -> Segment<'static> {
    Segment { syn: true, ..from_switch(sequence, &[]) }
}

/// What a stream makes of these segments.
fn contents(segments: &[Segment<'_>]) -> Vec<Content> {
    let mut stream = Stream::default();
    let mut out = Vec::new();
    segments.iter().for_each(|segment| stream.push(segment, &mut out));
    stream.finish(&mut out);
    out
}

/// An echo request with this payload.
fn echo(payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap().to_be_bytes();
    [&[4, 2, length[0], length[1], 0, 0, 0, 1], payload].concat()
}

fn message(bytes: &[u8]) -> Content {
    Content::Message(Bytes::copy_from_slice(bytes))
}

#[test]
fn a_live_switch_is_read_as_tshark_reads_it() {
    let types: Vec<String> = all(PCAP)
        .iter()
        .map(|seen| {
            let Content::Message(frame) = &seen.content else { panic!("nothing was lost: {seen:?}") };
            crate::Message::decode(frame.clone()).unwrap();
            let who = if seen.from.port() == 6653 { "controller" } else { "switch" };
            format!("{who} {}", Header::parse(frame).unwrap().msg_type)
        })
        .collect();
    assert_eq!(types, TYPES.lines().collect::<Vec<_>>());
}

#[test]
fn pcapng_holds_the_same_at_the_same_times() {
    assert_eq!(all(PCAPNG), all(PCAP));
    assert!(all(PCAP).iter().all(|seen| seen.time.as_secs() > 1_700_000_000));
}

#[test]
fn other_ports_are_left_out() {
    assert_eq!(Capture::read(PCAP, &[6634]).unwrap().count(), 0);
}

#[test]
fn a_file_cut_anywhere_gives_what_it_holds_and_an_error_at_most() {
    let whole = all(PCAP);
    for end in 24..PCAP.len() {
        let seen: Vec<_> = Capture::read(&PCAP[..end], &PORTS).unwrap().collect();
        let errors = seen.iter().filter(|seen| seen.is_err()).count();
        assert!(errors <= 1, "cut at {end}: {seen:?}");
        let messages = seen.iter().flatten().filter(|seen| matches!(seen.content, Content::Message(_)));
        assert!(messages.zip(&whole).all(|(seen, whole)| seen.content == whole.content), "cut at {end}");
    }
}

#[test]
fn what_is_no_capture_is_named() {
    let error = Capture::read(b"\x04\x00\x00\x08", &PORTS).unwrap_err();
    assert_eq!(error, CaptureError::Magic { start: "04000008".to_owned() });
    assert!(Capture::read(&[], &PORTS).is_err());
}

#[test]
fn segments_come_in_any_order_and_more_than_once() {
    let (a, b, c) = (echo(b"one"), echo(b"twotwo"), echo(b""));
    let stream = [a.clone(), b.clone(), c.clone()].concat();
    let cut = |from: usize, to: usize| {
        // Sequence numbers wrap in the middle.
        from_switch(0xffff_fff8_u32.wrapping_add(from as u32), &stream[from..to])
    };
    let begin = syn(0xffff_fff7);
    let expected = vec![message(&a), message(&b), message(&c)];
    let end = stream.len();
    for at in 1..end - 1 {
        let parts = [cut(0, at), cut(at, at + 1), cut(at + 1, end)];
        for [x, y, z] in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let segments =
                [&begin, &parts[x], &parts[y], &parts[x], &parts[z], &parts[y]].map(Segment::clone);
            assert_eq!(contents(&segments), expected, "cut at {at}, order {x}{y}{z}");
        }
    }
    // One that overlaps both what is known and what is new.
    assert_eq!(contents(&[begin, cut(0, 15), cut(4, end)]), expected);
}

#[test]
fn a_lost_segment_costs_what_it_held_and_the_message_around_it() {
    let (a, b) = (echo(b"whole"), echo(b"cut here"));
    let stream = [a.clone(), b.clone()].concat();
    let after = echo(b"after");
    let cut = a.len() + 4;
    let segments = [syn(9), from_switch(10, &stream[..cut]), from_switch(10 + stream.len() as u32, &after)];
    let lost = stream.len() - a.len();
    assert_eq!(contents(&segments), [message(&a), Content::Lost(lost as u64), message(&after)]);
}

#[test]
fn a_connection_without_its_beginning_is_read_from_the_first_message() {
    let (a, b) = (echo(b"the middle of a message"), echo(b"next"));
    let segments = [from_switch(100, &a[9..]), from_switch(100 + a.len() as u32 - 9, &b)];
    assert_eq!(contents(&segments), [Content::Lost(a.len() as u64 - 9), message(&b)]);
}

#[test]
fn a_second_connection_between_the_same_ends_is_another() {
    let (a, b) = (echo(b"first"), echo(b"second"));
    let segments = [syn(5), from_switch(6, &a[..9]), syn(70_000), from_switch(70_001, &b)];
    assert_eq!(contents(&segments), [Content::Lost(9), message(&b)]);
}

#[test]
fn what_waits_is_bounded() {
    let mut stream = Stream::default();
    let mut out = Vec::new();
    stream.push(&syn(0), &mut out);
    let payload = echo(&[0; 65000]);
    for n in 0..200 {
        stream.push(&from_switch(2 + n * payload.len() as u32, &payload), &mut out);
    }
    assert!(out.len() > 100, "{} of 200 were given out before the end", out.len());
    assert_eq!(out[0], Content::Lost(1));
}

#[test]
fn a_header_alone_takes_no_room_for_what_it_promises() {
    let mut stream = Stream::default();
    let mut out = Vec::new();
    stream.push(&from_switch(1, &[4, 2, 0xff, 0xff, 0, 0, 0, 1]), &mut out);
    assert_eq!(out, []);
    assert!(stream.room() < 1000, "{} bytes for a header", stream.room());
    stream.push(&from_switch(9, &[0; 0xffff - 8]), &mut out);
    assert!(matches!(&out[..], [Content::Message(frame)] if frame.len() == 0xffff));
}
