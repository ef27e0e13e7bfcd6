//! Flows and changes of flows.

use std::sync::LazyLock;

use super::draft::Draft;
use super::error::Fault;
use super::field::{self, TextField};
use super::lexer::{Pair, Pairs};
use super::names::Names;
use super::number;
use super::packet::{Packet, Surroundings};
use super::set_field::{raw_field, raw_name};
use super::{Reading, Strictness};
use crate::ids::{GroupId, TableId};
use crate::instruction::Instructions;
use crate::msg::flow_mod::{DEFAULT_PRIORITY, FlowMod, FlowModCommand, FlowModFlags};
use crate::msg::flow_removed::Age;
use crate::multipart::FlowStats;
use crate::oxm::{Match, OxmField};

/// Words for an Ethernet type, and a protocol above it.
const PROTOCOLS: [(&str, u16, Option<u8>); 17] = [
    ("ip", 0x0800, None),
    ("tcp", 0x0800, Some(6)),
    ("udp", 0x0800, Some(17)),
    ("arp", 0x0806, None),
    ("icmp", 0x0800, Some(1)),
    ("ipv6", 0x86dd, None),
    ("tcp6", 0x86dd, Some(6)),
    ("udp6", 0x86dd, Some(17)),
    ("icmp6", 0x86dd, Some(58)),
    ("ip6", 0x86dd, None),
    ("ipv4", 0x0800, None),
    ("ip4", 0x0800, None),
    ("sctp", 0x0800, Some(132)),
    ("sctp6", 0x86dd, Some(132)),
    ("rarp", 0x8035, None),
    ("mpls", 0x8847, None),
    ("mplsm", 0x8848, None),
];

/// Words for flags, where there can be flags.
const FLAGS: [(&str, FlowModFlags); 5] = [
    ("send_flow_rem", FlowModFlags::SEND_FLOW_REM),
    ("check_overlap", FlowModFlags::CHECK_OVERLAP),
    ("reset_counts", FlowModFlags::RESET_COUNTS),
    ("no_packet_counts", FlowModFlags::NO_PKT_COUNTS),
    ("no_byte_counts", FlowModFlags::NO_BYT_COUNTS),
];

/// Words that Open vSwitch reads and that change nothing here.
const IGNORED: [&str; 2] = ["no_readonly_table", "allow_hidden_fields"];

/// Words with a value that are no fields.
const KEYWORDS: [&str; 14] = [
    "actions",
    "table",
    "out_port",
    "out_group",
    "priority",
    "idle_timeout",
    "hard_timeout",
    "importance",
    "cookie",
    "duration",
    "n_packets",
    "n_bytes",
    "idle_age",
    "hard_age",
];

/// A word in front of the actions.
#[derive(Clone, Copy)]
enum Word {
    Protocol(u16, Option<u8>),
    Field(TextField),
    Flag(FlowModFlags),
    Ethernet,
    Ignored,
    /// A field by its numbers.
    Raw,
    Keyword,
}

/// Every word in front of the actions.
static WORDS: LazyLock<Names<Word>> = LazyLock::new(|| {
    let protocols =
        PROTOCOLS.iter().map(|(name, eth_type, proto)| (*name, Word::Protocol(*eth_type, *proto)));
    let fields = field::named().map(|(name, field)| (name, Word::Field(field)));
    let flags = FLAGS.iter().map(|(name, flag)| (*name, Word::Flag(*flag)));
    let others = [("eth", Word::Ethernet), ("oxm", Word::Raw)];
    let ignored = IGNORED.map(|name| (name, Word::Ignored));
    let keywords = KEYWORDS.map(|name| (name, Word::Keyword));
    Names::new(protocols.chain(fields).chain(flags).chain(others).chain(ignored).chain(keywords))
});

/// Which words a text may have besides its match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The match alone.
    Match,
    /// A change of flows.
    Change(FlowModCommand),
    /// A flow as `dump-flows` prints it.
    Stats,
}

impl Kind {
    /// Whether the command adds or changes flows, and so has actions, timeouts and flags.
    fn writes(self) -> bool {
        use FlowModCommand::{Add, Modify, ModifyStrict};
        matches!(self, Kind::Stats | Kind::Change(Add | Modify | ModifyStrict))
    }

    fn has_priority(self) -> bool {
        self.writes() || matches!(self, Kind::Change(FlowModCommand::DeleteStrict))
    }

    fn deletes(self) -> bool {
        matches!(self, Kind::Change(FlowModCommand::Delete | FlowModCommand::DeleteStrict))
    }
}

/// All that a text says before its actions.
struct Head<'t> {
    flow: FlowMod,
    table: Option<TableId>,
    draft: Draft<'t>,
    /// Fields that have no name.
    raw: Vec<OxmField>,
    age: Age,
    packets: u64,
    bytes: u64,
}

