//! The text of `--topo`: a shape's name and its numbers, `tree,2,2`, or a file.

use std::path::Path;
use std::str::FromStr;

use nom::bytes::complete::{tag, take_while1};
use nom::character::complete::digit1;
use nom::combinator::{map_res, opt};
use nom::sequence::preceded;
use nom::{IResult, Parser};

use super::file::{is_graphml, read_text};
use super::{SpecError, Topology, TopologyError};
use crate::error::Error;

/// A number that a shape takes.
struct Parameter {
    what: &'static str,
    least: u32,
    /// `None`: it must be given.
    default: Option<u32>,
}

const fn parameter(what: &'static str, default: Option<u32>) -> Parameter {
    Parameter { what, least: 1, default }
}

const HOSTS_EACH: Parameter = parameter("number of hosts on each switch", Some(1));

impl Parameter {
    const fn at_least(self, least: u32) -> Self {
        Self { least, ..self }
    }
}

type Build = fn(&[u32]) -> Result<Topology, TopologyError>;

/// Each shape: its name, its numbers, its constructor. The defaults are Mininet's.
const SHAPES: [(&str, &[Parameter], Build); 11] = [
    ("minimal", &[], |_| Ok(Topology::minimal())),
    ("single", &[parameter("number of hosts", Some(2))], |n| Topology::single(n[0])),
    ("reversed", &[parameter("number of hosts", Some(2))], |n| Topology::reversed(n[0])),
    (
        "linear",
        &[parameter("number of switches", Some(2)), parameter("number of hosts on each switch", Some(1))],
        |n| Topology::linear(n[0], n[1]),
    ),
    (
        "tree",
        &[parameter("depth of the tree", Some(1)), parameter("number of children of each switch", Some(2))],
        |n| Topology::tree(n[0], n[1]),
    ),
    (
        "torus",
        &[
            parameter("number of switches one way", None).at_least(3),
            parameter("number of switches the other way", None).at_least(3),
            HOSTS_EACH,
        ],
        |n| Topology::torus(n[0], n[1], n[2]),
    ),
    ("ring", &[parameter("number of switches", None).at_least(3)], |n| Topology::ring(n[0])),
    ("mesh", &[parameter("number of switches", None)], |n| Topology::mesh(n[0])),
    ("fattree", &[parameter("number of ports of a switch", None).at_least(2)], |n| Topology::fat_tree(n[0])),
    (
        "leafspine",
        &[parameter("number of leaves", None), parameter("number of spines", None), HOSTS_EACH],
        |n| Topology::leaf_spine(n[0], n[1], n[2]),
    ),
    (
        "random",
        &[
            parameter("number of switches", None),
            parameter("number of links between switches", None).at_least(0),
            parameter("seed", Some(1)).at_least(0),
        ],
        |n| Topology::random(n[0], n[1], n[2].into()),
    ),
];

impl FromStr for Topology {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let wrong = |rest: &str, expected: String| SpecError {
            text: text.to_owned(),
            column: text[..text.len() - rest.len()].chars().count() + 1,
            expected,
            found: match rest {
                "" => "the end".to_owned(),
                _ => format!("{rest:?}"),
            },
        };
        let shapes = || {
            let names: Vec<_> = SHAPES.iter().map(|(name, ..)| *name).collect();
            format!("one of {}", names.join(", "))
        };
        let (mut rest, name) = word(text).map_err(|_| wrong(text, shapes()))?;
        let (_, parameters, build) =
            SHAPES.iter().find(|(shape, ..)| *shape == name).ok_or_else(|| wrong(text, shapes()))?;
        let mut numbers = Vec::with_capacity(parameters.len());
        for parameter in *parameters {
            let here = rest;
            let expected = || format!("the {} ({} or more)", parameter.what, parameter.least);
            let (after, separated) = separator(rest).map_err(|_| wrong(here, expected()))?;
            let number = match (separated, parameter.default) {
                (None, Some(default)) => default,
                (None, None) => return Err(wrong(here, format!("a comma and {}", expected()))),
                (Some(_), _) => {
                    let (after, number) = number(after).map_err(|_| wrong(after, expected()))?;
                    if number < parameter.least {
                        return Err(wrong(&here[1..], expected()));
                    }
                    rest = after;
                    number
                }
            };
            numbers.push(number);
        }
        if !rest.is_empty() {
            return Err(wrong(rest, "the end".to_owned()));
        }
        build(&numbers).map_err(|error| {
            let first_number = text.find(',').map_or("", |at| &text[at + 1..]);
            let size = match error {
                TopologyError::TooLarge { .. } => "smaller",
                _ => "other",
            };
            wrong(first_number, format!("{size} numbers ({error})"))
        })
    }
}

