//! `flowbed doctor`: what this machine can do.

use anyhow::Result;
use testbed::{Check, Status};

use super::Outcome;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One JSON object a check
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    // As `up` would. Where it fails, the checks below say what stands against it.
    let _ = testbed::enter();
    let checks = testbed::doctor();
    for check in &checks {
        if args.json {
            say!(
                "{}",
                serde_json::json!({ "what": check.what, "status": word(check.status),
                                    "detail": check.detail, "remedy": check.remedy })
            )?;
        } else {
            print(check)?;
        }
    }
    let missing = checks.iter().any(|check| check.status == Status::Missing);
    Ok(if missing { Outcome::Failed } else { Outcome::Good })
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Degraded => "degraded",
        Status::Missing => "missing",
    }
}

fn print(check: &Check) -> Result<()> {
    say!("{:<9} {:<24} {}", word(check.status), check.what, check.detail)?;
    if !check.remedy.is_empty() {
        say!("{:<9} {:<24} -> {}", "", "", check.remedy)?;
    }
    Ok(())
}
