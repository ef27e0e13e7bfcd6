//! What a transaction's operations answered (RFC 7047 §4.1.3, §5.2).

use serde_json::Value as Json;

use super::error::{Error, TransactionError};
use super::operation::Operation;
use super::value::{Atom, BadValue, Row, Uuid, Value, row_from_json};

/// The answer to one operation that was carried out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// The new row's identity (`insert`).
    pub uuid: Option<Uuid>,
    /// The rows read (`select`).
    pub rows: Vec<Row>,
    /// How many rows the operation touched (`update`, `mutate`, `delete`).
    pub count: u64,
}

impl Outcome {
    fn from_json(json: &Json) -> Result<Self, BadValue> {
        let object = match json {
            // `comment` and `wait` answer with an empty object; be content with null too, as
            // only a failed transaction leaves operations out, and this one did not fail.
            Json::Null => return Ok(Self::default()),
            Json::Object(object) => object,
            _ => return Err(BadValue::new("an operation's result", json)),
        };
        let uuid = match object.get("uuid").map(Value::from_json).transpose()? {
            None => None,
            Some(Value::Atom(Atom::Uuid(uuid))) => Some(uuid),
            Some(_) => return Err(BadValue::new("a row's identity", json)),
        };
        let rows = match object.get("rows") {
            None => Vec::new(),
            Some(Json::Array(rows)) => rows.iter().map(row_from_json).collect::<Result<_, _>>()?,
            Some(other) => return Err(BadValue::new("an array of rows", other)),
        };
        let count = object.get("count").and_then(Json::as_u64).unwrap_or(0);
        Ok(Self { uuid, rows, count })
    }
}

/// Ties the results of a `transact` to its operations.
pub(super) fn read(operations: &[Operation], result: &Json) -> Result<Vec<Outcome>, Error> {
    let answer = |source| Error::Answer { method: "transact", source };
    let results = result.as_array().ok_or_else(|| answer(BadValue::new("an array of results", result)))?;
    if let Some((index, error)) = results
        .iter()
        .enumerate()
        .find(|(_, result)| result.get("error").is_some_and(|error| !error.is_null()))
    {
        let text = |key| match error.get(key) {
            Some(Json::String(text)) => text.clone(),
            Some(Json::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        let (error, details) = (text("error"), text("details"));
        return Err(Error::Transaction(match operations.get(index) {
            Some(operation) => {
                TransactionError::Operation { index, operation: operation.describe(), error, details }
            }
            // One element more than there were operations: the commit itself.
            None => TransactionError::Commit { error, details },
        }));
    }
    if results.len() != operations.len() {
        return Err(answer(BadValue::new("one result an operation", result)));
    }
    results.iter().map(|result| Outcome::from_json(result).map_err(answer)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn two() -> [Operation; 2] {
        [Operation::insert("Bridge", [("name", Value::from("s1"))]), Operation::select("Port")]
    }

    #[test]
    fn results_are_tied_to_their_operations() {
        let result = json!([
            {"uuid": ["uuid", "2f77b348-9768-4866-b761-89d5177ecdab"]},
            {"rows": [{"name": "s1-eth1"}]}
        ]);
        let outcomes = read(&two(), &result).unwrap();
        assert!(outcomes[0].uuid.is_some());
        assert_eq!(outcomes[1].rows[0]["name"].as_str(), Some("s1-eth1"));
    }

    /// RFC 7047 §4.1.3: results up to the failed one, then null.
    #[test]
    fn a_failed_operation_is_named() {
        let result = json!([{"error": "constraint violation", "details": "no"}, null]);
        let error = read(&two(), &result).unwrap_err();
        assert_eq!(error.to_string(), "operation 0 (insert Bridge s1): constraint violation: no");
    }

    /// RFC 7047 §4.1.3: a failed commit is one more element.
    #[test]
    fn a_failed_commit_is_told_apart() {
        let result = json!([{}, {}, {"error": "referential integrity violation"}]);
        let error = read(&two(), &result).unwrap_err();
        assert_eq!(error.to_string(), "commit: referential integrity violation");
    }

    #[test]
    fn too_few_results_or_nonsense_is_an_error() {
        for result in [json!([]), json!({}), json!([{}]), json!([{}, 7])] {
            assert!(matches!(read(&two(), &result), Err(Error::Answer { .. })));
        }
    }
}
