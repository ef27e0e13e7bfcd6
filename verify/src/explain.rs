//! A journey as text, in the way of `ovs-appctl ofproto/trace` (`ovs-vswitchd(8)`).

use std::fmt;

use openflow::pipeline::{Dropped, Effect};
use openflow::text::Frame;
use openflow::{Instruction, PortNo};

use crate::journey::{Happening, Journey, Next, Visit};
use crate::rules::Origin;

/// The path through switches and tables, as a person reads it:
///
/// ```text
/// h1 sends tcp,vlan_tci=0x0000,dl_src=...
///
/// s1, port 1
/// ----------
///  0. tcp,tp_dst=80, priority 32768    web.flows:2
///     output:2
///      -> h2
/// ```
impl fmt::Display for Journey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut blank = false;
        if !self.from.is_empty() {
            writeln!(f, "{} sends {}", self.from, Frame(&self.frame))?;
            blank = true;
        }
        for visit in &self.visits {
            if blank {
                writeln!(f)?;
            }
            blank = true;
            self.write_visit(f, visit)?;
        }
        if self.cut {
            writeln!(f, "\nfollowed no further: {} switches were visited", self.visits.len())?;
        }
        Ok(())
    }
}

impl Journey {
    fn write_visit(&self, f: &mut fmt::Formatter<'_>, visit: &Visit) -> fmt::Result {
        let head = match visit.in_port {
            PortNo::CONTROLLER => format!("{}, from the controller", visit.switch),
            port => format!("{}, port {port}", visit.switch),
        };
        let came = visit.parent.and_then(|parent| self.visits.get(parent));
        let came = came.map(|from| format!(" (from {})", from.switch)).unwrap_or_default();
        writeln!(f, "{head}{came}\n{}", "-".repeat(head.len() + came.len()))?;
        let mut as_it_came = &visit.frame[..];
        for happening in &visit.happenings {
            match happening {
                Happening::Table { table, rule: Some(rule) } => {
                    write!(f, "{:>2}. {rule}", table.0)?;
                    place(f, rule.origin.as_ref())?;
                    for instruction in &rule.instructions {
                        // Actions that are applied are told when they are carried out.
                        if !matches!(instruction, Instruction::ApplyActions(_)) {
                            writeln!(f, "    {instruction}")?;
                        }
                    }
                }
                Happening::Table { table, rule: None } => writeln!(f, "{:>2}. No match.", table.0)?,
                Happening::Action(action) => writeln!(f, "    {action}")?,
                Happening::ActionSet => {}
                Happening::Bucket { group, bucket, origin } => {
                    write!(f, "     -> group {group}, bucket {bucket}")?;
                    place(f, origin.as_ref())?;
                }
                Happening::Metered { meter, band, origin } => {
                    match band {
                        Some(band) => write!(f, "     -> meter {meter}, band {band} remarks it")?,
                        None => write!(f, "     -> meter {meter} lets it pass")?,
                    }
                    place(f, origin.as_ref())?;
                }
                Happening::Dropped(why) => writeln!(f, "     -> dropped: {}", Why(*why))?,
                Happening::Output { port, frame, next } => {
                    write!(f, "     -> port {port}: {}", self.next(*next))?;
                    if frame != as_it_came {
                        write!(f, "\n        as {}", Frame(frame))?;
                        as_it_came = frame;
                    }
                    writeln!(f)?;
                }
                Happening::Told(at) => self.write_told(f, *at)?,
            }
        }
        Ok(())
    }

    fn next(&self, next: Next) -> String {
        match next {
            Next::Visit(at) => self.visits.get(at).map(|to| format!("{}, port {}", to.switch, to.in_port)),
            Next::Host(at) => self.deliveries.get(at).map(|to| to.host.clone()),
            Next::Loop(at) => self
                .visits
                .get(at)
                .map(|to| format!("{}, port {}, where it was before: a loop", to.switch, to.in_port)),
            Next::LinkDown => Some("the link is down".to_owned()),
            Next::Unconnected => Some("no link".to_owned()),
            Next::Cut => Some("not followed".to_owned()),
        }
        .unwrap_or_default()
    }

    fn write_told(&self, f: &mut fmt::Formatter<'_>, at: usize) -> fmt::Result {
        match self.told.get(at).map(|told| &told.effect) {
            Some(Effect::PacketIn(packet)) => {
                writeln!(f, "     -> the controller ({})", packet.reason)
            }
            Some(Effect::FlowRemoved(removed)) => {
                writeln!(f, "     -> the controller: a flow went ({})", removed.reason)
            }
            _ => Ok(()),
        }
    }
}

/// Ends the line, with where a rule stands.
fn place(f: &mut fmt::Formatter<'_>, origin: Option<&Origin>) -> fmt::Result {
    match origin {
        Some(origin) => writeln!(f, "    [{origin}]"),
        None => writeln!(f),
    }
}

/// Why a packet goes no further, in words.
pub(crate) struct Why(pub(crate) Dropped);

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Dropped::Ingress => f.write_str("the port does not receive"),
            Dropped::Fragment => f.write_str("fragments are dropped"),
            Dropped::NoFlow => f.write_str("no flow takes it"),
            Dropped::NoOutput => f.write_str("nothing in the action set sends it anywhere"),
            Dropped::Meter(meter) => write!(f, "meter {meter} is exceeded"),
            Dropped::Ttl => f.write_str("its TTL is used up"),
            Dropped::Egress(port) => write!(f, "port {port} is down or not there"),
            Dropped::IngressPort => f.write_str("it came in by that port"),
            Dropped::Reserved => f.write_str("its destination is for bridges alone"),
            Dropped::NoBucket(group) => write!(f, "group {group} has no live bucket"),
            Dropped::NoPacketIn => f.write_str("the port sends nothing to controllers"),
            Dropped::TooLong => f.write_str("it would become too long"),
            Dropped::Exhausted => f.write_str("it would take too many actions"),
        }
    }
}
