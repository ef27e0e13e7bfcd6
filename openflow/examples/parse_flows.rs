//! Reads a file of flows in the words of `ovs-ofctl(8)`, as `ovs-ofctl parse-flows` does, and prints
//! how many there are and how long it took; or, with `--print`, the flows.
//!
//! ```text
//! cargo run --release --example parse_flows -- FILE [--print]
//! ```

use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use flowbed_openflow::text::{Parser, Strictness};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(path) = arguments.iter().find(|argument| !argument.starts_with("--")) else {
        eprintln!("usage: parse_flows FILE [--print]");
        return ExitCode::from(2);
    };
    let file = match std::fs::read_to_string(path) {
        Ok(file) => file,
        Err(error) => {
            eprintln!("reading {path}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let started = Instant::now();
    match Parser::new().strictness(Strictness::OpenVswitch).flows(&file) {
        Ok(flows) => {
            if arguments.iter().any(|argument| argument == "--print") {
                let mut out = std::io::BufWriter::new(std::io::stdout().lock());
                for flow in &flows {
                    if writeln!(out, "{flow}").is_err() {
                        return ExitCode::FAILURE;
                    }
                }
            } else {
                println!("{} flows in {:.3} s", flows.len(), started.elapsed().as_secs_f64());
            }
            ExitCode::SUCCESS
        }
        Err(errors) => {
            errors.iter().for_each(|error| eprintln!("{path}: {error}"));
            ExitCode::FAILURE
        }
    }
}
