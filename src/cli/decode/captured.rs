//! A capture: messages of TCP connections, put together again.

use anyhow::Result;
use openflow::capture::{Capture, CaptureError, Content};

use super::Input;
use super::printer::{Printer, Route};

/// A capture is read as a whole; larger ones can be cut with `tcpdump -r` or `editcap`.
const MAX: usize = 256 << 20;

pub(super) fn print(mut input: Input, mut file: Vec<u8>, ports: &[u16], printer: &mut Printer) -> Result<()> {
    while input.read_more(&mut file)? > 0 {
        if file.len() > MAX {
            let limit = MAX >> 20;
            anyhow::bail!("{} is larger than {limit} MiB; cut it with editcap or tcpdump -r", input.name);
        }
    }
    let mut nothing = true;
    let mut told: Option<CaptureError> = None;
    for seen in Capture::read(&file, ports)? {
        match seen {
            Ok(seen) => {
                nothing = false;
                let route = Route::new(&seen, ports);
                match seen.content {
                    Content::Message(frame) => printer.message(frame, &route, Some(&route))?,
                    Content::Lost(bytes) => printer.complain(&format!(
                        "{route}: {bytes} bytes are not in the capture, or are no message"
                    ))?,
                }
            }
            // Every packet may have the same fault; once is enough.
            Err(error) if told.as_ref() == Some(&error) => {}
            Err(error) => {
                printer.complain(&format!("{}: {error}", input.name))?;
                told = Some(error);
            }
        }
    }
    if nothing && told.is_none() {
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        let ports = ports.join(" and ");
        return printer.complain(&format!(
            "{} has no OpenFlow on TCP port {ports}; name others with --port",
            input.name
        ));
    }
    Ok(())
}
