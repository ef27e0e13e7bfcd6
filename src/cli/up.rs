//! `flowbed up`: a network, its controller, tests and a shell.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use controller::AppFactory;
use controller::apps::{self, AppSpec, Files};
use flowbed::{Lab, LabBuilder};
use testbed::topology::schedule;
use testbed::{CaptureSpec, ControllerTarget, FailMode, LinkChange, SwitchKind, Topology};
use tokio::net::TcpListener;
use tokio::sync::mpsc::Receiver;
use web::collect::Sources;
use web::view;

use super::Outcome;
use super::control::Server;
use super::dashboard::{self, Dashboard};
use super::detach;
use super::inspect::{self, About};
use super::report::{EventResult, Report};
use super::shell;
use super::signals::Signals;
use super::test::Test;

/// The app that runs if none is named.
const DEFAULT_APP: &str = "learning-switch";

/// More than any step of a start takes that cannot be broken off.
const LONGEST_STEP: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// minimal; single,N; reversed,N; linear,SWITCHES[,HOSTS]; tree,DEPTH,FANOUT; torus,X,Y[,HOSTS]; ring,N; mesh,N;
    /// fattree,K; leafspine,LEAVES,SPINES[,HOSTS]; random,SWITCHES,LINKS[,SEED]; or a file as for --file, GraphML also
    /// with a number of hosts on each node (net.graphml,2)
    #[arg(long, value_name = "TOPOLOGY", default_value = "minimal", conflicts_with = "file")]
    topo: String,
    /// A topology in TOML, or in GraphML as in the Internet Topology Zoo, with a host on each node
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// What switches are made of
    #[arg(long, value_enum, default_value = "auto")]
    switch: Switch,
    /// What every link does, beyond what a file says: bw=10,delay=5ms,loss=1 and also jitter, distribution, loss_burst,
    /// duplicate, reorder, corrupt, queue; or shaped, for links that can be changed while they run
    #[arg(long, value_name = "PROPERTIES", value_parser = link_option)]
    link: Option<LinkOption>,
    /// What the random numbers of links begin with
    #[arg(long, value_name = "NUMBER", default_value = "1")]
    seed: u64,
    /// What switches do without a controller
    #[arg(long, value_enum, default_value = "secure")]
    fail_mode: Fail,
    /// An app for our controller, with its file if it takes one; may be given several times, they run in this order
    /// [default: learning-switch]
    #[arg(long = "app", value_name = "NAME[=FILE]", conflicts_with = "controller")]
    apps: Vec<AppSpec>,
    /// Another controller: tcp:HOST:PORT as this machine sees it, or none
    #[arg(long, value_name = "CONTROLLER")]
    controller: Option<Remote>,
    /// Serve the dashboard here (port 0: any free port)
    #[arg(long, value_name = "ADDR", value_parser = super::listening_address)]
    web: Option<SocketAddr>,
    /// Run a test and exit: pingall, pingall6, pingallfull, pingpair[,A,B], pingpair6, pingpairfull, iperf[,FROM,TO],
    /// iperfudp[,RATE[,FROM,TO]], all or none; may be given several times
    #[arg(long = "test", value_name = "TEST")]
    tests: Vec<Test>,
    /// Capture what passes interfaces, from the first frame on, for tcpdump, tshark and Wireshark: all of them, or those
    /// named; may be given several times
    #[arg(long = "capture", value_name = "FILE[=INTERFACE,…]", value_parser = capture_option)]
    captures: Vec<CaptureSpec>,
    /// Shell commands to run first, from a file
    #[arg(long, value_name = "FILE")]
    pre: Option<PathBuf>,
    /// The network's name, for `flowbed ls` and `flowbed exec`
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Print one JSON object with times and results at the end
    #[arg(long)]
    json: bool,
    /// Leave the network running in the background when it is up; see shell, inspect and down
    #[arg(long, short, conflicts_with_all = ["tests", "json"])]
    detach: bool,
    /// This is the process in the background
    #[arg(long = "in-background", hide = true)]
    in_background: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Switch {
    /// Open vSwitch where it is installed, else soft
    Auto,
    /// Open vSwitch, in an instance of our own
    Ovs,
    /// The switch inside this program
    Soft,
    /// A Linux bridge, which has no controller
    Bridge,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Fail {
    /// Only what their flow tables say
    Secure,
    /// They learn by themselves
    Standalone,
}

/// What `--link` says of every link.
#[derive(Clone, Copy, Debug)]
struct LinkOption(LinkChange);

fn link_option(text: &str) -> Result<LinkOption, String> {
    match text {
        "shaped" => Ok(LinkOption(LinkChange::default())),
        _ => {
            text.parse().map(LinkOption).map_err(|error: testbed::topology::ParseLinkError| error.to_string())
        }
    }
}

/// `FILE`, or `FILE=h1-eth0,s1-eth2`.
fn capture_option(text: &str) -> Result<CaptureSpec, String> {
    let (file, interfaces) = text.rsplit_once('=').unwrap_or((text, ""));
    if file.is_empty() {
        return Err("expected FILE or FILE=INTERFACE,…, such as h1.pcapng=h1-eth0".to_owned());
    }
    let interfaces = interfaces.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    Ok(CaptureSpec { file: file.into(), interfaces })
}

/// `tcp:HOST:PORT` or `none`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Remote {
    None,
    Tcp { host: String, port: u16 },
}

