//! Holds a switch to what an app desires, which may change.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tracing::{debug, warn};

use super::reconcile::Occasion;
use super::{Desired, Difference, ReconcileError};
use crate::switch::Switch;

/// How often a switch is looked at for what somebody has changed.
const LOOK: Duration = Duration::from_secs(30);

/// Holds a switch to what an app desires of it, for as long as the connection stands. What somebody else changes about it
/// is mended, and logged, within half a minute. When this is dropped the switch keeps what it has.
#[derive(Debug)]
pub struct Keeper {
    desired: watch::Sender<Desired>,
    task: AbortHandle,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Keeper {
    /// Makes the switch have what is desired, and goes on to hold it to that.
    ///
    /// # Errors
    /// Where the switch does not have it in the end. Then nothing is held.
    pub async fn start(switch: &Switch, desired: Desired) -> Result<Keeper, ReconcileError> {
        switch.reconcile(&desired).await?;
        let (sender, receiver) = watch::channel(desired.clone());
        let switch = switch.clone();
        let task = tokio::spawn(async move {
            let report = |occasion, round: Result<Difference, ReconcileError>| match round {
                Ok(done) if done.is_empty() => {}
                Ok(done) => {
                    let (flows, groups, meters) = (done.flows.len(), done.groups.len(), done.meters.len());
                    match occasion {
                        Occasion::Wish => debug!(switch = %switch.id(), flows, groups, meters, "changed"),
                        Occasion::Look => {
                            warn!(switch = %switch.id(), flows, groups, meters, "mended what somebody had changed");
                        }
                    }
                }
                Err(error) => {
                    warn!(switch = %switch.id(), %error, "the switch does not have what is desired")
                }
            };
            switch.hold(Some(desired), receiver, LOOK, report).await;
        });
        Ok(Keeper { desired: sender, task: task.abort_handle() })
    }

    /// From now on this is desired, of the same owner. The switch is changed soon, by what differs.
    pub fn want(&self, desired: Desired) {
        self.desired.send_if_modified(|before| {
            let differs = *before != desired;
            if differs {
                *before = desired;
            }
            differs
        });
    }
}
