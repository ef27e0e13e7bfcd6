//! Scenarios on a network as a value: no privileges, virtual time.

use std::time::{Duration, Instant};

use openflow::FlowMod;
use thiserror::Error;

use super::engine::{Engine, Observed};
use crate::network::{ApplyError, Network, NetworkError};
use crate::rules::Rules;

/// An [`Engine`] that is a [`Network`], without a controller.
#[derive(Debug)]
pub struct Soft {
    network: Network,
    now: Instant,
}

impl Soft {
    /// Takes a network as it is at `now`.
    pub fn new(network: Network, now: Instant) -> Soft {
        Soft { network, now }
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }
}

/// What a network cannot do.
#[derive(Debug, Error)]
pub enum SoftError {
    /// Names that nobody has.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A change that a switch refuses.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// More time than there is.
    #[error("the time is too long")]
    Time,
}

impl Engine for Soft {
    type Error = SoftError;

    fn send(&mut self, host: &str, frames: &[Vec<u8>]) -> Result<Observed, SoftError> {
        let mut observed = Observed::default();
        for frame in frames {
            let journey = self.network.inject(host, frame, self.now)?;
            observed.deliveries.extend(journey.deliveries.iter().cloned());
            let punts = journey.punts().map(|(switch, packet)| (switch.to_owned(), packet.data.to_vec()));
            observed.punts.extend(punts);
            observed.journeys.push(journey);
        }
        Ok(observed)
    }

    fn set_link(&mut self, a: &str, b: &str, up: bool) -> Result<(), SoftError> {
        self.network.set_link(a, b, up, self.now)?;
        Ok(())
    }

    fn apply(&mut self, switch: &str, rules: &Rules) -> Result<(), SoftError> {
        self.network.apply(switch, rules, self.now)?;
        Ok(())
    }

    fn advance(&mut self, time: Duration) -> Result<(), SoftError> {
        self.now = self.now.checked_add(time).ok_or(SoftError::Time)?;
        self.network.advance(self.now);
        Ok(())
    }

    fn flows(&mut self, switch: &str) -> Result<Vec<FlowMod>, SoftError> {
        Ok(self.network.flows(switch, self.now)?)
    }
}
