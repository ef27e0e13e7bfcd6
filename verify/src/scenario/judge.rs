//! Whether hosts and controllers got what they should.

use openflow::PortNo;
use openflow::oxm::Match;
use openflow::pipeline::{Packet, compose};
use openflow::text::{Frame, Parser};

use super::document::{Place, ScenarioError};
use super::engine::Observed;
use super::{CONTROLLER, Expectation, PacketText, Probe, Shape};
use crate::network::Network;
use crate::packet::PacketError;

/// A probe with its frames made.
pub(super) struct Prepared<'p> {
    probe: &'p Probe,
    /// What is sent.
    pub(super) frames: Vec<Vec<u8>>,
    /// What each expectation wants.
    wanted: Vec<Wanted>,
}

enum Wanted {
    /// Each of these once, however often it is among them.
    Frames(Vec<Vec<u8>>),
    Match(Match),
    Any,
}

impl Wanted {
    /// Whether it is such a frame; one that is wanted once is then wanted no more.
    fn take(&mut self, frame: &[u8]) -> bool {
        match self {
            Wanted::Frames(left) => match left.iter().position(|wanted| wanted == frame) {
                Some(at) => {
                    left.swap_remove(at);
                    true
                }
                None => false,
            },
            Wanted::Match(matched) => Packet::new(frame, PortNo(1)).fits(matched).unwrap_or(false),
            Wanted::Any => true,
        }
    }
}

impl<'p> Prepared<'p> {
    /// Makes the frames of a probe.
    ///
    /// # Errors
    /// A text of which none can be made.
    pub(super) fn new(probe: &'p Probe, network: &Network) -> Result<Prepared<'p>, ScenarioError> {
        let numbers = 1..=probe.count;
        let frames: Vec<Vec<u8>> =
            numbers.clone().map(|n| frame(probe, network, n, None)).collect::<Result<_, _>>()?;
        let wanted = |expected: &Expectation| {
            Ok(match &expected.shape {
                Shape::Unchanged => Wanted::Frames(frames.clone()),
                Shape::With(text, place) => Wanted::Frames(
                    numbers
                        .clone()
                        .map(|n| frame(probe, network, n, Some((text, place))))
                        .collect::<Result<_, _>>()?,
                ),
                Shape::Match(text, place) => {
                    let matched =
                        Parser::new().matching(text).map_err(|error| within(place, &error.into()))?;
                    if Packet::new(&[], PortNo(1)).fits(&matched).is_none() {
                        let what = format!("{text}: not all of these fields can be looked for yet");
                        return Err(ScenarioError { place: place.clone(), what });
                    }
                    Wanted::Match(matched)
                }
                Shape::Any => Wanted::Any,
            })
        };
        let wanted = probe.expect.iter().map(wanted).collect::<Result<_, _>>()?;
        Ok(Prepared { probe, frames, wanted })
    }

    /// What was not as it should be. `controlled` tells that an app is the controller, whose packets
    /// are of no matter unless they are asked for.
    pub(super) fn judge(mut self, observed: &Observed, controlled: bool) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut counts = vec![0_u32; self.probe.expect.len()];
        let got = observed.deliveries.iter().map(|delivery| (&delivery.host[..], &delivery.frame[..]));
        let punts = observed.punts.iter().map(|(_, frame)| (CONTROLLER, &frame[..]));
        // Of each receiver the frames that nobody asked for.
        let mut strays: Vec<(&str, &[u8], usize)> = Vec::new();
        for (at, frame) in got.chain(punts) {
            let mut asked = false;
            let all = self.probe.expect.iter().zip(&mut self.wanted).zip(&mut counts);
            for ((expected, wanted), count) in all {
                if expected.at.iter().any(|name| name == at) && wanted.take(frame) {
                    *count = count.saturating_add(1);
                    asked = true;
                }
            }
            if !asked {
                match strays.iter_mut().find(|(who, what, _)| (*who, *what) == (at, frame)) {
                    Some((.., count)) => *count += 1,
                    None => strays.push((at, frame, 1)),
                }
            }
        }
        for (expected, count) in self.probe.expect.iter().zip(counts) {
            let (least, most) = expected.count;
            if !(least..=most).contains(&count) {
                let what = match &expected.shape {
                    Shape::Unchanged => "unchanged".to_owned(),
                    Shape::With(text, _) => format!("with {text}"),
                    Shape::Match(text, _) => format!("that match {text}"),
                    Shape::Any => "of any kind".to_owned(),
                };
                let many = match (least, most) {
                    (least, most) if least == most => least.to_string(),
                    (least, u32::MAX) => format!("at least {least}"),
                    (0, most) => format!("at most {most}"),
                    (least, most) => format!("{least} to {most}"),
                };
                let who = expected.at.join(" or ");
                complaints.push(format!("{who}: expected {many} packets {what}, got {count}"));
            }
        }
        for (at, frame, count) in strays {
            let named = self.probe.expect.iter().any(|expected| expected.at.iter().any(|name| name == at));
            if !named && (self.probe.others_ignored || controlled && at == CONTROLLER) {
                continue;
            }
            let times = if count > 1 { format!(", {count} times") } else { String::new() };
            complaints.push(format!("{at}: got what nobody expected there{times}:\n  {}", Frame(frame)));
        }
        complaints
    }
}

