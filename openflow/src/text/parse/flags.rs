//! Values whose bits have names, and words that stand for values.

use nom::Parser;
use nom::bytes::complete::tag;
use nom::character::complete::char;
use nom::combinator::all_consuming;
use nom::sequence::{delimited, separated_pair};

use super::Strictness;
use super::error::Fault;
use super::lexer::Lexed;
use super::number::{self, Bits};
use crate::text::flags::{FRAGMENTS, FlagNames};

/// `+trk-inv`, `trk|est`, a number, or a number with a mask.
///
/// Open vSwitch looks at no more of a mask than is a number.
pub(super) fn flags<'t>(of: &FlagNames, text: &'t str, strictness: Strictness) -> Result<Bits, Fault<'t>> {
    let all = of.all();
    let mask_of = |text| match strictness {
        Strictness::Strict => number::plain(text),
        Strictness::OpenVswitch => number::leading(text),
    };
    if let Some((value, mask)) = text.split_once('/')
        && let (Some(value), Some(mask)) = (number::plain(value), mask_of(mask))
        && (value | mask) & !all == 0
    {
        return Ok(Bits { value: value.into(), mask: mask.into() });
    }
    if text.starts_with(['+', '-']) {
        return signed(of, text);
    }
    let mut value = 0;
    for part in text.split('|').filter(|part| !part.is_empty()) {
        value |= match number::plain(part) {
            Some(number) if number & !all == 0 => number,
            _ => bit(of, part).ok_or_else(|| unknown(of, part))?,
        };
    }
    Ok(Bits { value: value.into(), mask: all.into() })
}

fn signed<'t>(of: &FlagNames, text: &'t str) -> Result<Bits, Fault<'t>> {
    let (mut value, mut mask) = (0u64, 0u64);
    let mut rest = text;
    while let Some(sign) = rest.chars().next() {
        let behind = &rest[1..];
        let (name, next) = behind.split_at(behind.find(['+', '-']).unwrap_or(behind.len()));
        let bit = bit(of, name).ok_or_else(|| unknown(of, name))?;
        if mask & bit != 0 {
            return Err(Fault::refused(name, "this flag is there twice; leave one"));
        }
        mask |= bit;
        if sign == '+' {
            value |= bit;
        }
        rest = next;
    }
    Ok(Bits { value: value.into(), mask: mask.into() })
}

/// The bit of a name.
fn bit(of: &FlagNames, name: &str) -> Option<u64> {
    let known = of.names.iter().position(|known| *known == name).map(|place| 1 << place);
    known.or_else(|| {
        let number = u64::from_str_radix(name.strip_prefix('[')?.strip_suffix(']')?, 16).ok()?;
        let nameless = number.trailing_zeros() as usize >= of.names.len();
        (number.is_power_of_two() && number & !of.all() == 0 && nameless).then_some(number)
    })
}

fn unknown<'t>(of: &FlagNames, name: &'t str) -> Fault<'t> {
    Fault::unknown("flag", name, of.names.iter().copied())
}

/// `no`, `yes`, `first`, `later`, `not_later`.
pub(super) fn fragment<'t>(name: &str, text: &'t str) -> Result<Bits, Fault<'t>> {
    let word = FRAGMENTS.iter().find(|(word, ..)| *word == text);
    word.map(|(_, value, mask)| Bits { value: (*value).into(), mask: (*mask).into() })
        .ok_or_else(|| Fault::value(name, text, "no, yes, first, later or not_later"))
}

/// `(NAMESPACE,TYPE)`.
pub(super) fn packet_type<'t>(name: &str, text: &'t str) -> Result<Bits, Fault<'t>> {
    let halves = separated_pair(number::integer, char(','), number::integer);
    let parsed: Lexed<'t, _> = all_consuming(delimited(tag("("), halves, tag(")"))).parse(text);
    let (namespace, kind) = parsed
        .ok()
        .map(|(_, halves)| halves)
        .filter(|(a, b)| !a.negative && !b.negative && a.magnitude < 0x1_0000 && b.magnitude < 0x1_0000)
        .ok_or_else(|| Fault::value(name, text, "(NAMESPACE,TYPE), such as (1,0x800)"))?;
    Ok(Bits { value: namespace.magnitude << 16 | kind.magnitude, mask: u32::MAX.into() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;
    use crate::text::flags::{CONNECTION_STATE, TCP_FLAGS};

    #[test]
    fn flags_have_three_forms() {
        let read = |of: &FlagNames, text| {
            flags(of, text, Strictness::Strict).map(|bits| (bits.value, bits.mask)).ok()
        };
        assert_eq!(read(&CONNECTION_STATE, "+trk-inv"), Some((0x20, 0x30)));
        assert_eq!(read(&CONNECTION_STATE, "trk|est"), Some((0x22, 0xff)));
        assert_eq!(read(&CONNECTION_STATE, "0x21/0x23"), Some((0x21, 0x23)));
        assert_eq!(read(&CONNECTION_STATE, "0"), Some((0, 0xff)));
        assert_eq!(read(&TCP_FLAGS, "[200]|0x12"), Some((0x212, 0xfff)));
        for wrong in ["+new-new", "+foo", "new-est", "+", "0x100", "[2]", "-new|est", "0x21/-1"] {
            assert!(flags(&CONNECTION_STATE, wrong, Strictness::Strict).is_err(), "{wrong}");
        }
        assert_eq!(packet_type("x", "(1,0x800)").unwrap().value, 0x1_0800);
        assert!(packet_type("x", "(1,65536)").is_err() && packet_type("x", "5").is_err());
    }
}
