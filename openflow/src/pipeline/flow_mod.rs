//! What a flow-mod does (OF 1.3.5 §6.4).

use std::sync::Arc;
use std::time::Instant;

use super::check::check_match;
use super::classifier::FlowIx;
use super::effect::Sink;
use super::flow::{Flow, Program};
use super::key::Pattern;
use super::packet::Packet;
use super::run::Run;
use super::switch::{Switch, tell_removed};
use super::table::Table;
use crate::error::{ErrorKind, FlowModFailed};
use crate::ids::{GroupId, PortNo, TableId};
use crate::msg::flow_mod::{FlowMod, FlowModCommand, FlowModFlags};
use crate::msg::flow_removed::FlowRemovedReason;

/// The flags that a flow can have.
const FLAGS: FlowModFlags = FlowModFlags::SEND_FLOW_REM
    .union(FlowModFlags::CHECK_OVERLAP)
    .union(FlowModFlags::RESET_COUNTS)
    .union(FlowModFlags::NO_PKT_COUNTS)
    .union(FlowModFlags::NO_BYT_COUNTS);

/// Which flows a message means besides their match.
#[derive(Clone, Copy)]
pub(super) struct Filter {
    pub(super) cookie: u64,
    pub(super) cookie_mask: u64,
    pub(super) out_port: PortNo,
    pub(super) out_group: GroupId,
}

impl Filter {
    fn passes(&self, flow: &Flow) -> bool {
        (flow.cookie ^ self.cookie) & self.cookie_mask == 0
            && (self.out_port == PortNo::ANY || flow.program.outputs_to(self.out_port))
            && (self.out_group == GroupId::ANY || flow.program.uses_group(self.out_group))
    }
}

impl Table {
    /// The flows that `wide` includes and that pass the filter.
    pub(super) fn select(&self, wide: &Pattern, filter: &Filter) -> Vec<FlowIx> {
        let mut found = self.within(wide);
        found.retain(|at| self.get(*at).is_some_and(|flow| filter.passes(flow)));
        found
    }
}

impl Switch {
    /// Carries a flow-mod out. Nothing changes if it fails.
    ///
    /// # Errors
    /// With which the switch refuses it.
    pub fn flow_mod<S: Sink>(
        &mut self,
        request: FlowMod,
        now: Instant,
        sink: &mut S,
    ) -> Result<(), ErrorKind> {
        if !FLAGS.contains(request.flags) {
            return Err(FlowModFailed::BadFlags.into());
        }
        let deletes = matches!(request.command, FlowModCommand::Delete | FlowModCommand::DeleteStrict);
        let every = request.table == TableId::ALL && deletes;
        if !every && !self.has_table(request.table) {
            return Err(FlowModFailed::BadTableId.into());
        }
        let pattern = check_match(&request.match_)?;
        match request.command {
            FlowModCommand::Add => self.add(request, pattern, now, sink),
            FlowModCommand::Modify | FlowModCommand::ModifyStrict => {
                self.modify(request, &pattern, now, sink)
            }
            FlowModCommand::Delete | FlowModCommand::DeleteStrict => {
                self.delete(&request, &pattern, now, sink);
                Ok(())
            }
            FlowModCommand::Unknown(_) => Err(FlowModFailed::BadCommand.into()),
        }
    }

