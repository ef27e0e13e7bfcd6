//! Rows as they are and as they change (RFC 7047 §4.1.5, §4.1.6).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value as Json, json};
use tokio::sync::Notify;

use super::error::Error;
use super::value::{BadValue, Row, Uuid, row_from_json};

/// Which columns of a table to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// The table.
    pub table: String,
    /// The columns; none given means all.
    pub columns: Option<Vec<String>>,
}

impl Columns {
    /// These columns of `table`.
    pub fn of<N: Into<String>>(table: impl Into<String>, columns: impl IntoIterator<Item = N>) -> Self {
        Self { table: table.into(), columns: Some(columns.into_iter().map(Into::into).collect()) }
    }

    /// All columns of `table`.
    pub fn all(table: impl Into<String>) -> Self {
        Self { table: table.into(), columns: None }
    }
}

/// The `<monitor-requests>` for some tables.
pub(super) fn requests(tables: &[Columns]) -> Json {
    let mut requests: Map<String, Json> = Map::new();
    for watched in tables {
        let request = match &watched.columns {
            Some(columns) => json!({"columns": columns}),
            None => json!({}),
        };
        // Several requests for one table are an array of them.
        match requests.entry(&watched.table) {
            serde_json::map::Entry::Vacant(entry) => {
                entry.insert(json!([request]));
            }
            serde_json::map::Entry::Occupied(mut entry) => {
                if let Json::Array(all) = entry.get_mut() {
                    all.push(request);
                }
            }
        }
    }
    Json::Object(requests)
}

/// What happened to a row. Columns are those asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum RowUpdate {
    /// It is new, or was there when the monitor began.
    Inserted(Row),
    /// Some columns changed.
    Modified {
        /// What the changed columns were.
        old: Row,
        /// What all columns are now.
        new: Row,
    },
    /// It is gone; this is what it was.
    Deleted(Row),
}

impl RowUpdate {
    /// The row as it is now; none once it is deleted.
    #[must_use]
    pub fn row(&self) -> Option<&Row> {
        match self {
            RowUpdate::Inserted(row) | RowUpdate::Modified { new: row, .. } => Some(row),
            RowUpdate::Deleted(_) => None,
        }
    }

    fn from_json(json: &Json) -> Result<Self, BadValue> {
        let part = |key| json.get(key).map(row_from_json).transpose();
        match (part("old")?, part("new")?) {
            (None, Some(new)) => Ok(RowUpdate::Inserted(new)),
            (Some(old), Some(new)) => Ok(RowUpdate::Modified { old, new }),
            (Some(old), None) => Ok(RowUpdate::Deleted(old)),
            (None, None) => Err(BadValue::new("a row update", json)),
        }
    }

    /// This, and then `later`, as one update; none where they cancel out.
    fn then(self, later: RowUpdate) -> Option<RowUpdate> {
        // What a column was before both: the earlier update knows best.
        let over = |mut below: Row, above: Row| {
            below.extend(above);
            below
        };
        match (self, later) {
            (RowUpdate::Inserted(_), RowUpdate::Deleted(_)) => None,
            (RowUpdate::Inserted(_), RowUpdate::Modified { new, .. }) => Some(RowUpdate::Inserted(new)),
            (RowUpdate::Modified { old, .. }, RowUpdate::Modified { old: later, new }) => {
                Some(RowUpdate::Modified { old: over(later, old), new })
            }
            (RowUpdate::Modified { old, .. }, RowUpdate::Deleted(last)) => {
                Some(RowUpdate::Deleted(over(last, old)))
            }
            // The server gives no identity twice; should it, the later word counts.
            (_, later) => Some(later),
        }
    }
}

/// Changed rows by table and identity.
pub type TableUpdates = BTreeMap<String, BTreeMap<Uuid, RowUpdate>>;

pub(super) fn updates_from_json(json: &Json) -> Result<TableUpdates, BadValue> {
    let object = json.as_object().ok_or_else(|| BadValue::new("table updates", json))?;
    let mut tables = TableUpdates::new();
    for (table, rows) in object {
        let rows = rows
            .as_object()
            .ok_or_else(|| BadValue::new("a table update", rows))?
            .iter()
            .map(|(uuid, update)| Ok((uuid.parse()?, RowUpdate::from_json(update)?)))
            .collect::<Result<_, BadValue>>()?;
        tables.insert(table.clone(), rows);
    }
    Ok(tables)
}

