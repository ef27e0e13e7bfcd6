//! Who carries a scenario out.

use std::time::Duration;

use openflow::FlowMod;

use crate::journey::{Delivery, Journey};
use crate::rules::Rules;

/// A network in which a scenario takes place. All of them are to give the same verdicts.
///
/// A call returns when what it causes is over: after [`send`](Engine::send) no frame is under way.
pub trait Engine {
    /// Why the network cannot do what is asked; not a verdict.
    type Error: std::fmt::Display;

    /// Has a host send frames, one behind the other: who gets what, and what controllers get.
    ///
    /// # Errors
    /// What the network fails with.
    fn send(&mut self, host: &str, frames: &[Vec<u8>]) -> Result<Observed, Self::Error>;

    /// Takes the links between two nodes up or down.
    ///
    /// # Errors
    /// What the network fails with.
    fn set_link(&mut self, a: &str, b: &str, up: bool) -> Result<(), Self::Error>;

    /// Changes what a switch has, in order.
    ///
    /// # Errors
    /// What the switch refuses.
    fn apply(&mut self, switch: &str, rules: &Rules) -> Result<(), Self::Error>;

    /// Lets time pass.
    ///
    /// # Errors
    /// What the network fails with.
    fn advance(&mut self, time: Duration) -> Result<(), Self::Error>;

    /// The flows of a switch, [`normalised`](crate::normalised).
    ///
    /// # Errors
    /// What the network fails with.
    fn flows(&mut self, switch: &str) -> Result<Vec<FlowMod>, Self::Error>;
}

/// What became of frames that a host sent.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// What hosts got.
    pub deliveries: Vec<Delivery>,
    /// What controllers got: the switch, and the packet.
    pub punts: Vec<(String, Vec<u8>)>,
    /// The way of each frame, where the engine knows it.
    pub journeys: Vec<Journey>,
}
