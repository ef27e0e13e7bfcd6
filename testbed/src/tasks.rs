//! What runs beside a network for as long as it is up.

use std::sync::{Mutex, PoisonError};

use tokio::task::{AbortHandle, JoinSet};

/// Tasks that end with the network, however it ends.
#[derive(Debug, Default)]
pub(crate) struct Tasks(Mutex<JoinSet<()>>);

impl Tasks {
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).spawn(task)
    }

    /// Ends all of them.
    pub(crate) async fn end(&mut self) {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).shutdown().await;
    }
}
