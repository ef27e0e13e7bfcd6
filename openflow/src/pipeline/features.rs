//! What the tables of a switch can do: everything, each of them (OF 1.3.5 §7.3.5.5).

use super::switch::Switch;
use crate::ids::TableId;
use crate::multipart::table_features::{FeatureId, Of, OxmId};
use crate::multipart::{TableFeatures, TableProperty};
use crate::oxm::{CLASS_BASIC, FieldId, Maskable};

/// Instruction types (`OFPIT_*`).
const INSTRUCTIONS: [u16; 6] = [1, 2, 3, 4, 5, 6];
/// Action types (`OFPAT_*`), all that there are but experimenters'.
pub(super) const ACTIONS: [u16; 16] = [0, 11, 12, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27];

fn ids(kinds: &[u16]) -> Vec<FeatureId> {
    kinds.iter().copied().map(FeatureId::new).collect()
}

fn oxm(id: FieldId, masked: bool) -> OxmId {
    let length = id.wire_len() << u32::from(masked);
    let header = u32::from(CLASS_BASIC) << 16 | (id as u32) << 9 | u32::from(masked) << 8 | length as u32;
    OxmId { header, experimenter: None }
}

fn fields(chosen: impl Fn(FieldId) -> bool, masks: bool) -> Vec<OxmId> {
    let basic = FieldId::BASIC.iter().copied();
    basic.filter(|id| chosen(*id)).map(|id| oxm(id, masks && id.maskable() != Maskable::No)).collect()
}

/// What a table can do.
pub(super) fn table_features(switch: &Switch, table: TableId) -> TableFeatures {
    let later: Vec<TableId> = switch.chosen(TableId::ALL).filter(|other| *other > table).collect();
    let last = later.is_empty();
    let instructions = ids(&INSTRUCTIONS[usize::from(last)..]);
    let actions = ids(&ACTIONS);
    let settable = |id: FieldId| {
        !matches!(id, FieldId::InPort | FieldId::InPhyPort | FieldId::Metadata | FieldId::Ipv6Exthdr)
    };
    let set = fields(settable, false);
    TableFeatures {
        table,
        name: format!("table{table}").as_str().try_into().unwrap_or_default(),
        metadata_match: u64::MAX,
        metadata_write: u64::MAX,
        config: switch.table_configs.get(usize::from(table.0)).copied().unwrap_or_default(),
        max_entries: switch.config.max_flows,
        // Those of the table-miss flow are the same and left out.
        properties: vec![
            TableProperty::Instructions(Of::Hit, instructions),
            TableProperty::NextTables(Of::Hit, later),
            TableProperty::WriteActions(Of::Hit, actions.clone()),
            TableProperty::ApplyActions(Of::Hit, actions),
            TableProperty::Match(fields(|_| true, true)),
            TableProperty::Wildcards(fields(|_| true, false)),
            TableProperty::WriteSetField(Of::Hit, set.clone()),
            TableProperty::ApplySetField(Of::Hit, set),
        ],
    }
}
