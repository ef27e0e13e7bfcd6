//! `flowbed decode`: what it reads, what it prints, what it says of what it can't read.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Output, Stdio};

use crate::flowbed::{Place, complaint};

const GOLDEN: &str = "openflow/tests/golden";
const PCAP: &str = "openflow/tests/golden/ovs_session.pcap";

/// What `flowbed decode arguments` makes of this on its standard input.
fn decode(arguments: &str, input: &[u8]) -> Output {
    let place = Place::new();
    let mut command = place.flowbed(&format!("decode {arguments}"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("flowbed starts");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_owned();
    // It may end before it has read all.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("it ends");
    let _ = writer.join().expect("no panic");
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_owned()).expect("UTF-8")
}

/// The standard output of a run without complaints.
fn good(arguments: &str, input: &[u8]) -> String {
    let output = decode(arguments, input);
    assert_eq!(text(&output.stderr), "", "decode {arguments}");
    assert!(output.status.success());
    text(&output.stdout)
}

fn golden(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN).join(file);
    std::fs::read_to_string(path).expect("a golden file")
}

/// The hex of all golden messages, one a line.
fn hex_lines() -> String {
    let files = golden("os_ken.hex") + &golden("ovs.hex");
    files.lines().map(|line| line.split_once(' ').expect("name and hex").1.to_owned() + "\n").collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.bytes().filter_map(|digit| char::from(digit).to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn hex_and_raw_streams_come_back_as_hex() {
    let lines = hex_lines();
    assert_eq!(good("--hex", lines.as_bytes()), lines);
    assert_eq!(good("--hex -", &bytes(&lines)), lines);
    assert_eq!(good("", lines.as_bytes()), good("", &bytes(&lines)));
}

#[test]
fn text_is_what_ovs_ofctl_prints() {
    let input = golden("ovs.hex");
    let hello = input.lines().next().and_then(|line| line.split_once(' ')).expect("the first message").1;
    assert_eq!(good("", hello.as_bytes()), "OFPT_HELLO (OF1.3) (xid=0x1):\n version bitmap: 0x04\n");
}

#[test]
fn hex_may_be_laid_out_as_one_likes() {
    let plain = "0402000800000001\n041400080000 0002\n";
    let laid_out = "# an echo request\n\n0x04 0x02 0x00:08,00-00\n  00 01 # its end\n0x0414000800000002";
    assert_eq!(good("--hex", laid_out.as_bytes()), good("--hex", plain.as_bytes()));
    assert_eq!(good("", b"04140008\r\n00000002\r\n"), "OFPT_BARRIER_REQUEST (OF1.3) (xid=0x2):\n");
}

/// Runs with a complaint that has these words; what it prints all the same.
fn complains(arguments: &str, input: &[u8], words: &[&str]) -> String {
    let output = decode(arguments, input);
    let complaint = complaint(&output);
    for word in words {
        assert!(complaint.contains(word), "\"{word}\" is not in: {complaint}");
    }
    assert_eq!(output.status.code(), Some(1));
    text(&output.stdout)
}

const BARRIERS: &str = "OFPT_BARRIER_REQUEST (OF1.3) (xid=0x1):\nOFPT_BARRIER_REQUEST (OF1.3) (xid=0x2):\n";

#[test]
fn what_is_broken_in_hex_is_told_by_line_and_the_rest_is_printed() {
    for (broken, words) in [
        ("0405000c00000009deadbeef", &["line 2", "OFPT_FEATURES_REQUEST", "4 bytes left over"][..]),
        ("0405000700000009", &["line 2", "length of 7"]),
        ("04050008000000", &["line 2", "breaks off", "7 bytes"]),
        ("0405000g00000009", &["line 2, column 8", "'g'"]),
        ("040500080000000 9", &["line 2, column 16", "odd"]),
        ("0105000800000009", &["line 2", "wire version 1"]),
    ] {
        let input = format!("0414000800000001\n{broken}\n0414000800000002\n");
        assert_eq!(complains("", input.as_bytes(), words), BARRIERS, "{broken}");
    }
    let same_line = "0414000800000001 0414000800000002 zz\n";
    assert_eq!(complains("", same_line.as_bytes(), &["line 1, column 35"]), BARRIERS);
}

/// What Open vSwitch prints of messages that it can't read: its words, and the bytes of the message.
#[test]
fn hex_dumps_of_ovs_ofctl_are_read() {
    let goldens = golden("os_ken.hex") + &golden("ovs.hex") + &golden("ovs_extensions.hex");
    let prints = golden("ofp_print.txt");
    let mut dumped = String::new();
    let mut expected = String::new();
    for entry in prints.split("== ").filter(|entry| entry.contains("***decode error")) {
        let (name, print) = entry.split_once('\n').expect("a name and a print");
        if name == "error_bad_stat" {
            // It can be read; the bytes are those of the message that is refused.
            continue;
        }
        let golden = goldens.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let hex = golden.expect("the message of the print");
        assert_eq!(good("--hex", print.as_bytes()), format!("{hex}\n"), "{name}");
        dumped += print;
        expected = expected + hex + "\n";
    }
    assert!(expected.lines().count() > 5);
    assert_eq!(good("--hex", dumped.as_bytes()), expected);
    // As its log has it, with the same words before.
    let logged = format!("2026-11-25T14:28:07Z|00001|ofp_actions|WARN|bad action\n{dumped}");
    assert_eq!(good("--hex", logged.as_bytes()), expected);
}

#[test]
fn hex_dumps_of_other_programs_are_read() {
    let zeros = "0402004000000001".to_owned() + &"0".repeat(112) + "\n";
    let hexdump = "\
00000000  04 02 00 40 00 00 00 01  00 00 00 00 00 00 00 00  |...@............|
00000010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|
*
00000040
";
    assert_eq!(good("--hex", hexdump.as_bytes()), zeros);
    let two = "\
00000000: 0414 0008 0000 0001 0414 0008 0000 0002  ................
00000010: 0402 0009 0000 0003 41                   ........A
";
    assert_eq!(good("--hex", two.as_bytes()), "0414000800000001\n0414000800000002\n040200090000000341\n");
}

#[test]
fn what_is_broken_in_a_hex_dump_is_told_by_its_line() {
    let barrier = |xid: u8| format!("00000000  04 14 00 08 00 00 00 0{xid} |........|\n");
    for (broken, words) in [
        ("00000000  04 05 00 10 00 00 00 09 |........|\n", &["line 2", "breaks off", "8 bytes"][..]),
        ("00000000  04 05 00 10\n00000010  00 00 00 09\n", &["line 3", "offset 0x10 where 0x4"]),
        ("00000000  04 05 00 10\n*\nffffffff\n", &["line 4", "offset 0xffffffff"]),
        ("00000000  04 05 00 07 00 00 00 09\n00000008  00\n", &["line 2", "length of 7"]),
        ("00000000  01 05 00 08 00 00 00 09\n", &["line 2", "wire version 1"]),
    ] {
        let input = barrier(1) + broken + &barrier(2);
        assert_eq!(complains("", input.as_bytes(), words), BARRIERS, "{broken}");
    }
    complains("", b"OFPT_HELLO (OF1.3) (xid=0x1):\n", &["standard input", "without a hex dump"]);
}

#[test]
fn input_without_a_message_is_told() {
    for nothing in ["", "# a comment\n", "\n \n# one\n# two"] {
        assert_eq!(complains("", nothing.as_bytes(), &["standard input is empty"]), "");
    }
}

#[test]
fn what_is_broken_in_a_raw_stream_is_told_by_its_offset() {
    let barriers = |between: &str| bytes(&format!("0414000800000001{between}0414000800000002"));
    let trailing = barriers("0405000c00000009deadbeef");
    assert_eq!(complains("", &trailing, &["byte 8", "4 bytes left over"]), BARRIERS);
    let first = complains("", &barriers("0405000700000009"), &["byte 8", "length of 7"]);
    assert_eq!(first, "OFPT_BARRIER_REQUEST (OF1.3) (xid=0x1):\n");
    let cut = [barriers(""), bytes("0405000800")].concat();
    assert_eq!(complains("", &cut, &["byte 16", "breaks off", "5 bytes"]), BARRIERS);
}

#[test]
fn captures_tell_when_who_and_to_whom() {
    let printed = text(&Place::new().run(&format!("decode {PCAP}")).stdout);
    let first: Vec<&str> = printed.lines().take(3).collect();
    assert_eq!(
        first,
        [
            "2026-11-24T03:05:15.535012Z 127.0.0.1:6653 > 127.0.0.1:43768 to switch",
            "OFPT_HELLO (OF1.3) (xid=0x1):",
            " version bitmap: 0x04"
        ]
    );
    let messages = golden("ovs_session.types").lines().count();
    assert_eq!(printed.lines().filter(|line| line.contains(" > 127.0.0.1:")).count(), messages);
    let capture = std::fs::read(PCAP).expect("the capture");
    assert_eq!(good("--hex", &capture).lines().count(), messages);
    let next = std::fs::read(PCAP.replace(".pcap", ".pcapng")).expect("the capture");
    assert_eq!(good("", &next), printed);
}

#[test]
fn captures_are_read_as_far_as_they_go() {
    let capture = std::fs::read(PCAP).expect("the capture");
    let printed = complains("", &capture[..capture.len() - 10], &["breaks off at byte", "standard input"]);
    assert!(printed.contains("OFPT_HELLO"), "{printed}");
    complains("--port 7", &capture, &["no OpenFlow on TCP port 7", "--port"]);
    assert!(good("--port 7 --port 6653", &capture).contains("OFPT_HELLO"));
}

/// The packets of a pcap file, with their headers, behind the file's own header.
fn packets(file: &[u8]) -> Vec<&[u8]> {
    let mut rest = &file[24..];
    let mut all = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes([rest[8], rest[9], rest[10], rest[11]]) as usize;
        let (packet, behind) = rest.split_at(16 + length);
        all.push(packet);
        rest = behind;
    }
    all
}

#[test]
fn what_is_not_in_a_capture_is_told() {
    let capture = std::fs::read(PCAP).expect("the capture");
    let packets = packets(&capture);
    // Without the first packet of some size, which is one with messages in it.
    let missing = packets.iter().position(|packet| packet.len() > 150).expect("a large packet");
    let rest = [&packets[..missing], &packets[missing + 1..]].concat().concat();
    let printed = complains("", &[&capture[..24], &rest].concat(), &["bytes are not in the capture", " > "]);
    assert!(printed.contains("OFPT_HELLO") && printed.contains("OFPT_PACKET_IN"), "{printed}");
}

#[test]
fn an_unknown_link_layer_is_told_once() {
    let mut capture = std::fs::read(PCAP).expect("the capture");
    capture[20] = 147;
    let output = decode("", &capture);
    let complaint = complaint(&output);
    assert_eq!(complaint.matches("link type 147").count(), 1, "{complaint}");
}

#[test]
fn what_is_no_openflow_is_told() {
    complains("", b"", &["empty"]);
    complains("", b"\xff\xfe\xfd\xfc", &["neither", "fffefdfc"]);
    complains("/nonexistent.pcap", b"", &["/nonexistent.pcap", "No such file"]);
    complains("", &[0x1f, 0x8b, 8, 0, 0], &["compressed with gzip", "zcat"]);
    let output = Place::new().run("decode 0402000800000001");
    let said = text(&output.stderr);
    assert!(
        said.contains("cannot open 0402000800000001; hex text is read") && !output.status.success(),
        "{said}"
    );
    let both = decode("--json --hex", b"");
    assert!(text(&both.stderr).contains("cannot be used with"), "{both:?}");
}

#[test]
fn a_stream_is_printed_as_it_comes() {
    let place = Place::new();
    let mut command = place.flowbed("decode");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("flowbed starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(&bytes("0414000800000001")).expect("written");
    // The answer comes before the end of the input.
    let mut line = [0; 39];
    child.stdout.take().expect("piped").read_exact(&mut line).expect("a line");
    assert_eq!(&line, b"OFPT_BARRIER_REQUEST (OF1.3) (xid=0x1):");
    drop(stdin);
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let place = Place::new();
    let mut command = place.flowbed("decode");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("flowbed starts");
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().expect("piped");
    // More than it can keep to itself.
    let _ = stdin.write_all(&bytes("0414000800000001").repeat(100_000));
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(text(&output.stderr), "");
    assert!(output.status.success());
}

/// JSON without the blanks and line ends between its tokens.
fn compact(json: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let keep = |c: &char| {
        if quoted {
            quoted = escaped || *c != '"';
            escaped = !escaped && *c == '\\';
            return true;
        }
        quoted = *c == '"';
        !c.is_whitespace()
    };
    json.chars().filter(keep).collect()
}

#[test]
fn the_examples_of_the_json_document_are_what_is_printed() {
    let document = include_str!("../../docs/json.md");
    let mut types = std::collections::BTreeSet::new();
    for example in document.split("```hex\n").skip(1) {
        let (hex, rest) = example.split_once("```\n```json\n").expect("JSON behind the hex");
        let (json, _) = rest.split_once("```\n").expect("its end");
        let printed = good("--json", hex.as_bytes());
        assert_eq!(printed.trim_end(), compact(json), "docs/json.md tells something else");
        let value: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
        types.insert(format!("{} {}", value["type"], value["multipart_type"]));
    }
    assert!(types.len() > 35, "{types:?}");
}

#[test]
fn captured_messages_are_json_with_their_routes() {
    let printed = text(&Place::new().run(&format!("decode --json {PCAP}")).stdout);
    let lines: Vec<serde_json::Value> =
        printed.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    assert_eq!(lines.len(), golden("ovs_session.types").lines().count());
    let shown = include_str!("../../docs/json.md").split("```json\n").nth(1).expect("the first example");
    let shown = shown.split("```").next().expect("its end");
    assert!(printed.lines().any(|line| line == compact(shown)), "{shown}");
}

#[test]
fn the_readme_shows_what_is_printed() {
    let readme = include_str!("../../README.md");
    let printed = text(&Place::new().run(&format!("decode {PCAP}")).stdout);
    let lines: Vec<&str> = printed.lines().skip(22).take(6).collect();
    let shown = format!("| sed -n '23,28p'\n{}\n$ ", lines.join("\n"));
    assert!(readme.contains(&shown), "README.md lacks {shown}");
    let json = good("--json", b"0414 0008 00000002\n");
    assert!(readme.contains(&format!("flowbed decode --json\n{json}")), "README.md lacks {json}");
}

#[test]
fn no_input_makes_it_panic() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).expect("31 bits")
    };
    let capture = std::fs::read(PCAP).expect("the capture");
    let raw = bytes(&hex_lines());
    let hex = hex_lines().into_bytes();
    for round in 0..60 {
        let mut input = [&capture, &raw, &hex][round % 3].clone();
        for _ in 0..1 + random() % 200 {
            // Not the first bytes, which tell what it is.
            let at = 8 + random() % (input.len() - 8);
            input[at] =
                if round % 3 == 2 { b"0123456789abcdef #x\n:zg"[random() % 22] } else { random() as u8 };
        }
        let format = ["", "--json", "--hex"][random() % 3];
        let output = decode(format, &input);
        assert!(matches!(output.status.code(), Some(0 | 1)), "round {round}: {:?}", output.status);
        assert!(!text(&output.stderr).contains("panicked"), "round {round}");
    }
}
