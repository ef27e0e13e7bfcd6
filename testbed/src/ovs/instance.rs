//! A running Open vSwitch.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::daemon::Daemon;
use super::datapath::Datapath;
use super::error::{Error, Unconnected};
use super::mirror::Mirror;
use super::rows::{self, Bridge, Port};
use super::sockets;
use crate::ovsdb::{self, Client, Condition, Mutator, Operation, Value};
use crate::topology::FailMode;

/// How long `ovs-vswitchd` may take for a change: 1.5 s for 200 bridges with 600 ports here.
pub(super) const APPLIED: Duration = Duration::from_secs(60);

/// The first and the longest pause between looks at the controllers' state.
const LOOK: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));

/// An `ovsdb-server` and an `ovs-vswitchd` of our own. Dropping it kills both and waits for
/// the switch's end; [`stop`] does not block, and cleans up.
///
/// [`stop`]: Instance::stop
#[derive(Debug)]
pub struct Instance {
    // Dropped first: afterwards the switch's own descriptors are gone.
    pub(super) end: sockets::QuickEnd,
    pub(super) directory: PathBuf,
    pub(super) datapath: Datapath,
    pub(super) server: Daemon,
    pub(super) switch: Daemon,
    pub(super) client: Client,
    pub(super) mirror: watch::Receiver<Mirror>,
    /// How often the controllers' state was asked for.
    pub(super) looks: AtomicU64,
}

impl Instance {
    /// Where packets are switched.
    #[must_use]
    pub fn datapath(&self) -> Datapath {
        self.datapath
    }

    /// `ovs-vswitchd`'s control socket, as `ovs-appctl -t` takes it.
    #[must_use]
    pub fn control_socket(&self) -> PathBuf {
        self.directory.join("ovs-vswitchd.ctl")
    }

    /// The socket on which bridge `name` takes OpenFlow, as `ovs-ofctl` takes it after `unix:`.
    #[must_use]
    pub fn bridge_socket(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.mgmt"))
    }

    /// The database, for what is not covered here.
    #[must_use]
    pub fn database(&self) -> &Client {
        &self.client
    }

    /// Resolves, with the error to show, when a daemon ends though nobody asked it to.
    pub async fn died(&self) -> Error {
        tokio::select! {
            error = self.switch.died() => error,
            error = self.server.died() => error,
        }
    }

    /// Makes bridges in one transaction, and waits until `ovs-vswitchd` has carried it out and
    /// every port is open under its number. Their controllers may not be reached yet.
    ///
    /// # Errors
    /// When a name is taken, or a port cannot be opened: [`Error::Port`] has Open vSwitch's own
    /// words. None of `bridges` is left then.
    pub async fn apply(&self, bridges: &[Bridge]) -> Result<(), Error> {
        if bridges.is_empty() {
            return Ok(());
        }
        let operations = rows::insert_bridges(bridges, self.datapath);
        self.commit("make the bridges", operations).await?;
        let fault = {
            let mirror = self.mirror.borrow();
            bridges.iter().find_map(|bridge| fault(&mirror, bridge))
        };
        let Some(fault) = fault else {
            return Ok(());
        };
        let names: Vec<_> = bridges.iter().map(|bridge| bridge.name.as_str()).collect();
        self.undo(self.remove(&names)).await;
        Err(fault)
    }

    /// Removes bridges with all their ports. The interfaces themselves stay.
    ///
    /// # Errors
    /// When there is no such bridge; then none is removed.
    pub async fn remove<N: AsRef<str>>(&self, names: &[N]) -> Result<(), Error> {
        let uuids = {
            let mirror = self.mirror.borrow();
            names
                .iter()
                .map(|name| {
                    let name = name.as_ref();
                    let found = mirror.bridge(name).map(|(uuid, _)| uuid);
                    found.ok_or_else(|| Error::UnknownBridge(name.to_owned()))
                })
                .collect::<Result<Vec<_>, _>>()?
        };
        let operations = vec![rows::remove_bridges(uuids)];
        self.commit("remove the bridges", operations).await
    }

