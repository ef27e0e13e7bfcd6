//! A network with a controller in charge of it: where testbed and controller meet.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use controller::{App, AppFactory, Controller, Discovery, Link, LinksNotFound, NotReady, PortRef};
use openflow::{DatapathId, PortNo};
use testbed::{
    CaptureSpec, Change, ControllerTarget, EndView, Fabric, FailMode, LinkState, Options, SwitchKind,
    SwitchView, Testbed, Topology,
};
use thiserror::Error as ThisError;
use tokio::net::TcpListener;

/// Why a lab could not be brought up or taken down.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// The network cannot be such.
    #[error(transparent)]
    Topology(#[from] testbed::TopologyError),
    /// The network.
    #[error(transparent)]
    Testbed(#[from] testbed::Error),
    /// The switches did not come to the controller.
    #[error(
        "the controller did not get hold of its switches; RUST_LOG=flowbed_controller=info shows what they did"
    )]
    NotReady(#[from] NotReady),
    /// A socket.
    #[error("cannot serve the controller's socket")]
    Listener(#[source] std::io::Error),
    /// The runtime.
    #[error("cannot start the runtime")]
    Runtime(#[source] std::io::Error),
}

/// A running network and the controller in charge of it. Dropping it takes everything down, too;
/// [`Lab::stop`] also tells how that went.
#[derive(Debug)]
pub struct Lab {
    testbed: Testbed,
    controller: Option<Controller>,
    /// Whether an app needs the links between switches to be found.
    needs_links: bool,
    warnings: Vec<String>,
    ready_within: Duration,
}

/// Who is in charge of the switches.
#[derive(Debug)]
enum Control {
    Apps(controller::Builder),
    Remote(ControllerTarget),
    Nobody,
}

/// Settings of a lab that is not up yet.
#[derive(Debug)]
#[must_use]
pub struct LabBuilder {
    topology: Topology,
    name: Option<String>,
    control: Control,
    needs_links: bool,
    options: Options,
    ready_within: Duration,
}

/// Where switches of a lab find our controller, in the lab's own network namespace.
pub const CONTROLLER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 6653);

/// For so long a start waits for links to be found: probes go out again after 5 s, and links may lose some.
const LINKS_WITHIN: Duration = Duration::from_secs(12);

impl LabBuilder {
    /// Adds an app to our own controller, which then is in charge.
    pub fn per_switch<A: App>(self, name: &str, make: impl Fn() -> A + Send + Sync + 'static) -> LabBuilder {
        self.app(AppFactory::new(name, make))
    }

    /// Adds an app by its factory, as [`per_switch`](Self::per_switch).
    pub fn app(mut self, app: AppFactory) -> LabBuilder {
        let builder = match self.control {
            Control::Apps(builder) => builder,
            Control::Remote(_) | Control::Nobody => Controller::builder(),
        };
        self.needs_links |= app.needs_links();
        self.control = Control::Apps(builder.app(app));
        self
    }

    /// Whether our own controller looks for links, and how often. Call it behind the apps: with none there is no
    /// controller of ours.
    pub fn discovery(mut self, discovery: Discovery) -> LabBuilder {
        if let Control::Apps(builder) = self.control {
            self.control = Control::Apps(builder.discovery(discovery));
        }
        self
    }

    /// Another controller is in charge, at this address as the machine sees it.
    pub fn remote_controller(mut self, host: &str, port: u16) -> LabBuilder {
        self.control = Control::Remote(ControllerTarget::Remote { host: host.to_owned(), port });
        self
    }

    /// What switches are made of.
    pub fn switches(mut self, kind: SwitchKind) -> LabBuilder {
        self.options.switch = kind;
        self
    }

    /// What switches do without a controller.
    pub fn fail_mode(mut self, mode: FailMode) -> LabBuilder {
        self.options.fail_mode = mode;
        self
    }

    /// What the random numbers of shaped links begin with.
    pub fn seed(mut self, seed: u64) -> LabBuilder {
        self.options.seed = seed;
        self
    }

    /// Captures from the first frame on.
    pub fn capture(mut self, capture: CaptureSpec) -> LabBuilder {
        self.options.captures.push(capture);
        self
    }

    /// The lab's name, for `flowbed ls` and `flowbed exec`; one is made up otherwise.
    pub fn name(mut self, name: &str) -> LabBuilder {
        self.name = Some(name.to_owned());
        self
    }

    /// How long switches may take to be ready.
    pub fn ready_within(mut self, time: Duration) -> LabBuilder {
        self.ready_within = time;
        self
    }

    /// Brings the network up. Returns when all switches are connected and the apps have set them up, and, where an app
    /// needs links, when these are found; a link that is not found makes a warning.
    ///
    /// Errors: what failed; what was made before is taken down again.
    pub async fn start(self) -> Result<Lab, Error> {
        let LabBuilder { topology, name, control, needs_links, mut options, ready_within } = self;
        let fabric = Fabric::create(name.as_deref()).await?;
        let mut controller = None;
        match control {
            Control::Apps(builder) => {
                let listener = fabric.listen(CONTROLLER)?;
                let listener = TcpListener::from_std(listener).map_err(Error::Listener)?;
                controller = Some(builder.start(listener));
                options.controllers = vec![ControllerTarget::Fabric(CONTROLLER)];
            }
            Control::Remote(target) => options.controllers = vec![target],
            Control::Nobody => options.controllers.clear(),
        }
        let has_controller = !options.controllers.is_empty();
        let testbed = Testbed::start(fabric, topology, options).await?;
        let mut lab = Lab { testbed, controller, needs_links, warnings: Vec::new(), ready_within };
        let waited = match &lab.controller {
            Some(controller) => {
                controller.wait_ready(&lab.openflow_switches(), ready_within).await.map_err(Error::from)
            }
            None if has_controller => match lab.testbed.wait_connected(ready_within).await {
                // Somebody else's controller may well be started later.
                Err(error) => {
                    lab.warnings.push(error.with_sources());
                    Ok(())
                }
                Ok(()) => Ok(()),
            },
            None => Ok(()),
        };
        match waited {
            Ok(()) => {
                lab.warnings.extend(lab.links_found().await.err().map(|error| error.to_string()));
                Ok(lab)
            }
            Err(error) => {
                if let Err(also) = lab.stop().await {
                    tracing::error!(error = &also as &dyn std::error::Error, "and taking it down failed too");
                }
                Err(error)
            }
        }
    }
}

impl Lab {
    /// A lab of this shape. Without an app or a remote controller, nobody is in charge.
    pub fn builder(topology: Topology) -> LabBuilder {
        LabBuilder {
            topology,
            name: None,
            control: Control::Nobody,
            needs_links: false,
            options: Options::default(),
            ready_within: Duration::from_secs(30),
        }
    }

    /// The network.
    pub fn testbed(&self) -> &Testbed {
        &self.testbed
    }

    /// Our controller, if it is the one in charge.
    pub fn controller(&self) -> Option<&Controller> {
        self.controller.as_ref()
    }

    /// Changes the network, as [`Testbed::change`]; returns when switches that come with it are connected, and the apps
    /// have set them up where our own controller is in charge.
    pub async fn change(&self, change: &Change) -> Result<(), Error> {
        self.testbed.change(change).await?;
        match (&self.controller, change) {
            (Some(controller), Change::AddSwitch(_) | Change::StartSwitch(_)) => {
                Ok(controller.wait_ready(&self.openflow_switches(), self.ready_within).await?)
            }
            _ => Ok(()),
        }
    }

    /// Returns when the controller has found the links that it is to find, where an app needs them.
    async fn links_found(&self) -> Result<(), LinksNotFound> {
        match &self.controller {
            Some(controller) if self.needs_links => {
                controller.wait_links(&self.links(), LINKS_WITHIN.min(self.ready_within)).await
            }
            _ => Ok(()),
        }
    }

    /// The links that are up between switches which have a controller and work.
    fn links(&self) -> Vec<Link> {
        let view = self.testbed.snapshot();
        let speaking = view.switches.iter().filter(|switch| speaks(switch));
        let ids: HashMap<&str, DatapathId> =
            speaking.map(|switch| (switch.name.as_str(), switch.dpid)).collect();
        let port =
            |end: &EndView| Some(PortRef { switch: *ids.get(end.node.as_str())?, port: PortNo(end.port) });
        let up = view.links.iter().filter(|link| link.state == LinkState::Up);
        up.filter_map(|link| Some(Link::new(port(&link.a)?, port(&link.b)?))).collect()
    }

    /// The switches that have a controller and work.
    fn openflow_switches(&self) -> Vec<DatapathId> {
        self.testbed.switches().iter().filter(|switch| speaks(switch)).map(|switch| switch.dpid).collect()
    }

    /// What went less than well at the start.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Resolves, with the error to show, when a process that the network needs ends though nobody asked it to, as
    /// [`Testbed::failed`].
    pub async fn failed(&self) -> Error {
        self.testbed.failed().await.into()
    }

    /// Takes it down: the controller first, so that it does not mourn its switches, then the network.
    pub async fn stop(self) -> Result<(), Error> {
        if let Some(controller) = &self.controller {
            controller.shutdown().await;
        }
        Ok(self.testbed.stop().await?)
    }
}

/// Whether a switch has a controller and works.
fn speaks(switch: &SwitchView) -> bool {
    switch.kind != SwitchKind::Bridge && switch.running
}
