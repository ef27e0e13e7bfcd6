//! Reading the words of `ovs-ofctl(8)`.

mod action;
mod draft;
mod error;
mod field;
mod file;
mod flags;
mod flow;
mod group;
mod instruction;
mod lexer;
mod list;
mod meter;
mod names;
mod nicira;
mod number;
mod packet;
mod ports;
mod set_field;
mod words;

use std::str::FromStr;

pub use self::error::{Problem, Subject, TextError};
use self::lexer::Pairs;
use self::packet::Surroundings;
pub use self::ports::Ports;
use crate::action::Actions;
use crate::instruction::Instructions;
use crate::msg::flow_mod::{FlowMod, FlowModCommand};
use crate::msg::group_mod::{GroupMod, GroupModCommand};
use crate::msg::meter_mod::{MeterMod, MeterModCommand};
use crate::multipart::{FlowStats, GroupDesc, MeterConfig};
use crate::oxm::Match;

/// What is done about text that Open vSwitch takes without meaning it.
///
/// Where `ovs-ofctl` can't send a part of a text by OpenFlow 1.3 it often leaves it out or changes
/// it in silence: `tp_dst=80` without `tcp` becomes a flow that takes every packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Strictness {
    /// Refuses what would get lost or be changed: fields without their prerequisites, fields that
    /// are given twice, values that are too wide, and what every switch would refuse.
    #[default]
    Strict,
    /// Takes what Open vSwitch 3.1 takes, and sends what it sends.
    OpenVswitch,
}

#[derive(Clone, Copy, Debug, Default)]
struct Reading<'p> {
    ports: Option<&'p Ports>,
    strictness: Strictness,
}

/// Reads flows, groups and meters in the words of `ovs-ofctl(8)`, with choices.
///
/// [`parse_flow`] and its like do without choices. Nothing is kept from one text to the next.
///
/// ```
/// # use flowbed_openflow as openflow;
/// use openflow::oxm::FieldId;
/// use openflow::text::{Parser, Strictness};
/// let text = "tp_dst=80,actions=drop";
/// let error = Parser::new().flow(text).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "column 1: match field tp_dst needs ip_proto=6; add it to the match"
/// );
/// // As ovs-ofctl does it: a flow that drops every packet.
/// let flow = Parser::new().strictness(Strictness::OpenVswitch).flow(text)?;
/// assert!(flow.match_.get(FieldId::TcpDst).is_none());
/// # Ok::<(), openflow::text::TextError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Parser<'p> {
    reading: Reading<'p>,
}

/// Words that may stand in front of a flow in a file.
const FLOW_COMMANDS: [(&str, FlowModCommand); 5] = [
    ("add", FlowModCommand::Add),
    ("delete", FlowModCommand::Delete),
    ("delete_strict", FlowModCommand::DeleteStrict),
    ("modify", FlowModCommand::Modify),
    ("modify_strict", FlowModCommand::ModifyStrict),
];

/// Words that may stand in front of a group in a file.
const GROUP_COMMANDS: [(&str, GroupModCommand); 3] =
    [("add", GroupModCommand::Add), ("delete", GroupModCommand::Delete), ("modify", GroupModCommand::Modify)];

