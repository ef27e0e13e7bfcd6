//! `cargo bench -p flowbed-controller`: how many packet-ins a controller answers in a second, beside others in the
//! same run. Load and controller share the machine's cores. Prints the tables that `docs/benchmarks.md` holds.
//!
//! `… -- [CONTROLLER]… [--seconds N] [--case SWITCHES OUTSTANDING]` measures only these controllers (`flowbed`,
//! `testcontroller`, `os-ken`, `canned`), for so long, and only this case.
//!
//! No figure decides anything: the exit status is non-zero only if something failed to run.

mod canned;
mod fake_switch;
mod idle;
mod load;
mod peers;
mod serve;

use std::process::ExitCode;
use std::time::Duration;

use load::Load;
use peers::{Kind, Running};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// So many switches, and packet-ins that wait for their responses at each. The last case tells how long a round trip
/// takes.
const CASES: [(usize, usize); 4] = [(16, 64), (128, 64), (1000, 16), (1, 1)];
/// Connections that do nothing.
const IDLE: usize = 10_000;

struct Arguments {
    only: Vec<String>,
    seconds: Duration,
    cases: Vec<(usize, usize)>,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut arguments =
        Arguments { only: Vec::new(), seconds: Duration::from_secs(3), cases: CASES.to_vec() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            // From cargo.
            "--bench" => {}
            // This program as one of the controllers, in a process of its own.
            "serve" => return serve::run(),
            "canned" if std::env::var_os(peers::PORT).is_some() => return canned::run(),
            "--case" => {
                let [switches, window] = [words.next(), words.next()].map(|word| word.unwrap_or_default());
                arguments.cases = vec![(switches.parse()?, window.parse()?)];
            }
            "--seconds" => {
                arguments.seconds =
                    Duration::from_secs(words.next().ok_or("--seconds needs a number")?.parse()?);
            }
            name => arguments.only.push(name.to_owned()),
        }
    }
    let files = idle::allow_many_files()?;
    responses(&arguments)?;
    if arguments.wants("flowbed") && arguments.cases.len() == CASES.len() {
        let mut controller = Running::start(Kind::Flowbed)?;
        let switches = IDLE.min(files.saturating_sub(100) as usize);
        let (before, after) = idle::memory(&mut controller, switches)?;
        println!("\n{switches} idle switches take {after} MB of memory; the controller alone {before} MB.");
    }
    Ok(())
}

impl Arguments {
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

fn responses(arguments: &Arguments) -> Result<()> {
    for (switches, window) in arguments.cases.iter().copied() {
        println!("\n{switches} switches, {window} outstanding at each:\n");
        println!("| | responses/s | slowest / fastest switch | processor time of the controller |");
        println!("|---|---|---|---|");
        for kind in Kind::ALL.into_iter().filter(|kind| arguments.wants(kind.name())) {
            if let Some(missing) = kind.missing() {
                println!("| {} | {missing} | | |", kind.title());
                continue;
            }
            if switches > kind.most_switches() {
                continue;
            }
            // A controller of its own for each figure: none inherits the others' state.
            let controller = Running::start(kind)?;
            let outcome = Load { switches, window }.run(&controller, arguments.seconds)?;
            println!(
                "| {} | {} | {:.2} | {} ns |",
                kind.title(),
                thousands(outcome.per_second),
                outcome.fairness(),
                thousands(outcome.processor_ns)
            );
        }
    }
    Ok(())
}

/// `1234567.8` as `1,234,568`.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
