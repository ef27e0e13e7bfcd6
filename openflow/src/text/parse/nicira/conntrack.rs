//! `ct(...)` and `nat(...)`.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::Strictness;
use super::super::error::Fault;
use super::super::lexer::{Pair, Pairs};
use super::super::list::List;
use super::super::number;
use super::subfield::subfield;
use crate::action::{Action, Actions};
use crate::ids::TableId;
use crate::nicira::{Conntrack, Nat, NatAddresses, NatKind, NxAction, Zone};

/// The ports of the protocols whose further connections are known.
const FTP: u16 = 21;
const TFTP: u16 = 69;

const KEYS: [&str; 7] = ["commit", "force", "table", "zone", "nat", "exec", "alg"];

/// `ct(commit,zone=5,nat(src=10.0.0.1),exec(set_field:1->ct_mark))`.
pub(in super::super) fn ct<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let mut ct = Conntrack::default();
    let mut actions = Actions::new();
    let mut changes = None;
    for inner in Pairs::of(pair.value) {
        let Pair { key, value } = inner;
        match key {
            "commit" => ct.commit = true,
            "force" => ct.force = true,
            "table" => {
                ct.table = Some(number::table("the table of ct", value)?);
                if ct.table == Some(TableId::ALL) {
                    return Err(Fault::value("the table of ct", value, "a table from 0 to 254"));
                }
            }
            "zone" => ct.zone = zone(list, value)?,
            "alg" => {
                ct.alg = match value {
                    "ftp" => FTP,
                    "tftp" => TFTP,
                    _ => return Err(Fault::value("alg", value, "ftp or tftp")),
                }
            }
            "nat" => {
                let nat = translation(list, inner)?;
                if nat.kind.is_some() {
                    changes = Some(key);
                }
                actions.push(NxAction::Nat(nat).into());
            }
            "exec" => {
                changes = Some(key);
                let some = list.nested_of_connection(inner)?;
                if let Some(other) = some.iter().find(|action| !is_of_connection(action)) {
                    let reason = format!("{other} can't be done to a connection; set ct_mark or ct_label");
                    return Err(Fault::refused(value, reason));
                }
                actions.extend(some);
            }
            _ => return Err(Fault::unknown("key", key, KEYS)),
        }
    }
    if ct.force && !ct.commit {
        return Err(Fault::missing("commit, without which force means nothing,", pair.value));
    }
    let strict = list.reading.strictness == Strictness::Strict;
    if let (Some(changed), false, true) = (changes, ct.commit, strict) {
        return Err(Fault::refused(changed, "only a connection that is kept can be changed; add commit"));
    }
    list.require(pair.key, "ip or ipv6", |packet| matches!(packet.eth_type, 0x0800 | 0x86dd))?;
    if ct.commit {
        list.require(pair.key, "packets that are not invalid, such as ct_state=-inv,", |packet| {
            !packet.is_invalid()
        })?;
    }
    match ct.alg {
        FTP => list.require(pair.key, "tcp", |packet| packet.ip_proto == 6)?,
        TFTP => list.require(pair.key, "udp", |packet| packet.ip_proto == 17)?,
        _ => {}
    }
    ct.actions = actions;
    list.push(NxAction::Conntrack(ct).into())
}

fn zone<'t>(list: &mut List<'_, '_>, text: &'t str) -> Result<Zone, Fault<'t>> {
    if let Some(zone) = number::plain(text) {
        let zone = u16::try_from(zone);
        return zone
            .map(Zone::Number)
            .map_err(|_| Fault::value("the zone", text, "a number from 0 to 65535"));
    }
    let field = subfield(text)?;
    if field.bits() != 16 && list.reading.strictness == Strictness::Strict {
        return Err(Fault::value("the zone", text, "a number, or 16 bits of a field such as reg0[0..15]"));
    }
    list.reads(field, text)?;
    Ok(Zone::Field(field))
}

/// Whether an action may stand in `exec`.
fn is_of_connection(action: &Action) -> bool {
    let sets = |id| matches!(id, Some(crate::oxm::FieldId::CtMark | crate::oxm::FieldId::CtLabel));
    match action {
        Action::SetField(field) => sets(field.id()),
        Action::Nicira(action) => match &**action {
            NxAction::Load { to, .. } | NxAction::Move { to, .. } => match to.field() {
                crate::nicira::ActionField::Oxm(id) => sets(Some(id)),
                _ => false,
            },
            NxAction::SetField(field) => sets(field.id()),
            NxAction::Nat(_) => true,
            _ => false,
        },
        _ => false,
    }
}

