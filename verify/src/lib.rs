//! What flow rules do to packets: a network as a value, without input, output or a clock.
//!
//! A [`Network`] has switches, each an [`openflow::pipeline::Switch`], hosts and links. A frame that a
//! host sends makes a [`Journey`]: the switches that it comes to, the rules that take it there, what
//! they do to it, and the hosts that get it.
//!
//! ```
//! # use flowbed_verify as verify;
//! use std::time::Instant;
//! use verify::{Host, Kind, Network, Rules};
//!
//! let mut network = Network::new();
//! for (n, name) in (1..).zip(["h1", "h2"]) {
//!     network.add_host(Host::new(name).mac([0, 0, 0, 0, 0, n].into()).ipv4([10, 0, 0, n].into()))?;
//! }
//! network.add_switch("s1", openflow::DatapathId(1))?;
//! let now = Instant::now();
//! network.connect(("h1", 0), ("s1", 1), now)?;
//! network.connect(("h2", 0), ("s1", 2), now)?;
//!
//! let rules = "# the web alone\ntcp,tp_dst=80 actions=output:2\n";
//! let rules = Rules::read(Kind::Flows, rules, "web.flows", &network.ports("s1")?).expect("two rules");
//! network.apply("s1", &rules, now)?;
//!
//! let web = network.packet("tcp,tp_dst=80", "h1", Some("h2"), &[])?;
//! let journey = network.inject("h1", &web, now)?;
//! assert_eq!(journey.deliveries[0].host, "h2");
//! assert_eq!(journey.deliveries[0].frame, web);
//! assert!(journey.to_string().contains("web.flows:2"));
//!
//! let mail = network.packet("tcp,tp_dst=25", "h1", Some("h2"), &[])?;
//! assert!(network.inject("h1", &mail, now)?.deliveries.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Engines
//! What is asked of rules is asked in words that do not say who answers: a frame at a host, and what
//! the others get. A [`Network`] answers for one frame by running the pipeline; a testbed answers with
//! real packets. A symbolic engine, which is not there yet, is to answer for all frames at once over
//! the same [`Network`].

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod explain;
mod journey;
mod json;
mod network;
mod packet;
mod rules;
pub mod scenario;
mod walk;

pub use journey::{Delivery, Happening, Journey, Next, Rule, Told, Visit};
pub use network::{ApplyError, Host, Network, NetworkError, Node, normalised};
pub use packet::PacketError;
pub use rules::{Edit, Kind, Origin, Refused, Rules, RulesError};
