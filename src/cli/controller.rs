//! `flowbed controller`: the controller alone.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ::controller::apps::{self, AppSpec};
use ::controller::{Controller, Target, Tls};
use anyhow::{Context, Result};
use tokio::net::{TcpListener, UnixListener};
use web::collect::Sources;
use web::view;

use super::Outcome;
use super::dashboard::{self, Dashboard};
use super::signals::Signals;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where switches connect
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:6653", value_parser = super::listening_address)]
    listen: SocketAddr,
    /// Where switches connect with TLS, too; needs the three files below
    #[arg(long, value_name = "ADDR", value_parser = super::listening_address, requires_all = ["private_key", "certificate", "ca_cert"])]
    listen_tls: Option<SocketAddr>,
    /// A socket where switches connect, too
    #[arg(long, value_name = "PATH")]
    listen_unix: Option<PathBuf>,
    /// A switch that listens (ptcp:, pssl: or punix:): tcp:IP:PORT, ssl:IP:PORT or unix:PATH; may be given
    /// several times
    #[arg(long, value_name = "TARGET")]
    connect: Vec<Target>,
    /// Our private key for TLS, PEM
    #[arg(long, value_name = "FILE", requires_all = ["certificate", "ca_cert"])]
    private_key: Option<PathBuf>,
    /// Our certificate for TLS, PEM
    #[arg(long, value_name = "FILE", requires = "private_key")]
    certificate: Option<PathBuf>,
    /// Certificates of the CA that signs those of switches, PEM
    #[arg(long, value_name = "FILE", requires = "private_key")]
    ca_cert: Option<PathBuf>,
    /// An app, with its file if it takes one; may be given several times, they run in this order
    #[arg(long = "app", value_name = "NAME[=FILE]", default_value = "learning-switch")]
    apps: Vec<AppSpec>,
    /// Serve the dashboard here (port 0: any free port)
    #[arg(long, value_name = "ADDR", value_parser = super::listening_address)]
    web: Option<SocketAddr>,
}

pub(crate) fn run(args: Args) -> Result<Outcome> {
    tokio::runtime::Runtime::new().context("cannot start the runtime")?.block_on(serve(args))
}

/// A socket at `path`, which goes with the returned guard.
fn bind_unix(path: &Path) -> Result<(std::os::unix::net::UnixListener, UnixSocket)> {
    let listener = std::os::unix::net::UnixListener::bind(path)
        .with_context(|| format!("cannot listen for switches on {}", path.display()))?;
    let socket = UnixSocket(path.to_owned());
    listener.set_nonblocking(true)?;
    Ok((listener, socket))
}

/// A socket's file; deleted with this value.
struct UnixSocket(PathBuf);

impl Drop for UnixSocket {
    fn drop(&mut self) {
        // Whoever deleted it before has done the same.
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn serve(args: Args) -> Result<Outcome> {
    let mut signals = Signals::new()?;
    let apps = apps::load(&args.apps)?;
    let app_names: Vec<String> = args.apps.iter().map(AppSpec::to_string).collect();
    let listener = TcpListener::bind(args.listen).await.with_context(|| {
        format!("cannot listen for switches on {}; choose another address with --listen", args.listen)
    })?;
    let address = listener.local_addr()?;
    let tls = match (&args.private_key, &args.certificate, &args.ca_cert) {
        (Some(key), Some(certificate), Some(ca)) => {
            Some(Tls::from_files(key, certificate, ca).context("cannot set up TLS")?)
        }
        _ => None,
    };
    let tls_listener = match args.listen_tls {
        Some(address) => Some(TcpListener::bind(address).await.with_context(|| {
            format!("cannot listen for switches on {address}; choose another address with --listen-tls")
        })?),
        None => None,
    };
    let unix_listener = args.listen_unix.as_deref().map(bind_unix).transpose()?;
    let web = match args.web {
        Some(web) => Some(dashboard::bind(web).await?),
        None => None,
    };
    let builder = apps.factories.into_iter().fold(Controller::builder(), |builder, app| builder.app(app));
    let controller = builder.start(listener);
    signals.reload(apps.files, controller.clone());
    if let (Some(listener), Some(tls)) = (tls_listener, &tls) {
        controller.listen_tls(listener, tls.clone());
    }
    if let Some((listener, _)) = unix_listener.as_ref() {
        let listener = listener.try_clone().and_then(UnixListener::from_std);
        controller.listen_unix(listener.context("cannot serve the Unix socket")?);
    }
    for target in args.connect {
        controller
            .connect(target, tls.clone())
            .context("give --private-key, --certificate and --ca-cert with it")?;
    }
    say!("controller   tcp:{address}   apps: {}", app_names.join(", "))?;
    let _dashboard = match web {
        Some(web) => {
            let control = view::Controller {
                kind: view::ControllerKind::Flowbed,
                address: format!("tcp:{address}"),
                apps: app_names,
            };
            let sources = Sources {
                name: "switches of this controller".to_owned(),
                control: Some(control),
                controller: Some(controller.clone()),
                testbed: None,
            };
            let (dashboard, inbox) = Dashboard::start(web, sources)?;
            tokio::spawn(dashboard::refuse(inbox));
            say!("dashboard    {}", dashboard.url)?;
            Some(dashboard)
        }
        None => None,
    };
    signals.next().await;
    signals.insist();
    controller.shutdown().await;
    Ok(Outcome::Good)
}
