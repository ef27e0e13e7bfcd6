//! Asking a switch that listens what it has, as `ovs-ofctl` does: a connection, some questions, and away.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use controller::Target;
use openflow::session::{Config, Event, Reply, Session};
use openflow::{Body, MultipartBody, MultipartRequest};

/// How long a switch may be silent while it is asked.
const PATIENCE: Duration = Duration::from_secs(10);

trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

/// A connection to a switch that listens (`ptcp:`, `punix:`, or a bridge's management socket). Blocks.
pub(crate) struct Asker {
    stream: Box<dyn Stream>,
    session: Session,
    input: BytesMut,
}

impl Asker {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens, or whoever does is no switch that speaks OpenFlow 1.3.
    pub(crate) fn connect(target: &Target) -> io::Result<Asker> {
        let stream: Box<dyn Stream> = match target {
            Target::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, PATIENCE)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Target::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Box::new(stream)
            }
            Target::Ssl(_) => {
                return Err(io::Error::new(io::ErrorKind::Unsupported, "use tcp: or unix: to ask a switch"));
            }
        };
        let session = Session::new(Config::controller(), Instant::now());
        let mut asker = Asker { stream, session, input: BytesMut::new() };
        asker.until(|event| matches!(event, Event::Ready(_)).then_some(()))?;
        Ok(asker)
    }

    /// Asks one question.
    ///
    /// # Errors
    /// When the switch refuses it, is silent, or goes away.
    pub(crate) fn ask(&mut self, request: MultipartRequest) -> io::Result<MultipartBody> {
        let body = Body::MultipartRequest(request);
        let asked = self.session.request(Instant::now(), &body).map_err(io::Error::other)?;
        let reply = self.until(|event| match event {
            Event::Answer { xid, result } if xid == asked => Some(result),
            _ => None,
        })?;
        match reply.map_err(io::Error::other)? {
            Reply::Multipart(body) => Ok(body),
            other => Err(io::Error::other(format!("the switch answers {other:?}"))),
        }
    }

    /// Serves the connection until what is waited for comes.
    fn until<T>(&mut self, mut wanted: impl FnMut(Event) -> Option<T>) -> io::Result<T> {
        let started = Instant::now();
        loop {
            let event = self.session.next_event(Instant::now(), &mut self.input);
            self.stream.write_all(&self.session.output().split())?;
            match event {
                Some(Event::Closed(reason)) => return Err(io::Error::other(reason.to_string())),
                Some(event) => {
                    if let Some(found) = wanted(event) {
                        return Ok(found);
                    }
                    continue;
                }
                None => {}
            }
            if started.elapsed() > PATIENCE {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let mut chunk = [0; 16 << 10];
            match self.stream.read(&mut chunk)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.input.extend_from_slice(&chunk[..count]),
            }
        }
    }
}
