//! What tables can do, as `ovs-ofctl ofp-print` prints it: a table is told in short as far as it can
//! do what the one before it can.

use std::collections::BTreeSet;
use std::fmt;

use super::AltHex;
use super::bits::OneLine;
use super::field_names::listed;
use super::fold::Folded;
use super::table::{ActionKinds, Entries};
use crate::ids::TableId;
use crate::multipart::table_features::{FeatureId, Of, OxmId};
use crate::multipart::{TableFeatures, TableProperty};

/// Fields by their place in Open vSwitch's order.
type Fields = BTreeSet<(usize, String)>;

/// Actions of one kind: those that can be written, or those that can be applied.
#[derive(Clone, Default, PartialEq)]
struct Doable {
    kinds: u64,
    set_fields: Fields,
}

/// What a flow can do.
#[derive(Clone, Default, PartialEq)]
struct Abilities {
    next: BTreeSet<u8>,
    instructions: BTreeSet<u16>,
    write: Doable,
    apply: Doable,
}

/// A table, its properties sorted.
struct Table<'a> {
    features: &'a TableFeatures,
    hit: Abilities,
    miss: Abilities,
    /// Fields that can be matched; of them those with any mask, and those that can be left out.
    matched: Fields,
    masked: Fields,
    optional: Fields,
}

impl<'a> Table<'a> {
    fn new(features: &'a TableFeatures) -> Table<'a> {
        let mut table = Table {
            features,
            hit: Abilities::default(),
            miss: Abilities::default(),
            matched: Fields::new(),
            masked: Fields::new(),
            optional: Fields::new(),
        };
        // What is not told of the table-miss flow holds as it does for others (OF 1.3.5 §7.3.5.5.2).
        for of in [Of::Hit, Of::Miss] {
            features.properties.iter().for_each(|property| table.add(property, of));
        }
        table.matched.extend(table.masked.iter().cloned());
        table.optional.extend(table.masked.iter().cloned());
        table
    }

    fn add(&mut self, property: &TableProperty, pass: Of) {
        use TableProperty as P;
        let (P::Instructions(of, _)
        | P::NextTables(of, _)
        | P::WriteActions(of, _)
        | P::ApplyActions(of, _)
        | P::WriteSetField(of, _)
        | P::ApplySetField(of, _)) = property
        else {
            if pass == Of::Hit {
                self.add_match(property);
            }
            return;
        };
        if *of != pass {
            return;
        }
        let both = [&mut self.hit, &mut self.miss];
        for abilities in both.into_iter().skip(usize::from(*of == Of::Miss)) {
            match property {
                P::Instructions(_, ids) => abilities.instructions = ids.iter().map(|id| id.kind).collect(),
                P::NextTables(_, tables) => abilities.next = tables.iter().map(|table| table.0).collect(),
                P::WriteActions(_, ids) => abilities.write.kinds = kinds(ids),
                P::ApplyActions(_, ids) => abilities.apply.kinds = kinds(ids),
                P::WriteSetField(_, ids) => abilities.write.set_fields = fields(ids, |_| true),
                P::ApplySetField(_, ids) => abilities.apply.set_fields = fields(ids, |_| true),
                P::Match(_) | P::Wildcards(_) | P::Unknown { .. } => {}
            }
        }
    }

    fn add_match(&mut self, property: &TableProperty) {
        match property {
            TableProperty::Match(ids) => {
                self.matched = fields(ids, |_| true);
                self.masked = fields(ids, OxmId::has_mask);
            }
            TableProperty::Wildcards(ids) => self.optional = fields(ids, |_| true),
            _ => {}
        }
    }

    fn is_like(&self, other: &Table<'_>) -> bool {
        let (a, b) = (self.features, other.features);
        (a.metadata_match, a.metadata_write, a.max_entries)
            == (b.metadata_match, b.metadata_write, b.max_entries)
            && self.can_what(other)
            && self.matched == other.matched
    }

    fn can_what(&self, other: &Table<'_>) -> bool {
        let (a, b) = (self.features.table, other.features.table);
        self.hit.is_like(a, &other.hit, b) && self.miss.is_like(a, &other.miss, b)
    }
}

fn fields(ids: &[OxmId], wanted: impl Fn(OxmId) -> bool) -> Fields {
    ids.iter().copied().filter(|id| wanted(*id)).map(listed).collect()
}

/// One bit each by number; the last one for experimenters'.
fn kinds(ids: &[FeatureId]) -> u64 {
    ids.iter().fold(0, |all, id| all | 1 << id.kind.min(63))
}

impl Abilities {
    /// Whether the flows of table `a` can do what those of table `b` can, but for this: no flow can go
    /// to its own table, so of two tables in a row the second can't go to itself and the first may.
    fn is_like(&self, a: TableId, other: &Abilities, b: TableId) -> bool {
        let but_for = |first: &Abilities, second: &Abilities, own: TableId| {
            let mut next = first.next.clone();
            next.remove(&own.0) && next == second.next
        };
        let next = self.next == other.next
            || (a.0.checked_add(1) == Some(b.0) && but_for(self, other, b))
            || (b.0.checked_add(1) == Some(a.0) && but_for(other, self, a));
        next && self.instructions == other.instructions
            && self.write == other.write
            && self.apply == other.apply
    }

