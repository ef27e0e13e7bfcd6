//! OVSDB's values and their JSON notation (RFC 7047 §5.1).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde_json::{Value as Json, json};

/// A row, or some columns of one, by column name.
pub type Row = BTreeMap<String, Value>;

/// Text from the server that is no OVSDB value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct BadValue {
    /// What the notation asks for.
    pub expected: &'static str,
    /// What was there, cut to a readable length.
    pub found: String,
}

impl BadValue {
    pub(super) fn new(expected: &'static str, found: &Json) -> Self {
        const READABLE: usize = 80;
        let mut found = found.to_string();
        if let Some((cut, _)) = found.char_indices().nth(READABLE) {
            found.truncate(cut);
            found.push('…');
        }
        Self { expected, found }
    }
}

/// The identity of a row, given by the server (RFC 7047 §3.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(u128);

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        let (a, b, c, d, e) = (&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
        write!(f, "{a}-{b}-{c}-{d}-{e}")
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Uuid {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        let bad = || BadValue::new("a UUID", &Json::from(text));
        let dashes = [8, 13, 18, 23];
        let well_formed = text.len() == 36
            && text
                .bytes()
                .enumerate()
                .all(|(at, byte)| if dashes.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() });
        if !well_formed {
            return Err(bad());
        }
        u128::from_str_radix(&text.replace('-', ""), 16).map(Self).map_err(|_| bad())
    }
}

/// One scalar.
#[derive(Debug, Clone, PartialEq)]
pub enum Atom {
    /// 64 bits, signed.
    Integer(i64),
    /// IEEE 754 double, finite.
    Real(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// UTF-8.
    String(String),
    /// A reference to a row.
    Uuid(Uuid),
    /// A reference to a row that the same transaction inserts, by its `uuid-name`.
    NamedUuid(String),
}

impl Atom {
    pub(super) fn to_json(&self) -> Json {
        match self {
            Atom::Integer(value) => json!(value),
            Atom::Real(value) => json!(value),
            Atom::Boolean(value) => json!(value),
            Atom::String(value) => json!(value),
            Atom::Uuid(value) => json!(["uuid", value.to_string()]),
            Atom::NamedUuid(name) => json!(["named-uuid", name]),
        }
    }

    fn from_json(json: &Json) -> Result<Self, BadValue> {
        let bad = || BadValue::new("an atom", json);
        match json {
            Json::Bool(value) => Ok(Atom::Boolean(*value)),
            Json::String(value) => Ok(Atom::String(value.clone())),
            Json::Number(number) => {
                number.as_i64().map(Atom::Integer).or_else(|| number.as_f64().map(Atom::Real)).ok_or_else(bad)
            }
            Json::Array(parts) => match parts.as_slice() {
                [Json::String(tag), Json::String(text)] if tag == "uuid" => text.parse().map(Atom::Uuid),
                [Json::String(tag), Json::String(name)] if tag == "named-uuid" => {
                    Ok(Atom::NamedUuid(name.clone()))
                }
                _ => Err(bad()),
            },
            Json::Null | Json::Object(_) => Err(bad()),
        }
    }
}

macro_rules! atom_from {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl From<$from> for Atom {
            fn from(value: $from) -> Self {
                Atom::$variant(value.into())
            }
        }

        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Value::Atom(value.into())
            }
        }
    )*};
}

atom_from! {
    i64 => Integer,
    u32 => Integer,
    f64 => Real,
    bool => Boolean,
    &str => String,
    String => String,
    Uuid => Uuid,
}

/// The content of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Exactly one scalar. The server also writes a set of one so.
    Atom(Atom),
    /// Any number of scalars. An optional column is a set of none or one.
    Set(Vec<Atom>),
    /// Pairs of key and value.
    Map(Vec<(Atom, Atom)>),
}

impl Value {
    /// A set.
    pub fn set<A: Into<Atom>>(atoms: impl IntoIterator<Item = A>) -> Self {
        Value::Set(atoms.into_iter().map(Into::into).collect())
    }

    /// A map.
    pub fn map<K: Into<Atom>, V: Into<Atom>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        Value::Map(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// A reference to a row that the same transaction inserts.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Value::Atom(Atom::NamedUuid(name.into()))
    }

    /// All scalars of a set, or the only one; none of a map.
    #[must_use]
    pub fn atoms(&self) -> &[Atom] {
        match self {
            Value::Atom(atom) => std::slice::from_ref(atom),
            Value::Set(atoms) => atoms,
            Value::Map(_) => &[],
        }
    }