    /// Makes an interface of the fabric a port, with an OpenFlow port number from 1 to 65279.
    ///
    /// # Errors
    /// As [`apply`](Self::apply); the port is not left then.
    pub async fn add_port(&self, bridge: &str, port: &str, number: u32) -> Result<(), Error> {
        let uuid = self.bridge(bridge)?;
        let mut operations = Vec::new();
        let row = Port { name: port, number: Some(number) };
        rows::insert_port(&row, "p", &mut operations);
        operations.push(rows::change_ports(uuid, Mutator::Insert, Value::named("p")));
        self.commit(format!("add port {port} to bridge {bridge}"), operations).await?;
        let said = self.mirror.borrow().fault(bridge, port, Some(number));
        let Some(said) = said else {
            return Ok(());
        };
        self.undo(self.remove_port(bridge, port)).await;
        Err(Error::Port { bridge: bridge.to_owned(), port: port.to_owned(), said })
    }

    /// Takes a port off its bridge. The interface itself stays.
    ///
    /// # Errors
    /// When there is no such port.
    pub async fn remove_port(&self, bridge: &str, port: &str) -> Result<(), Error> {
        let (bridge_uuid, port_uuid) = {
            let mirror = self.mirror.borrow();
            let (uuid, row) = mirror.bridge(bridge).ok_or_else(|| Error::UnknownBridge(bridge.to_owned()))?;
            let (port_uuid, _) = mirror
                .port(row, port)
                .ok_or_else(|| Error::UnknownPort { bridge: bridge.to_owned(), port: port.to_owned() })?;
            (uuid, port_uuid)
        };
        let operation = rows::change_ports(bridge_uuid, Mutator::Delete, Value::from(port_uuid));
        let doing = format!("take port {port} off bridge {bridge}");
        self.commit(doing, vec![operation]).await
    }

    /// Gives a bridge other controllers; none means none.
    ///
    /// # Errors
    /// When there is no such bridge, or a target is malformed.
    pub async fn set_controllers(&self, bridge: &str, targets: &[String]) -> Result<(), Error> {
        let uuid = self.bridge(bridge)?;
        let mut operations = Vec::new();
        let controllers = rows::insert_controllers(targets, "b", &mut operations);
        operations
            .push(Operation::update("Bridge", [("controller", controllers)]).filter(Condition::is(uuid)));
        let doing = format!("set the controllers of bridge {bridge}");
        self.commit(doing, operations).await
    }

    /// Says what a bridge does without a controller.
    ///
    /// # Errors
    /// When there is no such bridge.
    pub async fn set_fail_mode(&self, bridge: &str, mode: FailMode) -> Result<(), Error> {
        let uuid = self.bridge(bridge)?;
        let operation =
            Operation::update("Bridge", [("fail_mode", rows::fail_mode(mode))]).filter(Condition::is(uuid));
        let doing = format!("set the fail mode of bridge {bridge}");
        self.commit(doing, vec![operation]).await
    }

