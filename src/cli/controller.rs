//! `flowbed controller`: the controller alone.

use std::net::SocketAddr;

use ::controller::{Controller, apps};
use anyhow::{Context, Result};
use tokio::net::TcpListener;
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
    /// An app; may be given several times, they run in this order
    #[arg(long = "app", value_name = "APP", default_value = "learning-switch", value_parser = super::app_name)]
    apps: Vec<String>,
    /// Serve the dashboard here (port 0: any free port)
    #[arg(long, value_name = "ADDR", value_parser = super::listening_address)]
    web: Option<SocketAddr>,
}

pub(crate) fn run(args: Args) -> Result<Outcome> {
    tokio::runtime::Runtime::new().context("cannot start the runtime")?.block_on(serve(args))
}

async fn serve(args: Args) -> Result<Outcome> {
    let mut signals = Signals::new()?;
    let listener = TcpListener::bind(args.listen).await.with_context(|| {
        format!("cannot listen for switches on {}; choose another address with --listen", args.listen)
    })?;
    let address = listener.local_addr()?;
    let web = match args.web {
        Some(web) => Some(dashboard::bind(web).await?),
        None => None,
    };
    let controller = args
        .apps
        .iter()
        .filter_map(|name| apps::by_name(name))
        .fold(Controller::builder(), |builder, app| builder.app(app))
        .start(listener);
    say!("controller   tcp:{address}   apps: {}", args.apps.join(", "))?;
    let _dashboard = match web {
        Some(web) => {
            let control = view::Controller {
                kind: view::ControllerKind::Flowbed,
                address: format!("tcp:{address}"),
                apps: args.apps,
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
