//! The text of `--topo`: a shape's name and its numbers, `tree,2,2`.

use std::str::FromStr;

use nom::bytes::complete::{tag, take_while1};
use nom::character::complete::digit1;
use nom::combinator::{map_res, opt};
use nom::sequence::preceded;
use nom::{IResult, Parser};

use super::{SpecError, Topology, TopologyError};

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

type Build = fn(&[u32]) -> Result<Topology, TopologyError>;

/// Each shape: its name, its numbers, its constructor. The defaults are Mininet's.
const SHAPES: [(&str, &[Parameter], Build); 5] = [
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
            wrong(first_number, format!("smaller numbers ({error})"))
        })
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