impl FromStr for Remote {
    type Err = String;

    fn from_str(text: &str) -> Result<Remote, String> {
        if text == "none" {
            return Ok(Remote::None);
        }
        let address = text.strip_prefix("tcp:").and_then(|rest| rest.rsplit_once(':'));
        let Some((host, port)) = address.filter(|(host, _)| !host.is_empty()) else {
            return Err("expected tcp:HOST:PORT, such as tcp:127.0.0.1:6653, or none".to_owned());
        };
        let port = port.parse().ok().filter(|port| *port != 0);
        let port = port.ok_or("the port is a number from 1 to 65535, such as in tcp:127.0.0.1:6653")?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Remote::Tcp { host, port })
    }
}

pub(crate) fn run(args: Args) -> Result<Outcome> {
    if args.detach && !args.in_background {
        return detach::launch();
    }
    let json = args.json.then(reserve_stdout).transpose()?;
    let mut report = Report::new(args.tests.len());
    let outcome = bring_up(args, &mut report);
    if let Some(mut out) = json {
        let error = outcome.as_ref().err().map(|error| format!("{error:#}"));
        let object = report.json(error.as_deref());
        let written = writeln!(out, "{object}").context("cannot write to standard output");
        return outcome.and_then(|outcome| written.map(|()| outcome));
    }
    outcome
}

fn bring_up(args: Args, report: &mut Report) -> Result<Outcome> {
    let controlled = !args.apps.is_empty() || matches!(args.controller, Some(Remote::Tcp { .. }));
    if controlled && matches!(args.switch, Switch::Bridge) {
        bail!("a Linux bridge has no controller; leave out --app and --controller, or use --switch ovs");
    }
    let (topology, label) = topology(&args)?;
    let pre = args.pre.as_deref().map(shell::read_script).transpose()?;
    let specs = app_specs(&args)?;
    let apps = apps::load(&specs)?;
    let app_names = specs.iter().map(AppSpec::to_string).collect();
    // Must come before the first thread; see testbed::enter.
    testbed::enter()?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let interactive = interactive(&args);
    let outcome = runtime.block_on(async {
        let builder = builder(&args, topology, apps.factories);
        let apps = Named { names: app_names, files: apps.files };
        up(args, builder, label, apps, pre, report).await
    });
    if interactive {
        // A thread that waits for a line at the terminal cannot be ended.
        runtime.shutdown_background();
    } else {
        // What a start that was broken off is just making is undone when it is made.
        runtime.shutdown_timeout(LONGEST_STEP);
    }
    outcome
}

/// Keeps standard output for the JSON object alone. All else that is written there, also by commands in hosts, goes to
/// standard error from now on.
fn reserve_stdout() -> Result<File> {
    let reserve = || -> io::Result<File> {
        let out = io::stdout().as_fd().try_clone_to_owned()?;
        nix::unistd::dup2_stdout(io::stderr())?;
        Ok(out.into())
    };
    reserve().context("cannot set standard output aside")
}

fn topology(args: &Args) -> Result<(Topology, String)> {
    let (mut topology, label) = match &args.file {
        Some(file) => (Topology::from_file(file)?, file.display().to_string()),
        None => (Topology::open(&args.topo)?, args.topo.clone()),
    };
    if let Some(LinkOption(change)) = args.link {
        for link in &mut topology.links {
            *link = link.clone().with(&change);
            link.shaped = true;
        }
    }
    Ok((topology, label))
}

