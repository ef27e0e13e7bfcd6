//! `make bench`: bringing networks up and down and pinging across them, beside Debian's Mininet in the same run.
//!
//! Prints the table that `docs/benchmarks.md` holds. The two take turns, so that a busy moment of the machine hits both.
//! No figure decides anything: the exit status is non-zero only if something failed to run.

mod command;
mod peer;
mod series;

use std::process::ExitCode;

use command::{Mininet, flowbed};
use peer::Peer;
use series::Series;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What is measured.
struct Case {
    title: &'static str,
    topology: &'static str,
    test: &'static str,
    /// Counted runs of Flowbed, and of Mininet.
    runs: (usize, usize),
}

const CASES: [Case; 3] = [
    Case { title: "`tree,2,2` up and down", topology: "tree,2,2", test: "none", runs: (5, 3) },
    Case { title: "`linear,50` up and down", topology: "linear,50", test: "none", runs: (5, 3) },
    Case { title: "`single,50` with pingall", topology: "single,50", test: "pingall", runs: (5, 1) },
];

/// Only Flowbed's: Mininet takes half a minute for it.
const LARGE: Case =
    Case { title: "`linear,200` up and down", topology: "linear,200", test: "none", runs: (3, 0) };

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
    let peer = Peer::find();
    if let Err(reason) = &peer {
        println!("Mininet is left out: {reason}\n");
    }
    let mininet = peer.as_ref().ok().map(Peer::mininet);
    println!("| whole process, seconds | Flowbed | Mininet | Mininet / Flowbed |");
    println!("|---|---|---|---|");
    let mut tests = Vec::new();
    for case in CASES.iter().chain([&LARGE]) {
        let (ours, theirs) = measure(case, mininet.as_ref(), &mut tests)?;
        let ratio = theirs
            .as_ref()
            .map_or("–".to_owned(), |theirs| format!("{:.1}", theirs.median() / ours.median()));
        let theirs = theirs.map_or("–".to_owned(), |series| series.to_string());
        println!("| {} | {ours} | {theirs} | {ratio} |", case.title);
    }
    println!("\nA figure is the median; least and most in brackets. Of Flowbed's part:\n");
    println!("| seconds | median |\n|---|---|");
    for (name, series) in tests {
        println!("| {name} | {series} |");
    }
    Ok(())
}

/// Flowbed and Mininet in turns, after one run of each that does not count.
fn measure(
    case: &Case,
    mininet: Option<&Mininet>,
    parts: &mut Vec<(String, Series)>,
) -> Result<(Series, Option<Series>)> {
    let (ours, theirs) = case.runs;
    let mininet = mininet.filter(|_| theirs > 0);
    let (mut flowbeds, mut mininets) = (Series::default(), Series::default());
    let (mut up, mut down, mut test) = (Series::default(), Series::default(), Series::default());
    flowbed(case.topology, case.test)?;
    if let Some(mininet) = mininet.filter(|_| theirs > 1) {
        mininet.run(case.topology, case.test)?;
    }
    for turn in 0..ours.max(theirs) {
        if turn < ours {
            let (whole, report) = flowbed(case.topology, case.test)?;
            flowbeds.add(whole);
            up.add(report["up_s"].as_f64().ok_or("no up_s in Flowbed's report")?);
            down.add(report["down_s"].as_f64().ok_or("no down_s in Flowbed's report")?);
            if let Some(seconds) = report["tests"][0]["seconds"].as_f64().filter(|_| case.test != "none") {
                test.add(seconds);
            }
        }
        if let Some(mininet) = mininet.filter(|_| turn < theirs) {
            mininets.add(mininet.run(case.topology, case.test)?);
        }
    }
    parts.push((format!("`{}` up", case.topology), up));
    if !test.is_empty() {
        parts.push((format!("`{}` {}", case.topology, case.test), test));
    }
    parts.push((format!("`{}` down", case.topology), down));
    Ok((flowbeds, mininet.map(|_| mininets)))
}