impl<'p> Parser<'p> {
    /// Without names of ports; strict.
    pub fn new() -> Parser<'p> {
        Parser::default()
    }

    /// Reads names of ports.
    #[must_use]
    pub fn ports(mut self, ports: &'p Ports) -> Self {
        self.reading.ports = Some(ports);
        self
    }

    /// Chooses what is done about text that Open vSwitch takes without meaning it.
    #[must_use]
    pub fn strictness(mut self, strictness: Strictness) -> Self {
        self.reading.strictness = strictness;
        self
    }

    /// A flow that is added, as `ovs-ofctl add-flow` reads it.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn flow(&self, text: &str) -> Result<FlowMod, TextError> {
        self.flow_change(text, FlowModCommand::Add)
    }

    /// A change of flows, as `ovs-ofctl add-flow`, `mod-flows` and `del-flows` read it, the latter
    /// two with `--strict` for the strict commands. A deletion has no actions.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn flow_change(&self, text: &str, command: FlowModCommand) -> Result<FlowMod, TextError> {
        self.reading.flow_text(text, command).map_err(|fault| fault.within(text, Subject::Flow))
    }

    /// A file of flows, as `ovs-ofctl add-flows` reads it: one a line, `#` starts a comment, a
    /// command such as `delete` may stand in front. Heads as `dump-flows` prints them are skipped.
    ///
    /// # Errors
    /// Everything that is wrong: the first thing of each flow, with the number of its line.
    pub fn flows(&self, file: &str) -> Result<Vec<FlowMod>, Vec<TextError>> {
        file::read(file, |line| {
            let (command, text) = file::command(line, &FLOW_COMMANDS).unwrap_or((FlowModCommand::Add, line));
            self.reading.flow_text(text, command).map_err(|fault| fault.within(line, Subject::Flow))
        })
    }

    /// A flow as `ovs-ofctl dump-flows` prints it, counters included.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn flow_stats(&self, text: &str) -> Result<FlowStats, TextError> {
        self.reading.stats_text(text).map_err(|fault| fault.within(text, Subject::Flow))
    }

    /// All that `ovs-ofctl dump-flows` prints.
    ///
    /// # Errors
    /// Everything that is wrong: the first thing of each flow, with the number of its line.
    pub fn dump(&self, file: &str) -> Result<Vec<FlowStats>, Vec<TextError>> {
        file::read(file, |line| self.flow_stats(line))
    }

    /// A match: the fields of a flow and nothing else.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn matching(&self, text: &str) -> Result<Match, TextError> {
        self.reading.match_text(text).map_err(|fault| fault.within(text, Subject::Match))
    }

    /// Actions, of which it is not known what packets reach them.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn actions(&self, text: &str) -> Result<Actions, TextError> {
        let read = self.reading.action_list(Pairs::of(text), Surroundings::Nothing);
        read.map_err(|fault| fault.within(text, Subject::Actions))
    }

    /// What stands behind `actions=` in a flow, of which it is not known what packets it takes.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn instructions(&self, text: &str) -> Result<Instructions, TextError> {
        let read = self.reading.instruction_list(text, Surroundings::Nothing, None);
        read.map_err(|fault| fault.within(text, Subject::Actions))
    }

    /// A group that is added, as `ovs-ofctl add-group` reads it and `dump-groups` prints it.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn group(&self, text: &str) -> Result<GroupMod, TextError> {
        self.group_change(text, GroupModCommand::Add)
    }

    /// A change of groups, as `ovs-ofctl add-group`, `mod-group` and `del-groups` read it.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn group_change(&self, text: &str, command: GroupModCommand) -> Result<GroupMod, TextError> {
        self.reading.group_text(text, command).map_err(|fault| fault.within(text, Subject::Group))
    }

    /// A file of groups, as `ovs-ofctl add-groups` reads it: like [`Parser::flows`].
    ///
    /// # Errors
    /// Everything that is wrong: the first thing of each group, with the number of its line.
    pub fn groups(&self, file: &str) -> Result<Vec<GroupMod>, Vec<TextError>> {
        file::read(file, |line| {
            let (command, text) =
                file::command(line, &GROUP_COMMANDS).unwrap_or((GroupModCommand::Add, line));
            self.reading.group_text(text, command).map_err(|fault| fault.within(line, Subject::Group))
        })
    }

    /// A meter that is added, as `ovs-ofctl add-meter` reads it and `dump-meters` prints it.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn meter(&self, text: &str) -> Result<MeterMod, TextError> {
        self.meter_change(text, MeterModCommand::Add)
    }

    /// A change of meters, as `ovs-ofctl add-meter`, `mod-meter` and `del-meter` read it.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn meter_change(&self, text: &str, command: MeterModCommand) -> Result<MeterMod, TextError> {
        self.reading.meter_text(text, command).map_err(|fault| fault.within(text, Subject::Meter))
    }
}

/// A flow that is added: [`Parser::flow`] without choices.
///
/// ```
/// # use flowbed_openflow as openflow;
/// use openflow::text::parse_flow;
/// let flow = parse_flow("priority=10,tcp,nw_dst=10.0.0.0/8,tp_dst=80,actions=dec_ttl,output:2")?;
/// assert_eq!(flow.priority, 10);
/// assert_eq!(flow.to_string(), "priority=10,tcp,nw_dst=10.0.0.0/8,tp_dst=80 actions=dec_ttl,output:2");
/// # Ok::<(), openflow::text::TextError>(())
/// ```
///
/// # Errors
/// The first thing that is wrong, and where.
pub fn parse_flow(text: &str) -> Result<FlowMod, TextError> {
    Parser::new().flow(text)
}

/// A change of flows, with names of ports: [`Parser::flow_change`].
///
/// # Errors
/// The first thing that is wrong, and where.
pub fn parse_flow_with(text: &str, command: FlowModCommand, ports: &Ports) -> Result<FlowMod, TextError> {
    Parser::new().ports(ports).flow_change(text, command)
}