async fn up(
    args: Args,
    builder: LabBuilder,
    label: String,
    apps: Named,
    pre: Option<Vec<String>>,
    report: &mut Report,
) -> Result<Outcome> {
    let mut signals = Signals::new()?;
    let web = match args.web {
        Some(address) => Some(dashboard::bind(address).await?),
        None => None,
    };
    let begin = Instant::now();
    let lab = tokio::select! {
        lab = builder.start() => lab?,
        // What was made so far is taken down as the start is dropped.
        () = signals.next() => {
            signals.insist();
            bail!("asked to end while the network came up")
        }
    };
    if let Some(controller) = lab.controller() {
        signals.reload(apps.files, controller.clone());
    }
    report.up(label.clone(), &lab, begin.elapsed());
    for warning in lab.warnings() {
        eprintln!("flowbed: {warning}");
    }
    let used = tokio::select! {
        used = use_lab(&args, &lab, web, label, apps.names, pre, report) => used,
        () = until_asked(&mut signals, interactive(&args)) => Ok(()),
        error = lab.failed() => Err(error.into()),
    };
    signals.insist();
    let begin = Instant::now();
    let stopped = lab.stop().await;
    report.down(begin.elapsed());
    match (used, stopped) {
        (Ok(()), Ok(())) => {}
        (Err(error), Ok(())) => return Err(error),
        (Ok(()), Err(error)) => return Err(error.into()),
        (Err(first), Err(then)) => {
            let then = anyhow::Error::from(then);
            bail!("{first:#}; then the network could not be taken down: {then:#}")
        }
    }
    if report.unfinished() > 0 {
        eprintln!("flowbed: asked to end with tests unfinished: {}", report.unfinished());
    }
    Ok(report.outcome())
}

/// The apps of our controller.
struct Named {
    names: Vec<String>,
    files: Files,
}

/// Whether a shell has the terminal: Ctrl-C is then for what runs in it.
fn interactive(args: &Args) -> bool {
    args.tests.is_empty() && std::io::stdin().is_terminal()
}

async fn until_asked(signals: &mut Signals, interactive: bool) {
    if interactive {
        signals.end().await;
    } else {
        signals.next().await;
    }
}

/// The apps of our controller; none where it is not in charge.
fn app_specs(args: &Args) -> Result<Vec<AppSpec>> {
    Ok(match (&args.controller, args.switch) {
        (Some(_), _) | (None, Switch::Bridge) => Vec::new(),
        (None, _) if args.apps.is_empty() => vec![DEFAULT_APP.parse()?],
        (None, _) => args.apps.clone(),
    })
}

fn builder(args: &Args, topology: Topology, apps: Vec<AppFactory>) -> LabBuilder {
    let mut builder = Lab::builder(topology)
        .switches(match args.switch {
            Switch::Auto => SwitchKind::Auto,
            Switch::Ovs => SwitchKind::Ovs,
            Switch::Soft => SwitchKind::Soft,
            Switch::Bridge => SwitchKind::Bridge,
        })
        .fail_mode(match args.fail_mode {
            Fail::Secure => FailMode::Secure,
            Fail::Standalone => FailMode::Standalone,
        })
        .seed(args.seed);
    builder = args.captures.iter().cloned().fold(builder, LabBuilder::capture);
    if let Some(name) = &args.name {
        builder = builder.name(name);
    }
    if let Some(Remote::Tcp { host, port }) = &args.controller {
        // Somebody else's controller gets a moment; the network comes up without it as well.
        builder = builder.remote_controller(host, *port).ready_within(Duration::from_secs(5));
    }
    apps.into_iter().fold(builder, LabBuilder::app)
}

