//! Open vSwitch's own actions, read.

mod conntrack;
mod learn;
mod subfield;

pub(super) use self::conntrack::{ct, nat};
pub(super) use self::learn::learn;
use self::subfield::{arrow_to, subfield};
use super::Strictness;
use super::error::Fault;
use super::field::TextField;
use super::lexer::{Pair, Pairs};
use super::list::{CONNECTION_FIELD, List};
use super::number::{self, Bits};
use crate::action::{Action, WHOLE_PACKET};
use crate::ids::{MeterId, PortNo, TableId};
use crate::msg::packet_in::PacketInReason;
use crate::nicira::{ActionField, Controller, NxAction, Subfield};
use crate::oxm::{Access, FieldId, OxmField, Prerequisite, describe};

impl TextField {
    /// The field as actions name it.
    pub(super) fn of_action(self) -> ActionField {
        match self {
            TextField::InPort => ActionField::InPort,
            TextField::VlanTci | TextField::DlVlan | TextField::DlVlanPcp => ActionField::VlanTci,
            TextField::NwTos => ActionField::NwTos,
            TextField::Oxm(id) => ActionField::Oxm(id),
        }
    }
}

/// Sets some bits of a field: an action for each run of up to 64 bits, or one with a mask where the
/// field is an experimenter's.
pub(super) fn load(field: ActionField, bits: Bits) -> Vec<Action> {
    if let (ActionField::Oxm(id), Some(_)) = (field, field.header().key.experimenter) {
        let set = OxmField::from_bits(id, bits.value & bits.mask, Some(bits.mask));
        return set.map(|set| NxAction::SetField(set).into()).into_iter().collect();
    }
    let mut left = bits.mask & u128::MAX >> (u128::BITS - u32::from(field.bits()));
    let mut actions = Vec::new();
    while left != 0 {
        let offset = left.trailing_zeros();
        let run = (left >> offset).trailing_ones().min(64);
        let ones = u128::MAX >> (u128::BITS - run);
        left &= !(ones << offset);
        let to = Subfield::new(field, offset as u16, run as u16).expect("bits of the field");
        actions.push(NxAction::Load { to, value: (bits.value >> offset & ones) as u64 }.into());
    }
    actions
}

/// `resubmit:PORT`, `resubmit(PORT,TABLE,ct)`.
pub(super) fn resubmit<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let mut parts = pair.value.split(',');
    let port = parts.next().unwrap_or_default().trim();
    let in_port = match port {
        "" => PortNo::IN_PORT,
        port => list.reading.port_value("the port of resubmit", port)?,
    };
    let table = match parts.next().map(str::trim) {
        None | Some("") => TableId::ALL,
        Some(table) => number::table("the table of resubmit", table)?,
    };
    let original_direction = match parts.next().map(str::trim) {
        None => false,
        Some("ct") => true,
        Some(other) => return Err(Fault::unknown("word of resubmit", other, ["ct"])),
    };
    if in_port == PortNo::IN_PORT && table == TableId::ALL {
        return Err(Fault::missing("a port or a table to resubmit to", pair.value));
    }
    if original_direction {
        list.require(pair.key, "a tracked connection, ct_state=+trk", |packet| packet.is_tracked())?;
    }
    list.push(NxAction::Resubmit { in_port, table: Some(table), original_direction }.into())
}

/// `move:SRC->DST`.
pub(super) fn move_bits<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let (source, target) = arrow_to(pair.value)?;
    let (from, to) = (subfield(source)?, subfield(target)?);
    if from.bits() != to.bits() {
        let reason = format!("{} bits can't be moved to {}", from.bits(), to.bits());
        return Err(Fault::refused(pair.value, reason));
    }
    list.reads(from, source)?;
    list.writes(to, target)?;
    list.push(NxAction::Move { from, to }.into())
}

