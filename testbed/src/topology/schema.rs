//! What a topology's file may say, for editors that complete and check it.

use super::Topology;

impl Topology {
    /// A JSON Schema (draft 2020-12) of the files that [`from_file`](Topology::from_file) reads.
    pub const SCHEMA: &str = include_str!("schema.json");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use serde_json::Value;

    use super::*;

    /// The keys that the reader knows at a place, which it lists where it does not know one.
    fn known(text: &str) -> BTreeSet<String> {
        let error = Topology::from_toml(text, Path::new("net.toml")).unwrap_err().to_string();
        let (_, list) = error.split_once("unknown field `zz`, expected ").expect(&error);
        list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_schema_has_the_keys_that_are_read() {
        let schema: Value = serde_json::from_str(Topology::SCHEMA).unwrap();
        let places = [
            ("", "zz = 1\n"),
            ("/$defs/host", "hosts = [{ zz = 1 }]\n"),
            ("/$defs/interface", "hosts = [{ name = \"h1\", interfaces = [{ zz = 1 }] }]\n"),
            ("/$defs/limits", "hosts = [{ name = \"h1\", limits = { zz = 1 } }]\n"),
            ("/$defs/switch", "switches = [{ zz = 1 }]\n"),
            ("/$defs/link", "links = [{ zz = 1 }]\n"),
            ("/$defs/properties", "links = [{ a = \"h1\", b = \"s1\", a_to_b = { zz = 1 } }]\n"),
            ("/$defs/event", "events = [{ zz = 1 }]\n"),
        ];
        for (place, text) in places {
            let properties = schema.pointer(&format!("{place}/properties")).and_then(Value::as_object);
            let keys: BTreeSet<String> = properties.expect(place).keys().cloned().collect();
            assert_eq!(keys, known(text), "{place}");
        }
        let defined = schema["$defs"].as_object().unwrap();
        let objects = defined.values().filter(|definition| definition["type"] == "object").count();
        assert_eq!(objects + 1, places.len(), "each object of the schema is looked at");
    }

    #[test]
    fn words_to_choose_from_are_those_that_are_read() {
        let schema: Value = serde_json::from_str(Topology::SCHEMA).unwrap();
        let choices = [
            ("/$defs/switch/properties/kind/enum", "switches = [{ name = \"s1\", kind = \"zz\" }]\n"),
            (
                "/$defs/switch/properties/fail_mode/enum",
                "switches = [{ name = \"s1\", fail_mode = \"zz\" }]\n",
            ),
            (
                "/$defs/properties/properties/distribution/enum",
                "links = [{ a = \"h1\", b = \"s1\", distribution = \"zz\" }]\n",
            ),
        ];
        for (place, text) in choices {
            let error = Topology::from_toml(text, Path::new("net.toml")).unwrap_err().to_string();
            let (_, list) = error.split_once("unknown variant `zz`, expected ").expect(&error);
            let read: BTreeSet<&str> = list.split('`').skip(1).step_by(2).collect();
            let words = schema.pointer(place).and_then(Value::as_array).expect(place);
            assert_eq!(words.iter().filter_map(Value::as_str).collect::<BTreeSet<_>>(), read, "{place}");
        }
    }
}
