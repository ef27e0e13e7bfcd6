//! What tables can do.

use serde::ser::SerializeMap;

use super::matching::field_name;
use super::names::{ACTIONS, INSTRUCTIONS, named};
use super::scalar::{Data, Symbol, bits, count, table};
use super::{List, Members, object};
use crate::multipart::table_features::{FeatureId, Of, OxmId};
use crate::multipart::{TableFeatures, TableProperty, TableStats};

object! {
    TableStats as stats {
        "table_id": table(stats.table),
        "active_count": stats.active_count,
        "lookup_count": count(stats.lookup_count),
        "matched_count": count(stats.matched_count),
    }

    TableFeatures as features {
        "table_id": table(features.table),
        "name": features.name.to_str_lossy(),
        "metadata_match": bits(features.metadata_match),
        "metadata_write": bits(features.metadata_write),
        "config": features.config,
        "max_entries": features.max_entries,
        "properties": List(&features.properties),
    }

    OxmId as id {
        "field": field_name(id.key()),
        "has_mask": id.has_mask(),
        "experimenter": id.experimenter,
    }
}

impl Members for TableProperty {
    fn add<M: SerializeMap>(&self, to: &mut M) -> Result<(), M::Error> {
        use TableProperty as P;
        let name = |of: &Of, hit, miss| Symbol::Name(if *of == Of::Hit { hit } else { miss });
        let kind = match self {
            P::Instructions(of, _) => name(of, "instructions", "instructions_miss"),
            P::NextTables(of, _) => name(of, "next_tables", "next_tables_miss"),
            P::WriteActions(of, _) => name(of, "write_actions", "write_actions_miss"),
            P::ApplyActions(of, _) => name(of, "apply_actions", "apply_actions_miss"),
            P::Match(_) => Symbol::Name("match"),
            P::Wildcards(_) => Symbol::Name("wildcards"),
            P::WriteSetField(of, _) => name(of, "write_setfield", "write_setfield_miss"),
            P::ApplySetField(of, _) => name(of, "apply_setfield", "apply_setfield_miss"),
            P::Unknown { kind: 0xfffe, .. } => Symbol::Name("experimenter"),
            P::Unknown { kind: 0xffff, .. } => Symbol::Name("experimenter_miss"),
            P::Unknown { kind, .. } => Symbol::Number((*kind).into()),
        };
        to.serialize_entry("type", &kind)?;
        match self {
            P::Instructions(_, ids) => to.serialize_entry("instruction_ids", &features(ids, INSTRUCTIONS)),
            P::NextTables(_, tables) => {
                let tables: Vec<u8> = tables.iter().map(|table| table.0).collect();
                to.serialize_entry("next_table_ids", &tables)
            }
            P::WriteActions(_, ids) | P::ApplyActions(_, ids) => {
                to.serialize_entry("action_ids", &features(ids, ACTIONS))
            }
            P::Match(ids) | P::Wildcards(ids) | P::WriteSetField(_, ids) | P::ApplySetField(_, ids) => {
                to.serialize_entry("oxm_ids", &List(ids))
            }
            P::Unknown { body, .. } => to.serialize_entry("data", &Data(body)),
        }
    }
}

fn features(ids: &[FeatureId], names: &[(u32, &'static str)]) -> Vec<Symbol> {
    ids.iter().map(|id| named(id.kind, names)).collect()
}
