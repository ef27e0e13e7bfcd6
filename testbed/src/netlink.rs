//! Route netlink (`rtnetlink(7)`) in batches: many requests in one system call, then their answers.
//!
//! A socket works in the namespace in which it was opened, from whatever thread. The kernel does
//! the requests of a batch in order under one lock, so two hundred interfaces cost what the
//! kernel's own work costs and no context switches. That is why networks are made with this, not
//! with `rtnetlink`'s handle and its round trip a request: `linear,50` of bridges is up in 0.11 s like
//! this, in 0.16 s like that.
//! The messages are `rtnetlink`'s all the same ([`wiring`]), and what is asked while a network is
//! up goes through its handle ([`crate::connection`]).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::libc;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, socket,
};
use rtnetlink::packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use rtnetlink::packet_route::RouteNetlinkMessage;

use crate::wiring;

/// Requests sent before their answers are read: few enough that the answers (a buffer of about
/// 800 bytes of accounted memory each) fit into the socket's default receive queue of 208 kB.
const BATCH: usize = 64;

/// Large enough for any datagram that the kernel builds for a dump (32 kB).
const RECEIVE_SIZE: usize = 65_536;

/// What a request does if its object exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Make a new one; one that exists is an error.
    Create,
    /// Change an existing one.
    Change,
    /// Have it so, whether there was one or not.
    Ensure,
}

impl Intent {
    fn flags(self) -> u16 {
        match self {
            Intent::Create => NLM_F_CREATE | NLM_F_EXCL,
            Intent::Change => 0,
            Intent::Ensure => NLM_F_CREATE | NLM_F_REPLACE,
        }
    }
}

/// A netlink socket.
#[derive(Debug)]
pub(crate) struct Netlink {
    fd: OwnedFd,
    sequence: u32,
}

impl AsFd for Netlink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Netlink {
    /// Opens a socket in the calling thread's network namespace.
    pub(crate) fn open() -> io::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC;
        let fd = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute)?;
        // Errors then do not repeat the request, which can be large.
        setsockopt_on(&fd, libc::NETLINK_CAP_ACK)?;
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        Ok(Self { fd, sequence: 0 })
    }

    /// Does all the requests, in order, and answers for each. A failed one does not keep the
    /// later ones from being done.
    ///
    /// The outer error is the socket's own.
    pub(crate) fn request_all(
        &mut self,
        requests: Vec<(Intent, RouteNetlinkMessage)>,
    ) -> io::Result<Vec<io::Result<()>>> {
        let mut results = Vec::with_capacity(requests.len());
        let mut requests = requests.into_iter().peekable();
        let mut buffer = Vec::new();
        while requests.peek().is_some() {
            buffer.clear();
            let first = self.sequence + 1;
            let mut count = 0;
            for (intent, message) in requests.by_ref().take(BATCH) {
                self.append(&mut buffer, message, NLM_F_ACK | intent.flags());
                count += 1;
            }
            send(self.fd.as_raw_fd(), &buffer, MsgFlags::empty())?;
            results.extend(self.answers(first, count)?);
        }
        Ok(results)
    }

    /// Does one request.
    pub(crate) fn request(&mut self, intent: Intent, message: RouteNetlinkMessage) -> io::Result<()> {
        self.request_all(vec![(intent, message)])?
            .pop()
            .unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))
    }

    /// Has the kernel settle the state of these interfaces now; see [`wiring::look`].
    pub(crate) fn settle(&mut self, interfaces: &[u32]) -> io::Result<()> {
        // The answers are some kilobytes each, so fewer of them fit into the queue.
        for some in interfaces.chunks(BATCH / 4) {
            let look = |index: &u32| (Intent::Change, wiring::look(*index));
            self.request_all(some.iter().map(look).collect())?;
        }
        Ok(())
    }

    fn append(&mut self, buffer: &mut Vec<u8>, message: RouteNetlinkMessage, flags: u16) {
        self.sequence += 1;
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
        message.finalize();
        let start = buffer.len();
        // Messages of a batch begin at multiples of four bytes (netlink(7), NLMSG_ALIGN).
        let length = message.buffer_len().next_multiple_of(4);
        buffer.resize(start + length, 0);
        message.serialize(&mut buffer[start..]);
    }

    /// The answers to requests `first`, `first + 1`, ... which the kernel gives in order.
    fn answers(&self, first: u32, count: usize) -> io::Result<Vec<io::Result<()>>> {
        let mut results = Vec::with_capacity(count);
        let mut datagram = vec![0; RECEIVE_SIZE];
        while results.len() < count {
            for message in self.receive(&mut datagram)? {
                let NetlinkPayload::Error(error) = message.payload else {
                    continue;
                };
                if message.header.sequence_number < first {
                    continue;
                }
                results.push(match error.code {
                    None => Ok(()),
                    Some(_) => Err(error.to_io()),
                });
            }
        }
        Ok(results)
    }

    fn receive(&self, datagram: &mut [u8]) -> io::Result<Vec<NetlinkMessage<RouteNetlinkMessage>>> {
        let length = loop {
            match recv(self.fd.as_raw_fd(), datagram, MsgFlags::empty()) {
                Err(nix::Error::EINTR) => {}
                other => break other?,
            }
        };
        let mut rest = &datagram[..length];
        let mut messages = Vec::new();
        while rest.len() >= 16 {
            let message = NetlinkMessage::deserialize(rest)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            let length = (message.header.length as usize).next_multiple_of(4);
            rest = rest.get(length.max(16)..).unwrap_or_default();
            messages.push(message);
        }
        Ok(messages)
    }
}

fn setsockopt_on(fd: &OwnedFd, option: libc::c_int) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the option takes an int, whose address and size are passed.
    let done = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_NETLINK,
            option,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    if done == 0 {
        return Ok(());
    }
    Err(io::Error::last_os_error())
}
