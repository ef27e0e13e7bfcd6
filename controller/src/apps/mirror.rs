//! Copies chosen traffic to a port.

use std::collections::HashMap;
use std::path::Path;

use openflow::{Action, Actions, DatapathId, FlowMod, Match, PortNo};
use serde::Deserialize;
use toml::Spanned;

use super::config::{REST, Tables};
use super::file::{self, Dpid, FileError, OrdinaryPort};
use super::kept::{Kept, Rules};
use crate::{DeclareError, Desired, Network};

/// Copies what the [`Taps`] of a file choose to the ports of those who watch, as it comes to the switch; everything goes on
/// to the app behind.
pub type Mirror = Kept<Taps>;

/// Which packets are copied where.
#[derive(Clone, Debug, PartialEq)]
pub struct Taps(Vec<Tap>);

#[derive(Clone, Debug, PartialEq)]
struct Tap {
    switch: DatapathId,
    matching: Match,
    to: Vec<PortNo>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    taps: Vec<TapText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TapText {
    switch: Dpid,
    #[serde(rename = "match")]
    matching: Option<Spanned<String>>,
    to: Spanned<Vec<OrdinaryPort>>,
}

/// Marks the flows of this app, with the number of their table.
const COOKIE: u64 = 0xf10b_0000_0000_7a00;
/// Of the first tap; below that of the flow that finds links.
const FIRST_PRIORITY: u16 = 0xefff;
/// As many as there are priorities between the two.
const MOST: usize = (FIRST_PRIORITY - REST) as usize;

impl Rules for Taps {
    /// Reads taps from a file:
    ///
    /// ```toml
    /// [[taps]]                      # the first that matches decides
    /// switch = 1
    /// match = "tcp,tp_dst=80"       # all packets if it is left out
    /// to = [3]                      # ports
    /// ```
    ///
    /// # Errors
    /// With the line, the column and what was expected there; also for a tap with the match of an earlier one of the same
    /// switch, for one without ports, and for more than 32,768 taps.
    fn from_toml(text: &str, path: &Path) -> Result<Taps, FileError> {
        let document: Document = file::parse(text, path)?;
        let (mut taps, mut seen) = (Vec::new(), HashMap::new());
        for (tap, number) in document.taps.iter().zip(1..) {
            let at = tap.matching.as_ref().map_or(tap.to.span().start, |matching| matching.span().start);
            if number > MOST {
                return Err(file::error_at(
                    path,
                    text,
                    at,
                    format!("there are more than {MOST} taps; leave some out"),
                ));
            }
            let matching = match &tap.matching {
                Some(matching) => file::matching(text, path, matching)?,
                None => Match::new(),
            };
            let Dpid(switch) = tap.switch;
            if let Some(earlier) = seen.insert((switch, matching.normalized()), number) {
                let what =
                    format!("tap {number} has switch and match of tap {earlier}; leave one of them out");
                return Err(file::error_at(path, text, at, what));
            }
            let mut to: Vec<PortNo> = tap.to.get_ref().iter().map(|OrdinaryPort(port)| *port).collect();
            to.sort_unstable();
            to.dedup();
            if to.is_empty() {
                let what = "a tap copies to a port at least".to_owned();
                return Err(file::error_at(path, text, tap.to.span().start, what));
            }
            taps.push(Tap { switch, matching, to });
        }
        Ok(Taps(taps))
    }

    fn desired(&self, switch: DatapathId, _: &Network, tables: Tables) -> Result<Desired, DeclareError> {
        let mut desired = Desired::new(tables.owner(COOKIE));
        let flow = FlowMod::add().table(tables.own).goto_table(tables.next);
        desired.add_flow(flow.clone().priority(REST))?;
        let taps = self.0.iter().filter(|tap| tap.switch == switch);
        for (tap, priority) in taps.zip((REST + 1..=FIRST_PRIORITY).rev()) {
            let copies: Actions = tap.to.iter().map(|port| Action::output(*port)).collect();
            desired.add_flow(flow.clone().priority(priority).matching(tap.matching.clone()).apply(copies))?;
        }
        Ok(desired)
    }
}

#[cfg(test)]
mod tests {
    use openflow::TableId;

    use super::*;

    fn read(text: &str) -> Result<Taps, FileError> {
        Taps::from_toml(text, Path::new("m.toml"))
    }

    #[test]
    fn the_taps_of_a_switch_become_its_flows_in_order() {
        let taps = read(
            "taps = [\n  { switch = 1, match = \"tcp\", to = [4, 3, 4] },\n  { switch = 2, to = [1] },\n  \
             { switch = 1, match = \"ip\", to = [3] },\n]\n",
        );
        let tables = Tables { own: TableId(0), next: TableId(1) };
        let desired = taps.unwrap().desired(DatapathId(1), &Network::new(), tables).unwrap();
        let mut flows: Vec<String> = desired.flows().map(ToString::to_string).collect();
        flows.sort();
        assert_eq!(
            flows,
            [
                "cookie=0xf10b000000007a00,priority=28671 actions=goto_table:1",
                "cookie=0xf10b000000007a00,priority=61438,ip actions=output:3,goto_table:1",
                "cookie=0xf10b000000007a00,priority=61439,tcp actions=output:3,output:4,goto_table:1",
            ]
        );
    }

    #[test]
    fn errors_point_at_the_place() {
        let cases = [
            ("[[taps]]\nswitch = 1\nto = []\n", "m.toml:3:6: a tap copies to a port at least"),
            ("[[taps]]\nswitch = 1\n", "m.toml:1:1: missing field `to`"),
            (
                "[[taps]]\nswitch = 1\nmatch = \"tcp,tpdst=1\"\nto = [1]\n",
                "m.toml:3:14: unknown field \"tpdst\"; did you mean \"tp_dst\"?",
            ),
            (
                "[[taps]]\nswitch = 1\nto = [1]\n[[taps]]\nswitch = 1\nto = [2]\n",
                "m.toml:6:6: tap 2 has switch and match of tap 1; leave one of them out",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).unwrap_err().to_string(), expected);
        }
    }
}