    /// Waits until each of these bridges is connected to a controller.
    ///
    /// # Errors
    /// [`Error::NotConnected`] lists those that are not, with what Open vSwitch says of their
    /// last attempt.
    pub async fn wait_connected<N: AsRef<str>>(&self, names: &[N], timeout: Duration) -> Result<(), Error> {
        let names: HashSet<&str> = names.iter().map(AsRef::as_ref).collect();
        if let Some(unknown) = names.iter().find(|name| self.bridge(name).is_err()) {
            return Err(Error::UnknownBridge((*unknown).to_owned()));
        }
        // Open vSwitch publishes this state only with its counters, every 5 s or more, unless it
        // is asked to: so ask, and wait for what comes of it.
        let deadline = Instant::now() + timeout;
        let mut pause = LOOK.0;
        loop {
            let refresh = rows::refresh(self.looks.fetch_add(1, Ordering::Relaxed));
            tokio::select! {
                done = self.client.transact(vec![refresh]) => {
                    done.map_err(Error::database("ask for the controllers' state"))?;
                }
                error = self.died() => return Err(error),
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let all = |mirror: &Mirror| mirror.unconnected(&names).is_empty();
            if self.until(pause.min(left), all).await? {
                return Ok(());
            }
            if left <= pause {
                break;
            }
            pause = (pause * 2).min(LOOK.1);
        }
        let rest = self.mirror.borrow().unconnected(&names);
        Err(Error::NotConnected { bridges: self.explain(rest).await?, after: timeout })
    }

    /// Ends both daemons at once and removes the directory. The taps of userspace bridges are
    /// left to the end of the namespace.
    ///
    /// # Errors
    /// When the directory cannot be removed; the daemons are gone all the same.
    pub async fn stop(self) -> Result<(), Error> {
        let Self { end, directory, server, switch, client, mirror, .. } = self;
        // Ends the client, which would else try to connect again.
        drop((client, mirror));
        let switch_ended = async {
            // It fails only when it panics or the runtime ends; both end the switch too.
            let _ = tokio::task::spawn_blocking(move || drop(end)).await;
            switch.end().await;
        };
        tokio::join!(switch_ended, server.end());
        match std::fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::Left(vec![format!("cannot remove {}: {error}", directory.display())]))
            }
            _ => Ok(()),
        }
    }

    fn bridge(&self, name: &str) -> Result<ovsdb::Uuid, Error> {
        let mirror = self.mirror.borrow();
        let found = mirror.bridge(name).map(|(uuid, _)| uuid);
        found.ok_or_else(|| Error::UnknownBridge(name.to_owned()))
    }

    /// One transaction, and the wait until it is carried out.
    async fn commit(&self, doing: impl Into<String>, mut operations: Vec<Operation>) -> Result<(), Error> {
        let doing = doing.into();
        rows::numbered(&mut operations);
        let outcomes = tokio::select! {
            outcomes = self.client.transact(operations) => outcomes,
            error = self.died() => return Err(error),
        };
        let outcomes = outcomes.map_err(Error::database(&doing))?;
        let number = outcomes
            .last()
            .and_then(|outcome| outcome.rows.first()?.get("next_cfg")?.as_integer())
            .unwrap_or_default();
        if self.until(APPLIED, |mirror| mirror.done >= number).await? {
            return Ok(());
        }
        Err(Error::NotApplied { doing, after: APPLIED })
    }

    /// Whether `holds` comes true within `timeout`.
    async fn until(&self, timeout: Duration, holds: impl FnMut(&Mirror) -> bool) -> Result<bool, Error> {
        let mut mirror = self.mirror.clone();
        tokio::select! {
            held = mirror.wait_for(holds) => match held {
                Ok(_) => Ok(true),
                Err(_) => Err(Error::database("follow the switches")(ovsdb::Error::Ended)),
            },
            error = self.died() => Err(error),
            () = tokio::time::sleep(timeout) => Ok(false),
        }
    }

    /// Undoes a step after a failure, which is what the caller is told.
    async fn undo(&self, step: impl Future<Output = Result<(), Error>>) {
        if let Err(error) = step.await {
            tracing::warn!(%error, "cannot undo a change of Open vSwitch");
        }
    }

    async fn explain(&self, bridges: Vec<(&str, Vec<ovsdb::Uuid>)>) -> Result<Vec<Unconnected>, Error> {
        let select = Operation::select("Controller").columns(["_uuid", "status"]);
        let outcomes = self.client.transact(vec![select]).await;
        let outcomes = outcomes.map_err(Error::database("ask about controllers"))?;
        let rows = outcomes.first().map_or(&[][..], |outcome| &outcome.rows);
        let mirror = self.mirror.borrow();
        let explained = bridges.into_iter().map(|(bridge, controllers)| {
            let last_error = rows.iter().find_map(|row| {
                let uuid = row.get("_uuid")?.as_uuid()?;
                let status = row.get("status").filter(|_| controllers.contains(&uuid))?;
                status.get("last_error").map(str::to_owned)
            });
            let targets = controllers
                .iter()
                .filter_map(|uuid| Some(mirror.controllers.get(uuid)?.target.clone()))
                .collect();
            Unconnected { bridge: bridge.to_owned(), targets, last_error }
        });
        Ok(explained.collect())
    }
}

fn fault(mirror: &Mirror, bridge: &Bridge) -> Option<Error> {
    let ports = bridge.ports.iter().map(|(name, number)| (name.as_str(), Some(*number)));
    std::iter::once((bridge.name.as_str(), None)).chain(ports).find_map(|(port, number)| {
        let said = mirror.fault(&bridge.name, port, number)?;
        Some(Error::Port { bridge: bridge.name.clone(), port: port.to_owned(), said })
    })
}
