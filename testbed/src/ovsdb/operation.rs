//! The operations of a transaction (RFC 7047 §5.2).

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::value::{Row, Uuid, Value, row_to_json};

/// How a [`Condition`] compares (RFC 7047 §5.1, `<function>`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`, of numbers
    Less,
    /// `<=`, of numbers
    LessOrEqual,
    /// `>`, of numbers
    Greater,
    /// `>=`, of numbers
    GreaterOrEqual,
    /// `includes`: a superset
    Includes,
    /// `excludes`: nothing in common
    Excludes,
}

impl Function {
    fn name(self) -> &'static str {
        match self {
            Function::Equal => "==",
            Function::NotEqual => "!=",
            Function::Less => "<",
            Function::LessOrEqual => "<=",
            Function::Greater => ">",
            Function::GreaterOrEqual => ">=",
            Function::Includes => "includes",
            Function::Excludes => "excludes",
        }
    }
}

/// A test that a row passes or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The column looked at; `_uuid` is the row's identity.
    pub column: String,
    /// The comparison.
    pub function: Function,
    /// What the column is compared with.
    pub value: Value,
}

impl Condition {
    /// A comparison.
    pub fn new(column: impl Into<String>, function: Function, value: impl Into<Value>) -> Self {
        Self { column: column.into(), function, value: value.into() }
    }

    /// The row `uuid`.
    #[must_use]
    pub fn is(uuid: Uuid) -> Self {
        Self::new("_uuid", Function::Equal, uuid)
    }

    /// The rows whose `name` is that.
    pub fn named(name: impl Into<String>) -> Self {
        Self::new("name", Function::Equal, name.into())
    }

    fn to_json(&self) -> Json {
        json!([self.column, self.function.name(), self.value.to_json()])
    }
}

/// How a [`Mutation`] changes a column (RFC 7047 §5.1, `<mutator>`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutator {
    /// `+=`
    Add,
    /// `-=`
    Subtract,
    /// `*=`
    Multiply,
    /// `/=`
    Divide,
    /// `%=`
    Remainder,
    /// `insert` into a set or map
    Insert,
    /// `delete` from a set or map
    Delete,
}

impl Mutator {
    fn name(self) -> &'static str {
        match self {
            Mutator::Add => "+=",
            Mutator::Subtract => "-=",
            Mutator::Multiply => "*=",
            Mutator::Divide => "/=",
            Mutator::Remainder => "%=",
            Mutator::Insert => "insert",
            Mutator::Delete => "delete",
        }
    }
}

/// A change relative to a column's present content.
#[derive(Debug, Clone, PartialEq)]
pub struct Mutation {
    /// The column.
    pub column: String,
    /// The change.
    pub mutator: Mutator,
    /// Its operand.
    pub value: Value,
}

impl Mutation {
    /// A change.
    pub fn new(column: impl Into<String>, mutator: Mutator, value: impl Into<Value>) -> Self {
        Self { column: column.into(), mutator, value: value.into() }
    }

    fn to_json(&self) -> Json {
        json!([self.column, self.mutator.name(), self.value.to_json()])
    }
}

/// What a `wait` waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The rows are the given ones.
    Equal,
    /// They are not.
    NotEqual,
}

/// One step of a transaction. All are carried out, or none.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// §5.2.1: a new row.
    Insert {
        /// The table.
        table: String,
        /// Its columns; the others get their defaults.
        row: Row,
        /// The name by which other operations of the same transaction refer to it.
        uuid_name: Option<String>,
    },
    /// §5.2.2: reads rows.
    Select {
        /// The table.
        table: String,
        /// The rows: those that pass all of these.
        conditions: Vec<Condition>,
        /// The columns; none given means all.
        columns: Option<Vec<String>>,
    },
    /// §5.2.3: overwrites columns.
    Update {
        /// The table.
        table: String,
        /// The rows: those that pass all of these.
        conditions: Vec<Condition>,
        /// The new content of these columns.
        row: Row,
    },
    /// §5.2.4: changes columns relative to what they are.
    Mutate {
        /// The table.
        table: String,
        /// The rows: those that pass all of these.
        conditions: Vec<Condition>,
        /// The changes, in order.
        mutations: Vec<Mutation>,
    },
    /// §5.2.5: removes rows.
    Delete {
        /// The table.
        table: String,
        /// The rows: those that pass all of these.
        conditions: Vec<Condition>,
    },
    /// §5.2.6: holds the transaction up until rows have, or lack, a content.
    Wait {
        /// The table.
        table: String,
        /// The rows looked at.
        conditions: Vec<Condition>,
        /// The columns compared.
        columns: Vec<String>,
        /// The awaited relation.
        until: Until,
        /// The content compared with.
        rows: Vec<Row>,
        /// How long it may take (sent in whole milliseconds); none given means for ever. Keep it
        /// below the client's own request timeout.
        timeout: Option<Duration>,
    },
    /// §5.2.9: a remark for the server's log.
    Comment(String),
    /// §5.2.8: gives the transaction up.
    Abort,
}

