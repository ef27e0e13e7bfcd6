//! Reading a scenario file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeValue, ValueDeserializer};

use super::document::{Document, ScenarioError, Table, Text, text};
use super::{
    Action, CONTROLLER, Expectation, Home, PacketText, Place, Probe, RuleText, Scenario, Shape, Step,
    SwitchRules, TopologySource,
};
use crate::rules::Kind;

/// Reads another file that a scenario names, by its name seen from the scenario's folder. An error is
/// told as it is.
pub type Files<'a> = &'a mut dyn FnMut(&str) -> Result<String, String>;

/// The keys of each table: what `schema.json` says too.
pub(super) const SCENARIO: &[&str] = &["name", "about", "topology", "apps", "rules", "steps"];
pub(super) const RULES: &[&str] = &["flows", "groups", "meters"];
pub(super) const STEP: &[&str] = &[
    "name",
    "from",
    "to",
    "packet",
    "hex",
    "payload",
    "payload_hex",
    "length",
    "count",
    "expect",
    "others",
    "do",
    "switch",
    "flows",
    "groups",
    "meters",
    "advance",
    "dump",
    "is",
];
pub(super) const EXPECTATION: &[&str] = &["at", "with", "match", "any", "count", "at_least", "at_most"];
pub(super) const FILE: &[&str] = &["file"];

const PROBE: &[&str] =
    &["name", "from", "to", "packet", "hex", "payload", "payload_hex", "length", "count", "expect", "others"];

/// The most packets of one probe.
const COUNT_MAX: u64 = 10_000;
/// The longest frame that a probe may ask for: that of the longest IP packet with two tags.
const LENGTH_MAX: u64 = 65_535 + 14 + 8;
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86400);

impl Scenario {
    /// Reads a scenario. `file` names it in errors; other files that it needs come from `files`.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn read(source: &str, file: &str, files: Files<'_>) -> Result<Scenario, ScenarioError> {
        let document = Document { text: source, file: file.into() };
        let root = document.parse()?;
        let table = Table::new(&document, root.get_ref(), 0..0, SCENARIO)?;
        let stem = Path::new(file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let name = table.text("name")?.map(|name| name.value).or(stem).unwrap_or_default();
        table.text("about")?;
        let value = table.value("topology").ok_or_else(|| document.error(&(0..0), "topology is missing"))?;
        let topology = topology(&table, value)?;
        let topology_place = document.place(value.span().start);
        let mut apps = Vec::new();
        for value in table.array("apps")? {
            let app = text(&document, value).ok_or_else(|| table.wrong(value, "an app", "a string"))?;
            apps.push((app.value, app.place));
        }
        let mut reader = Reader { document: &document, files };
        let mut rules = Vec::new();
        if let Some(value) = table.value("rules") {
            let all = Table::of(&document, value, &[])?;
            for (switch, value) in all.entries() {
                rules.push(reader.rules(switch, &Table::of(&document, value, RULES)?)?);
            }
        }
        let mut steps = Vec::new();
        for value in table.array("steps")? {
            steps.push(reader.step(&Table::of(&document, value, STEP)?)?);
        }
        Ok(Scenario { file: file.to_owned(), name, topology, topology_place, apps, rules, steps })
    }
}

fn topology(table: &Table<'_, '_>, value: &Spanned<DeValue<'_>>) -> Result<TopologySource, ScenarioError> {
    match value.get_ref() {
        DeValue::String(text) => Ok(TopologySource::Named(text.to_string())),
        DeValue::Table(_) => {
            let read = toml::Table::deserialize(ValueDeserializer::from(value.clone()));
            read.map(TopologySource::Table).map_err(|error| table.wrong(value, "topology", error.message()))
        }
        _ => Err(table.wrong(value, "topology", "a shape such as \"single,3\", a file's name, or a table")),
    }
}

struct Reader<'d, 't, 'f> {
    document: &'d Document<'t>,
    files: Files<'f>,
}