/// `load:VALUE->DST`.
pub(super) fn load_bits<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let (value, target) = arrow_to(pair.value)?;
    let to = subfield(target)?;
    let bits = subfield::leading_value(to, value, list.reading.strictness)?;
    if matches!(to.field(), ActionField::Oxm(FieldId::CtMark | FieldId::CtLabel)) && !list.of_connection {
        return Err(Fault::refused(target, CONNECTION_FIELD));
    }
    list.writes_unchecked(to, target)?;
    load(to.field(), bits).into_iter().for_each(|action| list.actions.push(action));
    Ok(())
}

pub(super) fn push<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let field = subfield(pair.value)?;
    list.reads(field, pair.value)?;
    list.push(NxAction::Push(field).into())
}

pub(super) fn pop<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let field = subfield(pair.value)?;
    list.writes(field, pair.value)?;
    list.push(NxAction::Pop(field).into())
}

/// `output:FIELD`, if it is the name of one.
pub(super) fn output_field<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Option<Result<(), Fault<'t>>> {
    let from = subfield(pair.value).ok()?;
    if from.bits() > Subfield::MOST_PACKED {
        return Some(Err(Fault::value("output", pair.value, "no more than 64 bits, such as [0..31]")));
    }
    let action = NxAction::OutputField { from, max_len: WHOLE_PACKET };
    Some(list.reads(from, pair.value).and_then(|()| list.push(action.into())))
}

/// Hex digits by twos, points between as one likes.
fn hex_bytes<'t>(of: &str, text: &'t str) -> Result<Vec<u8>, Fault<'t>> {
    let wrong = || Fault::value(of, text, "hex digits by twos, with points between: 01.02.03");
    let mut bytes = Vec::new();
    let mut rest = text.strip_prefix('.').unwrap_or(text);
    while !rest.is_empty() {
        let (byte, behind) = rest.split_at_checked(2).ok_or_else(wrong)?;
        if !byte.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        bytes.push(u8::from_str_radix(byte, 16).map_err(|_| wrong())?);
        rest = behind.strip_prefix('.').unwrap_or(behind);
    }
    Ok(bytes)
}

/// `note:01.02.03`, filled up with zeros.
pub(super) fn note<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let mut note = hex_bytes("note", pair.value)?;
    // With the subtype in front it is a multiple of eight.
    note.resize((note.len() + 2).next_multiple_of(8) - 2, 0);
    list.push(NxAction::Note(note.into()).into())
}

/// `conjunction(ID,K/N)`.
pub(super) fn conjunction<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let wrong = || Fault::value(pair.key, pair.value, "ID,K/N with K from 1 to N and N from 2 to 64");
    let parts = pair.value.split_once(',').and_then(|(id, of)| Some((id, of.split_once('/')?)));
    let (id, (clause, clauses)) = parts.ok_or_else(wrong)?;
    let id = number::u32("the id of conjunction", id.trim(), list.reading.strictness)?;
    let count = |text: &str| number::decimal(text).and_then(|count| u8::try_from(count).ok());
    let (clause, clauses) = count(clause).zip(count(clauses)).ok_or_else(wrong)?;
    if !(2..=64).contains(&clauses) || clause == 0 || clause > clauses {
        return Err(wrong());
    }
    list.push(NxAction::Conjunction { id, clause: clause - 1, clauses }.into())
}

/// `fin_timeout(idle_timeout=S,hard_timeout=S)`.
pub(super) fn fin_timeout<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let (mut idle, mut hard) = (0, 0);
    for Pair { key, value } in Pairs::of(pair.value) {
        match key {
            "idle_timeout" => idle = number::small("the idle timeout", value, 65535)?,
            "hard_timeout" => hard = number::small("the hard timeout", value, 65535)?,
            _ => return Err(Fault::unknown("key", key, ["idle_timeout", "hard_timeout"])),
        }
    }
    list.require(pair.key, "tcp", |packet| {
        matches!(packet.eth_type, 0x0800 | 0x86dd) && packet.ip_proto == 6
    })?;
    list.push(NxAction::FinTimeout { idle, hard }.into())
}

