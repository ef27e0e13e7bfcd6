//! Lets through what a list of rules allows.

use std::collections::HashMap;
use std::path::Path;

use openflow::{FlowMod, Match, TableId};
use serde::Deserialize;
use toml::Spanned;

use super::config::{Config, FileApp, REST, Tables};
use super::file::{self, FileError};
use crate::{App, AppResult, DeclareError, Desired, Keeper, Switch};

/// A firewall for the apps behind it. Its rules fill a table of their own, in which every packet begins; what they allow
/// goes on in the next table, where the flows of the app behind are, and what they deny is dropped. The rules are desired
/// state: a switch that comes back has them still, and what somebody changes about them is mended.
///
/// They are no app's to bypass: what comes to the controller has passed them, and what an app sends out passes those of
/// the next switch. They have no memory: a rule for the requests of a connection allows none of its replies. They stay on
/// a switch when the controller ends.
#[derive(Debug)]
pub struct AclFirewall {
    config: Config<Acl>,
    tables: Tables,
    /// None where the switch has refused a rule, so that everything is dropped.
    keeper: Option<Keeper>,
}

/// What a firewall does about packets.
#[derive(Clone, Debug, PartialEq)]
pub struct Acl {
    default: Decision,
    rules: Vec<(Decision, Match)>,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Decision {
    Allow,
    Deny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    default: Decision,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    action: Decision,
    #[serde(rename = "match")]
    matching: Spanned<String>,
}

/// Marks the flows of this app, with the number of their table.
const COOKIE: u64 = 0xf10b_0000_0000_ac00;
/// Of the first rule; below that of the flow that finds links.
const FIRST_PRIORITY: u16 = 0xefff;
/// As many as there are priorities between the two.
const MAX_RULES: usize = (FIRST_PRIORITY - REST) as usize;

impl Acl {
    /// Reads rules from a file:
    ///
    /// ```toml
    /// default = "deny"             # or "allow": for what no rule matches
    ///
    /// [[rules]]                    # the first that matches decides
    /// action = "deny"
    /// match = "tcp,tp_dst=23"      # as ovs-fields(7) and ovs-ofctl(8) have it; ports by their numbers
    ///
    /// [[rules]]
    /// action = "allow"
    /// match = "ip,nw_src=10.0.0.0/8"
    ///
    /// [[rules]]
    /// action = "allow"
    /// match = "arp"
    /// ```
    ///
    /// # Errors
    /// With the line, the column and what was expected there; also for a rule with the match of an earlier one, and for
    /// more than 32,768 rules.
    pub fn from_file(path: &Path) -> Result<Acl, FileError> {
        Acl::from_toml(&file::read(path)?, path)
    }

    /// [`from_file`](Self::from_file) for a text at hand; `path` is for the errors.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file).
    pub fn from_toml(text: &str, path: &Path) -> Result<Acl, FileError> {
        let document: Document = file::parse(text, path)?;
        let at = |offset: usize, what: String| file::error_at(path, text, offset, what);
        let (mut rules, mut seen) = (Vec::new(), HashMap::new());
        for rule in &document.rules {
            let span = rule.matching.span();
            if rules.len() >= MAX_RULES {
                return Err(at(span.start, format!("there are more than {MAX_RULES} rules; leave some out")));
            }
            let matching = file::matching(text, path, &rule.matching)?;
            let number = rules.len() + 1;
            if let Some(earlier) = seen.insert(matching.normalized(), number) {
                let what = format!("rule {number} has the match of rule {earlier}; leave one of them out");
                return Err(at(span.start, what));
            }
            rules.push((rule.action, matching));
        }
        Ok(Acl { default: document.default, rules })
    }

    /// The rules as flows of `table`; what they allow goes on in `next`.
    fn desired(&self, table: TableId, next: TableId) -> Result<Desired, DeclareError> {
        let mut desired = Desired::new(Tables { own: table, next }.owner(COOKIE));
        let rules = self.rules.iter().map(|(decision, matching)| (*decision, matching.clone()));
        for (priority, (decision, matching)) in (REST + 1..=FIRST_PRIORITY).rev().zip(rules) {
            desired.add_flow(flow(table, priority, decision, next).matching(matching))?;
        }
        desired.add_flow(flow(table, REST, self.default, next))?;
        Ok(desired)
    }
}

fn flow(table: TableId, priority: u16, decision: Decision, next: TableId) -> FlowMod {
    let flow = FlowMod::add().table(table).priority(priority);
    match decision {
        Decision::Allow => flow.goto_table(next),
        Decision::Deny => flow,
    }
}

impl AclFirewall {
    /// The firewall with these rules in its own table.
    pub fn new(config: Config<Acl>, tables: Tables) -> AclFirewall {
        AclFirewall { config, tables, keeper: None }
    }

