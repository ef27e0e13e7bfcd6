//! The words that stand for actions and instructions: a row each, with what reads the argument.

use std::sync::LazyLock;

use super::action::*;
use super::error::Fault;
use super::instruction::{Reader, Stage, clear_actions, goto_table, meter, write_actions, write_metadata};
use super::lexer::Pair;
use super::list::{IfUntagged, List};
use super::names::Names;
use super::nicira;
use super::set_field::{experimenter, set_field, unknown};
use crate::action::Action;
use crate::nicira::NxAction;
use crate::oxm::OxmField;

/// What reads the argument of a word; the word stands first, for errors.
pub(super) type ReadAction = for<'t> fn(&mut List<'_, '_>, Pair<'t>) -> Result<(), Fault<'t>>;
/// What reads the argument of a word that is an instruction.
pub(super) type ReadInstruction = for<'t> fn(&mut Reader<'_, '_>, Pair<'t>) -> Result<(), Fault<'t>>;

/// What a word stands for.
#[derive(Clone, Copy)]
pub(super) enum Word {
    Action(ReadAction),
    Instruction(Stage, ReadInstruction),
    Drop,
    ApplyActions,
}

/// Every word; case is of no matter.
pub(super) const WORDS: &[(&str, Word)] = &[
    ("apply_actions", Word::ApplyActions),
    ("check_pkt_larger", Word::Action(nicira::check_pkt_larger)),
    ("clear_actions", Word::Instruction(Stage::Clear, clear_actions)),
    ("clone", Word::Action(nicira::clone)),
    ("conjunction", Word::Action(nicira::conjunction)),
    ("controller", Word::Action(controller)),
    ("copy_ttl_in", Word::Action(|list, _| list.push(Action::CopyTtlIn))),
    ("copy_ttl_out", Word::Action(|list, _| list.push(Action::CopyTtlOut))),
    ("ct", Word::Action(nicira::ct)),
    ("ct_clear", Word::Action(|list, _| list.push(NxAction::CtClear.into()))),
    ("dec_mpls_ttl", Word::Action(dec_mpls_ttl)),
    ("dec_ttl", Word::Action(dec_ttl)),
    ("drop", Word::Drop),
    ("enqueue", Word::Action(enqueue)),
    ("exit", Word::Action(|list, _| list.push(NxAction::Exit.into()))),
    ("experimenter", Word::Action(experimenter)),
    ("fin_timeout", Word::Action(nicira::fin_timeout)),
    ("goto_table", Word::Instruction(Stage::Goto, goto_table)),
    ("group", Word::Action(group)),
    ("learn", Word::Action(nicira::learn)),
    ("load", Word::Action(nicira::load_bits)),
    ("meter", Word::Instruction(Stage::Meter, meter)),
    ("mod_dl_dst", Word::Action(|list, pair| list.set_mac(pair, OxmField::EthDst))),
    ("mod_dl_src", Word::Action(|list, pair| list.set_mac(pair, OxmField::EthSrc))),
    ("mod_nw_dst", Word::Action(|list, pair| list.set_ipv4(pair, OxmField::Ipv4Dst))),
    ("mod_nw_ecn", Word::Action(mod_nw_ecn)),
    ("mod_nw_src", Word::Action(|list, pair| list.set_ipv4(pair, OxmField::Ipv4Src))),
    ("mod_nw_tos", Word::Action(mod_nw_tos)),
    ("mod_nw_ttl", Word::Action(mod_nw_ttl)),
    ("mod_tp_dst", Word::Action(|list, pair| list.set_port(pair, &L4_DST))),
    ("mod_tp_src", Word::Action(|list, pair| list.set_port(pair, &L4_SRC))),
    ("mod_vlan_pcp", Word::Action(|list, pair| list.set_vlan_pcp(pair, IfUntagged::Push))),
    ("mod_vlan_vid", Word::Action(|list, pair| list.set_vlan_vid(pair, IfUntagged::Push))),
    ("move", Word::Action(nicira::move_bits)),
    ("nat", Word::Action(nicira::nat)),
    ("note", Word::Action(nicira::note)),
    ("output", Word::Action(output)),
    ("pop", Word::Action(nicira::pop)),
    ("pop_mpls", Word::Action(pop_mpls)),
    ("pop_pbb", Word::Action(|list, _| list.push(Action::PopPbb))),
    ("pop_queue", Word::Action(|list, _| list.push(NxAction::PopQueue.into()))),
    ("pop_vlan", Word::Action(pop_vlan)),
    ("push", Word::Action(nicira::push)),
    ("push_mpls", Word::Action(push_mpls)),
    ("push_pbb", Word::Action(push_pbb)),
    ("push_vlan", Word::Action(push_vlan)),
    ("resubmit", Word::Action(nicira::resubmit)),
    ("set_field", Word::Action(set_field)),
    ("set_mpls_label", Word::Action(set_mpls_label)),
    ("set_mpls_tc", Word::Action(set_mpls_tc)),
    ("set_mpls_ttl", Word::Action(set_mpls_ttl)),
    ("set_nw_ttl", Word::Action(mod_nw_ttl)),
    ("set_queue", Word::Action(set_queue)),
    ("set_tunnel", Word::Action(set_tunnel)),
    ("set_tunnel64", Word::Action(set_tunnel)),
    ("set_vlan_pcp", Word::Action(|list, pair| list.set_vlan_pcp(pair, IfUntagged::Refuse))),
    ("set_vlan_vid", Word::Action(|list, pair| list.set_vlan_vid(pair, IfUntagged::Refuse))),
    ("strip_vlan", Word::Action(pop_vlan)),
    ("unknown", Word::Action(unknown)),
    ("write_actions", Word::Instruction(Stage::Write, write_actions)),
    ("write_metadata", Word::Instruction(Stage::Metadata, write_metadata)),
];

pub(super) static BY_NAME: LazyLock<Names<Word>> = LazyLock::new(|| Names::new(WORDS.iter().copied()));

pub(super) fn word(name: &str) -> Option<Word> {
    BY_NAME.get_in_any_case(name)
}

/// Words that a mistaken one may have been meant to be.
pub(super) fn known_words() -> impl Iterator<Item = &'static str> {
    BY_NAME.all().chain(["ALL", "FLOOD", "IN_PORT", "LOCAL", "NORMAL", "TABLE"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_case() {
        assert_eq!(BY_NAME.all().count(), WORDS.len());
        assert!(word("OUTPUT").is_some() && word("Set_Field").is_some() && word("otput").is_none());
    }
}