/// The n-th frame of a probe, some of its fields replaced.
fn frame(
    probe: &Probe,
    network: &Network,
    n: u32,
    with: Option<(&String, &Place)>,
) -> Result<Vec<u8>, ScenarioError> {
    let numbered = |text: &str| text.replace("{n}", &n.to_string());
    let (text, place) = match (&probe.packet, with) {
        (PacketText::Fields(text, place), _) => (text, place),
        (PacketText::Bytes(bytes), None) => {
            let fill = probe.length.saturating_sub(bytes.len());
            return Ok(bytes.iter().copied().chain((0..=u8::MAX).cycle().take(fill)).collect());
        }
        (PacketText::Bytes(_), Some((_, place))) => {
            let what = "a packet given in hex has no fields to replace; use match or any";
            return Err(ScenarioError { place: place.clone(), what: what.to_owned() });
        }
    };
    let make = || -> Result<Vec<u8>, (PacketError, &Place)> {
        let of = |error: PacketError| (error, place);
        let mut fields = network.fields(&numbered(text), &probe.from, probe.to.as_deref()).map_err(of)?;
        let mut blame = place;
        if let Some((with, place)) = with {
            blame = place;
            fields = replaced(fields, &numbered(with)).map_err(|error| (error, place))?;
        }
        let mut payload = probe.payload.clone();
        let bare = compose(&fields, &payload).map_err(|error| (error.into(), blame))?;
        // As long as the packet that is sent: headers may have come or gone.
        let sent = match with {
            None => bare.len(),
            Some(_) => {
                let sent = network.packet(&numbered(text), &probe.from, probe.to.as_deref(), &payload);
                sent.map_err(of)?.len()
            }
        };
        payload.extend((0..=u8::MAX).cycle().take(probe.length.saturating_sub(sent)));
        compose(&fields, &payload).map_err(|error| (error.into(), blame))
    };
    make().map_err(|(error, place)| within(place, &error))
}

/// Fields with some said anew. What the new text leaves open stays; without a tag there is none.
fn replaced(mut fields: Match, text: &str) -> Result<Match, PacketError> {
    use openflow::oxm::FieldId;
    // The words of the old packet make sense of fields such as nw_dst, so they stand in front.
    let (tag, rest): (Vec<&str>, Vec<&str>) =
        text.split(',').partition(|part| matches!(*part, "vlan_tci=0" | "vlan_tci=0x0000"));
    if !tag.is_empty() {
        for id in [FieldId::VlanVid, FieldId::VlanPcp] {
            if let Some(field) = fields.get(id) {
                fields.remove(field.key());
            }
        }
    }
    let rest = rest.join(",");
    if rest.is_empty() {
        return Ok(fields);
    }
    let word = |id: FieldId| fields.get(id).and_then(|field| field.to_bits()).map(|(bits, _)| bits);
    let mut front = String::new();
    if let Some(eth_type) = word(FieldId::EthType) {
        front = format!("dl_type={eth_type:#x},");
    }
    if let Some(proto) = word(FieldId::IpProto) {
        front = format!("{front}nw_proto={proto},");
    }
    for (id, name) in [(FieldId::VlanVid, "vlan_vid"), (FieldId::Icmpv6Type, "icmpv6_type")] {
        if let Some(bits) = word(id).filter(|_| !rest.contains(name) && !rest.contains("vlan")) {
            front = format!("{front}{name}={bits},");
        }
    }
    let read = Parser::new().matching(&format!("{front}{rest}"));
    // Whoever says another protocol says all of it.
    let read = read.or_else(|error| Parser::new().matching(&rest).map_err(|_| error));
    fields.extend(&read?);
    Ok(fields)
}

/// An error of a text, at the column of the file.
fn within(place: &Place, error: &PacketError) -> ScenarioError {
    let (column, what) = match error {
        PacketError::Text(error) => (error.column() - 1, error.problem().to_string()),
        other => (0, other.to_string()),
    };
    let place = Place { column: place.column + column, ..place.clone() };
    ScenarioError { place, what }
}
