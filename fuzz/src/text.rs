//! Reading what people write.

use std::fmt::{Debug, Display};

use openflow::msg::flow_mod::FlowModCommand;
use openflow::msg::group_mod::GroupModCommand;
use openflow::msg::meter_mod::MeterModCommand;
use openflow::text::{Parser, Problem, Strictness, TextError};

use crate::bound;

/// Reads a text, of which the first byte says what it is.
pub fn text(data: &[u8]) {
    let Some((kind, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    bound::memory(text.len(), 400, 64 << 10, || {
        for strictness in [Strictness::Strict, Strictness::OpenVswitch] {
            read(*kind, text, &Parser::new().strictness(strictness));
        }
    });
}

fn read(kind: u8, text: &str, parser: &Parser<'_>) {
    match kind {
        b'd' => same(text, |text| parser.flow_change(text, FlowModCommand::Delete)),
        b'D' => same(text, |text| parser.flow_change(text, FlowModCommand::DeleteStrict)),
        b'm' => same(text, |text| parser.flow_change(text, FlowModCommand::Modify)),
        b'M' => same(text, |text| parser.flow_change(text, FlowModCommand::ModifyStrict)),
        b'F' => each_same(text, parser.flows(text), |text| parser.flow(text)),
        b's' => same(text, |text| parser.flow_stats(text)),
        b'S' => each_same(text, parser.dump(text), |text| parser.flow_stats(text)),
        b'f' => same(text, |text| parser.matching(text)),
        b'a' => same(text, |text| parser.actions(text)),
        b'i' => same(text, |text| parser.instructions(text)),
        b'g' => same(text, |text| parser.group(text)),
        b'h' => same(text, |text| parser.group_change(text, GroupModCommand::Modify)),
        b'H' => same(text, |text| parser.group_change(text, GroupModCommand::Delete)),
        b'G' => each_same(text, parser.groups(text), |text| parser.group(text)),
        b'e' => same(text, |text| parser.meter(text)),
        b'E' => same(text, |text| parser.meter_change(text, MeterModCommand::Delete)),
        _ => same(text, |text| parser.flow(text)),
    }
}

/// What is read prints, and that is read the same.
fn same<T: Debug + Display + PartialEq>(text: &str, read: impl Fn(&str) -> Result<T, TextError>) {
    let first = match read(text) {
        Ok(first) => first,
        Err(error) => return points_into(text, &error),
    };
    let printed = first.to_string();
    let again = |text: &str| match read(text) {
        Ok(read) => Some(read),
        // An older action may be taken where what it becomes is not: `write_actions(mod_vlan_vid:3)`.
        Err(error) if matches!(error.problem(), Problem::Prerequisite { .. }) => None,
        Err(error) => panic!("{printed}\n{error}\n{first:?}"),
    };
    let Some(second) = again(&printed) else { return };
    assert_eq!(second.to_string(), printed);
    // Once over is allowed: `enqueue` leaves a length in an output that means nothing there and does not print.
    assert_eq!(again(&second.to_string()).as_ref(), Some(&second), "{printed}");
}

fn each_same<T: Debug + Display + PartialEq>(
    text: &str,
    all: Result<Vec<T>, Vec<TextError>>,
    read: impl Fn(&str) -> Result<T, TextError>,
) {
    match all {
        Ok(all) => {
            for one in all {
                same(&one.to_string(), &read);
            }
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                let line = error.line().expect("of a file");
                points_into(text.lines().nth(line - 1).expect("a line of it"), &error);
            }
        }
    }
}

fn points_into(text: &str, error: &TextError) {
    let end = error.column() + error.length();
    assert!(!error.to_string().is_empty());
    assert!(
        error.column() >= 1 && end <= text.chars().count() + 2,
        "{error}, {} long, in a text of {} characters",
        error.length(),
        text.chars().count()
    );
}
