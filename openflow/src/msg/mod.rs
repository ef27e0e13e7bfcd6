//! The bodies of the messages, one file a subject.

pub mod async_config;
pub mod config;
pub(crate) mod error;
pub mod experimenter;
pub mod features;
pub mod fixed_str;
pub mod flow_mod;
pub mod flow_removed;
pub mod group_mod;
pub mod hello;
pub mod meter_mod;
pub mod packet_in;
pub mod packet_out;
pub mod port;
pub mod queue;
pub mod role;
pub mod table_mod;
