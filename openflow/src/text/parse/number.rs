//! Numbers and addresses, in the forms that `ovs-ofctl` reads.

use std::net::{Ipv4Addr, Ipv6Addr};

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while_m_n, take_while1};
use nom::character::complete::{char, digit1, hex_digit0, hex_digit1, multispace0, oct_digit0, one_of};
use nom::combinator::{all_consuming, map, map_opt, map_res, opt, verify};
use nom::multi::fill;
use nom::sequence::{pair, preceded, separated_pair};

use super::Strictness;
use super::error::Fault;
use super::lexer::Lexed;
use crate::ids::{MacAddr, TableId};
use crate::oxm::{IpValue, OxmValue};

/// An integer with its sign; decimal, hexadecimal with `0x`, octal with `0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Integer {
    pub(super) negative: bool,
    /// All ones where it is greater than that.
    pub(super) magnitude: u128,
}

impl Integer {
    /// Modulo 2^64, where the magnitude is below it: what C's `strtoull` makes of it.
    fn wrapped(self) -> Option<u64> {
        let magnitude = u64::try_from(self.magnitude).ok()?;
        Some(if self.negative { magnitude.wrapping_neg() } else { magnitude })
    }
}

/// The number that digits make; all ones where it is greater than that.
fn digits(radix: u32) -> impl Fn(&str) -> u128 {
    move |text| {
        // The usual number is short, and one of 64 bits is made faster.
        if text.len() <= 16 {
            let digits = text.bytes().filter_map(|b| char::from(b).to_digit(radix));
            return digits.fold(0u64, |sum, digit| sum * u64::from(radix) + u64::from(digit)).into();
        }
        text.chars().filter_map(|c| c.to_digit(radix)).fold(0u128, |sum, digit| {
            sum.checked_mul(radix.into()).and_then(|sum| sum.checked_add(digit.into())).unwrap_or(u128::MAX)
        })
    }
}

/// What stands in front of hex digits.
fn hex_prefix(input: &str) -> Lexed<'_, &str> {
    alt((tag("0x"), tag("0X"))).parse(input)
}

/// An integer in front of the rest.
pub(super) fn integer(input: &str) -> Lexed<'_, Integer> {
    let magnitude = alt((
        map(preceded(hex_prefix, hex_digit1), digits(16)),
        map(preceded(char('0'), oct_digit0), digits(8)),
        map(digit1, digits(10)),
    ));
    let (rest, (sign, magnitude)) = preceded(multispace0, pair(opt(one_of("+-")), magnitude)).parse(input)?;
    Ok((rest, Integer { negative: sign == Some('-'), magnitude }))
}

/// An integer and nothing else.
fn whole(text: &str) -> Option<Integer> {
    all_consuming(integer).parse(text).ok().map(|(_, integer)| integer)
}

/// An integer of at most 64 bits without a minus, and nothing else.
pub(super) fn plain(text: &str) -> Option<u64> {
    whole(text).filter(|it| !it.negative).and_then(|it| u64::try_from(it.magnitude).ok())
}

/// The integer in front, modulo 2^64, whatever stands behind it.
pub(super) fn leading(text: &str) -> Option<u64> {
    integer(text).ok().and_then(|(_, integer)| integer.wrapped())
}

/// A decimal number, as ports and tables have them; without a minus.
pub(super) fn decimal(text: &str) -> Option<u128> {
    let number = preceded(pair(multispace0, opt(char('+'))), map(digit1, digits(10)));
    let parsed: Lexed<'_, u128> = all_consuming(number).parse(text);
    parsed.ok().map(|(_, number)| number)
}

/// What C's `strtol` makes of decimal text: the number in front, 0 where there is none; the nearest of 64 bits
/// where it is out of reach.
pub(super) fn leading_decimal(text: &str) -> u64 {
    let number = preceded(multispace0, pair(opt(one_of("+-")), map(digit1, digits(10))));
    let parsed: Lexed<'_, (Option<char>, u128)> = { number }.parse(text);
    let reach = i64::MAX.unsigned_abs();
    parsed.map_or(0, |(_, (sign, magnitude))| match (sign, u64::try_from(magnitude).unwrap_or(u64::MAX)) {
        (Some('-'), magnitude) => magnitude.min(reach + 1).wrapping_neg(),
        (_, magnitude) => magnitude.min(reach),
    })
}

/// A table: 0 to 255, decimal.
pub(super) fn table<'t>(of: &str, text: &'t str) -> Result<TableId, Fault<'t>> {
    decimal(text)
        .and_then(|number| u8::try_from(number).ok())
        .map(TableId)
        .ok_or_else(|| Fault::value(of, text, "a decimal number from 0 to 255"))
}