/// All that happens while the network is up.
async fn use_lab(
    args: &Args,
    lab: &Lab,
    web: Option<TcpListener>,
    label: String,
    app_names: Vec<String>,
    pre: Option<Vec<String>>,
    report: &mut Report,
) -> Result<()> {
    if let Some(summary) = report.summary() {
        say!("{summary}")?;
    }
    let dashboard = match web {
        Some(listener) => {
            let sources = sources(args, lab, label.clone(), app_names.clone());
            let (dashboard, inbox) = Dashboard::start(listener, sources)?;
            say!("dashboard    {}", dashboard.url)?;
            Some((dashboard, inbox))
        }
        None => None,
    };
    let about = About {
        topology: label,
        controller: controller(args, lab),
        apps: app_names,
        dashboard: dashboard.as_ref().map(|(dashboard, _)| dashboard.url.clone()),
    };
    let control = Server::open(lab.testbed().fabric().dir())?;
    let work = async {
        for line in pre.iter().flatten() {
            say!("flowbed> {line}")?;
            match shell::execute(lab, line).await? {
                Some(true) => {}
                Some(false) => report.line_failed(),
                None => return Ok(()),
            }
        }
        for test in &args.tests {
            let result = test.run(lab).await?;
            if let Some(text) = result.text() {
                say!("{text}")?;
            }
            report.add(result);
        }
        if !args.tests.is_empty() {
            return Ok(());
        }
        if interactive(args) {
            return shell::run(lab).await;
        }
        if args.in_background {
            let name = lab.testbed().name();
            say!("up in the background: flowbed shell --name {name} enters it, flowbed down {name} ends it")?;
            detach::leave(lab.testbed().fabric().dir())?;
        } else {
            say!("up until SIGINT or SIGTERM")?;
        }
        std::future::pending().await
    };
    let happened = RefCell::new(Vec::new());
    let outcome = tokio::select! {
        outcome = work => outcome,
        outcome = attended(lab, dashboard) => outcome,
        outcome = control.serve(lab, || inspect::describe(lab, &about)) => outcome,
        outcome = play(lab, args.seed, &happened) => outcome,
    };
    report.events(happened.into_inner());
    outcome
}

/// Has the topology's events happen, each at its time, and then waits for ever. One that cannot be done does not keep the
/// others from happening.
async fn play(lab: &Lab, seed: u64, happened: &RefCell<Vec<EventResult>>) -> Result<()> {
    let begin = Instant::now();
    for (at, change) in schedule(&lab.testbed().topology().events, seed) {
        tokio::time::sleep(at.saturating_sub(begin.elapsed())).await;
        let error = lab.change(&change).await.err().map(|error| format!("{:#}", anyhow::Error::new(error)));
        match &error {
            None => say!("*** {:.3} s: {change}", at.as_secs_f64())?,
            Some(error) => eprintln!("flowbed: event at {:.3} s, {change}: {error}", at.as_secs_f64()),
        }
        happened.borrow_mut().push(EventResult { at, change: change.to_string(), error });
    }
    std::future::pending().await
}

/// Does what the dashboard's page asks for, if there is one.
async fn attended(lab: &Lab, dashboard: Option<(Dashboard, Receiver<web::Command>)>) -> Result<()> {
    match dashboard {
        Some((_dashboard, inbox)) => {
            dashboard::obey(lab.testbed(), inbox).await;
            bail!("the dashboard has ended")
        }
        None => std::future::pending().await,
    }
}

/// Who is in charge of the switches, as they write it.
fn controller(args: &Args, lab: &Lab) -> Option<String> {
    match (&args.controller, lab.controller()) {
        (Some(Remote::Tcp { host, port }), _) => {
            Some(ControllerTarget::Remote { host: host.clone(), port: *port }.to_string())
        }
        (_, Some(_)) => Some(format!("tcp:{}", flowbed::CONTROLLER)),
        (_, None) => None,
    }
}

/// What the dashboard shows.
fn sources(args: &Args, lab: &Lab, label: String, apps: Vec<String>) -> Sources {
    let ours = lab.controller().is_some();
    let control = controller(args, lab).map(|address| view::Controller {
        kind: if ours { view::ControllerKind::Flowbed } else { view::ControllerKind::Remote },
        address,
        apps: if ours { apps } else { Vec::new() },
    });
    Sources {
        name: format!("{} ({label})", lab.testbed().name()),
        control,
        controller: lab.controller().cloned(),
        testbed: Some(lab.testbed().watch()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controllers_are_read_as_ovs_writes_them() {
        let tcp = |host: &str, port| Remote::Tcp { host: host.to_owned(), port };
        assert_eq!("none".parse(), Ok(Remote::None));
        assert_eq!("tcp:127.0.0.1:6653".parse(), Ok(tcp("127.0.0.1", 6653)));
        assert_eq!("tcp:[::1]:6633".parse(), Ok(tcp("::1", 6633)));
        for wrong in ["", "tcp:", "tcp::6653", "127.0.0.1:6653", "tcp:127.0.0.1", "tcp:a:70000", "tcp:a:0"] {
            assert!(wrong.parse::<Remote>().is_err(), "{wrong}");
        }
    }
}