/// `nat(...)` in the actions of a `ct`.
pub(in super::super) fn nat<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    if !list.of_connection {
        return Err(Fault::refused(pair.key, "only a connection is translated; write ct(nat(...))"));
    }
    let nat = translation(list, pair)?;
    list.push(NxAction::Nat(nat).into())
}

/// `nat`, `nat(src=10.0.0.1-10.0.0.9:80-90,random)`.
fn translation<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<Nat, Fault<'t>> {
    let mut nat = Nat::default();
    for Pair { key, value } in Pairs::of(pair.value) {
        match key {
            "src" | "dst" => {
                let kind = if key == "src" { NatKind::Source } else { NatKind::Destination };
                if nat.kind.is_some_and(|before| before != kind) {
                    return Err(Fault::refused(key, "src or dst, not both"));
                }
                nat.kind = Some(kind);
                if !value.is_empty() {
                    (nat.addresses, nat.ports) = range(value).ok_or_else(|| {
                        Fault::value(
                            key,
                            value,
                            "ADDRESS[-ADDRESS][:PORT[-PORT]], IPv6 in brackets before a port",
                        )
                    })?;
                }
            }
            "persistent" => nat.persistent = true,
            "hash" => nat.hash = true,
            "random" => nat.random = true,
            _ => return Err(Fault::unknown("key", key, ["src", "dst", "persistent", "hash", "random"])),
        }
    }
    if nat.kind.is_none() && (nat.persistent || nat.hash || nat.random) {
        return Err(Fault::missing("src or dst", pair.value));
    }
    match nat.addresses {
        NatAddresses::None => {}
        NatAddresses::V4(..) => list.require(pair.key, "ip", |packet| packet.eth_type == 0x0800)?,
        NatAddresses::V6(..) => list.require(pair.key, "ipv6", |packet| packet.eth_type == 0x86dd)?,
    }
    if nat.hash && nat.random {
        return Err(Fault::refused(pair.value, "hash or random, not both"));
    }
    Ok(nat)
}

type Range = (NatAddresses, Option<(u16, Option<u16>)>);

/// `ADDRESS[-ADDRESS][:PORT[-PORT]]`.
fn range(text: &str) -> Option<Range> {
    let bracketed =
        |text: &str| -> Option<Ipv6Addr> { text.strip_prefix('[')?.strip_suffix(']')?.parse().ok() };
    let (addresses, ports) = match text.rfind("]:") {
        Some(at) => (&text[..=at], Some(&text[at + 2..])),
        None if text.starts_with('[') || text.matches(':').count() > 1 => (text, None),
        None => match text.split_once(':') {
            Some((addresses, ports)) => (addresses, Some(ports)),
            None => (text, None),
        },
    };
    let (first, last) = match addresses.split_once('-') {
        Some((first, last)) => (first, Some(last)),
        None => (addresses, None),
    };
    let v6 = |text: &str| bracketed(text).or_else(|| text.parse().ok());
    let addresses = if first.is_empty() && last.is_none() && ports.is_some() {
        NatAddresses::None
    } else if let Ok(first) = first.parse::<Ipv4Addr>() {
        let last = last.map(str::parse::<Ipv4Addr>).transpose().ok()?;
        // An end before the beginning is none; a range of one is an address.
        if last.is_some_and(|last| last < first) {
            return None;
        }
        NatAddresses::V4(first, last.filter(|last| *last != first))
    } else {
        let first = v6(first)?;
        let last = match last {
            Some(last) => Some(v6(last)?),
            None => None,
        };
        if last.is_some_and(|last| last < first) {
            return None;
        }
        NatAddresses::V6(first, last.filter(|last| *last != first))
    };
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port != 0);
    let ports = match ports {
        None => None,
        Some(ports) => Some(match ports.split_once('-') {
            None => (port(ports)?, None),
            Some((first, last)) => {
                let (first, last) = (port(first)?, port(last)?);
                if last < first {
                    return None;
                }
                (first, Some(last).filter(|last| *last != first))
            }
        }),
    };
    Some((addresses, ports))
}