impl<'p> Reading<'p> {
    /// A match.
    pub(super) fn match_text<'t>(&self, text: &'t str) -> Result<Match, Fault<'t>> {
        self.head(Kind::Match, text)?.matched(self.strictness)
    }

    /// A change of flows.
    pub(super) fn flow_text<'t>(&self, text: &'t str, command: FlowModCommand) -> Result<FlowMod, Fault<'t>> {
        let kind = Kind::Change(command);
        let (mut head, instructions) = self.flow_parts(kind, text)?;
        head.flow.match_ = head.matched(self.strictness)?;
        head.flow.instructions = instructions;
        // Open vSwitch tells OpenFlow 1.3 no table by 0, but in deletions, where it is all of them.
        let unsaid = if kind.deletes() { TableId::ALL } else { TableId(0) };
        head.flow.table = match head.table {
            Some(TableId::ALL) | None => unsaid,
            Some(table) => table,
        };
        Ok(head.flow)
    }

    /// A flow as `dump-flows` prints it.
    pub(super) fn stats_text<'t>(&self, text: &'t str) -> Result<FlowStats, Fault<'t>> {
        let (head, instructions) = self.flow_parts(Kind::Stats, text)?;
        Ok(FlowStats {
            table: head.table.unwrap_or_default(),
            age: head.age,
            priority: head.flow.priority,
            idle_timeout: head.flow.idle_timeout,
            hard_timeout: head.flow.hard_timeout,
            flags: head.flow.flags,
            cookie: head.flow.cookie,
            packet_count: head.packets,
            byte_count: head.bytes,
            match_: head.matched(self.strictness)?,
            instructions,
        })
    }

    fn flow_parts<'t>(&self, kind: Kind, text: &'t str) -> Result<(Head<'t>, Instructions), Fault<'t>> {
        if !kind.writes() {
            return Ok((self.head(kind, text)?, Instructions::new()));
        }
        let end = &text[text.len()..];
        let (head, behind) =
            text.find("action").map(|at| text.split_at(at)).ok_or_else(|| Fault::missing("actions=", end))?;
        let actions = behind
            .split_once('=')
            .map(|(_, actions)| actions)
            .ok_or_else(|| Fault::missing("= behind actions", end))?;
        let head = self.head(kind, head)?;
        let around = match kind {
            // A switch has it, so it is sound.
            Kind::Stats => Surroundings::Nothing,
            _ => Surroundings::Flow(Packet::of(&head.draft)),
        };
        let instructions = self.instruction_list(actions, around, head.table)?;
        Ok((head, instructions))
    }

    fn head<'t>(&self, kind: Kind, text: &'t str) -> Result<Head<'t>, Fault<'t>> {
        let mut head = Head {
            flow: FlowMod {
                command: match kind {
                    Kind::Change(command) => command,
                    _ => FlowModCommand::Add,
                },
                priority: DEFAULT_PRIORITY,
                ..FlowMod::add()
            },
            table: None,
            draft: Draft::default(),
            raw: Vec::new(),
            age: Age::default(),
            packets: 0,
            bytes: 0,
        };
        let mut pairs = Pairs::of(text);
        while let Some(pair) = pairs.next() {
            let Pair { key, value } = pair;
            match WORDS.get(key) {
                Some(Word::Protocol(eth_type, proto)) => {
                    head.draft.protocol(key, eth_type, proto, self.strictness)?;
                }
                Some(Word::Field(field)) => self.field(&mut head.draft, field, pair)?,
                Some(Word::Ethernet) => head.draft.ethernet(),
                Some(Word::Flag(flag)) if kind.writes() => head.flow.flags |= flag,
                Some(Word::Ignored) => {}
                Some(Word::Raw) => head.raw.push(raw_match(pair, pairs.next())?),
                Some(Word::Keyword) if value.is_empty() && kind != Kind::Match => {
                    return Err(Fault::missing(format!("the value of {key}"), value));
                }
                Some(Word::Keyword) if self.keyword(kind, &mut head, pair)? => {}
                _ => return Err(Fault::unknown("field", key, WORDS.all())),
            }
        }
        Ok(head)
    }

    /// A field of the match; without a value it is masked out.
    fn field<'t>(&self, draft: &mut Draft<'t>, field: TextField, pair: Pair<'t>) -> Result<(), Fault<'t>> {
        let Pair { key, value } = pair;
        let text = if value.is_empty() { "0/0" } else { value };
        // What stands for no value has no place in the text.
        let bits = self.field_value(field, key, text).map_err(|fault| match value {
            "" => Fault::missing(format!("the value of {key}"), value),
            _ => fault,
        })?;
        draft.field(field, key, bits, value, self.strictness)
    }

    /// A word that is no field; whether it is one of these, here.
    fn keyword<'t>(&self, kind: Kind, head: &mut Head<'t>, pair: Pair<'t>) -> Result<bool, Fault<'t>> {
        let Pair { key, value } = pair;
        let flow = &mut head.flow;
        if kind == Kind::Match {
            return Ok(false);
        }
        match key {
            "table" => head.table = Some(number::table("the table", value)?),
            "cookie" => self.cookie(kind, flow, pair)?,
            "out_port" if kind.deletes() => flow.out_port = self.port_value("out_port", value)?,
            "out_group" if kind.deletes() => flow.out_group = self.out_group(value)?,
            "priority" if kind.has_priority() => flow.priority = number::small("the priority", value, 65535)?,
            "idle_timeout" if kind.writes() => {
                flow.idle_timeout = number::small("the idle timeout", value, 65535)?;
            }
            "hard_timeout" if kind.writes() => {
                flow.hard_timeout = number::small("the hard timeout", value, 65535)?;
            }
            "importance" if matches!(kind, Kind::Change(FlowModCommand::Add) | Kind::Stats) => {
                let importance: u16 = number::small("the importance", value, 65535)?;
                if self.strictness == Strictness::Strict && importance != 0 && kind != Kind::Stats {
                    return Err(Fault::refused(
                        key,
                        "OpenFlow 1.3 has no importance, 1.4 and later have; leave it out",
                    ));
                }
            }
            "duration" if kind == Kind::Stats => {
                let (secs, nanos) = number::seconds(value)
                    .ok_or_else(|| Fault::value("the duration", value, "seconds such as 12.345s"))?;
                head.age = Age { secs, nanos };
            }
            "n_packets" if kind == Kind::Stats => head.packets = number::u64("n_packets", value)?,
            "n_bytes" if kind == Kind::Stats => head.bytes = number::u64("n_bytes", value)?,
            "duration" | "n_packets" | "n_bytes" | "idle_age" | "hard_age" => {}
            "out_port" | "out_group" => {
                return Err(Fault::refused(key, "only deletions look at where flows send packets"));
            }
            "priority" | "idle_timeout" | "hard_timeout" | "importance" => {
                return Err(Fault::refused(key, "this command does not look at it; leave it out"));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn cookie<'t>(&self, kind: Kind, flow: &mut FlowMod, pair: Pair<'t>) -> Result<(), Fault<'t>> {
        let command = flow.command;
        match pair.value.split_once('/') {
            Some((cookie, mask)) => {
                if command == FlowModCommand::Add {
                    return Err(Fault::refused(
                        pair.value,
                        "a flow that is added has a cookie without a mask",
                    ));
                }
                flow.cookie_mask = number::u64("the mask of the cookie", mask)?;
                flow.cookie = number::u64("the cookie", cookie)? & flow.cookie_mask;
            }
            None if kind.deletes() => {
                return Err(Fault::refused(
                    pair.value,
                    "deletions look for cookies; write COOKIE/-1 for this very one",
                ));
            }
            None => {
                let cookie = number::u64("the cookie", pair.value)?;
                if command == FlowModCommand::Add {
                    flow.cookie = cookie;
                } else if self.strictness == Strictness::Strict {
                    return Err(Fault::refused(
                        pair.value,
                        "OpenFlow 1.3 changes no cookies; write COOKIE/MASK to look for flows by it",
                    ));
                }
            }
        }
        Ok(())
    }

    fn out_group<'t>(&self, value: &'t str) -> Result<GroupId, Fault<'t>> {
        let named = [("ALL", GroupId::ALL), ("ANY", GroupId::ANY)];
        if let Some((_, group)) = named.iter().find(|(name, _)| name.eq_ignore_ascii_case(value)) {
            return Ok(*group);
        }
        let number = number::decimal(value).and_then(|number| u32::try_from(number).ok()).map(GroupId);
        number
            .filter(|group| *group <= GroupId::MAX || self.strictness == Strictness::OpenVswitch)
            .ok_or_else(|| Fault::value("out_group", value, "a group up to 4294967040, ANY or ALL"))
    }
}

