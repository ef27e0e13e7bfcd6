//! Lists of names told in short: `eth_{src,dst} reg0...reg15`.

use std::collections::BTreeSet;
use std::fmt;

/// As many names in a row that differ in their number are told as first and last.
const RANGE_MIN: usize = 3;

/// Names in order. Those in a row that start alike, up to an underscore, are told together.
///
/// Where Open vSwitch finds two such names with a longer common start before others with a shorter
/// one, it cuts the beginnings of the others off (`tun_gbp_{id,flags,data2}`); here they stay whole.
pub(super) struct Folded<'a>(Vec<&'a str>);

impl<'a> Folded<'a> {
    pub(super) fn new(names: &'a BTreeSet<(usize, String)>) -> Self {
        Folded(names.iter().map(|(_, name)| name.as_str()).collect())
    }
}

impl fmt::Display for Folded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_names(f, &self.0, " ")
    }
}

fn write_names(f: &mut fmt::Formatter<'_>, mut names: &[&str], between: &str) -> fmt::Result {
    let mut separator = "";
    while let Some((first, _)) = names.split_first() {
        f.write_str(separator)?;
        separator = between;
        let numbered = count_numbered(names);
        let (alike, common) = count_alike(names);
        let used = if numbered >= RANGE_MIN.max(alike) {
            write!(f, "{first}...{}", names[numbered - 1])?;
            numbered
        } else if alike > 1 {
            let rests: Vec<&str> = names[..alike].iter().map(|name| &name[common..]).collect();
            write!(f, "{}{{", &first[..common])?;
            // Each step cuts the names, so the depth is at most the underscores of a name.
            write_names(f, &rests, ",")?;
            f.write_str("}")?;
            alike
        } else {
            f.write_str(first)?;
            1
        };
        names = &names[used..];
    }
    Ok(())
}

/// How many names at the front are one stem with numbers in a row.
fn count_numbered(names: &[&str]) -> usize {
    let split = |name: &str| -> Option<(usize, u32)> {
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        Some((stem, name[stem..].parse().ok()?))
    };
    let Some((stem, number)) = names.first().and_then(|first| split(first)) else { return 0 };
    let follows = |(n, name): &(u32, &&str)| {
        split(name).is_some_and(|(its_stem, its_number)| {
            name[..its_stem] == names[0][..stem] && Some(its_number) == number.checked_add(*n)
        })
    };
    (0..).zip(names).take_while(follows).count()
}

/// How many names at the front start alike up to their first underscore, and how many bytes all of
/// these have in common, up to the last underscore.
fn count_alike(names: &[&str]) -> (usize, usize) {
    let first = names[0];
    let Some(underscore) = first.find('_') else { return (1, 0) };
    let alike = names.iter().take_while(|name| name.starts_with(&first[..=underscore])).count();
    let starts = first.match_indices('_').map(|(at, _)| at + 1);
    let common =
        starts.filter(|end| names[..alike].iter().all(|name| name.starts_with(&first[..*end]))).max();
    (alike, common.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Open vSwitch 3.1 prints these.
    #[test]
    fn names_that_start_alike_are_told_together() {
        let fold = |names: &str| Folded(names.split(' ').collect()).to_string();
        for (names, folded) in [
            ("eth_dst", "eth_dst"),
            ("eth_src eth_dst ip_src", "eth_{src,dst} ip_src"),
            ("in_port in_port_oxm", "in_{port,port_oxm}"),
            ("ct_nw_src ct_nw_dst", "ct_nw_{src,dst}"),
            ("ct_state ct_nw_src ct_nw_dst", "ct_{state,nw_{src,dst}}"),
            ("reg0 reg1 reg5", "reg0 reg1 reg5"),
            ("reg0 reg1 reg2 reg5", "reg0...reg2 reg5"),
            ("nsh_c1 nsh_c2 nsh_c3", "nsh_c1...nsh_c3"),
            ("nsh_c1 nsh_c2 nsh_c3 nsh_ttl", "nsh_{c1...c3,ttl}"),
            ("nsh_c1 nsh_c2", "nsh_{c1,c2}"),
        ] {
            assert_eq!(fold(names), folded);
        }
        assert_eq!(fold("tun_gbp_id tun_gbp_flags tun_metadata2"), "tun_{gbp_{id,flags},metadata2}");
    }
}
