//! The file: pcapng, a block for each interface and for each frame.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::blocks::interface_statistics::{InterfaceStatisticsBlock, InterfaceStatisticsOption};
use pcap_file::{DataLink, PcapError};

use super::socket::{Heard, LONGEST};

/// Times are counted in 10^-9 s.
const NANOSECONDS: u8 = 9;
/// `epb_flags`: the frame came in, or went out.
const INBOUND: u32 = 1;
const OUTBOUND: u32 = 2;

/// A capture's file.
pub(super) struct CaptureFile(PcapNgWriter<BufWriter<File>>);

impl CaptureFile {
    /// Begins it: frames belong to interfaces with these names, by number.
    pub(super) fn begin<'a>(
        file: File,
        interfaces: impl Iterator<Item = &'a str>,
    ) -> io::Result<CaptureFile> {
        let mut writer = PcapNgWriter::new(BufWriter::new(file)).map_err(plain)?;
        for name in interfaces {
            let block = InterfaceDescriptionBlock {
                linktype: DataLink::ETHERNET,
                snaplen: LONGEST as u32,
                options: vec![
                    InterfaceDescriptionOption::IfName(Cow::Borrowed(name)),
                    InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
                ],
            };
            writer.write_pcapng_block(block).map_err(plain)?;
        }
        let mut file = CaptureFile(writer);
        file.flush()?;
        Ok(file)
    }

    pub(super) fn write(&mut self, interface: usize, heard: &Heard<'_>) -> io::Result<()> {
        let block = EnhancedPacketBlock {
            interface_id: interface as u32,
            timestamp: heard.at,
            original_len: u32::try_from(heard.length).unwrap_or(u32::MAX),
            data: Cow::Borrowed(heard.bytes),
            options: vec![EnhancedPacketOption::Flags(if heard.outgoing { OUTBOUND } else { INBOUND })],
        };
        self.0.write_pcapng_block(block).map_err(plain).map(drop)
    }

    /// Says at the end how many frames of an interface were lost.
    pub(super) fn conclude(&mut self, interface: usize, now: Duration, lost: u64) -> io::Result<()> {
        let block = InterfaceStatisticsBlock {
            interface_id: interface as u32,
            timestamp: u64::try_from(now.as_nanos()).unwrap_or(u64::MAX),
            options: vec![InterfaceStatisticsOption::IsbIfDrop(lost)],
        };
        self.0.write_pcapng_block(block).map_err(plain).map(drop)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.0.get_mut().flush()
    }
}

/// The writer's errors are those of the file.
fn plain(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        other => io::Error::other(other),
    }
}
