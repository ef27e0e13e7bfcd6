//! What an OpenFlow 1.3 switch does with a packet and with a controller's message: the one place
//! that says so. A function of state, packet and time: no input or output, no clock.
//!
//! A [`Switch`] holds tables, groups, meters and ports. A [`Packet`] that came in goes through
//! [`Switch::receive`], a [`Controller`]'s message through [`Switch::handle`], time passes by
//! [`Switch::expire`]. What comes out are [`Effect`]s, given to a [`Sink`]: frames to send,
//! messages for controllers. A sink that wants to explain what happens takes note of each [`Step`].
//!
//! ```
//! # use flowbed_openflow as openflow;
//! use openflow::pipeline::{Config, Effect, Packet, Sink, Switch};
//! use openflow::{FlowMod, Port, PortNo};
//! use std::time::Instant;
//!
//! #[derive(Default)]
//! struct Sent(Vec<(PortNo, Vec<u8>)>);
//!
//! impl Sink for Sent {
//!     fn effect(&mut self, effect: Effect<'_>) {
//!         if let Effect::Output { port, frame, .. } = effect {
//!             self.0.push((port, frame.to_vec()));
//!         }
//!     }
//! }
//!
//! let (now, mut sent) = (Instant::now(), Sent::default());
//! let mut switch = Switch::new(Config::default());
//! for number in [1, 2] {
//!     switch.set_port(Port { number: PortNo(number), ..Port::default() }, now, &mut sent);
//! }
//! let flow: FlowMod = "in_port=1,actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:2".parse()?;
//! switch.flow_mod(flow, now, &mut sent).map_err(|refused| refused.to_string())?;
//!
//! let frame = [&[2; 12][..], &[0x08, 0x06], &[0; 46]].concat();
//! switch.receive(Packet::new(&frame, PortNo(1)), now, &mut sent);
//! let (port, frame) = &sent.0[0];
//! assert_eq!((*port, &frame[12..16]), (PortNo(2), &[0x81, 0x00, 0x00, 0x05][..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where the specification leaves a choice
//! - Of two flows of one priority that both take a packet, any may (OF 1.3.5 §5.3).
//! - A select group takes the bucket that a hash of the packet's addresses, protocol and ports
//!   tells, by weights, of the buckets that are alive.
//! - Tags are pushed immediately behind the Ethernet addresses, also an MPLS entry on a packet with
//!   a VLAN tag (OF 1.3.5 §5.12; Open vSwitch pushes it behind the VLAN tag).
//! - A TTL that counting down makes zero is used up, as one that was zero.
//! - An action whose header the packet has not does nothing (OF 1.3.5 §6.4 leaves it undefined).
//! - `OFPP_NORMAL` is a learning switch for each VLAN (optional, OF 1.3.5 §4.5).
//!
//! # Of Open vSwitch
//! Registers are matched and set. Of its own actions (`ovs-actions(7)`) those that change fields
//! (`load`, `move`, a masked `set_field`, `push`, `pop`, `set_tunnel`, `check_pkt_larger`), look the
//! packet up again (`resubmit`, `clone`, `exit`), send it (`output:FIELD`, `output(max_len=)`,
//! `controller`, `dec_ttl(ids)`), `conjunction` with `conj_id`, and `note`, `pop_queue` and `fin_timeout` are carried out; in action
//! sets and buckets those for which Open vSwitch has an order. Its other fields and actions are refused.
//!
//! # Bounds
//! A packet is good for 65536 actions and 4096 lookups with all its copies, groups chain 32 deep, lookups
//! and groups stand 400 deep in each other, 64 of them in the same or an earlier table, frames grow to
//! [`FRAME_MAX`] bytes.

mod action_set;
mod buffer;
mod check;
mod classifier;
mod conjunction;
mod control;
mod effect;
mod features;
mod flow;
mod flow_mod;
mod group;
mod key;
mod meter;
mod nesting;
mod nicira;
mod normal;
mod packet;
mod port;
mod run;
mod stats;
mod switch;
mod table;

#[cfg(test)]
mod tests;

pub use control::Controller;
pub use effect::{Dropped, Effect, Sink, Step};
pub use flow::Flow;
pub use key::Key;
pub use packet::{ComposeError, Cut, CutKind, FRAME_MAX, HEADROOM, Offload, Packet, compose};
pub use switch::{Config, Switch};
