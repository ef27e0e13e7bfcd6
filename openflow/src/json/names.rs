//! The names of enumerations: the specification's, in lower case, without their prefix.

use super::scalar::Symbol;
use crate::extension::{BundleStep, FlowUpdateEvent, PacketInFormat};
use crate::msg::config::Fragments;
use crate::msg::flow_mod::FlowModCommand;
use crate::msg::flow_removed::FlowRemovedReason;
use crate::msg::group_mod::{GroupKind, GroupModCommand};
use crate::msg::meter_mod::MeterModCommand;
use crate::msg::packet_in::PacketInReason;
use crate::msg::port::PortStatusReason;
use crate::msg::role::RoleKind;

macro_rules! names {
    ($($type:ident { $($variant:ident $name:literal),* })*) => {$(
        impl From<$type> for Symbol {
            fn from(value: $type) -> Symbol {
                match value {
                    $($type::$variant => Symbol::Name($name),)*
                    $type::Unknown(number) => Symbol::Number(number.into()),
                }
            }
        }
    )*};
}

names! {
    BundleStep {
        OpenRequest "open_request", OpenReply "open_reply", CloseRequest "close_request", CloseReply "close_reply",
        CommitRequest "commit_request", CommitReply "commit_reply", DiscardRequest "discard_request",
        DiscardReply "discard_reply"
    }
    FlowUpdateEvent { Added "added", Deleted "deleted", Modified "modified" }
    Fragments { Normal "normal", Drop "drop", Reassemble "reasm" }
    FlowModCommand {
        Add "add", Modify "modify", ModifyStrict "modify_strict", Delete "delete", DeleteStrict "delete_strict"
    }
    FlowRemovedReason {
        IdleTimeout "idle_timeout", HardTimeout "hard_timeout", Delete "delete", GroupDelete "group_delete"
    }
    GroupKind { All "all", Select "select", Indirect "indirect", FastFailover "ff" }
    GroupModCommand { Add "add", Modify "modify", Delete "delete" }
    MeterModCommand { Add "add", Modify "modify", Delete "delete" }
    PacketInFormat { Standard "standard", Nxt "nxt_packet_in", Nxt2 "nxt_packet_in2" }
    PacketInReason { NoMatch "no_match", Action "action", InvalidTtl "invalid_ttl" }
    PortStatusReason { Add "add", Delete "delete", Modify "modify" }
    RoleKind { NoChange "nochange", Equal "equal", Master "master", Slave "slave" }
}

/// Types of errors (OF 1.3.5 §7.4.4), by number.
pub(super) const ERROR_TYPES: [&str; 14] = [
    "hello_failed",
    "bad_request",
    "bad_action",
    "bad_instruction",
    "bad_match",
    "flow_mod_failed",
    "group_mod_failed",
    "port_mod_failed",
    "table_mod_failed",
    "queue_op_failed",
    "switch_config_failed",
    "role_request_failed",
    "meter_mod_failed",
    "table_features_failed",
];

/// Types of actions (OF 1.3.5 §7.2.5).
pub(super) const ACTIONS: &[(u32, &str)] = &[
    (0, "output"),
    (11, "copy_ttl_out"),
    (12, "copy_ttl_in"),
    (15, "set_mpls_ttl"),
    (16, "dec_mpls_ttl"),
    (17, "push_vlan"),
    (18, "pop_vlan"),
    (19, "push_mpls"),
    (20, "pop_mpls"),
    (21, "set_queue"),
    (22, "group"),
    (23, "set_nw_ttl"),
    (24, "dec_nw_ttl"),
    (25, "set_field"),
    (26, "push_pbb"),
    (27, "pop_pbb"),
];

/// Types of instructions (OF 1.3.5 §7.2.4).
pub(super) const INSTRUCTIONS: &[(u32, &str)] = &[
    (1, "goto_table"),
    (2, "write_metadata"),
    (3, "write_actions"),
    (4, "apply_actions"),
    (5, "clear_actions"),
    (6, "meter"),
];

/// Kinds of groups, one bit each.
pub(super) const GROUP_KINDS: &[(u32, &str)] = &[(0, "all"), (1, "select"), (2, "indirect"), (3, "ff")];

/// Types of meter bands, one bit each.
pub(super) const BANDS: &[(u32, &str)] = &[(1, "drop"), (2, "dscp_remark")];

/// The name of a number in a list, where it has one; experimenters' are 0xffff everywhere.
pub(super) fn named(number: u16, names: &[(u32, &'static str)]) -> Symbol {
    let number = u32::from(number);
    match names.iter().find(|(known, _)| *known == number) {
        Some((_, name)) => Symbol::Name(name),
        None if number == 0xffff => Symbol::Name("experimenter"),
        None => Symbol::Number(number),
    }
}
