//! The packets of a capture file, pcap or pcapng, with their times.

use std::borrow::Cow;
use std::time::Duration;

use pcap_file::pcap::PcapParser;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::{Block, PcapNgParser};
use pcap_file::{PcapError, TsResolution};

use super::CaptureError;

/// A packet as it was captured.
#[derive(Debug)]
pub(super) struct Packet<'a> {
    /// Since the Unix epoch; zero where the file does not say.
    pub(super) time: Duration,
    /// What its first header is, by tcpdump's numbers.
    pub(super) link_type: u32,
    /// From the first header on, as far as it was captured.
    pub(super) data: &'a [u8],
}

/// The packets of a file, in the order of the file.
#[derive(Debug)]
pub(super) struct Packets<'a> {
    format: Format,
    rest: &'a [u8],
    len: usize,
}

enum Format {
    Pcap(PcapParser),
    PcapNg(Box<PcapNgParser>),
    /// Nothing more can be read.
    Over,
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Format::Pcap(_) => "pcap",
            Format::PcapNg(_) => "pcapng",
            Format::Over => "over",
        })
    }
}

/// The first four bytes of pcap, either endianness, micro- and nanoseconds.
const PCAP: [[u8; 4]; 4] =
    [[0xa1, 0xb2, 0xc3, 0xd4], [0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0x3c, 0x4d], [0x4d, 0x3c, 0xb2, 0xa1]];
/// Type of pcapng's section header, the same in either endianness.
const PCAPNG: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

pub(super) fn looks_like(file: &[u8]) -> bool {
    file.first_chunk().is_some_and(|start| *start == PCAPNG || PCAP.contains(start))
}

impl<'a> Packets<'a> {
    pub(super) fn new(file: &'a [u8]) -> Result<Self, CaptureError> {
        let wrong = |error| CaptureError::at(0, &error);
        let (rest, format) = match file.first_chunk() {
            Some(start) if PCAP.contains(start) => {
                PcapParser::new(file).map(|(rest, parser)| (rest, Format::Pcap(parser))).map_err(wrong)?
            }
            Some(&PCAPNG) => PcapNgParser::new(file)
                .map(|(rest, parser)| (rest, Format::PcapNg(Box::new(parser))))
                .map_err(wrong)?,
            _ => {
                let start = file.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
                return Err(CaptureError::Magic { start });
            }
        };
        Ok(Packets { format, rest, len: file.len() })
    }

    fn read(&mut self) -> Result<Option<Packet<'a>>, PcapError> {
        match &mut self.format {
            Format::Pcap(parser) => {
                let (rest, packet) = parser.next_raw_packet(self.rest)?;
                let header = parser.header();
                self.rest = rest;
                let fraction = u64::from(packet.ts_frac);
                let fraction = match header.ts_resolution {
                    TsResolution::MicroSecond => Duration::from_micros(fraction),
                    TsResolution::NanoSecond => Duration::from_nanos(fraction),
                };
                let time = Duration::from_secs(packet.ts_sec.into()) + fraction;
                Ok(Some(Packet { time, link_type: header.datalink.into(), data: borrowed(packet.data)? }))
            }
            Format::PcapNg(parser) => {
                let (rest, block) = parser.next_block(self.rest)?;
                self.rest = rest;
                let (interface, ticks, data) = match block {
                    Block::EnhancedPacket(packet) => {
                        // The parser takes the ticks for nanoseconds, whatever the interface says.
                        let ticks = u64::try_from(packet.timestamp.as_nanos()).unwrap_or(u64::MAX);
                        (packet.interface_id, Some(ticks), packet.data)
                    }
                    Block::SimplePacket(packet) => (0, None, packet.data),
                    Block::Packet(packet) => {
                        (packet.interface_id.into(), Some(packet.timestamp), packet.data)
                    }
                    _ => return Ok(None),
                };
                let interface = parser.interfaces().get(interface as usize).ok_or(
                    PcapError::InvalidField("a packet of an interface that the file does not describe"),
                )?;
                let time = ticks.map_or(Duration::ZERO, |ticks| time(interface, ticks));
                Ok(Some(Packet { time, link_type: interface.linktype.into(), data: borrowed(data)? }))
            }
            Format::Over => Ok(None),
        }
    }
}

/// The parsers borrow from the file and never copy.
fn borrowed(data: Cow<'_, [u8]>) -> Result<&[u8], PcapError> {
    match data {
        Cow::Borrowed(data) => Ok(data),
        Cow::Owned(_) => Err(PcapError::InvalidField("a packet outside the file")),
    }
}

/// A time of pcapng: ticks of the interface's own resolution (draft-ietf-opsawg-pcapng §4.2, if_tsresol); microseconds
/// where it does not say.
fn time(interface: &InterfaceDescriptionBlock<'_>, ticks: u64) -> Duration {
    let mut resolution = 6;
    let mut offset = 0;
    for option in &interface.options {
        match option {
            InterfaceDescriptionOption::IfTsResol(value) => resolution = *value,
            InterfaceDescriptionOption::IfTsOffset(value) => offset = *value,
            _ => {}
        }
    }
    let base: u128 = if resolution & 0x80 == 0 { 10 } else { 2 };
    let per_second = base.checked_pow(u32::from(resolution & 0x7f)).unwrap_or(u128::MAX);
    let ticks = u128::from(ticks);
    // Below a second, so the nanoseconds fit; a resolution finer than 2^64 a second leaves nothing to count.
    let nanos = (ticks % per_second).checked_mul(1_000_000_000).map_or(0, |scaled| scaled / per_second);
    let seconds = u64::try_from(ticks / per_second).unwrap_or(u64::MAX).saturating_add(offset);
    Duration::new(seconds, u32::try_from(nanos).unwrap_or(0))
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, CaptureError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let offset = self.len - self.rest.len();
            match self.read() {
                Ok(Some(packet)) => return Some(Ok(packet)),
                Ok(None) => {}
                Err(error) => {
                    self.format = Format::Over;
                    self.rest = &[];
                    return Some(Err(CaptureError::at(offset, &error)));
                }
            }
        }
        None
    }
}

impl CaptureError {
    fn at(offset: usize, error: &PcapError) -> CaptureError {
        match error {
            PcapError::IncompleteBuffer => CaptureError::CutOff { offset },
            other => CaptureError::Damaged { offset, reason: other.to_string() },
        }
    }
}