/// A number below 2^8 or 2^16.
pub(super) fn small<'t, T: TryFrom<u128>>(of: &str, text: &'t str, most: u128) -> Result<T, Fault<'t>> {
    whole(text)
        .filter(|it| !it.negative || it.magnitude == 0)
        .filter(|it| it.magnitude <= most)
        .and_then(|it| T::try_from(it.magnitude).ok())
        .ok_or_else(|| Fault::value(of, text, format!("a number from 0 to {most}")))
}

/// A number of 32 bits; Open vSwitch takes a longer one and keeps the low bits.
pub(super) fn u32<'t>(of: &str, text: &'t str, strictness: Strictness) -> Result<u32, Fault<'t>> {
    let wrapped = whole(text).and_then(|it| match strictness {
        Strictness::Strict if it.negative => None,
        Strictness::Strict => u32::try_from(it.magnitude).ok(),
        Strictness::OpenVswitch => it.wrapped().map(|n| n as u32),
    });
    wrapped.ok_or_else(|| Fault::value(of, text, "a number from 0 to 4294967295"))
}

/// A number of 64 bits; a negative one is counted from 2^64 down (`-1` is all ones).
pub(super) fn u64<'t>(of: &str, text: &'t str) -> Result<u64, Fault<'t>> {
    whole(text)
        .and_then(Integer::wrapped)
        .ok_or_else(|| Fault::value(of, text, "a number from 0 to 18446744073709551615"))
}

/// The integer of a field of `bytes` bytes, and what follows it.
fn field_integer(bytes: usize) -> impl Fn(&str) -> Lexed<'_, u128> {
    let most = u128::MAX >> (128 - 8 * bytes);
    move |input| {
        let hex = map(preceded(hex_prefix, hex_digit0), digits(16));
        let number = map_opt(integer, |it| it.wrapped().map(u128::from));
        verify(alt((hex, number)), |n| *n <= most).parse(input)
    }
}

/// An integer of at most 128 bits, and what follows it.
pub(super) fn wide(text: &str) -> Option<(u128, &str)> {
    field_integer(16)(text).ok().map(|(rest, number)| (number, rest))
}

/// A value and its mask; all bits of the value count where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bits {
    pub(super) value: u128,
    pub(super) mask: u128,
}

/// `value` or `value/mask`, both integers of a field of `bytes` bytes.
pub(super) fn field_bits<'t>(of: &str, text: &'t str, bytes: usize) -> Result<Bits, Fault<'t>> {
    let most = u128::MAX >> (128 - 8 * bytes);
    let (value, mask) = (field_integer(bytes), field_integer(bytes));
    match all_consuming(pair(value, opt(preceded(char('/'), mask)))).parse(text) {
        Ok((_, (value, mask))) => Ok(Bits { value, mask: mask.unwrap_or(most) }),
        Err(_) => Err(Fault::value(of, text, format!("a number of {bytes} bytes, alone or with /mask"))),
    }
}

/// One byte of an address, in this base, out of digits of which Open vSwitch keeps the low bits.
fn address_byte<'t>(radix: u32, strictness: Strictness) -> impl Parser<&'t str, Output = u8, Error = ()> {
    let digits_of = move |input: &'t str| match radix {
        16 => hex_digit1(input),
        _ => digit1(input),
    };
    move |input: &'t str| -> Lexed<'t, u8> {
        match strictness {
            Strictness::Strict => {
                verify(map(digits_of, digits(radix)), |n| *n <= 255).map(|n| n as u8).parse(input)
            }
            Strictness::OpenVswitch => {
                let prefix = opt(verify(hex_prefix, |_: &str| radix == 16));
                let sign = preceded(multispace0, opt(one_of("+-")));
                let (rest, (sign, (_, magnitude))) =
                    pair(sign, pair(prefix, map(digits_of, wrapping_digits(radix)))).parse(input)?;
                Ok((rest, if sign == Some('-') { magnitude.wrapping_neg() } else { magnitude }))
            }
        }
    }
}

/// The low eight bits of a number.
fn wrapping_digits(radix: u32) -> impl Fn(&str) -> u8 {
    move |text| {
        let digits = text.chars().filter_map(|c| c.to_digit(radix));
        digits.fold(0u8, |sum, digit| sum.wrapping_mul(radix as u8).wrapping_add(digit as u8))
    }
}

/// `n` bytes with `between` between them.
fn address<'t, const N: usize>(
    between: char,
    radix: u32,
    strictness: Strictness,
) -> impl Parser<&'t str, Output = [u8; N], Error = ()> {
    move |input: &'t str| {
        let mut octets = [0; N];
        let (first, others) = octets.split_at_mut(1);
        let (rest, ()) = fill(address_byte(radix, strictness), first).parse(input)?;
        let (rest, ()) =
            fill(preceded(char(between), address_byte(radix, strictness)), others).parse(rest)?;
        Ok((rest, octets))
    }
}

