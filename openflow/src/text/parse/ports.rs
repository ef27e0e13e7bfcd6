//! Ports: by number, by reserved name, by the name that a switch gave them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use nom::Parser;
use nom::bytes::complete::take_while_m_n;
use nom::character::complete::{anychar, char};
use nom::combinator::{all_consuming, map_opt, map_res, verify};
use nom::multi::fold_many0;
use nom::sequence::{delimited, preceded};

use super::Reading;
use super::error::Fault;
use super::lexer::Lexed;
use super::number::decimal;
use crate::ids::PortNo;

/// Names of ports, for texts that use them: `output:eth1`, `in_port="s1-eth1"`.
///
/// Usually made of the ports that a switch described. A name that two ports have names none.
///
/// ```
/// # use flowbed_openflow as openflow;
/// use openflow::ids::PortNo;
/// use openflow::text::{Parser, Ports};
/// let ports: Ports = [("eth1", PortNo(1)), ("eth2", PortNo(2))].into_iter().collect();
/// let flow = Parser::new().ports(&ports).flow("in_port=eth1,actions=output:eth2")?;
/// assert_eq!(flow.to_string(), "in_port=1 actions=output:2");
/// # Ok::<(), openflow::text::TextError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    numbers: BTreeMap<String, Option<PortNo>>,
}

impl Ports {
    /// No names.
    pub fn new() -> Ports {
        Ports::default()
    }

    /// Adds a name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, number: PortNo) -> Ports {
        self.insert(name, number);
        self
    }

    /// Adds a name.
    pub fn insert(&mut self, name: impl Into<String>, number: PortNo) {
        match self.numbers.entry(name.into()) {
            Entry::Vacant(vacant) => {
                vacant.insert(Some(number));
            }
            Entry::Occupied(mut there) if *there.get() != Some(number) => {
                there.insert(None);
            }
            Entry::Occupied(_) => {}
        }
    }

    /// The port of this name, if exactly one has it.
    pub fn get(&self, name: &str) -> Option<PortNo> {
        self.numbers.get(name).copied().flatten()
    }
}

impl<S: Into<String>> FromIterator<(S, PortNo)> for Ports {
    fn from_iter<I: IntoIterator<Item = (S, PortNo)>>(named: I) -> Ports {
        named.into_iter().fold(Ports::new(), |ports, (name, number)| ports.with(name, number))
    }
}

/// Reserved names beyond those of [`PortNo`]: Open vSwitch's own, and what `ANY` was called in
/// OpenFlow 1.0.
const MORE_NAMES: [(&str, PortNo); 2] = [("UNSET", PortNo(0xffff_fff7)), ("NONE", PortNo::ANY)];

/// The first number of OpenFlow 1.0's reserved ports; from there on OpenFlow 1.3 has them at the end
/// of its 32 bits.
const RESERVED: u32 = 0xff00;
const OFFSET: u32 = 0xffff_0000;

impl Reading<'_> {
    /// The port that a word names; `None` where it names none.
    pub(super) fn port(&self, word: &str) -> Option<PortNo> {
        if let Some(number) = decimal(word) {
            return match u32::try_from(number).ok()? {
                ordinary @ ..RESERVED => Some(PortNo(ordinary)),
                reserved @ RESERVED..=0xffff => Some(PortNo(reserved + OFFSET)),
                number => Some(PortNo(number)).filter(|port| *port >= PortNo::MAX),
            };
        }
        let reserved = PortNo::from_reserved_name(word)
            .or_else(|| MORE_NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, n)| *n));
        reserved.or_else(|| {
            let ports = self.ports?;
            if word.starts_with('"') { ports.get(&unquoted(word)?) } else { ports.get(word) }
        })
    }

    /// The port that is the value of `of`.
    pub(super) fn port_value<'t>(&self, of: &str, word: &'t str) -> Result<PortNo, Fault<'t>> {
        self.port(word).ok_or_else(|| {
            Fault::value(of, word, "a port: a number below 65280, a name such as LOCAL, or a port's name")
        })
    }
}

/// What a word in quotes means, backslashes read as JSON has them.
fn unquoted(word: &str) -> Option<String> {
    let escape = map_opt(anychar, |c| match c {
        '"' | '\\' | '/' => Some(c),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        _ => None,
    });
    let digits = take_while_m_n(4, 4, |c: char| c.is_ascii_hexdigit());
    let code = map_opt(map_res(digits, |digits| u32::from_str_radix(digits, 16)), char::from_u32);
    let letter = nom::branch::alt((
        preceded(char('\\'), nom::branch::alt((preceded(char('u'), code), escape))),
        verify(anychar, |c| !matches!(c, '"' | '\\')),
    ));
    let letters = fold_many0(letter, String::new, |mut name, c| {
        name.push(c);
        name
    });
    let parsed: Lexed<'_, String> = all_consuming(delimited(char('"'), letters, char('"'))).parse(word);
    parsed.ok().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_have_numbers_and_names() {
        let ports = Ports::new().with("eth1", PortNo(1)).with("a b", PortNo(2)).with("twice", PortNo(3));
        let ports = ports.with("twice", PortNo(4)).with("eth1", PortNo(1));
        let reading = Reading { ports: Some(&ports), ..Reading::default() };
        for (word, port) in [
            ("7", PortNo(7)),
            ("010", PortNo(10)),
            ("4294967294", PortNo::LOCAL),
            ("65279", PortNo(65279)),
            ("65280", PortNo(0xffff_ff00)),
            ("65534", PortNo::LOCAL),
            ("local", PortNo::LOCAL),
            ("None", PortNo::ANY),
            ("unset", PortNo(0xffff_fff7)),
            ("eth1", PortNo(1)),
            ("\"eth1\"", PortNo(1)),
            ("\"a\\u0020b\"", PortNo(2)),
        ] {
            assert_eq!(reading.port(word), Some(port), "{word}");
        }
        for wrong in ["-1", "65536", "0x10", "eth2", "twice", "\"eth1", "eth1\"", "", "\"\\x\""] {
            assert_eq!(reading.port(wrong), None, "{wrong}");
        }
    }
}
