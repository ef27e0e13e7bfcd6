//! Matches and their fields: OpenFlow's extensible match (OF 1.3.5 §7.2.3).
//!
//! ```
//! # use flowbed_openflow as openflow;
//! use openflow::ids::PortNo;
//! use openflow::oxm::{Masked, Match};
//! use std::net::Ipv4Addr;
//!
//! let web = Match::new()
//!     .in_port(PortNo(1))
//!     .eth_type(0x0800)
//!     .ip_proto(6)
//!     .ipv4_dst(Masked::prefix(Ipv4Addr::new(10, 0, 0, 0), 8))
//!     .tcp_dst(80);
//! web.check_prerequisites()?;
//! assert_eq!(web.to_string(), "tcp,in_port=1,nw_dst=10.0.0.0/8,tp_dst=80");
//! assert!(Match::new().tcp_dst(80).check_prerequisites().is_err());
//! # Ok::<(), openflow::oxm::MatchError>(())
//! ```

mod check;
mod field;
mod masked;
mod matching;
pub(crate) mod registers;
mod spec_names;
mod table;
mod value;

pub use check::MatchError;
pub use field::{CLASS_BASIC, CLASS_EXPERIMENTER, OxmBytes, OxmTooLong};
pub use masked::{IpValue, Masked};
pub use matching::{Fields, Match};
pub use table::{Access, FieldId, Maskable, OxmField, OxmKey, Prerequisite};
pub use value::{Bits128, Isid, OxmValue, VlanVid};

pub(crate) use check::{CONNECTION_PORTS, LATER, NOT_LATER, describe, is_of_connection};
pub(crate) use field::RawField;
pub(crate) use table::Syntax;
