//! Lists of actions, and what the actions of a list have in common.

use std::net::Ipv4Addr;

use super::action::{L4Port, is_mpls};
use super::error::Fault;
use super::lexer::{Pair, Pairs};
use super::number;
use super::packet::{Packet, Surroundings};
use super::words::{ReadAction, Word, known_words, word};
use super::{Reading, Strictness};
use crate::action::{Action, Actions};
use crate::ids::{MacAddr, PortNo};
use crate::nicira::MOST_NESTED;
use crate::oxm::{Masked, OxmField, VlanVid};

/// The Ethernet type of the tag that is pushed where none is asked for.
const USUAL_TAG: u16 = 0x8100;

/// A list of actions that is being read.
pub(super) struct List<'r, 'p> {
    pub(super) reading: &'r Reading<'p>,
    pub(super) around: Surroundings,
    pub(super) actions: Actions,
    /// Words that were actions, whether or not they made any.
    pub(super) words: usize,
    /// Whether these are the actions of a `ct`.
    pub(super) of_connection: bool,
    /// In how many lists it stands, one in the other.
    depth: u8,
}

/// Why a field is refused outside the actions of a `ct`.
pub(super) const CONNECTION_FIELD: &str = "only ct sets it; write ct(commit,exec(...))";

impl<'r, 'p> List<'r, 'p> {
    pub(super) fn new(reading: &'r Reading<'p>, around: Surroundings) -> Self {
        List { reading, around, actions: Actions::new(), words: 0, of_connection: false, depth: 0 }
    }