/// `check_pkt_larger(LENGTH)->FIELD[BIT]`.
pub(super) fn check_pkt_larger<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let Some((length, target)) = pair.value.split_once(")->") else {
        return Err(Fault::missing(")->FIELD[BIT] behind the length", &pair.value[pair.value.len()..]));
    };
    let length = number::small("the length", length, 65535)?;
    let to = subfield(target)?;
    if to.bits() != 1 {
        return Err(Fault::value("check_pkt_larger", target, "one bit, such as reg0[0]"));
    }
    list.writes_unchecked(to, target)?;
    list.push(NxAction::CheckPacketLarger { length, to }.into())
}

/// `clone(ACTIONS)`.
pub(super) fn clone<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let actions = list.nested(pair)?;
    list.push(NxAction::Clone(actions).into())
}

/// `controller(KEY=VALUE,...)`, with more than a length.
pub(super) fn controller<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    const KEYS: [&str; 6] = ["reason", "max_len", "id", "userdata", "pause", "meter_id"];
    let mut controller = Controller::default();
    let mut plain = true;
    for Pair { key, value } in Pairs::of(pair.value) {
        match key {
            "reason" => controller.reason = reason(value)?,
            "max_len" => controller.max_len = number::small("max_len", value, 65535)?,
            "id" => controller.id = number::small("the id of the controller", value, 65535)?,
            "userdata" if value.is_empty() && list.reading.strictness == Strictness::Strict => {
                return Err(Fault::value("userdata", value, "bytes in hex, such as 01.02; or leave it out"));
            }
            "userdata" => {
                controller.userdata = hex_bytes("userdata", value)?.into();
                // Open vSwitch does not say it the short way then, even if there is none.
                plain = false;
            }
            "pause" => controller.pause = true,
            "meter_id" => {
                controller.meter = Some(number::u32("meter_id", value, list.reading.strictness)?)
                    .filter(|meter| *meter != 0)
                    .map(MeterId);
            }
            _ => return Err(Fault::unknown("key", key, KEYS)),
        }
    }
    plain &= controller == (Controller { max_len: controller.max_len, ..Controller::default() });
    list.push(match plain {
        true => Action::Output { port: PortNo::CONTROLLER, max_len: controller.max_len },
        false => NxAction::Controller(controller).into(),
    })
}

fn reason(text: &str) -> Result<PacketInReason, Fault<'_>> {
    const WORDS: [&str; 6] = ["no_match", "action", "invalid_ttl", "action_set", "group", "packet_out"];
    let known = WORDS.iter().zip(0..).find(|(word, _)| word.eq_ignore_ascii_case(text));
    known.map(|(_, number)| PacketInReason::from(number)).ok_or_else(|| Fault::unknown("reason", text, WORDS))
}

impl List<'_, '_> {
    /// Whether actions can write these bits of the packets that are known to come.
    pub(super) fn writes<'t>(&mut self, field: Subfield, at: &'t str) -> Result<(), Fault<'t>> {
        if let ActionField::Oxm(id) = field.field()
            && id.access() == Access::ReadOnly
        {
            return Err(Fault::refused(at, "packets have it, no action sets it"));
        }
        self.reads(field, at)
    }

    /// The same where Open vSwitch leaves it to the switch to refuse what is read-only.
    fn writes_unchecked<'t>(&mut self, field: Subfield, at: &'t str) -> Result<(), Fault<'t>> {
        match self.reading.strictness {
            Strictness::Strict => self.writes(field, at),
            Strictness::OpenVswitch => self.reads(field, at),
        }
    }

    /// Whether actions can read these bits.
    pub(super) fn reads<'t>(&mut self, field: Subfield, at: &'t str) -> Result<(), Fault<'t>> {
        let needs = match field.field() {
            ActionField::Oxm(FieldId::VlanVid) => Prerequisite::None,
            ActionField::Oxm(id) => id.prerequisite(),
            ActionField::NwTos => FieldId::IpDscp.prerequisite(),
            ActionField::InPort | ActionField::VlanTci => return Ok(()),
        };
        match self.around.packet() {
            Some(packet) if !packet.satisfies(needs) => Err(Fault::prerequisite(at, describe(needs))),
            _ => Ok(()),
        }
    }
}
