//! `learn(...)`.

use smallvec::SmallVec;

use super::super::Strictness;
use super::super::error::Fault;
use super::super::field::TextField;
use super::super::lexer::{Pair, Pairs};
use super::super::list::List;
use super::super::number;
use super::super::packet::Packet;
use super::subfield::{self, arrow_to, subfield};
use crate::nicira::{
    ActionField, Learn, LearnFlags, LearnLimit, LearnSource, LearnSpec, LearnTarget, NxAction, Subfield,
    value_len,
};
use crate::oxm::{Access, FieldId, Prerequisite, describe};

const KEYS: [&str; 13] = [
    "table",
    "priority",
    "idle_timeout",
    "hard_timeout",
    "fin_idle_timeout",
    "fin_hard_timeout",
    "cookie",
    "send_flow_rem",
    "delete_learned",
    "limit",
    "result_dst",
    "load",
    "output",
];

/// `learn(table=1,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])`.
pub(in super::super) fn learn<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let mut learn = Learn::default();
    let mut limit = LearnLimit::default();
    // What is known of the packets that the learned flow takes.
    let mut learned = Packet::default();
    for Pair { key, value } in Pairs::of(pair.value) {
        match key {
            "table" => {
                learn.table = number::table("the table of learn", value)?;
                if learn.table == crate::ids::TableId::ALL {
                    return Err(Fault::value("the table of learn", value, "a table from 0 to 254"));
                }
            }
            "priority" => learn.priority = list.count("the priority", value)?,
            "idle_timeout" => learn.idle_timeout = list.count("the idle timeout", value)?,
            "hard_timeout" => learn.hard_timeout = list.count("the hard timeout", value)?,
            "fin_idle_timeout" => {
                learn.fin_idle_timeout = list.count("the idle timeout after the end", value)?;
            }
            "fin_hard_timeout" => {
                learn.fin_hard_timeout = list.count("the hard timeout after the end", value)?;
            }
            "cookie" => {
                learn.cookie = match list.reading.strictness {
                    Strictness::Strict => number::u64("the cookie", value)?,
                    Strictness::OpenVswitch => number::leading(value).unwrap_or_default(),
                }
            }
            "send_flow_rem" => learn.flags |= LearnFlags::SEND_FLOW_REM,
            "delete_learned" => learn.flags |= LearnFlags::DELETE_LEARNED,
            "limit" => limit.flows = list.count("the limit", value)?,
            "result_dst" => {
                let result = subfield(value)?;
                if result.bits() != 1 {
                    return Err(Fault::value("result_dst", value, "one bit, such as reg0[0]"));
                }
                list.writes(result, value)?;
                learn.flags |= LearnFlags::WRITE_RESULT;
                limit.result = Some(result);
            }
            "load" => learn.specs.push(load(list, value, &learned)?),
            "output" => {
                let from = subfield(value)?;
                list.reads(from, value)?;
                let target = LearnTarget::Output(from.bits());
                learn.specs.push(LearnSpec { source: LearnSource::Field(from), target });
            }
            _ => learn.specs.push(matched(list, key, value, &mut learned)?),
        }
    }
    learn.limit = (limit != LearnLimit::default()).then_some(limit);
    list.push(NxAction::Learn(learn).into())
}

impl List<'_, '_> {
    /// A number in decimal; of another text Open vSwitch takes the digits in front.
    fn count<'t, T: TryFrom<u64>>(&self, of: &str, text: &'t str) -> Result<T, Fault<'t>> {
        let number = match self.reading.strictness {
            Strictness::OpenVswitch => {
                let bits = u64::MAX >> (u64::BITS - 8 * size_of::<T>() as u32);
                Some(number::leading_decimal(text) & bits)
            }
            Strictness::Strict => number::decimal(text).and_then(|number| u64::try_from(number).ok()),
        };
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| Fault::value(of, text, format!("a decimal number of {} bits", 8 * size_of::<T>())))
    }
}