impl Operation {
    /// A new row of `table`.
    pub fn insert<N: Into<String>>(
        table: impl Into<String>,
        columns: impl IntoIterator<Item = (N, Value)>,
    ) -> Self {
        Operation::Insert {
            table: table.into(),
            row: columns.into_iter().map(|(name, value)| (name.into(), value)).collect(),
            uuid_name: None,
        }
    }

    /// All of all rows of `table`; narrowed by [`Operation::filter`] and [`Operation::columns`].
    pub fn select(table: impl Into<String>) -> Self {
        Operation::Select { table: table.into(), conditions: Vec::new(), columns: None }
    }

    /// Overwrites columns of all rows of `table`; narrowed by [`Operation::filter`].
    pub fn update<N: Into<String>>(
        table: impl Into<String>,
        columns: impl IntoIterator<Item = (N, Value)>,
    ) -> Self {
        Operation::Update {
            table: table.into(),
            conditions: Vec::new(),
            row: columns.into_iter().map(|(name, value)| (name.into(), value)).collect(),
        }
    }

    /// Changes all rows of `table`; narrowed by [`Operation::filter`].
    pub fn mutate(table: impl Into<String>, mutations: impl IntoIterator<Item = Mutation>) -> Self {
        Operation::Mutate {
            table: table.into(),
            conditions: Vec::new(),
            mutations: mutations.into_iter().collect(),
        }
    }

    /// Removes all rows of `table`; narrowed by [`Operation::filter`].
    pub fn delete(table: impl Into<String>) -> Self {
        Operation::Delete { table: table.into(), conditions: Vec::new() }
    }

    /// The same, of the rows that pass `condition` too. No effect on an operation without rows.
    #[must_use]
    pub fn filter(mut self, condition: Condition) -> Self {
        match &mut self {
            Operation::Select { conditions, .. }
            | Operation::Update { conditions, .. }
            | Operation::Mutate { conditions, .. }
            | Operation::Delete { conditions, .. }
            | Operation::Wait { conditions, .. } => conditions.push(condition),
            Operation::Insert { .. } | Operation::Comment(_) | Operation::Abort => {}
        }
        self
    }

    /// The same, of these columns only. No effect but on `select` and `wait`.
    #[must_use]
    pub fn columns<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        match &mut self {
            Operation::Select { columns, .. } => *columns = Some(names),
            Operation::Wait { columns, .. } => *columns = names,
            _ => {}
        }
        self
    }

    /// The same insertion, with a name to refer to it. No effect on other operations.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        if let Operation::Insert { uuid_name, .. } = &mut self {
            *uuid_name = Some(name.into());
        }
        self
    }

    /// For messages: `insert Bridge`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Operation::Insert { table, row, .. } => match row.get("name").and_then(Value::as_str) {
                Some(name) => format!("insert {table} {name}"),
                None => format!("insert {table}"),
            },
            Operation::Select { table, .. } => format!("select {table}"),
            Operation::Update { table, .. } => format!("update {table}"),
            Operation::Mutate { table, .. } => format!("mutate {table}"),
            Operation::Delete { table, .. } => format!("delete {table}"),
            Operation::Wait { table, .. } => format!("wait {table}"),
            Operation::Comment(_) => "comment".to_owned(),
            Operation::Abort => "abort".to_owned(),
        }
    }

    pub(super) fn to_json(&self) -> Json {
        let all = |conditions: &[Condition]| -> Json { conditions.iter().map(Condition::to_json).collect() };
        match self {
            Operation::Insert { table, row, uuid_name } => {
                let mut json = json!({"op": "insert", "table": table, "row": row_to_json(row)});
                if let Some(name) = uuid_name {
                    json["uuid-name"] = json!(name);
                }
                json
            }
            Operation::Select { table, conditions, columns } => {
                let mut json = json!({"op": "select", "table": table, "where": all(conditions)});
                if let Some(columns) = columns {
                    json["columns"] = json!(columns);
                }
                json
            }
            Operation::Update { table, conditions, row } => {
                json!({"op": "update", "table": table, "where": all(conditions),
                        "row": row_to_json(row)})
            }
            Operation::Mutate { table, conditions, mutations } => {
                let mutations: Json = mutations.iter().map(Mutation::to_json).collect();
                json!({"op": "mutate", "table": table, "where": all(conditions),
                       "mutations": mutations})
            }
            Operation::Delete { table, conditions } => {
                json!({"op": "delete", "table": table, "where": all(conditions)})
            }
            Operation::Wait { table, conditions, columns, until, rows, timeout } => {
                let until = match until {
                    Until::Equal => "==",
                    Until::NotEqual => "!=",
                };
                let rows: Json = rows.iter().map(row_to_json).collect();
                let mut json = json!({"op": "wait", "table": table, "where": all(conditions),
                                      "columns": columns, "until": until, "rows": rows});
                if let Some(timeout) = timeout {
                    let milliseconds = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
                    json["timeout"] = json!(milliseconds);
                }
                json
            }
            Operation::Comment(comment) => json!({"op": "comment", "comment": comment}),
            Operation::Abort => json!({"op": "abort"}),
        }
    }
}
