//! Holds a switch to what is desired.

use openflow::session::RequestError;
use openflow::{FlowStatsRequest, MeterId};
use thiserror::Error;

use super::{Desired, Difference, Installed};
use crate::switch::{ApplyError, Switch};

/// Why a switch does not have what is desired.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ReconcileError {
    /// It did not tell what it has.
    #[error("cannot read what the switch has: {0}")]
    Read(#[from] RequestError),
    /// It refused messages, or did not answer in time. Steps behind the one that failed were not begun: what is there
    /// is not deleted before what replaces it stands.
    #[error("cannot change what the switch has: {0}")]
    Change(#[from] ApplyError),
}

impl Switch {
    /// How the switch differs from what is desired, as of now; nothing is changed. It is asked for all its flows, and
    /// for groups and meters where the owner has some.
    pub async fn difference(&self, desired: &Desired) -> Result<Difference, RequestError> {
        let mut installed = Installed::default();
        if desired.owner.groups.is_some() {
            installed.groups = self.group_desc().await?;
        }
        if desired.owner.meters.is_some() {
            installed.meters = self.meter_config(MeterId::ALL).await?;
        }
        // Last: a flow that uses a group is gone with it, so what was read of the groups is not older.
        installed.flows = self.flow_stats(FlowStatsRequest::all()).await?;
        Ok(Difference::between(&installed, desired))
    }

    /// Makes the switch have what is desired, by the smallest difference, and without a moment in which a packet would
    /// find less than before and after; see [`Difference::steps`]. What others own is left alone. Returns what was done,
    /// which is nothing where all was right: this is what to call when a switch is ready, be it new, back, or known to
    /// an earlier run of the controller, and from time to time to find and mend what somebody else has changed.
    pub async fn reconcile(&self, desired: &Desired) -> Result<Difference, ReconcileError> {
        let difference = self.difference(desired).await?;
        for step in difference.steps() {
            self.apply(step).await?;
        }
        Ok(difference)
    }
}