    fn desired(&self, acl: &Acl) -> Result<Desired, DeclareError> {
        acl.desired(self.tables.own, self.tables.next)
    }
}

impl FileApp for AclFirewall {
    type Settings = Acl;

    fn read(text: &str, path: &Path) -> Result<Acl, FileError> {
        Acl::from_toml(text, path)
    }

    fn make(config: Config<Acl>, tables: Tables) -> AclFirewall {
        AclFirewall::new(config, tables)
    }
}

impl App for AclFirewall {
    async fn ready(&mut self, switch: &Switch) -> AppResult {
        self.keeper = None;
        match Keeper::start(switch, self.desired(&self.config.get())?).await {
            Ok(keeper) => self.keeper = Some(keeper),
            Err(error) => {
                // The rule that is lacking may be one that denies.
                let closed = Acl { default: Decision::Deny, rules: Vec::new() };
                switch.reconcile(&self.desired(&closed)?).await?;
                return Err(format!("{error}; so everything is dropped there").into());
            }
        }
        Ok(())
    }

    async fn reload(&mut self, switch: &Switch) -> AppResult {
        // The switch may refuse a rule of these, too.
        self.ready(switch).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Acl, FileError> {
        Acl::from_toml(text, Path::new("acl.toml"))
    }

    #[test]
    fn rules_become_flows_in_their_order() {
        let acl = read(
            "default = \"deny\"\nrules = [\n  { action = \"deny\", match = \"tcp,tp_dst=23\" },\n  \
             { action = \"allow\", match = \"ip\" },\n]\n",
        );
        let desired = acl.unwrap().desired(TableId(0), TableId(1)).unwrap();
        let mut flows: Vec<&FlowMod> = desired.flows().collect();
        flows.sort_by_key(|flow| std::cmp::Reverse(flow.priority));
        let allowed = FlowMod::add().goto_table(TableId(1)).instructions;
        let denied = FlowMod::add().instructions;
        let expected = [
            (0xefff, Match::new().eth_type(0x0800).ip_proto(6).tcp_dst(23), denied.clone()),
            (0xeffe, Match::new().eth_type(0x0800), allowed),
            (0x6fff, Match::new(), denied),
        ];
        assert_eq!(flows.len(), expected.len());
        for (flow, (priority, matching, instructions)) in flows.into_iter().zip(expected) {
            assert_eq!((flow.priority, flow.table, flow.cookie), (priority, TableId(0), COOKIE));
            assert_eq!(
                (flow.match_.normalized(), &flow.instructions),
                (matching.normalized(), &instructions)
            );
        }
    }

    #[test]
    fn as_many_rules_as_there_are_priorities_fit() {
        let rules = |count: usize| {
            let rule = |port| format!("[[rules]]\naction = \"deny\"\nmatch = \"in_port={port}\"\n");
            format!("default = \"allow\"\n{}", (1..=count).map(rule).collect::<String>())
        };
        let desired = read(&rules(MAX_RULES)).unwrap().desired(TableId(0), TableId(1)).unwrap();
        assert_eq!(desired.flows().len(), MAX_RULES + 1);
        let error = read(&rules(MAX_RULES + 1)).unwrap_err().to_string();
        assert_eq!(error, "acl.toml:98308:9: there are more than 32768 rules; leave some out");
    }

    #[test]
    fn errors_point_at_the_place() {
        let rule = |text: &str| format!("default = \"deny\"\n[[rules]]\naction = \"deny\"\nmatch = {text}\n");
        let cases = [
            ("".to_owned(), "acl.toml:1:1: missing field `default`"),
            (
                "default = \"drop\"".to_owned(),
                "acl.toml:1:11: unknown variant `drop`, expected `allow` or `deny`",
            ),
            (rule("\"ip\"\nto = 3"), "acl.toml:5:1: unknown field `to`, expected `action` or `match`"),
            (rule("\"tcp,tp_dts=23\""), "acl.toml:4:14: unknown field \"tp_dts\"; did you mean \"tp_dst\"?"),
            (
                rule("\"ip\"\n[[rules]]\naction = \"allow\"\nmatch = \"dl_type=0x800\""),
                "acl.toml:7:9: rule 2 has the match of rule 1; leave one of them out",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(read(&text).unwrap_err().to_string(), expected);
        }
        // A string with escapes is not written as it reads: its beginning is the place.
        let error = read(&rule("\"tcp\\u002ctp_dts=23\"")).unwrap_err().to_string();
        assert!(error.starts_with("acl.toml:4:9: unknown"), "{error}");
    }
}