/// A file of flows: [`Parser::flows`] without choices.
///
/// ```
/// # use flowbed_openflow as openflow;
/// use openflow::text::parse_flows;
/// let flows = parse_flows(
///     "# the way out\n\
///      in_port=1 actions=output:2\n\
///      delete table=3\n",
/// );
/// assert_eq!(flows.map(|flows| flows.len()), Ok(2));
///
/// let errors = parse_flows("in_port=1 actions=output:2\n\nin_prt=1 actions=otput:2\n").unwrap_err();
/// assert_eq!(
///     errors[0].to_string(),
///     "flow 2 (line 3), column 1: unknown field \"in_prt\"; did you mean \"in_port\"?"
/// );
/// ```
///
/// # Errors
/// Everything that is wrong: the first thing of each flow, with the number of its line.
pub fn parse_flows(file: &str) -> Result<Vec<FlowMod>, Vec<TextError>> {
    Parser::new().flows(file)
}

/// A flow as `ovs-ofctl dump-flows` prints it: [`Parser::flow_stats`] without choices.
///
/// ```
/// # use flowbed_openflow as openflow;
/// use openflow::text::parse_flow_stats;
/// let flow = parse_flow_stats(
///     " cookie=0x5, duration=12.345s, table=1, n_packets=3, n_bytes=180, ip actions=NORMAL",
/// )?;
/// assert_eq!((flow.packet_count, flow.table.0, flow.age.secs), (3, 1, 12));
/// # Ok::<(), openflow::text::TextError>(())
/// ```
///
/// # Errors
/// The first thing that is wrong, and where.
pub fn parse_flow_stats(text: &str) -> Result<FlowStats, TextError> {
    Parser::new().flow_stats(text)
}

/// A group that is added: [`Parser::group`] without choices.
///
/// ```
/// # use flowbed_openflow as openflow;
/// use openflow::text::parse_group;
/// let text = "group_id=1,type=select,bucket=weight:10,actions=output:1,bucket=actions=output:2";
/// let group = parse_group(text)?;
/// assert_eq!(group.buckets[1].weight, 1);
/// assert_eq!(group.to_string(), text);
/// # Ok::<(), openflow::text::TextError>(())
/// ```
///
/// # Errors
/// The first thing that is wrong, and where.
pub fn parse_group(text: &str) -> Result<GroupMod, TextError> {
    Parser::new().group(text)
}

/// A meter that is added: [`Parser::meter`] without choices.
///
/// ```
/// # use flowbed_openflow as openflow;
/// use openflow::text::parse_meter;
/// let meter = parse_meter("meter=1,kbps,burst,bands=type=drop,rate=1000,burst_size=100")?;
/// assert_eq!(meter.bands.len(), 1);
/// # Ok::<(), openflow::text::TextError>(())
/// ```
///
/// # Errors
/// The first thing that is wrong, and where.
pub fn parse_meter(text: &str) -> Result<MeterMod, TextError> {
    Parser::new().meter(text)
}

macro_rules! from_str {
    ($($(#[$doc:meta])* $type:ty => |$parser:ident, $text:ident| $read:expr;)*) => {$(
        $(#[$doc])*
        impl FromStr for $type {
            type Err = TextError;

            fn from_str($text: &str) -> Result<Self, TextError> {
                let $parser = Parser::new();
                $read
            }
        }
    )*};
}

from_str! {
    /// Without choices: [`Parser::matching`].
    Match => |parser, text| parser.matching(text);
    /// Without choices: [`Parser::actions`].
    Actions => |parser, text| parser.actions(text);
    /// Without choices: [`Parser::instructions`].
    Instructions => |parser, text| parser.instructions(text);
    /// An addition: [`Parser::flow`] without choices.
    FlowMod => |parser, text| parser.flow(text);
    /// Without choices: [`Parser::flow_stats`].
    FlowStats => |parser, text| parser.flow_stats(text);
    /// An addition: [`Parser::group`] without choices.
    GroupMod => |parser, text| parser.group(text);
    /// As `ovs-ofctl dump-groups` prints it.
    GroupDesc => |parser, text| {
        let GroupMod { kind, group, buckets, .. } = parser.group(text)?;
        Ok(GroupDesc { kind, group, buckets })
    };
    /// An addition: [`Parser::meter`] without choices.
    MeterMod => |parser, text| parser.meter(text);
    /// As `ovs-ofctl dump-meters` prints it.
    MeterConfig => |parser, text| {
        let MeterMod { flags, meter, bands, .. } = parser.meter(text)?;
        Ok(MeterConfig { flags, meter, bands })
    };
}
