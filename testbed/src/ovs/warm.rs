//! Has `ovs-vswitchd` measure its clock early.
//!
//! The first userspace datapath of a process costs it 100 ms of sleep (it measures the processor's
//! time stamp counter). Asked for before there are bridges, that runs while the testbed makes its
//! hosts and links. The datapath is the one that all its userspace bridges will share.

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// Longest answer that is read, in bytes.
const MAX_ANSWER: usize = 4096;

/// Sends `dpctl/add-dp` (`ovs-vswitchd(8)`, runtime commands) over the control socket, which
/// speaks JSON-RPC, and waits for the answer. A failure costs time later, and nothing else.
pub(super) async fn userspace_datapath(mut control: UnixStream) {
    let request = json!({"method": "dpctl/add-dp", "params": ["netdev@ovs-netdev"], "id": 0}).to_string();
    if let Err(error) = control.write_all(request.as_bytes()).await {
        tracing::debug!(%error, "cannot warm Open vSwitch up");
        return;
    }
    let mut answer = Vec::new();
    // Until a whole JSON value is there, or the other side ends.
    while answer.len() < MAX_ANSWER && serde_json::from_slice::<Json>(&answer).is_err() {
        match control.read_buf(&mut answer).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    tracing::trace!(answer = %String::from_utf8_lossy(&answer), "warmed Open vSwitch up");
}