    /// The only scalar, also of a set of one.
    #[must_use]
    pub fn as_atom(&self) -> Option<&Atom> {
        match self.atoms() {
            [atom] => Some(atom),
            _ => None,
        }
    }

    /// The only string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self.as_atom() {
            Some(Atom::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The only integer.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self.as_atom() {
            Some(Atom::Integer(value)) => Some(*value),
            _ => None,
        }
    }

    /// The only boolean.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.as_atom() {
            Some(Atom::Boolean(value)) => Some(*value),
            _ => None,
        }
    }

    /// The only row reference.
    #[must_use]
    pub fn as_uuid(&self) -> Option<Uuid> {
        match self.as_atom() {
            Some(Atom::Uuid(value)) => Some(*value),
            _ => None,
        }
    }

    /// All row references of a set.
    pub fn uuids(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.atoms().iter().filter_map(|atom| match atom {
            Atom::Uuid(uuid) => Some(*uuid),
            _ => None,
        })
    }

    /// A map's value for a string key, if that value is a string.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let Value::Map(pairs) = self else {
            return None;
        };
        pairs.iter().find_map(|pair| match pair {
            (Atom::String(name), Atom::String(value)) if name == key => Some(value.as_str()),
            _ => None,
        })
    }

    pub(super) fn to_json(&self) -> Json {
        match self {
            Value::Atom(atom) => atom.to_json(),
            Value::Set(atoms) => {
                json!(["set", atoms.iter().map(Atom::to_json).collect::<Vec<_>>()])
            }
            Value::Map(pairs) => {
                let pairs: Vec<_> =
                    pairs.iter().map(|(key, value)| json!([key.to_json(), value.to_json()])).collect();
                json!(["map", pairs])
            }
        }
    }

    pub(super) fn from_json(json: &Json) -> Result<Self, BadValue> {
        if let Json::Array(parts) = json
            && let [Json::String(tag), Json::Array(elements)] = parts.as_slice()
        {
            match tag.as_str() {
                "set" => {
                    let atoms: Result<_, _> = elements.iter().map(Atom::from_json).collect();
                    return atoms.map(Value::Set);
                }
                "map" => {
                    let pairs: Result<_, _> = elements.iter().map(pair_from_json).collect();
                    return pairs.map(Value::Map);
                }
                _ => {}
            }
        }
        Atom::from_json(json).map(Value::Atom)
    }
}

fn pair_from_json(json: &Json) -> Result<(Atom, Atom), BadValue> {
    match json.as_array().map(Vec::as_slice) {
        Some([key, value]) => Ok((Atom::from_json(key)?, Atom::from_json(value)?)),
        _ => Err(BadValue::new("a pair of atoms", json)),
    }
}

pub(super) fn row_to_json(row: &Row) -> Json {
    row.iter().map(|(column, value)| (column.clone(), value.to_json())).collect()
}

pub(super) fn row_from_json(json: &Json) -> Result<Row, BadValue> {
    json.as_object()
        .ok_or_else(|| BadValue::new("a row", json))?
        .iter()
        .map(|(column, value)| Ok((column.clone(), Value::from_json(value)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The notations of RFC 7047 §5.1, and a UUID as ovsdb-server 3.1 printed it.
    #[test]
    fn every_notation_is_read_and_written_back() {
        for text in [
            r#"5"#,
            r#"-9223372036854775808"#,
            r#"1.5"#,
            r#"true"#,
            r#""s1""#,
            r#"["uuid","2f77b348-9768-4866-b761-89d5177ecdab"]"#,
            r#"["named-uuid","b0"]"#,
            r#"["set",[]]"#,
            r#"["set",[1,2]]"#,
            r#"["map",[["disable-in-band","true"]]]"#,
        ] {
            let json: Json = serde_json::from_str(text).unwrap();
            let value = Value::from_json(&json).unwrap();
            assert_eq!(value.to_json().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_value_is_an_error() {
        for text in [
            r#"null"#,
            r#"{}"#,
            r#"[]"#,
            r#"["uuid","not-one"]"#,
            r#"["uuid","2f77b348+9768-4866-b761-89d5177ecdab"]"#,
            r#"["set",[["set",[]]]]"#,
            r#"["map",[[1]]]"#,
            r#"["list",[]]"#,
        ] {
            let json: Json = serde_json::from_str(text).unwrap();
            Value::from_json(&json).expect_err(text);
        }
    }

    #[test]
    fn a_set_of_one_is_as_good_as_its_atom() {
        assert_eq!(Value::set([7i64]).as_integer(), Some(7));
        assert_eq!(Value::set(["a", "b"]).as_str(), None);
        assert_eq!(Value::map([("k", "v")]).get("k"), Some("v"));
    }
}
