//! Route netlink (`rtnetlink(7)`) beside the runtime: what is asked and heard while a network is up.
//!
//! A socket works in the namespace in which it was opened, so the namespace thread opens it and
//! hands the connection over.

use std::io;

use futures_util::TryStreamExt;
use nix::sys::socket::{setsockopt, sockopt};
use rtnetlink::packet_core::NetlinkMessage;
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::link::LinkMessage;
use rtnetlink::proto::Connection;
use rtnetlink::sys::{AsyncSocket, SocketAddr, TokioSocket};
use rtnetlink::{Handle, MulticastGroup, new_multicast_connection_with_socket};

use crate::error::Error;
use crate::sandbox::NetNs;

/// Room for notifications, which come in bursts in a large network, in bytes.
const RECEIVE_QUEUE: usize = 4 << 20;

/// What the kernel sends unasked.
pub(crate) type Messages =
    futures_util::stream::BoxStream<'static, (NetlinkMessage<RouteNetlinkMessage>, SocketAddr)>;

type Opened = (Connection<RouteNetlinkMessage, TokioSocket>, Handle, Messages);

/// Opens a connection to the kernel in `namespace`, which hears of `groups`. It works while its
/// future is polled.
pub(crate) async fn open(namespace: &NetNs, groups: &'static [MulticastGroup]) -> Result<Opened, Error> {
    let runtime = tokio::runtime::Handle::current();
    let open = move || {
        // The thread is not the runtime's, but the socket is to be.
        let _entered = runtime.enter();
        let (mut connection, handle, messages) = new_multicast_connection_with_socket::<TokioSocket>(groups)?;
        // Allowed in the machine's own user namespace only; the default does where it is refused.
        let _ = setsockopt(connection.socket_mut().socket_ref(), sockopt::RcvBufForce, &RECEIVE_QUEUE);
        io::Result::Ok((connection, handle, Box::pin(messages) as Messages))
    };
    namespace.run(open).await?.map_err(Error::system("open", "a netlink socket"))
}

/// A handle for some requests in `namespace`; its connection ends with it.
pub(crate) async fn handle(namespace: &NetNs) -> Result<Handle, Error> {
    let (connection, handle, _) = open(namespace, &[]).await?;
    tokio::spawn(connection);
    Ok(handle)
}

/// All interfaces of the handle's namespace.
pub(crate) async fn interfaces(handle: &Handle) -> Result<Vec<LinkMessage>, rtnetlink::Error> {
    handle.link().get().execute().try_collect().await
}

/// Has the kernel settle the state of an interface now; see [`wiring::look`](crate::wiring::look).
pub(crate) async fn settle(handle: &Handle, interface: u32) -> Result<(), rtnetlink::Error> {
    handle.link().get().match_index(interface).execute().try_collect::<Vec<_>>().await.map(drop)
}

/// The kernel's answer.
pub(crate) fn answer(error: rtnetlink::Error) -> io::Error {
    match error {
        rtnetlink::Error::NetlinkError(message) => message.to_io(),
        other => io::Error::other(other),
    }
}