    fn is_empty(&self) -> bool {
        *self == Abilities::default()
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, before: Option<&Abilities>) -> fmt::Result {
        if !self.next.is_empty() {
            write!(f, "\n      next tables: {}", Ranges(&self.next))?;
        }
        if !self.instructions.is_empty() {
            match before {
                Some(before) if before.instructions == self.instructions => {
                    f.write_str("\n      (same instructions)")?;
                }
                _ => write!(f, "\n      instructions: {}", instruction_names(&self.instructions))?,
            }
        }
        let same = before.is_some_and(|before| before.write == self.write && before.apply == self.apply);
        if same && !self.write.set_fields.is_empty() {
            f.write_str("\n      (same actions)")
        } else if self.write != self.apply {
            f.write_str("\n      Write-Actions features:")?;
            self.write.write(f)?;
            f.write_str("\n      Apply-Actions features:")?;
            self.apply.write(f)
        } else if self.write == Doable::default() {
            Ok(())
        } else {
            f.write_str("\n      Write-Actions and Apply-Actions features:")?;
            self.write.write(f)
        }
    }
}

impl Doable {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kinds != 0 {
            write!(f, "\n        actions: {}", ActionKinds(self.kinds))?;
        }
        if !self.set_fields.is_empty() {
            write!(f, "\n        supported on Set-Field: {}", Folded::new(&self.set_fields))?;
        }
        Ok(())
    }
}

fn instruction_names(kinds: &BTreeSet<u16>) -> String {
    const NAMES: [(u16, &str); 7] = [
        (6, "meter"),
        (4, "apply_actions"),
        (5, "clear_actions"),
        (3, "write_actions"),
        (2, "write_metadata"),
        (1, "goto_table"),
        (0xffff, "experimenter"),
    ];
    let named = NAMES.iter().filter(|(kind, _)| kinds.contains(kind)).map(|(_, name)| (*name).to_owned());
    let unnamed = kinds.iter().filter(|kind| NAMES.iter().all(|(known, _)| known != *kind));
    named.chain(unnamed.map(u16::to_string)).collect::<Vec<_>>().join(" ")
}

/// Numbers, those in a row as first and last.
struct Ranges<'a>(&'a BTreeSet<u8>);

impl fmt::Display for Ranges<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut numbers = self.0.iter().copied().peekable();
        let mut between = "";
        while let Some(first) = numbers.next() {
            let mut last = first;
            while let Some(next) = numbers.next_if(|next| last.checked_add(1) == Some(*next)) {
                last = next;
            }
            match last == first {
                true => write!(f, "{between}{first}")?,
                false => write!(f, "{between}{first}-{last}")?,
            }
            between = ",";
        }
        Ok(())
    }
}

pub(super) fn write_table_features(f: &mut fmt::Formatter<'_>, tables: &[TableFeatures]) -> fmt::Result {
    let mut entries = Entries::default();
    let mut before: Option<Table<'_>> = None;
    for features in tables {
        let table = Table::new(features);
        let like = before.as_ref().is_some_and(|before| table.is_like(before));
        let name = features.name.to_str_lossy();
        if like && name.is_empty() {
            entries.ditto(features.table);
        } else if like {
            entries.named_ditto(f, format_args!("{} (\"{}\")", features.table, OneLine(&name)))?;
        } else if name.is_empty() {
            entries.entry(f, format_args!("{}", features.table))?;
            table.write(f, before.as_ref())?;
        } else {
            entries.entry(f, format_args!("{} (\"{}\")", features.table, OneLine(&name)))?;
            table.write(f, before.as_ref())?;
        }
        before = Some(table);
    }
    entries.finish(f)
}

impl Table<'_> {
    fn write(&self, f: &mut fmt::Formatter<'_>, before: Option<&Table<'_>>) -> fmt::Result {
        let TableFeatures { metadata_match, metadata_write, max_entries, .. } = self.features;
        if (*metadata_match, *metadata_write) != (0, 0) {
            let (matched, written) = (AltHex(*metadata_match), AltHex(*metadata_write));
            write!(f, "\n    metadata: match={matched} write={written}")?;
        }
        if *max_entries != 0 {
            write!(f, "\n    max_entries={max_entries}")?;
        }
        self.write_abilities(f, before)?;
        match before {
            _ if self.matched.is_empty() => Ok(()),
            Some(before) if before.matched == self.matched => f.write_str("\n    (same matching)"),
            _ => self.write_matching(f),
        }
    }

    fn write_abilities(&self, f: &mut fmt::Formatter<'_>, before: Option<&Table<'_>>) -> fmt::Result {
        let own = self.features.table;
        if before.is_some_and(|before| self.can_what(before)) {
            return if self.hit.is_empty() { Ok(()) } else { f.write_str("\n    (same instructions)") };
        }
        if !self.hit.is_like(own, &self.miss, own) {
            f.write_str("\n    instructions (other than table miss):")?;
            self.hit.write(f, before.map(|before| &before.hit))?;
            f.write_str("\n    instructions (table miss):")?;
            return self.miss.write(f, before.map(|before| &before.miss));
        }
        if self.hit.is_empty() {
            return Ok(());
        }
        f.write_str("\n    instructions (table miss and others):")?;
        self.hit.write(f, before.map(|before| &before.hit))
    }

    fn write_matching(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |wanted: &dyn Fn(&(usize, String)) -> bool| -> Fields {
            self.matched.iter().filter(|field| wanted(field)).cloned().collect()
        };
        f.write_str("\n    matching:")?;
        for (what, fields) in [
            ("arbitrary mask", part(&|field| self.masked.contains(field))),
            (
                "exact match or wildcard",
                part(&|field| !self.masked.contains(field) && self.optional.contains(field)),
            ),
            ("must exact match", part(&|field| !self.optional.contains(field))),
        ] {
            if !fields.is_empty() {
                write!(f, "\n      {what}: {}", Folded::new(&fields))?;
            }
        }
        Ok(())
    }
}