impl<'d, 't> Reader<'d, 't, '_> {
    fn rules(&mut self, switch: Text, table: &Table<'d, 't>) -> Result<SwitchRules, ScenarioError> {
        let mut texts = Vec::new();
        for (key, kind) in [("meters", Kind::Meters), ("groups", Kind::Groups), ("flows", Kind::Flows)] {
            if let Some(value) = table.value(key) {
                texts.push((kind, self.rule_text(table, key, value)?));
            }
        }
        Ok(SwitchRules { switch: switch.value, place: switch.place, texts })
    }

    /// A text, or `{ file = "..." }`.
    fn rule_text(
        &mut self,
        table: &Table<'d, 't>,
        key: &str,
        value: &'d Spanned<DeValue<'t>>,
    ) -> Result<RuleText, ScenarioError> {
        if let Some(Text { value, span, place }) = text(self.document, value) {
            return Ok(RuleText { text: value, place, home: Home::Literal(span) });
        }
        if !matches!(value.get_ref(), DeValue::Table(_)) {
            return Err(table.wrong(value, key, "a text, or { file = \"...\" }"));
        }
        let name = Table::of(self.document, value, FILE)?.needed("file")?;
        let text = (self.files)(&name.value)
            .map_err(|error| self.document.error(&name.span, format!("{}: {error}", name.value)))?;
        let place = Place { file: name.value.as_str().into(), line: 1, column: 1 };
        Ok(RuleText { text, place, home: Home::File(name.value) })
    }

    fn step(&mut self, table: &Table<'d, 't>) -> Result<Step, ScenarioError> {
        let action = match table.one_of(&["from", "do", "switch", "advance", "dump"])? {
            "from" => {
                table.only(PROBE, "from")?;
                Action::Probe(Box::new(self.probe(table)?))
            }
            "do" => {
                table.only(&["name", "do"], "do")?;
                self.change(&table.needed("do")?)?
            }
            "switch" => {
                table.only(&["name", "switch", "flows", "groups", "meters"], "switch")?;
                table.one_of_some(RULES)?;
                Action::Edit(self.rules(table.needed("switch")?, table)?)
            }
            "advance" => {
                table.only(&["name", "advance"], "advance")?;
                Action::Advance(self.duration(&table.needed("advance")?)?)
            }
            _ => {
                table.only(&["name", "dump", "is"], "dump")?;
                let missing =
                    || self.document.error(&table.span, "is is missing: the flows, or a file of them");
                let value = table.value("is").ok_or_else(missing)?;
                let switch = table.needed("dump")?.value;
                Action::Flows { switch, expected: self.rule_text(table, "is", value)? }
            }
        };
        let name = table.text("name")?.map(|name| name.value);
        Ok(Step { name, place: self.document.place(table.span.start), action })
    }

    fn change(&self, text: &Text) -> Result<Action, ScenarioError> {
        match text.value.split_whitespace().collect::<Vec<_>>()[..] {
            ["link", a, b, state @ ("up" | "down")] => {
                Ok(Action::Link { a: a.to_owned(), b: b.to_owned(), up: state == "up" })
            }
            _ => Err(self.document.error(&text.span, "expected \"link A B up\" or \"link A B down\"")),
        }
    }

    fn duration(&self, text: &Text) -> Result<Duration, ScenarioError> {
        let wrong = || self.document.error(&text.span, "expected a time such as 5s, 200ms, 2m or 1h");
        let at = text.value.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
        let (number, unit) = text.value.split_at(at);
        let unit = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let time = Duration::try_from_secs_f64(number * unit).map_err(|_| wrong())?;
        if time > LONGEST { Err(wrong()) } else { Ok(time) }
    }

    fn probe(&self, table: &Table<'d, 't>) -> Result<Probe, ScenarioError> {
        let count = table.number("count", COUNT_MAX)?.unwrap_or(1) as u32;
        let packet = match table.one_of(&["packet", "hex"])? {
            "packet" => {
                let text = table.needed("packet")?;
                PacketText::Fields(text.value, text.place)
            }
            _ => {
                for key in ["payload", "payload_hex", "to"] {
                    if let Some(value) = table.value(key) {
                        return Err(table.wrong(value, key, "left out: hex is the whole frame"));
                    }
                }
                PacketText::Bytes(self.hex(&table.needed("hex")?)?)
            }
        };
        let payload = match (table.text("payload")?, table.text("payload_hex")?) {
            (Some(_), Some(hex)) => {
                return Err(self.document.error(&hex.span, "payload and payload_hex exclude each other"));
            }
            (Some(text), None) => text.value.into_bytes(),
            (None, Some(hex)) => self.hex(&hex)?,
            (None, None) => Vec::new(),
        };
        let others_ignored = match table.text("others")? {
            None => false,
            Some(text) if text.value == "ignored" => true,
            Some(text) => {
                let what = "others is to be \"ignored\", or left out: then nobody else may get anything";
                return Err(self.document.error(&text.span, what));
            }
        };
        if table.value("expect").is_none() {
            let what = "expect is missing: who gets the packet; [] is nobody";
            return Err(self.document.error(&table.span, what));
        }
        let mut expect = Vec::new();
        for value in table.array("expect")? {
            expect.push(self.expectation(value, count)?);
        }
        Ok(Probe {
            from: table.needed("from")?.value,
            to: table.text("to")?.map(|to| to.value),
            packet,
            payload,
            length: table.number("length", LENGTH_MAX)?.unwrap_or(0) as usize,
            count,
            expect,
            others_ignored,
        })
    }

    fn hex(&self, text: &Text) -> Result<Vec<u8>, ScenarioError> {
        let digits: Vec<u8> = text.value.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let pair = |pair: &[u8]| {
            let text = std::str::from_utf8(pair).ok().filter(|_| pair.len() == 2)?;
            text.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u8::from_str_radix(text, 16).ok())?
        };
        let bytes: Option<Vec<u8>> = digits.chunks(2).map(pair).collect();
        let bytes = bytes.filter(|bytes| bytes.len() as u64 <= LENGTH_MAX);
        bytes.ok_or_else(|| self.document.error(&text.span, "expected an even number of hex digits"))
    }

    /// A host's name, or a table.
    fn expectation(&self, value: &'d Spanned<DeValue<'t>>, count: u32) -> Result<Expectation, ScenarioError> {
        let place = self.document.place(value.span().start);
        if let Some(name) = text(self.document, value) {
            let (at, shape) = (vec![name.value], Shape::Unchanged);
            return Ok(Expectation { at, place, shape, count: (count, count) });
        }
        let table = Table::of(self.document, value, EXPECTATION)?;
        let shape = match (table.text("with")?, table.text("match")?, table.value("any")) {
            (None, None, None) => Shape::Unchanged,
            (Some(with), None, None) => Shape::With(with.value, with.place),
            (None, Some(matched), None) => Shape::Match(matched.value, matched.place),
            (None, None, Some(any)) => match any.get_ref() {
                DeValue::Boolean(true) => Shape::Any,
                _ => return Err(table.wrong(any, "any", "true or left out")),
            },
            _ => return Err(self.document.error(&value.span(), "with, match and any exclude each other")),
        };
        let number = |key| table.number(key, u32::MAX.into());
        let count = match (number("count")?, number("at_least")?, number("at_most")?) {
            (None, None, None) => (count, count),
            (Some(exactly), None, None) => (exactly as u32, exactly as u32),
            (None, least, most) => (least.unwrap_or(0) as u32, most.map_or(u32::MAX, |most| most as u32)),
            _ => return Err(self.document.error(&value.span(), "count excludes at_least and at_most")),
        };
        let at = match table.value("at") {
            None => return Err(self.document.error(&value.span(), "at is missing: who gets it")),
            Some(at) => match (text(self.document, at), at.get_ref()) {
                (Some(name), _) => vec![name.value],
                (None, DeValue::Array(names)) if names.iter().next().is_some() => {
                    let wrong = |value| table.wrong(value, "a name", "a string");
                    let name = |value| Ok(text(self.document, value).ok_or_else(|| wrong(value))?.value);
                    names.iter().map(name).collect::<Result<_, ScenarioError>>()?
                }
                _ => return Err(table.wrong(at, "at", "a host, \"controller\", or several: any of them")),
            },
        };
        if at.len() > 1 && at.iter().any(|name| name == CONTROLLER) {
            return Err(self.document.error(&value.span(), "the controller stands alone in at"));
        }
        Ok(Expectation { at, place, shape, count })
    }
}

impl Table<'_, '_> {
    /// At least one of these keys must be there.
    fn one_of_some(&self, keys: &[&str]) -> Result<(), ScenarioError> {
        if keys.iter().any(|key| self.value(key).is_some()) {
            return Ok(());
        }
        Err(self.document.error(&self.span, format!("expected some of {}", keys.join(", "))))
    }
}

impl RuleText {
    /// The file, for the places of its rules.
    pub(super) fn file(&self) -> Arc<str> {
        Arc::clone(&self.place.file)
    }
}
