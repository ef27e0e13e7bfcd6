//! Keeps VLANs apart.

mod settings;

use std::collections::HashMap;
use std::path::Path;

use openflow::oxm::VlanVid;
use openflow::{FlowMod, MacAddr, Match, PacketOut, PortNo};

pub use self::settings::Segments;
use super::config::{Config, FileApp, Tables};
use super::file::FileError;
use crate::{App, AppResult, Keeper, PacketIn, Switch, Verdict};

/// A learning switch whose ports belong to VLANs as the [`Segments`] of a file have it: access ports to one, without tags,
/// trunks to several, with tags (IEEE 802.1Q). Frames leave by ports of their own VLAN alone, and addresses are learned for
/// each VLAN by itself. A switch or a port that the file does not tell forwards nothing. Loops are not for this app.
#[derive(Debug)]
pub struct VlanSegments {
    config: Config<Segments>,
    tables: Tables,
    keeper: Option<Keeper>,
    ports: HashMap<(u16, MacAddr), PortNo, foldhash::fast::RandomState>,
}

/// Marks the flows that were learned.
const LEARNED: u64 = 0xf10b_0000_0000_8101;
/// Bits of a cookie that tell the table of the app.
const TABLE: u32 = 48 - 8;
const PRIORITY: u16 = 10;
/// More addresses than this are not learned: a host that forges addresses must not fill the memory.
const MOST_ADDRESSES: usize = 65_536;
/// Seconds without a packet after which a flow ends.
const IDLE_TIMEOUT: u16 = 60;

impl VlanSegments {
    /// One with its own table and the next.
    pub fn new(config: Config<Segments>, tables: Tables) -> VlanSegments {
        VlanSegments { config, tables, keeper: None, ports: HashMap::default() }
    }

    fn cookie(&self) -> u64 {
        LEARNED | u64::from(self.tables.own.0) << TABLE
    }

    /// Deletes what was learned, of one address or of all.
    fn forgotten(&self, which: Match) -> FlowMod {
        FlowMod::delete().table(self.tables.nth(1)).with_cookie(self.cookie(), u64::MAX).matching(which)
    }

    /// Takes note of where a host is, and forgets flows that lead to where it was.
    fn learn(&mut self, switch: &Switch, vlan: u16, host: MacAddr, port: PortNo) -> AppResult {
        let name = (vlan, host);
        if host.is_multicast() || self.ports.len() >= MOST_ADDRESSES && !self.ports.contains_key(&name) {
            return Ok(());
        }
        if self.ports.insert(name, port).is_some_and(|before| before != port) {
            switch.send(self.forgotten(Match::new().vlan_vid(VlanVid::tagged(vlan)).eth_dst(host)))?;
        }
        Ok(())
    }
}

impl FileApp for VlanSegments {
    type Settings = Segments;

    fn read(text: &str, path: &Path) -> Result<Segments, FileError> {
        Segments::from_toml(text, path)
    }

    fn make(config: Config<Segments>, tables: Tables) -> VlanSegments {
        VlanSegments::new(config, tables)
    }
}

impl App for VlanSegments {
    async fn ready(&mut self, switch: &Switch) -> AppResult {
        // Ports may have belonged elsewhere when they were learned.
        switch.flow_mod(self.forgotten(Match::new())).await?;
        let desired = self.config.get().desired(switch.id(), self.tables)?;
        self.keeper = Some(Keeper::start(switch, desired).await?);
        Ok(())
    }

    async fn packet_in(&mut self, switch: &Switch, packet: &PacketIn) -> AppResult<Verdict> {
        let (frame, in_port) = (packet.ethernet(), packet.in_port());
        // In the second table every frame has a tag.
        let Some(vlan) = frame.vlan.filter(|_| packet.table == self.tables.nth(1)) else {
            return Ok(Verdict::Pass);
        };
        self.learn(switch, vlan, frame.src, in_port)?;
        let segments = self.config.get();
        let known = self.ports.get(&(vlan, frame.dst)).copied();
        if known == Some(in_port) {
            return Ok(Verdict::Consume);
        }
        let actions = match known.and_then(|port| segments.to(switch.id(), port, vlan)) {
            Some(actions) => {
                let matching = Match::new().in_port(in_port).vlan_vid(VlanVid::tagged(vlan));
                let flow = FlowMod::add().table(self.tables.nth(1)).priority(PRIORITY).cookie(self.cookie());
                let flow = flow.matching(matching.eth_dst(frame.dst).eth_src(frame.src));
                switch.send(flow.idle_timeout(IDLE_TIMEOUT).apply(actions.clone()))?;
                actions
            }
            None => segments.to_all(switch.id(), in_port, vlan),
        };
        if !actions.is_empty() {
            switch.packet_out(PacketOut::new(packet.data.clone(), actions).in_port(in_port))?;
        }
        Ok(Verdict::Consume)
    }

    async fn reload(&mut self, switch: &Switch) -> AppResult {
        self.ports.clear();
        self.keeper = None;
        self.ready(switch).await
    }
}
