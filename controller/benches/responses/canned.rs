//! The yardstick: answers every packet-in with the same flow-mod and parses nothing. No controller that looks at what
//! it is sent is quicker.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;

use bytes::BytesMut;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use openflow::msg::hello::Hello;
use openflow::{Action, Body, FlowMod, Match, PortNo, Xid};

use crate::{Result, peers};

const PACKET_IN: u8 = 10;
/// Where a flow-mod has its buffer id.
const BUFFER: usize = 32;

pub fn run() -> Result<()> {
    let listener = TcpListener::bind(peers::own_address()?)?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(listener.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, u64::MAX))?;
    let mut peers: Vec<(TcpStream, Vec<u8>, usize)> = Vec::new();
    let mut canned = BytesMut::new();
    let mac = openflow::MacAddr([2, 0, 0, 0, 0, 1]);
    let match_ = Match::new().in_port(PortNo(1)).eth_dst(mac).eth_src(mac);
    Body::from(FlowMod::add().matching(match_).apply([Action::output(PortNo(2))]))
        .encode(Xid(2), &mut canned)?;
    let mut ready = vec![EpollEvent::empty(); 1024];
    let mut output = Vec::new();
    loop {
        let count = epoll.wait(&mut ready, EpollTimeout::NONE)?;
        for event in &ready[..count] {
            if event.data() == u64::MAX {
                let (mut stream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                let mut greeting = BytesMut::new();
                Body::Hello(Hello::new([4])).encode(Xid(1), &mut greeting)?;
                Body::FeaturesRequest.encode(Xid(2), &mut greeting)?;
                stream.write_all(&greeting)?;
                epoll.add(stream.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, peers.len() as u64))?;
                peers.push((stream, vec![0; 64 * 1024], 0));
                continue;
            }
            let (stream, input, filled) = &mut peers[event.data() as usize];
            let count = stream.read(&mut input[*filled..]).unwrap_or(0);
            if count == 0 {
                epoll.delete(stream.as_fd())?;
                continue;
            }
            *filled += count;
            output.clear();
            let mut at = 0;
            while *filled - at >= 12 {
                let length = usize::from(u16::from_be_bytes([input[at + 2], input[at + 3]]));
                if length > *filled - at {
                    break;
                }
                if input[at + 1] == PACKET_IN {
                    let start = output.len();
                    output.extend_from_slice(&canned);
                    output[start + BUFFER..start + BUFFER + 4].copy_from_slice(&input[at + 8..at + 12]);
                }
                at += length.max(8);
            }
            input.copy_within(at..*filled, 0);
            *filled -= at;
            stream.write_all(&output)?;
        }
    }
}