fn mac_address<'t>(strictness: Strictness) -> impl Parser<&'t str, Output = MacAddr, Error = ()> {
    map(address::<6>(':', 16, strictness), MacAddr)
}

fn ipv4_address<'t>(strictness: Strictness) -> impl Parser<&'t str, Output = Ipv4Addr, Error = ()> {
    map(address::<4>('.', 10, strictness), Ipv4Addr::from)
}

fn ipv6_address(input: &str) -> Lexed<'_, Ipv6Addr> {
    let letters = take_while_m_n(2, 45, |c: char| c.is_ascii_hexdigit() || c == ':' || c == '.');
    map_res(letters, |text: &str| text.parse()).parse(input)
}

/// `/length` or `/address`.
fn netmask<'t, T: IpValue>(
    address: impl Parser<&'t str, Output = T, Error = ()>,
) -> impl Parser<&'t str, Output = T, Error = ()> {
    let length = map_opt(preceded(opt(char('+')), digit1), |text: &str| {
        text.parse().ok().filter(|len| *len <= T::WIDTH).map(T::netmask)
    });
    preceded(char('/'), alt((all_consuming(length), address)))
}

fn bits<T: OxmValue>(value: T) -> u128 {
    let mut wire = [0; 16];
    value.write(&mut wire[16 - T::LEN..]);
    u128::from_be_bytes(wire)
}

fn masked<'t, T: OxmValue>(
    address: impl Parser<&'t str, Output = T, Error = ()>,
    mask: impl Parser<&'t str, Output = T, Error = ()>,
    text: &'t str,
) -> Option<Bits> {
    let (_, (value, mask)) = all_consuming(pair(address, opt(mask))).parse(text).ok()?;
    Some(Bits { value: bits(value), mask: bits(mask.unwrap_or(T::ONES)) })
}

/// An Ethernet address, alone or with a mask.
pub(super) fn mac_bits<'t>(of: &str, text: &'t str, strictness: Strictness) -> Result<Bits, Fault<'t>> {
    let mask = preceded(char('/'), mac_address(strictness));
    masked(mac_address(strictness), mask, text).ok_or_else(|| {
        Fault::value(of, text, "an Ethernet address such as 00:1b:21:00:00:01, alone or with /mask")
    })
}

/// An IPv4 address, alone or with a length or a mask.
pub(super) fn ipv4_bits<'t>(of: &str, text: &'t str, strictness: Strictness) -> Result<Bits, Fault<'t>> {
    masked(ipv4_address(strictness), netmask(ipv4_address(strictness)), text)
        .ok_or_else(|| Fault::value(of, text, "an IPv4 address, alone or with /length or /mask"))
}

/// An IPv6 address, alone or with a length or a mask.
pub(super) fn ipv6_bits<'t>(of: &str, text: &'t str) -> Result<Bits, Fault<'t>> {
    masked(ipv6_address, netmask(ipv6_address), text)
        .ok_or_else(|| Fault::value(of, text, "an IPv6 address, alone or with /length or /mask"))
}

/// An Ethernet address alone; Open vSwitch does not mind what follows it.
pub(super) fn mac<'t>(of: &str, text: &'t str, strictness: Strictness) -> Result<MacAddr, Fault<'t>> {
    match (mac_address(strictness).parse(text), strictness) {
        (Ok(("", mac)), _) | (Ok((_, mac)), Strictness::OpenVswitch) => Ok(mac),
        _ => Err(Fault::value(of, text, "an Ethernet address such as 00:1b:21:00:00:01")),
    }
}

/// An IPv4 address alone.
pub(super) fn ipv4<'t>(of: &str, text: &'t str) -> Result<Ipv4Addr, Fault<'t>> {
    text.parse().map_err(|_| Fault::value(of, text, "an IPv4 address such as 10.0.0.1"))
}

/// Bytes as one hex number, as what has no words of its own is printed.
pub(super) fn hex_bytes<'t>(of: &str, text: &'t str) -> Result<Vec<u8>, Fault<'t>> {
    let parse = |text: &str| -> Option<Vec<u8>> {
        let (_, digits) = all_consuming(preceded(tag::<_, _, ()>("0x"), hex_digit0)).parse(text).ok()?;
        let digits = digits.as_bytes();
        let nibble = |c: u8| char::from(c).to_digit(16).map(|n| n as u8);
        digits.chunks(2).map(|two| Some(nibble(two[0])? << 4 | nibble(*two.get(1)?)?)).collect()
    };
    parse(text).ok_or_else(|| Fault::value(of, text, "0x and pairs of hex digits"))
}

