//! Holds a switch to what is desired.

use std::time::Duration;

use openflow::session::RequestError;
use openflow::{FlowStatsRequest, MeterId};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::Instant;

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

/// Why a switch is held to what is desired just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// What is desired has changed.
    Wish,
    /// It was time to look for what somebody has changed.
    Look,
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

    /// Holds the switch to what is desired until its connection ends: now, when what is desired changes, and again
    /// after each `every`, to find what somebody else has changed. A change is made by what differs from what was desired
    /// before; only the other rounds ask the switch what it has. `report` is told of every round: what was done, which may
    /// be nothing, or why it failed; a failed round is followed by the next all the same.
    ///
    /// It is to run beside the handlers of an app, for instance in a task that [`App::ready`](crate::App::ready) spawns;
    /// [`Keeper`](super::Keeper) is that.
    pub async fn keep(
        &self,
        desired: watch::Receiver<Desired>,
        every: Duration,
        mut report: impl FnMut(Result<Difference, ReconcileError>),
    ) {
        self.hold(None, desired, every, |_, round| report(round)).await;
    }

    /// [`keep`](Self::keep) of a switch that has been held to `held` before.
    pub(super) async fn hold(
        &self,
        mut held: Option<Desired>,
        mut desired: watch::Receiver<Desired>,
        every: Duration,
        mut report: impl FnMut(Occasion, Result<Difference, ReconcileError>),
    ) {
        let mut ended = self.0.ended();
        let mut may_change = true;
        let mut look = Instant::now() + if held.is_some() { every } else { Duration::ZERO };
        loop {
            let occasion = tokio::select! {
                biased;
                _ = ended.wait_for(|ended| *ended) => return,
                changed = desired.changed(), if may_change => {
                    may_change = changed.is_ok();
                    if !may_change {
                        continue;
                    }
                    Occasion::Wish
                }
                () = tokio::time::sleep_until(look) => Occasion::Look,
            };
            let wanted = desired.borrow_and_update().clone();
            let round = match held.take() {
                Some(held) if occasion == Occasion::Wish => self.change(&held, &wanted).await,
                _ => {
                    look = Instant::now() + every;
                    self.reconcile(&wanted).await
                }
            };
            if !self.is_connected() {
                return;
            }
            held = round.is_ok().then_some(wanted);
            report(occasion, round);
        }
    }

    /// Takes the switch from one state to another, both of one owner, without asking what it has.
    async fn change(&self, from: &Desired, to: &Desired) -> Result<Difference, ReconcileError> {
        let difference = Difference::between(&from.installed(), to);
        for step in difference.steps() {
            self.apply(step).await?;
        }
        Ok(difference)
    }
}
