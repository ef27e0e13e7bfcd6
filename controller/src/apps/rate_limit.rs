//! Limits what each host may send.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr;

use openflow::msg::meter_mod::{MeterBand, MeterFlags, MeterMod, MeterModCommand};
use openflow::{DatapathId, FlowMod, MacAddr, Match, MeterId, PortNo};
use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use super::config::{REST, Tables};
use super::file::{self, FileError, Station, Word};
use super::kept::{Kept, Rules};
use crate::{DeclareError, Desired, Network, NetworkEvent};

/// Gives each host that was heard a meter of its own, on the switch to which it is attached, with the rate that the
/// [`Limits`] of a file have for it. What is above the rate is dropped; everything else goes on to the app behind.
pub type RateLimit = Kept<Limits>;

/// How much hosts may send.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    default: Option<Limit>,
    stations: BTreeMap<MacAddr, Limit>,
    addresses: BTreeMap<IpAddr, Limit>,
}

/// In kbit/s and kbit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limit {
    rate: u32,
    burst: u32,
}

/// Thousands of bits, or that a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kbit(u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected a number and a unit from \"1kbit\" to \"4000gbit\": kbit, mbit or gbit")]
struct ParseKbitError;

impl FromStr for Kbit {
    type Err = ParseKbitError;