impl<'t> Head<'t> {
    fn matched(&self, strictness: Strictness) -> Result<Match, Fault<'t>> {
        let mut matched = self.draft.finish(strictness)?;
        matched.extend(self.raw.iter().cloned());
        Ok(matched)
    }
}

/// `oxm(CLASS,NUMBER)=0xVALUE/0xMASK`, as fields without a name are printed: two pairs.
fn raw_match<'t>(name: Pair<'t>, value: Option<Pair<'t>>) -> Result<OxmField, Fault<'t>> {
    let Some((class, number)) = raw_name(name.value) else {
        return Err(Fault::value("oxm", name.value, "CLASS,NUMBER"));
    };
    let Some(Pair { key: "", value }) = value else {
        return Err(Fault::missing("= and the value of oxm", &name.value[name.value.len()..]));
    };
    let (value, mask) = match value.split_once('/') {
        Some((value, mask)) => (value, Some(number::hex_bytes("the mask of oxm", mask)?)),
        None => (value, None),
    };
    let bytes = number::hex_bytes("oxm", value)?;
    if mask.as_ref().is_some_and(|mask| mask.len() != bytes.len()) {
        return Err(Fault::value("oxm", value, "as many digits as its mask has"));
    }
    raw_field(class, number, &bytes, mask.as_deref(), value)
}