fn load<'t>(list: &mut List<'_, '_>, text: &'t str, learned: &Packet) -> Result<LearnSpec, Fault<'t>> {
    let (source, target) = arrow_to(text)?;
    let to = subfield(target)?;
    let writable = match to.field() {
        ActionField::Oxm(id) => id.access() == Access::ReadWrite,
        _ => true,
    };
    if !writable {
        return Err(Fault::refused(target, "packets have it, no action sets it"));
    }
    require(list, learned, to, target)?;
    let source = match subfield(source) {
        Ok(from) => same_width(list, from, to, source)?,
        Err(_) => LearnSource::Value(number_for(to, source)?),
    };
    Ok(LearnSpec { source, target: LearnTarget::Load(to) })
}

/// `FIELD`, `FIELD=FIELD` or `FIELD=VALUE`.
fn matched<'t>(
    list: &mut List<'_, '_>,
    key: &'t str,
    value: &'t str,
    learned: &mut Packet,
) -> Result<LearnSpec, Fault<'t>> {
    let to = match subfield(key) {
        Ok(to) => to,
        Err(fault) if key.contains('[') => return Err(fault),
        Err(_) => return Err(Fault::unknown("key", key, KEYS)),
    };
    require(list, learned, to, key)?;
    let target = LearnTarget::Match(to);
    if value.is_empty() {
        list.reads(to, key)?;
        return Ok(LearnSpec { source: LearnSource::Field(to), target });
    }
    if let Ok(from) = subfield(value) {
        return Ok(LearnSpec { source: same_width(list, from, to, value)?, target });
    }
    let source = match text_field(to.field()).filter(|_| to.is_whole()) {
        Some(field) => {
            let bits = list.reading.field_value(field, key, value)?;
            let valid = field.valid_bits() & field.ones();
            if bits.value & !valid != 0 || bits.mask & valid != valid {
                return Err(Fault::value(key, value, "a value that the field can have, without a mask"));
            }
            learned.now_has(to.field(), bits.value);
            bytes_of(bits.value, to.bits())
        }
        None => number_for(to, value)?,
    };
    Ok(LearnSpec { source: LearnSource::Value(source), target })
}

/// How the values of a field are written.
fn text_field(field: ActionField) -> Option<TextField> {
    match field {
        ActionField::InPort => Some(TextField::InPort),
        ActionField::VlanTci => Some(TextField::VlanTci),
        ActionField::NwTos => Some(TextField::NwTos),
        // Open vSwitch has one that is not what set_field sets.
        ActionField::Oxm(FieldId::VlanVid) => None,
        ActionField::Oxm(id) => Some(TextField::Oxm(id)),
    }
}

fn same_width<'t>(
    list: &mut List<'_, '_>,
    from: Subfield,
    to: Subfield,
    at: &'t str,
) -> Result<LearnSource, Fault<'t>> {
    if from.bits() != to.bits() {
        return Err(Fault::refused(at, format!("{} bits can't be put into {}", from.bits(), to.bits())));
    }
    list.reads(from, at)?;
    Ok(LearnSource::Field(from))
}

fn number_for<'t>(to: Subfield, text: &'t str) -> Result<SmallVec<[u8; 16]>, Fault<'t>> {
    let bits = subfield::value(to, text)?;
    Ok(bytes_of(bits.value >> to.offset(), to.bits()))
}

/// A number in as many bytes as a learn's value of so many bits has.
fn bytes_of(value: u128, bits: u16) -> SmallVec<[u8; 16]> {
    let bytes = value.to_be_bytes();
    SmallVec::from_slice(&bytes[bytes.len() - value_len(bits)..])
}

/// Whether the packets that the learned flow takes have a field.
fn require<'t>(
    list: &mut List<'_, '_>,
    learned: &Packet,
    to: Subfield,
    at: &'t str,
) -> Result<(), Fault<'t>> {
    let needs = match to.field() {
        ActionField::Oxm(FieldId::VlanVid) => Prerequisite::None,
        ActionField::Oxm(id) => id.prerequisite(),
        ActionField::NwTos => FieldId::IpDscp.prerequisite(),
        ActionField::InPort | ActionField::VlanTci => Prerequisite::None,
    };
    if to.header().key.experimenter.is_some() {
        return Err(Fault::refused(at, "learn can't name an experimenter's field"));
    }
    let checks = list.around.packet().is_some() || list.reading.strictness == Strictness::OpenVswitch;
    match checks && !learned.satisfies(needs) {
        true => Err(Fault::prerequisite(at, describe(needs))),
        false => Ok(()),
    }
}