    fn from_str(text: &str) -> Result<Kbit, ParseKbitError> {
        let units = [("kbit", 1), ("mbit", 1_000), ("gbit", 1_000_000)];
        let (number, factor) = units
            .iter()
            .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))
            .ok_or(ParseKbitError)?;
        let number = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse::<u32>());
        let number = number.and_then(Result::ok).and_then(|number| number.checked_mul(factor));
        number.filter(|number| *number > 0).map(Kbit).ok_or(ParseKbitError)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    default: Option<LimitText>,
    #[serde(default)]
    hosts: Vec<Spanned<HostText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitText {
    rate: Word<Kbit>,
    burst: Option<Word<Kbit>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HostText {
    mac: Option<Station>,
    address: Option<Word<IpAddr>>,
    rate: Word<Kbit>,
    burst: Option<Word<Kbit>>,
}

/// Marks the flows of this app, with the number of their table.
const COOKIE: u64 = 0xf10b_0000_0000_3e00;
const LIMITED: u16 = 0x7fff;
/// Meters of one table: Open vSwitch has 262,144 in all. Four tables can have some of their own.
const METERS: u32 = 16_384;
/// Hosts at one switch that have a meter: enough room is left to find each a number of its own.
const MOST_HOSTS: usize = 8_192;
/// A burst that is not told: what passes in a tenth of a second, and some of the longest packets.
const LEAST_BURST: u32 = 1_000;

impl Limit {
    fn new(Word(Kbit(rate)): Word<Kbit>, burst: Option<Word<Kbit>>) -> Limit {
        let burst = burst.map_or((rate / 10).max(LEAST_BURST), |Word(Kbit(burst))| burst);
        Limit { rate, burst }
    }
}

impl Rules for Limits {
    /// Reads limits from a file:
    ///
    /// ```toml
    /// [default]                     # for each host that is not told below; without it these have no limit
    /// rate = "10mbit"               # a second; kbit, mbit or gbit
    /// burst = "1mbit"               # at once; a tenth of the rate and 1mbit at least if it is left out
    ///
    /// [[hosts]]
    /// address = "10.0.0.1"          # or mac = "00:00:00:00:00:01"
    /// rate = "100mbit"
    /// ```
    ///
    /// # Errors
    /// With the line, the column and what was expected there; also for a host that is told twice.
    fn from_toml(text: &str, path: &Path) -> Result<Limits, FileError> {
        let document: Document = file::parse(text, path)?;
        let default = document.default.map(|text| Limit::new(text.rate, text.burst));
        let mut limits = Limits { default, stations: BTreeMap::new(), addresses: BTreeMap::new() };
        for host in &document.hosts {
            let (at, host) = (host.span().start, host.get_ref());
            let limit = Limit::new(host.rate, host.burst);
            let twice = match (host.mac, host.address) {
                (Some(Station(mac)), None) => limits.stations.insert(mac, limit).map(|_| mac.to_string()),
                (None, Some(Word(ip))) => limits.addresses.insert(ip, limit).map(|_| ip.to_string()),
                _ => {
                    let what = "a host has a `mac` or an `address`".to_owned();
                    return Err(file::error_at(path, text, at, what));
                }
            };
            if let Some(host) = twice {
                return Err(file::error_at(path, text, at, format!("{host} has a limit already")));
            }
        }
        Ok(limits)
    }

    fn desired(
        &self,
        switch: DatapathId,
        network: &Network,
        tables: Tables,
    ) -> Result<Desired, DeclareError> {
        let here = network.snapshot().hosts.into_iter().filter_map(|host| {
            let at = host.attached.filter(|at| at.switch == switch)?;
            Some((host.mac, at.port, host.addresses))
        });
        self.flows(here, tables)
    }

    fn follows(change: &NetworkEvent) -> bool {
        !matches!(change, NetworkEvent::SwitchUp(_) | NetworkEvent::SwitchReady(_))
    }
}

impl Limits {
    fn of(&self, mac: MacAddr, addresses: &[IpAddr]) -> Option<Limit> {
        let by_address = || addresses.iter().find_map(|address| self.addresses.get(address));
        self.stations.get(&mac).or_else(by_address).copied().or(self.default)
    }

    /// The flows and meters for these hosts, which are at ports of the switch.
    fn flows(
        &self,
        hosts: impl Iterator<Item = (MacAddr, PortNo, Vec<IpAddr>)>,
        tables: Tables,
    ) -> Result<Desired, DeclareError> {
        let first = 1 + u32::from(tables.own.0 % 4) * METERS;
        let owner = tables.owner(COOKIE).meters(first..=first + METERS - 1);
        let mut desired = Desired::new(owner);
        let flow = FlowMod::add().table(tables.own).goto_table(tables.next);
        desired.add_flow(flow.clone().priority(REST))?;
        let mut taken = BTreeMap::new();
        for (mac, port, addresses) in hosts.take(MOST_HOSTS) {
            let Some(limit) = self.of(mac, &addresses) else { continue };
            // By the address, so that a meter keeps its number when other hosts come and go.
            let [.., a, b, c] = mac.0;
            let mut number = u32::from_be_bytes([0, a, b, c]) % METERS;
            while taken.insert(number, ()).is_some() {
                number = (number + 1) % METERS;
            }
            let meter = MeterId(first + number);
            desired.add_meter(MeterMod {
                command: MeterModCommand::Add,
                flags: MeterFlags::KBPS | MeterFlags::BURST | MeterFlags::STATS,
                meter,
                bands: vec![MeterBand::Drop { rate: limit.rate, burst: limit.burst }],
            })?;
            let from = Match::new().in_port(port).eth_src(mac);
            desired.add_flow(flow.clone().priority(LIMITED).matching(from).meter(meter))?;
        }
        Ok(desired)
    }
}

#[cfg(test)]
mod tests {
    use openflow::TableId;

    use super::*;

    const TABLES: Tables = Tables { own: TableId(1), next: TableId(2) };

    fn read(text: &str) -> Result<Limits, FileError> {
        Limits::from_toml(text, Path::new("l.toml"))
    }

    #[test]
    fn each_host_has_a_meter_that_it_keeps() {
        let limits = read(
            "default = { rate = \"20mbit\" }\nhosts = [\n  { address = \"10.0.0.2\", rate = \"1gbit\", burst = \"5mbit\" },\n  \
             { mac = \"02:00:00:00:00:03\", rate = \"64kbit\" },\n]\n",
        )
        .unwrap();
        let host = |last| {
            (MacAddr([2, 0, 0, 0, 0, last]), PortNo(last.into()), vec![IpAddr::from([10, 0, 0, last])])
        };
        let of = |hosts: &[u8]| limits.flows(hosts.iter().map(|last| host(*last)), TABLES).unwrap();
        let desired = of(&[1, 2, 3]);
        let flows: Vec<String> = desired.flows().map(ToString::to_string).collect();
        let flow = "table=1,cookie=0xf10b000000003e01,priority=32767,in_port=2,dl_src=02:00:00:00:00:02 \
                    actions=meter:16387,goto_table:2";
        assert!(flows.contains(&flow.to_owned()), "{flows:#?}");
        let limit =
            |mac: u8| limits.of(MacAddr([2, 0, 0, 0, 0, mac]), &[IpAddr::from([10, 0, 0, mac])]).unwrap();
        assert_eq!(limit(1), Limit { rate: 20_000, burst: 2_000 });
        assert_eq!(limit(2), Limit { rate: 1_000_000, burst: 5_000 });
        assert_eq!(limit(3), Limit { rate: 64, burst: 1_000 });
        let kept: Vec<String> = of(&[2]).flows().map(ToString::to_string).collect();
        assert!(kept.contains(&flow.to_owned()), "{kept:#?}");
    }

    #[test]
    fn addresses_with_the_same_end_have_meters_of_their_own() {
        let limits = read("default = { rate = \"1mbit\" }").unwrap();
        let hosts = (0..50).map(|first| (MacAddr([2, first, 0, 0, 0x3f, 0xff]), PortNo(1), Vec::new()));
        let desired = limits.flows(hosts, TABLES).unwrap();
        let meters: std::collections::BTreeSet<String> =
            desired.flows().map(|flow| flow.to_string()).filter(|flow| flow.contains("meter:")).collect();
        assert_eq!(meters.len(), 50);
    }

    #[test]
    fn errors_point_at_the_place() {
        let rate = "expected a number and a unit from \"1kbit\" to \"4000gbit\": kbit, mbit or gbit";
        let cases = [
            ("default = { rate = \"0mbit\" }", format!("l.toml:1:20: \"0mbit\": {rate}")),
            ("default = { rate = \"9999999gbit\" }", format!("l.toml:1:20: \"9999999gbit\": {rate}")),
            ("[[hosts]]\nrate = \"1mbit\"", "l.toml:1:1: a host has a `mac` or an `address`".to_owned()),
            (
                "hosts = [\n { address = \"::1\", rate = \"1mbit\" },\n { address = \"::1\", rate = \"2mbit\" }]",
                "l.toml:3:2: ::1 has a limit already".to_owned(),
            ),
            (
                "[[hosts]]\nmac = \"ff:ff:ff:ff:ff:ff\"\nrate = \"1mbit\"",
                "l.toml:2:7: ff:ff:ff:ff:ff:ff is not the address of one station".to_owned(),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).unwrap_err().to_string(), expected);
        }
    }
}