/// Seconds with up to nine digits behind the point, and `s`: `12.345s`.
pub(super) fn seconds(text: &str) -> Option<(u32, u32)> {
    let fraction = preceded(char('.'), take_while(|c: char| c.is_ascii_digit()));
    let unit = opt(char('s'));
    let (_, ((whole, fraction), _)) =
        all_consuming(pair(pair(take_while1(|c: char| c.is_ascii_digit()), opt(fraction)), unit))
            .parse(text)
            .map_err(|_: nom::Err<()>| ())
            .ok()?;
    let nanos = match fraction {
        None => 0,
        Some(digits) if digits.len() <= 9 => format!("{digits:0<9}").parse().ok()?,
        // All ones, which Open vSwitch sends for "not known", print as ten digits.
        Some(digits) => digits.parse().ok()?,
    };
    Some((whole.parse().ok()?, nanos))
}

/// `a->b`, the arrow being the first.
pub(super) fn arrow(input: &str) -> Lexed<'_, (&str, &str)> {
    let before = nom::bytes::complete::take_until("->");
    let behind = nom::combinator::rest;
    separated_pair(before, tag("->"), behind).parse(input)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::Strictness::{OpenVswitch, Strict};
    use super::*;

    #[test]
    fn integers_have_three_bases() {
        for (text, value) in [("10", 10), ("0x10", 16), ("010", 8), ("+7", 7), ("0", 0), ("0Xff", 255)] {
            assert_eq!(small::<u16>("x", text, 65535), Ok(value), "{text}");
        }
        for wrong in ["", "-1", "65536", "5/6", "08", "0x", "1 ", "x"] {
            assert!(small::<u16>("x", wrong, 65535).is_err(), "{wrong}");
        }
        assert_eq!(u64("x", "-1"), Ok(u64::MAX));
        assert_eq!(u32("x", "-1", OpenVswitch), Ok(u32::MAX));
        assert!(u32("x", "-1", Strict).is_err() && u32("x", "4294967296", Strict).is_err());
    }

    #[test]
    fn field_values_may_have_masks() {
        assert_eq!(field_bits("x", "0x50/0xfff0", 2), Ok(Bits { value: 0x50, mask: 0xfff0 }));
        assert_eq!(field_bits("x", "80", 2), Ok(Bits { value: 80, mask: 0xffff }));
        assert_eq!(field_bits("x", "0x", 8), Ok(Bits { value: 0, mask: u64::MAX.into() }));
        assert_eq!(field_bits("x", "-1", 8).unwrap().value, u64::MAX.into());
        for wrong in ["65536", "0x10000", "1/", "/1", "1/2/3", "-1"] {
            assert!(field_bits("x", wrong, 2).is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses() {
        let bits = |value: u64, mask: u64| Some(Bits { value: value.into(), mask: mask.into() });
        let all = (1 << 48) - 1;
        assert_eq!(mac_bits("x", "1:2:3:4:5:06", Strict).ok(), bits(0x10203040506, all));
        assert_eq!(mac_bits("x", "01:00:00:00:00:00/01:00:00:00:00:00", Strict).ok(), bits(1 << 40, 1 << 40));
        assert_eq!(mac_bits("x", "-1:0x2:103:4:5:6", OpenVswitch).ok(), bits(0xff0203040506, all));
        assert_eq!(ipv4_bits("x", "10.0.0.1/8", Strict).ok(), bits(0x0a000001, 0xff000000));
        assert_eq!(ipv4_bits("x", "10.0.0.256", OpenVswitch).ok(), bits(0x0a000000, 0xffffffff));
        assert_eq!(ipv4_bits("x", "1.2.3.4/255.0.255.0", Strict).ok(), bits(0x01020304, 0xff00ff00));
        for wrong in ["10.0.0.256", "10.0.0.1/33", "10", "1.2.3.4/", "1.2.3.4/ip", "1.2.3.4x"] {
            assert!(ipv4_bits("x", wrong, Strict).is_err(), "{wrong}");
        }
        let v6 = ipv6_bits("x", "2001:db8::1/32").unwrap();
        assert_eq!((v6.value, v6.mask), (0x20010db8 << 96 | 1, 0xffffffff << 96));
        assert_eq!(ipv6_bits("x", "::1/ffff::").unwrap().mask, 0xffff << 112);
        assert_eq!(ipv6_bits("x", "::1/8000::").unwrap().mask, 0x8000 << 112);
        assert!(ipv6_bits("x", "::1/129").is_err() && ipv6_bits("x", "1:2").is_err());
    }

    #[test]
    fn seconds_keep_their_digits() {
        assert_eq!(seconds("12.345s"), Some((12, 345_000_000)));
        assert_eq!(seconds("7s"), Some((7, 0)));
        assert_eq!(seconds("0.000000001"), Some((0, 1)));
        assert_eq!(seconds("s"), None);
    }
}
