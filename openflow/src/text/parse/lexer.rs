//! Words: keys with values, as every list of `ovs-ofctl` is made of them.

use std::cell::Cell;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while};
use nom::character::complete::{char, one_of};
use nom::combinator::{map, opt, peek, success, value};
use nom::sequence::{preceded, terminated};
use nom::{IResult, Parser};

/// What a parser made of nom's gives. That it does not fit is all that its error says: what was
/// expected in its place the caller knows best.
pub(super) type Lexed<'t, T> = IResult<&'t str, T, ()>;

/// What stands between two words.
pub(super) fn is_separator(c: char) -> bool {
    matches!(c, ',' | ' ' | '\t' | '\r' | '\n')
}

/// What ends a key.
fn ends_key(c: char) -> bool {
    matches!(c, ':' | '=' | '(') || is_separator(c)
}

/// A key and what stands behind `=` or `:`, or in parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair<'t> {
    pub(super) key: &'t str,
    /// Empty where there is none.
    pub(super) value: &'t str,
}

/// How a value is set off from its key.
#[derive(Clone, Copy)]
enum Kind {
    /// `key=value` or `key:value`: up to the next separator.
    Open,
    /// `key(value)`: up to the parenthesis that closes it.
    Parenthesized,
    /// No value.
    None,
}

/// A key with its value, and the separator behind it.
pub(super) fn pair(input: &str) -> Lexed<'_, Pair<'_>> {
    let (rest, key) = preceded(take_while(is_separator), take_till(ends_key)).parse(input)?;
    let (rest, kind) =
        alt((value(Kind::Open, one_of(":=")), value(Kind::Parenthesized, char('(')), success(Kind::None)))
            .parse(rest)?;
    match kind {
        Kind::Open => map(terminated(open, end), |value| Pair { key, value }).parse(rest),
        Kind::Parenthesized => parenthesized(rest, key),
        Kind::None => map(end, |()| Pair { key, value: &key[key.len()..] }).parse(rest),
    }
}

/// One separator, if any.
fn end(input: &str) -> Lexed<'_, ()> {
    value((), opt(one_of(", \t\r\n"))).parse(input)
}

/// `value)`, or `x)->y`, of which the value is all.
fn parenthesized<'t>(input: &'t str, key: &'t str) -> Lexed<'t, Pair<'t>> {
    let (rest, inner) = balanced(|c| c == ')').parse(input)?;
    if peek(opt(tag::<_, _, ()>(")->"))).parse(rest)?.1.is_some() {
        let (rest, _) = open(rest)?;
        let value = &input[..input.len() - rest.len()];
        let (rest, ()) = end(rest)?;
        return Ok((rest, Pair { key, value }));
    }
    let (rest, _) = opt(char(')')).parse(rest)?;
    Ok((rest, Pair { key, value: inner }))
}

/// Up to a separator outside parentheses.
fn open(input: &str) -> Lexed<'_, &str> {
    balanced(is_separator).parse(input)
}

/// Up to what `stops` it outside parentheses, or to the end.
fn balanced<'t>(stops: impl Fn(char) -> bool) -> impl Parser<&'t str, Output = &'t str, Error = ()> {
    move |input: &'t str| {
        let level = Cell::new(0usize);
        let stop = |c: char| match (c, level.get()) {
            ('(', open) => {
                level.set(open + 1);
                false
            }
            // One that closes something ends nothing; one that closes nothing may.
            (')', open @ 1..) => {
                level.set(open - 1);
                false
            }
            (c, open) => open == 0 && stops(c),
        };
        take_till(stop).parse(input)
    }
}

/// The pairs of a list, one after the other.
#[derive(Clone, Copy)]
pub(super) struct Pairs<'t> {
    rest: &'t str,
}

impl<'t> Pairs<'t> {
    pub(super) fn of(text: &'t str) -> Pairs<'t> {
        Pairs { rest: text }
    }
}

impl<'t> Iterator for Pairs<'t> {
    type Item = Pair<'t>;

    fn next(&mut self) -> Option<Pair<'t>> {
        let rest = self.rest.trim_start_matches(is_separator);
        if rest.is_empty() {
            return None;
        }
        let (rest, pair) = pair(rest).ok()?;
        self.rest = rest;
        Some(pair)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(&str, &str)> {
        Pairs::of(text).map(|pair| (pair.key, pair.value)).collect()
    }

    #[test]
    fn values_come_in_three_forms() {
        assert_eq!(pairs("a=1, b:2\tc(3) d,,e"), [("a", "1"), ("b", "2"), ("c", "3"), ("d", ""), ("e", "")]);
        assert_eq!(pairs("a=x(1,2)y,b((1),2),c"), [("a", "x(1,2)y"), ("b", "(1),2"), ("c", "")]);
        assert_eq!(pairs("a(1)->b,c"), [("a", "1)->b"), ("c", "")]);
        assert_eq!(pairs("a(1,(2"), [("a", "1,(2")]);
        assert_eq!(pairs("a=1)2 =3 ()"), [("a", "1)2"), ("", "3"), ("", "")]);
        assert_eq!(pairs(" ,\n"), []);
    }
}
