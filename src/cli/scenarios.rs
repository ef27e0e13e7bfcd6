//! `flowbed test`: scenario files, one line each, and what went wrong.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use flowbed::scenario::{self, Loaded, Report};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde_json::json;
use testbed::SwitchKind;

use super::Outcome;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Scenario files, or folders of them
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// What carries the packets
    #[arg(long, value_enum, default_value = "soft")]
    engine: Engine,
    /// Write JUnit XML to this file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the flows that were found into the files, in place of those that were expected
    #[arg(long)]
    review: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What carries the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Engine {
    /// Every packet at once, on a model
    Model,
    /// Soft switches under virtual time
    Soft,
    /// Open vSwitch and real packets
    Ovs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SchemaArgs {
    /// Which kind
    #[arg(value_enum)]
    kind: SchemaKind,
}

/// Kinds of files that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum SchemaKind {
    /// Scenario files, as `flowbed test` reads them
    Scenario,
}

pub(crate) fn schema(args: &SchemaArgs) -> Result<Outcome> {
    match args.kind {
        SchemaKind::Scenario => super::write_out(format_args!("{}", scenario::SCHEMA))?,
    }
    Ok(Outcome::Good)
}

/// How a file went.
struct Ran {
    path: PathBuf,
    took: Duration,
    result: Result<Report, scenario::Error>,
}

impl Ran {
    fn verdict(&self) -> &'static str {
        match &self.result {
            Ok(report) if report.passed() => "passed",
            Ok(_) => "failed",
            Err(_) => "broken",
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    if args.engine == Engine::Model {
        anyhow::bail!("the engine that answers for every packet at once is not there yet; --engine soft is");
    }
    if args.engine == Engine::Ovs {
        testbed::enter()?;
    }
    let mut files = Vec::new();
    for path in &args.paths {
        find(path, path.is_dir(), &mut files)?;
    }
    if files.is_empty() {
        anyhow::bail!("there is no scenario here: a .toml file with topology and steps");
    }
    let mut all = Vec::new();
    for path in files {
        let started = Instant::now();
        let result = scenario::load(&path).and_then(|loaded| one(&loaded, args));
        let ran = Ran { path, took: started.elapsed(), result };
        if !args.json {
            tell(&ran)?;
        }
        all.push(ran);
    }
    if let Some(path) = &args.junit {
        let xml = junit(&all).to_string().context("cannot write JUnit XML")?;
        std::fs::write(path, xml).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let count = |verdict| all.iter().filter(|ran| ran.verdict() == verdict).count();
    let (failed, broken) = (count("failed"), count("broken"));
    if args.json {
        super::write_out(format_args!(
            "{:#}\n",
            json!({ "scenarios": all.iter().map(as_json).collect::<Vec<_>>() })
        ))?;
    } else {
        let broken = if broken > 0 { format!(", {broken} broken") } else { String::new() };
        say!("{} passed, {failed} failed{broken}", count("passed"))?;
    }
    Ok(match (failed, broken) {
        (_, 1..) => Outcome::Broken,
        (1.., _) => Outcome::Failed,
        _ => Outcome::Good,
    })
}

fn one(loaded: &Loaded, args: &Args) -> Result<Report, scenario::Error> {
    let run = |loaded: &Loaded| match args.engine {
        Engine::Ovs => loaded.run_live(SwitchKind::Ovs),
        _ => loaded.run(),
    };
    let report = run(loaded)?;
    if !args.review || report.snapshots.is_empty() {
        return Ok(report);
    }
    loaded.accept(&report)?;
    run(&scenario::load(&loaded.path)?)
}

/// The files that a path means, in order: itself, or the scenarios below a folder.
fn find(path: &Path, is_folder: bool, found: &mut Vec<PathBuf>) -> Result<()> {
    if !is_folder {
        found.push(path.to_owned());
        return Ok(());
    }
    let cannot = || format!("cannot read {}", path.display());
    let entries = std::fs::read_dir(path).with_context(cannot)?;
    let mut entries = entries.collect::<Result<Vec<_>, _>>().with_context(cannot)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        // What a link leads to may lead back.
        let kind = entry.file_type().with_context(cannot)?;
        let path = entry.path();
        if kind.is_dir() {
            find(&path, true, found)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") && is_scenario(&path) {
            found.push(path);
        }
    }
    Ok(())
}

/// Whether a TOML file is a scenario, and not a topology or an app's configuration. One that cannot be read may be.
fn is_scenario(path: &Path) -> bool {
    let Ok(text) = std::fs::read_to_string(path) else { return true };
    let Ok(table) = text.parse::<toml::Table>() else { return true };
    table.contains_key("topology") && table.contains_key("steps")
}

fn tell(ran: &Ran) -> Result<()> {
    let (path, took) = (ran.path.display(), ran.took.as_secs_f64() * 1000.0);
    match &ran.result {
        Ok(report) if report.passed() => {
            say!("ok      {path}: {} ({} steps, {took:.1} ms)", report.name, report.outcomes.len())
        }
        Ok(report) => {
            say!("FAILED  {path}: {}", report.name)?;
            for line in report.to_string().lines() {
                let indented = format!("        {line}");
                say!("{}", indented.trim_end())?;
            }
            Ok(())
        }
        Err(error) => say!("BROKEN  {error}"),
    }
}

fn as_json(ran: &Ran) -> serde_json::Value {
    let (mut steps, mut name, mut error) = (Vec::new(), None, None);
    match &ran.result {
        Ok(report) => {
            name = Some(&report.name);
            steps.extend(report.outcomes.iter().map(|outcome| {
                let failures: Vec<_> = (outcome.failures.iter())
                    .map(|failure| json!({ "what": failure.what, "path": failure.path }))
                    .collect();
                json!({ "name": outcome.name, "line": outcome.place.line, "failures": failures })
            }));
        }
        Err(wrong) => error = Some(wrong.to_string()),
    }
    json!({
        "file": ran.path.display().to_string(),
        "name": name,
        "verdict": ran.verdict(),
        "seconds": ran.took.as_secs_f64(),
        "steps": steps,
        "error": error,
    })
}

/// A suite a file, a case a step.
fn junit(all: &[Ran]) -> quick_junit::Report {
    let mut xml = quick_junit::Report::new("flowbed test");
    for ran in all {
        let file = ran.path.display().to_string();
        let mut suite = TestSuite::new(file.clone());
        suite.set_time(ran.took);
        match &ran.result {
            Ok(report) => {
                for outcome in &report.outcomes {
                    let mut status = TestCaseStatus::success();
                    if let Some(first) = outcome.failures.first() {
                        status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                        // The whole stands in the text.
                        status.set_message(first.what.lines().next().unwrap_or_default());
                        let all: Vec<String> = outcome.failures.iter().map(ToString::to_string).collect();
                        status.set_description(all.join("\n\n"));
                    }
                    let mut case = TestCase::new(outcome.name.clone(), status);
                    case.set_classname(report.name.clone());
                    suite.add_test_case(case);
                }
            }
            Err(error) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
                status.set_message(error.to_string());
                suite.add_test_case(TestCase::new(file, status));
            }
        }
        xml.add_test_suite(suite);
    }
    xml
}