impl Topology {
    /// Reads what `--topo` takes: a shape ([`str::parse`]), or the path of a file ([`from_file`](Self::from_file)), which
    /// has a `.` or a `/` in it. The path of a GraphML file may be followed by a comma and a number of hosts for each
    /// node.
    ///
    /// # Errors
    /// As those of both.
    pub fn open(text: &str) -> Result<Self, Error> {
        if !text.contains(['.', '/']) {
            return Ok(text.parse()?);
        }
        let hosts = text.rsplit_once(',').and_then(|(path, number)| Some((path, number.parse().ok()?)));
        match hosts {
            Some((path, hosts)) if is_graphml(Path::new(path)) => {
                let path = Path::new(path);
                Ok(Self::from_graphml(&read_text(path)?, path, hosts)?)
            }
            _ => Ok(Self::from_file(Path::new(text))?),
        }
    }
}

fn word(input: &str) -> IResult<&str, &str> {
    take_while1(|c: char| c.is_ascii_alphanumeric() || c == '-').parse(input)
}

fn separator(input: &str) -> IResult<&str, Option<&str>> {
    opt(tag(",")).parse(input)
}

fn number(input: &str) -> IResult<&str, u32> {
    map_res(preceded(opt(tag("+")), digit1), str::parse).parse(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_reads_with_and_without_its_numbers() {
        for (text, same) in [
            ("minimal", Topology::minimal()),
            ("single", Topology::single(2).unwrap()),
            ("single,4", Topology::single(4).unwrap()),
            ("reversed,3", Topology::reversed(3).unwrap()),
            ("linear,4", Topology::linear(4, 1).unwrap()),
            ("linear,4,2", Topology::linear(4, 2).unwrap()),
            ("tree", Topology::tree(1, 2).unwrap()),
            ("tree,2,3", Topology::tree(2, 3).unwrap()),
            ("torus,3,4", Topology::torus(3, 4, 1).unwrap()),
            ("torus,3,4,2", Topology::torus(3, 4, 2).unwrap()),
            ("ring,4", Topology::ring(4).unwrap()),
            ("mesh,4", Topology::mesh(4).unwrap()),
            ("fattree,4", Topology::fat_tree(4).unwrap()),
            ("leafspine,3,2", Topology::leaf_spine(3, 2, 1).unwrap()),
            ("leafspine,3,2,4", Topology::leaf_spine(3, 2, 4).unwrap()),
            ("random,9,12", Topology::random(9, 12, 1).unwrap()),
            ("random,9,12,7", Topology::random(9, 12, 7).unwrap()),
        ] {
            assert_eq!(text.parse::<Topology>().unwrap(), same, "{text}");
        }
    }

    #[test]
    fn errors_say_where_and_what_was_expected() {
        for (text, column, expected, found) in [
            ("", 1, "one of minimal, single", "the end"),
            ("star,3", 1, "one of minimal, single", "\"star,3\""),
            ("tree,two,2", 6, "the depth of the tree (1 or more)", "\"two,2\""),
            ("tree,2,", 8, "the number of children", "the end"),
            ("tree,2,2,2", 9, "the end", "\",2\""),
            ("single,0", 8, "the number of hosts (1 or more)", "\"0\""),
            ("torus,3", 8, "a comma and the number of switches the other way (3 or more)", "the end"),
            ("ring,2", 6, "the number of switches (3 or more)", "\"2\""),
            ("fattree,5", 9, "other numbers (5 is no number of ports", "\"5\""),
            ("random,5,99", 8, "other numbers (99 links between 5 switches", "\"5,99\""),
            ("single 4", 7, "the end", "\" 4\""),
            ("tree,99,99", 6, "smaller numbers", "\"99,99\""),
            ("single,99999999999", 8, "the number of hosts", "\"99999999999\""),
        ] {
            let error = text.parse::<Topology>().unwrap_err();
            assert_eq!(error.column, column, "{error}");
            assert!(error.expected.starts_with(expected), "{error}");
            assert_eq!(error.found, found, "{error}");
        }
    }
}