    fn add<S: Sink>(
        &mut self,
        request: FlowMod,
        pattern: Pattern,
        now: Instant,
        sink: &mut S,
    ) -> Result<(), ErrorKind> {
        self.check_instructions(request.table, &request.match_, &request.instructions)?;
        let full = self.flow_count() >= self.config.max_flows as usize;
        let FlowMod { table: id, buffer, flags, .. } = request;
        let Some(table) = self.table_mut(id) else { return Err(FlowModFailed::BadTableId.into()) };
        if flags.contains(FlowModFlags::CHECK_OVERLAP) && table.overlaps(&pattern, request.priority) {
            return Err(FlowModFailed::Overlap.into());
        }
        let same = table.exact(&pattern, request.priority);
        if same.is_none() && full {
            return Err(FlowModFailed::TableFull.into());
        }
        let kept = buffer.map(|buffer| self.buffers.take(buffer)).transpose()?;
        let mut flow = Flow {
            match_: request.match_,
            is_table_miss: request.priority == 0 && pattern.is_empty(),
            pattern: Box::new(pattern),
            priority: request.priority,
            cookie: request.cookie,
            flags,
            idle_timeout: request.idle_timeout,
            hard_timeout: request.hard_timeout,
            program: Arc::new(Program::new(request.instructions)),
            created: now,
            used: now,
            packets: 0,
            bytes: 0,
            deadline: None,
        };
        let Some(table) = self.table_mut(id) else { return Err(FlowModFailed::BadTableId.into()) };
        match same {
            Some(at) => {
                if let Some(old) = table.get(at).filter(|_| !flags.contains(FlowModFlags::RESET_COUNTS)) {
                    (flow.packets, flow.bytes) = (old.packets, old.bytes);
                }
                table.replace(at, flow);
            }
            None => table.insert(flow),
        }
        if let Some((frame, port)) = kept {
            Run::new(self, now, sink).tables(&mut Packet::new(&frame, port));
        }
        Ok(())
    }

    /// Instructions change; cookie, timeouts, flags and counters stay (OF 1.3.5 §6.4). Where no flow
    /// fits nothing happens.
    fn modify<S: Sink>(
        &mut self,
        request: FlowMod,
        pattern: &Pattern,
        now: Instant,
        sink: &mut S,
    ) -> Result<(), ErrorKind> {
        self.check_instructions(request.table, &request.match_, &request.instructions)?;
        let kept = request.buffer.map(|buffer| self.buffers.take(buffer)).transpose()?;
        let reset = request.flags.contains(FlowModFlags::RESET_COUNTS);
        if let Some(table) = self.get_table_mut(request.table) {
            // Ports and groups do not restrict a change (OF 1.3.5 §6.4).
            let any = (PortNo::ANY, GroupId::ANY);
            let chosen = selected(table, &request, any, pattern);
            let program = Arc::new(Program::new(request.instructions));
            for at in chosen {
                let Some(flow) = table.reprogram(at, &program) else { continue };
                if reset {
                    (flow.packets, flow.bytes) = (0, 0);
                }
            }
        }
        if let Some((frame, port)) = kept {
            Run::new(self, now, sink).tables(&mut Packet::new(&frame, port));
        }
        Ok(())
    }

    fn delete<S: Sink>(&mut self, request: &FlowMod, pattern: &Pattern, now: Instant, sink: &mut S) {
        for id in self.chosen(request.table) {
            let Some(table) = self.get_table_mut(id) else { continue };
            for at in selected(table, request, (request.out_port, request.out_group), pattern) {
                if let Some(flow) = table.remove(at) {
                    tell_removed(&flow, id, FlowRemovedReason::Delete, now, sink);
                }
            }
        }
    }
}

/// The flows that a change or deletion means.
fn selected(
    table: &Table,
    request: &FlowMod,
    (out_port, out_group): (PortNo, GroupId),
    pattern: &Pattern,
) -> Vec<FlowIx> {
    let FlowMod { cookie, cookie_mask, .. } = *request;
    let filter = Filter { cookie, cookie_mask, out_port, out_group };
    let strict = matches!(request.command, FlowModCommand::ModifyStrict | FlowModCommand::DeleteStrict);
    if !strict {
        return table.select(pattern, &filter);
    }
    let exact = table.exact(pattern, request.priority);
    let passes = |at: &FlowIx| table.get(*at).is_some_and(|flow| filter.passes(flow));
    exact.filter(passes).into_iter().collect()
}
