//! Messages as JSON: one object a message, in a form that stays as it is.
//!
//! [`Json`] is what any serializer of serde takes. The form is described, with an example of every
//! group of messages, in `docs/json.md`:
//!
//! - `"type"` is the message's, `"xid"` its transaction id; the other names are the members of
//!   OF 1.3.5 §7 in snake case;
//! - enumerations are names in lower case, numbers where OpenFlow 1.3 has no name; flags are arrays
//!   of names, with the bits that have none as one number at the end;
//! - addresses are text, bytes hex digits, a datapath id 16 hex digits;
//! - **64-bit numbers are text**, always: counters and generation ids in decimal, cookies and
//!   metadata in hex. A JavaScript number holds 53 bits, and a value that is now a number and then
//!   text would be worse than either.
//!
//! ```
//! # use flowbed_openflow as openflow;
//! use openflow::action::Action;
//! use openflow::json::Json;
//! use openflow::{Body, FlowMod, Match, Message, PortNo, Xid};
//!
//! let flow = FlowMod::add().matching(Match::new().in_port(PortNo(1))).apply([Action::output(PortNo(2))]);
//! let message = Message { xid: Xid(7), body: Body::from(flow) };
//! let value = serde_json::to_value(Json(&message))?;
//! assert_eq!(value["type"], "flow_mod");
//! assert_eq!(value["match"]["in_port"], 1);
//! assert_eq!(value["instructions"][0]["actions"][0]["port"], 2);
//! # Ok::<(), serde_json::Error>(())
//! ```

mod action;
mod extension;
mod flow;
mod group;
mod matching;
mod message;
mod multipart;
mod names;
mod nicira;
mod port;
mod scalar;
mod table_features;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::Message;

/// A message as serde serializes it.
#[derive(Clone, Copy, Debug)]
pub struct Json<'a>(pub &'a Message);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Object(self.0).serialize(serializer)
    }
}

/// What is an object: it adds its members.
trait Members {
    fn add<M: SerializeMap>(&self, to: &mut M) -> Result<(), M::Error>;
}

/// Something with members, by itself.
struct Object<'a, T>(&'a T);

impl<T: Members> Serialize for Object<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.0.add(&mut map)?;
        map.end()
    }
}

/// An array of such.
struct List<'a, T>(&'a [T]);

impl<T: Members> Serialize for List<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.0.len()))?;
        self.0.iter().try_for_each(|one| sequence.serialize_element(&Object(one)))?;
        sequence.end()
    }
}

/// The members of a type: `object!(Port as port { "port_no": ... })`.
macro_rules! object {
    ($($type:ty as $it:ident { $($key:literal: $value:expr),* $(,)? })*) => {$(
        impl $crate::json::Members for $type {
            fn add<M: serde::ser::SerializeMap>(&self, to: &mut M) -> Result<(), M::Error> {
                let $it = self;
                $(to.serialize_entry($key, &$value)?;)*
                Ok(())
            }
        }
    )*};
}
use object;
