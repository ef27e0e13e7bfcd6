//! Adding, changing and deleting flows (OF 1.3.5 §7.3.4.1).

use bytes::{BufMut, BytesMut};

use crate::action::Actions;
use crate::error::{DecodeError, EncodeError};
use crate::ids::{BufferId, GroupId, MeterId, PortNo, TableId};
use crate::instruction::{Instruction, Instructions};
use crate::oxm::Match;
use crate::wire::{Reader, Wire, put_zeros, wire_enum, wire_flags};

/// Priority of a flow that names none (`OFP_DEFAULT_PRIORITY`).
pub const DEFAULT_PRIORITY: u16 = 0x8000;

/// A change of a flow table (OF 1.3.5 §7.3.4.1).
///
/// ```
/// # use flowbed_openflow as openflow;
/// use openflow::action::Action;
/// use openflow::ids::PortNo;
/// use openflow::msg::flow_mod::FlowMod;
/// use openflow::oxm::Match;
///
/// let flow = FlowMod::add()
///     .table(0)
///     .priority(10)
///     .matching(Match::new().in_port(PortNo(1)))
///     .apply([Action::output(PortNo(2))])
///     .idle_timeout(60);
/// assert_eq!(flow.instructions.len(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowMod {
    /// The controller's mark on the flow.
    pub cookie: u64,
    /// For changes and deletions: bits of the cookie that a flow must share; 0 asks for none.
    pub cookie_mask: u64,
    /// The table; [`TableId::ALL`] in deletions is all of them.
    pub table: TableId,
    /// What to do.
    pub command: FlowModCommand,
    /// Seconds without a packet after which the flow goes; 0 is never.
    pub idle_timeout: u16,
    /// Seconds after which the flow goes; 0 is never.
    pub hard_timeout: u16,
    /// Of two flows that match the higher takes the packet.
    pub priority: u16,
    /// A packet that the switch keeps, to be sent through the new flow.
    pub buffer: Option<BufferId>,
    /// For deletions: only flows with an output to this port; [`PortNo::ANY`] asks for none.
    pub out_port: PortNo,
    /// For deletions: only flows with an output to this group; [`GroupId::ANY`] asks for none.
    pub out_group: GroupId,
    /// How the flow is kept.
    pub flags: FlowModFlags,
    /// Which packets it takes.
    pub match_: Match,
    /// What becomes of them.
    pub instructions: Instructions,
}

wire_enum! {
    /// What a flow-mod does (`OFPFC_*`, OF 1.3.5 §7.3.4.1).
    FlowModCommand: u8 {
        /// Adds a flow, in place of one with the same match and priority.
        Add = 0, "ADD";
        /// Changes the instructions of all flows that fit.
        Modify = 1, "MOD";
        /// Changes the instructions of the flow with this very match and priority.
        ModifyStrict = 2, "MOD_STRICT";
        /// Deletes all flows that fit.
        Delete = 3, "DEL";
        /// Deletes the flow with this very match and priority.
        DeleteStrict = 4, "DEL_STRICT";
    }
}

wire_flags! {
    /// How a flow is kept (`OFPFF_*`, OF 1.3.5 §7.3.4.1).
    FlowModFlags: u16 {
        /// A flow-removed message when it goes.
        const SEND_FLOW_REM = 1 << 0;
        /// Refused when it overlaps another of its priority.
        const CHECK_OVERLAP = 1 << 1;
        /// Sets the counters of the flows to zero.
        const RESET_COUNTS = 1 << 2;
        /// Counts no packets.
        const NO_PKT_COUNTS = 1 << 3;
        /// Counts no bytes.
        const NO_BYT_COUNTS = 1 << 4;
    }
}

impl FlowMod {
    fn new(command: FlowModCommand) -> FlowMod {
        FlowMod {
            cookie: 0,
            cookie_mask: 0,
            table: TableId(0),
            command,
            idle_timeout: 0,
            hard_timeout: 0,
            priority: DEFAULT_PRIORITY,
            buffer: None,
            out_port: PortNo::ANY,
            out_group: GroupId::ANY,
            flags: FlowModFlags::empty(),
            match_: Match::new(),
            instructions: Instructions::new(),
        }
    }

    /// Adds a flow: table 0, priority 0x8000, every packet, dropped, unless told otherwise.
    pub fn add() -> FlowMod {
        FlowMod::new(FlowModCommand::Add)
    }

    /// Changes the instructions of all flows that fit.
    pub fn modify() -> FlowMod {
        FlowMod::new(FlowModCommand::Modify)
    }

    /// Changes the instructions of the flow with this very match and priority.
    pub fn modify_strict() -> FlowMod {
        FlowMod::new(FlowModCommand::ModifyStrict)
    }

    /// Deletes all flows that fit: of all tables, unless told otherwise.
    pub fn delete() -> FlowMod {
        FlowMod::new(FlowModCommand::Delete).table(TableId::ALL)
    }