/// What a monitor tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Whether this says everything, or what is new.
    pub scope: Scope,
    /// The rows.
    pub tables: TableUpdates,
}

/// How an [`Event`] relates to what was known before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All rows there are: the first event, and the first after a reconnection. Forget the rest.
    Everything,
    /// Changes since the event before.
    Changes,
}

/// Where the driver leaves what the monitor's owner has not taken yet.
///
/// It is bounded by the number of rows, not of changes: those to one row are merged, so a slow
/// reader sees fewer and larger events, never an older state, and holds nobody up.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    state: Mutex<Pending>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    event: Option<Event>,
    end: Option<End>,
}

/// Why a monitor tells no more.
#[derive(Debug, Clone)]
pub(super) enum End {
    /// The client ended.
    Client,
    /// The server refused to monitor again after a reconnection.
    Refused(String),
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All rows, of a new connection.
    pub(super) fn everything(&self, tables: TableUpdates) {
        self.lock().event = Some(Event { scope: Scope::Everything, tables });
        self.changed.notify_one();
    }

    /// Some changes.
    pub(super) fn changes(&self, tables: TableUpdates) {
        let mut state = self.lock();
        let event =
            state.event.get_or_insert_with(|| Event { scope: Scope::Changes, tables: TableUpdates::new() });
        for (table, rows) in tables {
            let merged = event.tables.entry(table).or_default();
            for (uuid, update) in rows {
                match merged.entry(uuid) {
                    Entry::Vacant(entry) => {
                        entry.insert(update);
                    }
                    Entry::Occupied(entry) => {
                        let earlier = entry.remove();
                        if let Some(update) = earlier.then(update) {
                            merged.insert(uuid, update);
                        }
                    }
                }
            }
        }
        drop(state);
        self.changed.notify_one();
    }

    pub(super) fn end(&self, end: End) {
        self.lock().end.get_or_insert(end);
        self.changed.notify_one();
    }
}

/// A watch on some tables, made by [`Client::monitor`](super::Client::monitor). It outlives
/// reconnections, not the client. Dropping it ends the watch.
#[derive(Debug)]
pub struct Monitor {
    pub(super) mailbox: Arc<Mailbox>,
}

impl Monitor {
    /// The next event; the first says everything. Cancelling loses nothing.
    ///
    /// # Errors
    /// When the client has ended, or the server refuses the watch after a reconnection.
    pub async fn next(&mut self) -> Result<Event, Error> {
        loop {
            {
                let mut state = self.mailbox.lock();
                if let Some(event) = state.event.take() {
                    return Ok(event);
                }
                match &state.end {
                    None => {}
                    Some(End::Client) => return Err(Error::Ended),
                    Some(End::Refused(reason)) => {
                        return Err(Error::Refused { method: "monitor", reason: reason.clone() });
                    }
                }
            }
            // A notification that came since the look above is stored: nothing is missed.
            self.mailbox.changed.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ovsdb::Value;

    fn row(columns: &[(&str, i64)]) -> Row {
        columns.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect()
    }

    #[test]
    fn updates_of_one_row_merge_to_their_sum() {
        let modify =
            |old: &[(&str, i64)], new: &[(&str, i64)]| RowUpdate::Modified { old: row(old), new: row(new) };
        let first = modify(&[("a", 1)], &[("a", 2), ("b", 1)]);
        let second = modify(&[("a", 2), ("b", 1)], &[("a", 3), ("b", 2)]);
        assert_eq!(
            first.clone().then(second.clone()),
            Some(modify(&[("a", 1), ("b", 1)], &[("a", 3), ("b", 2)]))
        );
        assert_eq!(
            RowUpdate::Inserted(row(&[("a", 1)])).then(second),
            Some(RowUpdate::Inserted(row(&[("a", 3), ("b", 2)])))
        );
        let gone = RowUpdate::Deleted(row(&[("a", 2), ("b", 1)]));
        assert_eq!(first.then(gone.clone()), Some(RowUpdate::Deleted(row(&[("a", 1), ("b", 1)]))));
        assert_eq!(RowUpdate::Inserted(row(&[("a", 1)])).then(gone), None);
    }

    #[test]
    fn two_requests_for_one_table_are_both_sent() {
        let asked = requests(&[Columns::of("T", ["a"]), Columns::all("T")]);
        assert_eq!(asked, json!({"T": [{"columns": ["a"]}, {}]}));
    }
}
