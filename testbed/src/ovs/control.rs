//! What is asked of `ovs-vswitchd` itself, by its control socket (`ovs-appctl(8)`): JSON-RPC 1.0, one request.

use std::io;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::Instance;
use crate::error::Error;

/// More than any answer that is asked for here.
const MOST_BYTES: u64 = 1 << 20;

#[derive(Deserialize)]
struct Answer {
    error: Value,
}

impl Instance {
    /// Returns when all that is cached agrees with the flows, groups and ports as they are now. Until then packets may go as
    /// they went before a change, though the switch has acknowledged it.
    ///
    /// # Errors
    /// When the daemon does not answer.
    pub async fn wait_revalidated(&self) -> Result<(), Error> {
        let asked = self.ask("revalidator/wait").await;
        asked.map_err(Error::system("ask", "ovs-vswitchd for its revalidators"))
    }

    async fn ask(&self, method: &str) -> io::Result<()> {
        let mut stream = UnixStream::connect(self.control_socket()).await?;
        let request = json!({ "id": 0, "method": method, "params": [] }).to_string();
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        let mut reading = stream.take(MOST_BYTES);
        loop {
            if reading.read_buf(&mut answer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            // The daemon keeps the connection open, so the end is where the object is whole.
            match serde_json::from_slice::<Answer>(&answer) {
                Ok(Answer { error: Value::Null }) => return Ok(()),
                Ok(Answer { error }) => return Err(io::Error::other(error.to_string())),
                Err(error) if error.is_eof() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