    /// Deletes the flow with this very match and priority: of table 0, unless told otherwise.
    pub fn delete_strict() -> FlowMod {
        FlowMod::new(FlowModCommand::DeleteStrict)
    }

    /// Sets the table.
    #[must_use]
    pub fn table(mut self, table: impl Into<TableId>) -> Self {
        self.table = table.into();
        self
    }

    /// Sets the priority.
    #[must_use]
    pub fn priority(mut self, priority: u16) -> Self {
        self.priority = priority;
        self
    }

    /// Sets the match.
    #[must_use]
    pub fn matching(mut self, match_: Match) -> Self {
        self.match_ = match_;
        self
    }

    /// Sets the cookie.
    #[must_use]
    pub fn cookie(mut self, cookie: u64) -> Self {
        self.cookie = cookie;
        self
    }

    /// Sets cookie and mask: only flows with these bits are changed or deleted.
    #[must_use]
    pub fn with_cookie(mut self, cookie: u64, mask: u64) -> Self {
        self.cookie = cookie;
        self.cookie_mask = mask;
        self
    }

    /// Sets the idle timeout, seconds.
    #[must_use]
    pub fn idle_timeout(mut self, seconds: u16) -> Self {
        self.idle_timeout = seconds;
        self
    }

    /// Sets the hard timeout, seconds.
    #[must_use]
    pub fn hard_timeout(mut self, seconds: u16) -> Self {
        self.hard_timeout = seconds;
        self
    }

    /// Sends a packet that the switch keeps through the new flow.
    #[must_use]
    pub fn buffer(mut self, buffer: impl Into<Option<BufferId>>) -> Self {
        self.buffer = buffer.into();
        self
    }

    /// Deletes only flows with an output to this port.
    #[must_use]
    pub fn out_port(mut self, port: PortNo) -> Self {
        self.out_port = port;
        self
    }

    /// Deletes only flows with an output to this group.
    #[must_use]
    pub fn out_group(mut self, group: GroupId) -> Self {
        self.out_group = group;
        self
    }

    /// Sets flags in addition to those that are set.
    #[must_use]
    pub fn flags(mut self, flags: FlowModFlags) -> Self {
        self.flags |= flags;
        self
    }

    /// Sets an instruction, in place of one of the same type.
    #[must_use]
    pub fn instruction(mut self, instruction: Instruction) -> Self {
        self.instructions.set(instruction);
        self
    }

    /// Applies actions at once.
    #[must_use]
    pub fn apply(self, actions: impl Into<Actions>) -> Self {
        self.instruction(Instruction::ApplyActions(actions.into()))
    }

    /// Merges actions into the action set.
    #[must_use]
    pub fn write(self, actions: impl Into<Actions>) -> Self {
        self.instruction(Instruction::WriteActions(actions.into()))
    }

    /// Empties the action set.
    #[must_use]
    pub fn clear(self) -> Self {
        self.instruction(Instruction::ClearActions)
    }

    /// Goes on in a later table.
    #[must_use]
    pub fn goto_table(self, table: impl Into<TableId>) -> Self {
        self.instruction(Instruction::GotoTable(table.into()))
    }

    /// Sets the bits of `mask` in the metadata register.
    #[must_use]
    pub fn write_metadata(self, metadata: u64, mask: u64) -> Self {
        self.instruction(Instruction::WriteMetadata { metadata, mask })
    }

    /// Goes through a meter first.
    #[must_use]
    pub fn meter(self, meter: impl Into<MeterId>) -> Self {
        self.instruction(Instruction::Meter(meter.into()))
    }
}

impl Wire for FlowMod {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let cookie = r.u64()?;
        let cookie_mask = r.u64()?;
        let table = TableId(r.u8()?);
        let command = r.u8()?.into();
        let idle_timeout = r.u16()?;
        let hard_timeout = r.u16()?;
        let priority = r.u16()?;
        let buffer = BufferId::from_wire(r.u32()?);
        let out_port = PortNo(r.u32()?);
        let out_group = GroupId(r.u32()?);
        let flags = FlowModFlags::from_bits_retain(r.u16()?);
        r.skip(2)?;
        Ok(FlowMod {
            cookie,
            cookie_mask,
            table,
            command,
            idle_timeout,
            hard_timeout,
            priority,
            buffer,
            out_port,
            out_group,
            flags,
            match_: Match::decode(r)?,
            instructions: Instructions::read(r)?,
        })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        // The usual flow with its header takes less; one growth at most.
        out.reserve(192);
        out.put_u64(self.cookie);
        out.put_u64(self.cookie_mask);
        out.put_u8(self.table.0);
        out.put_u8(self.command.into());
        out.put_u16(self.idle_timeout);
        out.put_u16(self.hard_timeout);
        out.put_u16(self.priority);
        out.put_u32(BufferId::to_wire(self.buffer));
        out.put_u32(self.out_port.0);
        out.put_u32(self.out_group.0);
        out.put_u16(self.flags.bits());
        put_zeros(out, 2);
        self.match_.encode(out)?;
        self.instructions.write(out)
    }
}