    /// Actions that stand in one of these.
    pub(super) fn nested<'t>(&self, pair: Pair<'t>) -> Result<Actions, Fault<'t>> {
        self.inner(pair, self.of_connection)
    }

    /// Actions of a `ct`.
    pub(super) fn nested_of_connection<'t>(&self, pair: Pair<'t>) -> Result<Actions, Fault<'t>> {
        self.inner(pair, true)
    }

    fn inner<'t>(&self, pair: Pair<'t>, of_connection: bool) -> Result<Actions, Fault<'t>> {
        if self.depth >= MOST_NESTED {
            let reason = format!("more than {MOST_NESTED} actions one in the other");
            return Err(Fault::refused(pair.key, reason));
        }
        let inner = List::new(self.reading, self.around.clone());
        List { of_connection, depth: self.depth + 1, ..inner }.read(Pairs::of(pair.value))
    }

    /// Reads all of it, where no instructions may stand.
    fn read<'t>(mut self, pairs: impl IntoIterator<Item = Pair<'t>>) -> Result<Actions, Fault<'t>> {
        let mut drop = None;
        for pair in pairs {
            match word(pair.key) {
                Some(Word::Drop) => drop = drop.or(Some(pair.key)),
                Some(Word::ApplyActions | Word::Instruction(..)) => {
                    return Err(Fault::refused(pair.key, "an instruction; only actions can stand here"));
                }
                Some(Word::Action(read)) => self.one(Some(read), pair)?,
                None => self.one(None, pair)?,
            }
        }
        match drop {
            Some(at) if self.words > 0 => Err(not_alone(at)),
            _ => Ok(self.actions),
        }
    }

    pub(super) fn push<'t>(&mut self, action: Action) -> Result<(), Fault<'t>> {
        self.actions.push(action);
        Ok(())
    }

    /// Reads one action, named by a word of the table or by a port.
    pub(super) fn one<'t>(&mut self, read: Option<ReadAction>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
        self.words += 1;
        match read {
            Some(read) => read(self, pair),
            None => {
                let Some(port) = self.reading.port(pair.key) else {
                    return Err(Fault::unknown("action", pair.key, known_words()));
                };
                self.check_output(port, pair.key)?;
                self.push(Action::Output { port, max_len: 0 })
            }
        }
    }

    /// Refuses an action that can't be carried out on packets that are not known to be of a kind.
    pub(super) fn require<'t>(
        &mut self,
        at: &'t str,
        needs: &str,
        has: impl Fn(&Packet) -> bool,
    ) -> Result<(), Fault<'t>> {
        match &self.around {
            Surroundings::Flow(packet) if !has(packet) => Err(Fault::refused(
                at,
                format!("the flow must match {needs}, or packets would come that this can't be done to"),
            )),
            _ => Ok(()),
        }
    }

    pub(super) fn require_ip<'t>(&mut self, at: &'t str) -> Result<(), Fault<'t>> {
        self.require(at, "ip or ipv6", |packet| matches!(packet.eth_type, 0x0800 | 0x86dd))
    }

    pub(super) fn require_mpls<'t>(&mut self, at: &'t str) -> Result<(), Fault<'t>> {
        self.require(at, "mpls or mplsm", |packet| is_mpls(packet.eth_type))
    }

    pub(super) fn require_tag<'t>(&mut self, at: &'t str) -> Result<(), Fault<'t>> {
        self.require(at, "a VLAN (or push_vlan come first)", |packet| packet.tags[0])
    }

    /// Whether a port can be sent to.
    pub(super) fn check_output<'t>(&self, port: PortNo, at: &'t str) -> Result<(), Fault<'t>> {
        let known = port.reserved_name().is_some() && port != PortNo::ANY;
        let unchecked = matches!(self.around, Surroundings::Nothing)
            && self.reading.strictness == Strictness::OpenVswitch;
        if known || port < PortNo(0xff00) || unchecked {
            return Ok(());
        }
        Err(Fault::refused(at, "no packet can be sent there; name a port below 65280 or LOCAL, IN_PORT, ..."))
    }

    pub(super) fn set_mac<'t>(
        &mut self,
        pair: Pair<'t>,
        field: impl Fn(Masked<MacAddr>) -> OxmField,
    ) -> Result<(), Fault<'t>> {
        let mac = number::mac(pair.key, pair.value, self.reading.strictness)?;
        self.push(Action::SetField(field(mac.into())))
    }

    pub(super) fn set_ipv4<'t>(
        &mut self,
        pair: Pair<'t>,
        field: impl Fn(Masked<Ipv4Addr>) -> OxmField,
    ) -> Result<(), Fault<'t>> {
        let address = number::ipv4(pair.key, pair.value)?;
        self.require(pair.key, "ip", |packet| packet.eth_type == 0x0800)?;
        self.push(Action::SetField(field(address.into())))
    }

    pub(super) fn set_port<'t>(&mut self, pair: Pair<'t>, field: &L4Port) -> Result<(), Fault<'t>> {
        let port = number::small(pair.key, pair.value, 65535)?;
        let strict = self.reading.strictness == Strictness::Strict;
        let proto = self.around.packet().map_or(0, |packet| packet.ip_proto);
        let set: Option<fn(u16) -> OxmField> = match proto {
            6 => Some(field.tcp),
            17 => Some(field.udp),
            132 => Some(field.sctp),
            _ => None,
        };
        self.require(pair.key, "tcp, udp or sctp", |packet| {
            matches!(packet.eth_type, 0x0800 | 0x86dd) && set.is_some() && !packet.later_fragment
        })?;
        match set {
            Some(set) => self.push(Action::SetField(set(port))),
            None if strict => Err(Fault::refused(
                pair.key,
                "OpenFlow 1.3 must be told the protocol; write set_field:PORT->tcp_dst or the like",
            )),
            // What OpenFlow 1.1 had, and Open vSwitch's switch still takes.
            None => {
                let [high, low] = port.to_be_bytes();
                let body = vec![high, low, 0, 0].into();
                self.push(Action::Unknown { kind: field.of_1_1, body })
            }
        }
    }

    /// Makes sure that there is a tag to set something of.
    pub(super) fn tag<'t>(&mut self, at: &'t str, if_untagged: IfUntagged) -> Result<(), Fault<'t>> {
        if let IfUntagged::Refuse = if_untagged {
            self.require_tag(at)?;
        }
        let tagged = self.around.packet().is_some_and(|packet| std::mem::replace(&mut packet.tags[0], true));
        match if_untagged {
            IfUntagged::Push if !tagged => self.push(Action::PushVlan(USUAL_TAG)),
            _ => Ok(()),
        }
    }

    pub(super) fn set_vlan_vid<'t>(
        &mut self,
        pair: Pair<'t>,
        if_untagged: IfUntagged,
    ) -> Result<(), Fault<'t>> {
        let vid = number::small(pair.key, pair.value, 0xfff)?;
        self.tag(pair.key, if_untagged)?;
        self.push(Action::SetField(OxmField::VlanVid(VlanVid::tagged(vid).into())))
    }

    pub(super) fn set_vlan_pcp<'t>(
        &mut self,
        pair: Pair<'t>,
        if_untagged: IfUntagged,
    ) -> Result<(), Fault<'t>> {
        let pcp = number::small(pair.key, pair.value, 7)?;
        self.tag(pair.key, if_untagged)?;
        self.push(Action::SetField(OxmField::VlanPcp(pcp)))
    }
}

/// What `mod_vlan_*` and `set_vlan_*` do to a packet without a tag.
#[derive(Clone, Copy)]
pub(super) enum IfUntagged {
    Push,
    Refuse,
}

pub(super) fn not_alone(at: &str) -> Fault<'_> {
    Fault::refused(at, "drop stands alone, or nothing would be dropped; leave it or the rest out")
}

impl<'p> Reading<'p> {
    /// Actions where no instructions may stand.
    pub(super) fn action_list<'t>(
        &self,
        pairs: impl IntoIterator<Item = Pair<'t>>,
        around: Surroundings,
    ) -> Result<Actions, Fault<'t>> {
        List::new(self, around).read(pairs)
    }
}
