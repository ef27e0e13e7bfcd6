//! `flowbed controller` over real sockets.

use std::io::{Read, Write};
use std::net::TcpStream;

use nix::sys::signal::Signal;

use crate::flowbed::{PATIENCE, Place, Running};

/// A controller, and its address.
fn start(place: &Place) -> (Running, String) {
    let mut running = Running::start_until(place.flowbed("controller --listen 127.0.0.1:0"), "controller");
    let address = running.printed.split_whitespace().find_map(|word| word.strip_prefix("tcp:"));
    let address = address.expect("it prints its address").to_owned();
    running.printed.clear();
    (running, address)
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

const HELLO: [u8; 16] = [4, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 0x10];

/// The rest of the stream, up to its end.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset is an end as well: what was sent after the controller had closed is refused so.
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

#[test]
fn hostile_peers_are_dropped_and_harm_no_other() {
    let place = Place::new();
    let (mut controller, address) = start(&place);
    let mut good = connect(&address);
    for garbage in
        [&[0; 64][..], &[0xff; 4096], b"GET / HTTP/1.1\r\n\r\n", &[4, 0, 0, 7, 0, 0, 0, 0], &HELLO[..9]]
    {
        let mut bad = connect(&address);
        bad.write_all(garbage).expect("written");
        bad.shutdown(std::net::Shutdown::Write).expect("half closed");
        rest(&mut bad);
    }
    good.write_all(&HELLO).expect("written");
    let mut answer = [0; 24];
    good.read_exact(&mut answer).expect("a hello and a features request");
    assert_eq!((answer[0], answer[1], answer[17]), (4, 0, 5), "{answer:?}");
    controller.signal(Signal::SIGTERM);
    assert!(controller.wait());
}

#[test]
fn a_switch_of_another_version_is_told_why() {
    let place = Place::new();
    let (_controller, address) = start(&place);
    let mut old = connect(&address);
    old.write_all(&[1, 0, 0, 8, 0, 0, 0, 9]).expect("written");
    let answer = rest(&mut old);
    // Behind the controller's own hello: an error with the hello's id, HELLO_FAILED (0), INCOMPATIBLE (0).
    assert_eq!(answer[17], 1, "{answer:?}");
    assert_eq!(answer[20..28], [0, 0, 0, 9, 0, 0, 0, 0], "{answer:?}");
    let text = String::from_utf8_lossy(&answer[28..]);
    assert!(text.contains("OpenFlow 1.3"), "{text}");
}

#[test]
fn the_dashboard_of_a_controller_asks_for_its_token() {
    let place = Place::new();
    let command = place.flowbed("controller --listen 127.0.0.1:0 --web 127.0.0.1:0");
    let mut controller = Running::start_until(command, "dashboard");
    let line =
        controller.printed.lines().find(|line| line.contains("http://")).expect("its address").to_owned();
    let url = line.split_whitespace().last().expect("a word");
    let (address, token) = url.trim_start_matches("http://").split_once("/?token=").expect("with a token");
    let get = |authorization: &str| {
        let mut stream = connect(address);
        write!(
            stream,
            "GET /api/v1/network HTTP/1.1\r\nHost: {address}\r\n{authorization}Connection: close\r\n\r\n"
        )
        .expect("written");
        String::from_utf8_lossy(&rest(&mut stream)).into_owned()
    };
    assert!(get("").starts_with("HTTP/1.1 401"));
    let granted = get(&format!("Authorization: Bearer {token}\r\n"));
    assert!(granted.starts_with("HTTP/1.1 200") && granted.contains("\"switches\":[]"), "{granted}");
    controller.signal(Signal::SIGINT);
    assert!(controller.wait());
}
