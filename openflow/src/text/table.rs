//! What tables count, as `ovs-ofctl ofp-print` prints it, and how it lists tables and actions.

use std::fmt;

use crate::ids::TableId;
use crate::multipart::TableStats;

/// Tables, one entry each; those that are like the one before them are told in short.
#[derive(Default)]
pub(super) struct Entries {
    started: bool,
    /// The first and the last of unnamed tables that are like the one before them.
    ditto: Option<(TableId, TableId)>,
    /// Whether no blank line follows the entry before.
    tight: bool,
}

impl Entries {
    fn gap(&mut self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gap = if self.started && !self.tight { "\n\n" } else { "\n" };
        (self.started, self.tight) = (true, false);
        f.write_str(gap)
    }

    /// Starts the entry of a table.
    pub(super) fn entry(&mut self, f: &mut fmt::Formatter<'_>, title: fmt::Arguments<'_>) -> fmt::Result {
        self.finish(f)?;
        self.gap(f)?;
        write!(f, "  table {title}:")
    }

    /// The whole entry of a table with a name that is like the one before it.
    pub(super) fn named_ditto(
        &mut self,
        f: &mut fmt::Formatter<'_>,
        title: fmt::Arguments<'_>,
    ) -> fmt::Result {
        self.entry(f, title)?;
        self.tight = true;
        f.write_str(" ditto")
    }

    /// A table that is like the one before it.
    pub(super) fn ditto(&mut self, table: TableId) {
        let first = self.ditto.map_or(table, |(first, _)| first);
        self.ditto = Some((first, table));
    }

    /// Tells of the tables that are like the one before them.
    pub(super) fn finish(&mut self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, last)) = self.ditto.take() else { return Ok(()) };
        self.gap(f)?;
        match first == last {
            true => write!(f, "  table {first}: ditto"),
            false => write!(f, "  tables {first}...{last}: ditto"),
        }
    }
}

/// Counters of tables; a table with those of the table before it is told in short.
pub(super) fn write_table_stats(f: &mut fmt::Formatter<'_>, tables: &[TableStats]) -> fmt::Result {
    let mut before: Option<&TableStats> = None;
    let mut entries = Entries::default();
    for stats in tables {
        if before.is_some_and(|before| TableStats { table: stats.table, ..*before } == *stats) {
            entries.ditto(stats.table);
        } else {
            entries.entry(f, format_args!("{}", stats.table))?;
            let TableStats { active_count, lookup_count, matched_count, .. } = stats;
            write!(f, "\n    active={active_count}, lookup={lookup_count}, matched={matched_count}")?;
        }
        before = Some(stats);
    }
    entries.finish(f)
}

/// Actions by their types, one bit each by number, in the order and the words of Open vSwitch.
pub(super) struct ActionKinds(pub(super) u64);

impl fmt::Display for ActionKinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(u32, &str); 17] = [
            (0, "output"),
            (22, "group"),
            (25, "set_field"),
            (18, "strip_vlan"),
            (17, "push_vlan"),
            (23, "mod_nw_ttl"),
            (24, "dec_ttl"),
            (15, "set_mpls_ttl"),
            (16, "dec_mpls_ttl"),
            (19, "push_mpls"),
            (20, "pop_mpls"),
            (21, "set_queue"),
            (11, "copy_ttl_out"),
            (12, "copy_ttl_in"),
            (26, "push_pbb"),
            (27, "pop_pbb"),
            (63, "experimenter"),
        ];
        let mut words = Vec::new();
        let mut rest = self.0;
        for (bit, name) in NAMES {
            if rest >> bit & 1 == 1 {
                words.push(name.to_owned());
                rest &= !(1 << bit);
            }
        }
        words.extend((0..64).filter(|bit| rest >> bit & 1 == 1).map(|bit| bit.to_string()));
        if words.is_empty() { f.write_str("<none>") } else { f.write_str(&words.join(" ")) }
    }
}
