//! What the database says of our bridges, kept up to date by a monitor.

use std::collections::{HashMap, HashSet};

use crate::ovsdb::{Columns, Event, Monitor, Row, Scope, TableUpdates, Uuid, Value};

/// The tables and columns that are followed. Not those that change all the time.
pub(super) fn columns() -> [Columns; 5] {
    [
        Columns::of("Open_vSwitch", ["cur_cfg"]),
        Columns::of("Bridge", ["name", "ports", "controller"]),
        Columns::of("Port", ["name", "interfaces"]),
        Columns::of("Interface", ["name", "ofport", "error"]),
        Columns::of("Controller", ["target", "is_connected"]),
    ]
}

/// A copy of those columns.
#[derive(Debug, Default)]
pub(super) struct Mirror {
    /// The last change that `ovs-vswitchd` has carried out.
    pub(super) done: i64,
    pub(super) bridges: HashMap<Uuid, Bridge>,
    pub(super) ports: HashMap<Uuid, Port>,
    pub(super) interfaces: HashMap<Uuid, Interface>,
    pub(super) controllers: HashMap<Uuid, Controller>,
}

#[derive(Debug)]
pub(super) struct Bridge {
    pub(super) name: String,
    pub(super) ports: Vec<Uuid>,
    pub(super) controllers: Vec<Uuid>,
}

#[derive(Debug)]
pub(super) struct Port {
    pub(super) name: String,
    pub(super) interfaces: Vec<Uuid>,
}

#[derive(Debug)]
pub(super) struct Interface {
    /// -1 where the interface could not be opened; none before it was tried.
    pub(super) number: Option<i64>,
    pub(super) error: Option<String>,
}

#[derive(Debug)]
pub(super) struct Controller {
    pub(super) target: String,
    pub(super) is_connected: bool,
}

fn text(row: &Row, column: &str) -> String {
    let value = row.get(column).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}

fn references(row: &Row, column: &str) -> Vec<Uuid> {
    row.get(column).map(|value| value.uuids().collect()).unwrap_or_default()
}

/// Brings one table's copy up to date.
fn follow<T>(copy: &mut HashMap<Uuid, T>, tables: &TableUpdates, table: &str, read: impl Fn(&Row) -> T) {
    for (uuid, update) in tables.get(table).into_iter().flatten() {
        match update.row() {
            Some(row) => {
                copy.insert(*uuid, read(row));
            }
            None => {
                copy.remove(uuid);
            }
        }
    }
}

impl Mirror {
    fn take(&mut self, event: &Event) {
        if event.scope == Scope::Everything {
            *self = Self::default();
        }
        let tables = &event.tables;
        for update in tables.get("Open_vSwitch").into_iter().flatten() {
            let done = update.1.row().and_then(|row| row.get("cur_cfg"));
            self.done = done.and_then(Value::as_integer).unwrap_or(self.done);
        }
        follow(&mut self.bridges, tables, "Bridge", |row| Bridge {
            name: text(row, "name"),
            ports: references(row, "ports"),
            controllers: references(row, "controller"),
        });
        follow(&mut self.ports, tables, "Port", |row| Port {
            name: text(row, "name"),
            interfaces: references(row, "interfaces"),
        });
        follow(&mut self.interfaces, tables, "Interface", |row| Interface {
            number: row.get("ofport").and_then(Value::as_integer),
            error: row.get("error").and_then(Value::as_str).map(str::to_owned),
        });
        follow(&mut self.controllers, tables, "Controller", |row| Controller {
            target: text(row, "target"),
            is_connected: row.get("is_connected").and_then(Value::as_bool) == Some(true),
        });
    }

    /// A bridge by name.
    pub(super) fn bridge(&self, name: &str) -> Option<(Uuid, &Bridge)> {
        self.bridges.iter().find(|(_, bridge)| bridge.name == name).map(|(uuid, bridge)| (*uuid, bridge))
    }

    /// A bridge's port by name.
    pub(super) fn port(&self, bridge: &Bridge, name: &str) -> Option<(Uuid, &Port)> {
        bridge.ports.iter().find_map(|uuid| {
            let port = self.ports.get(uuid).filter(|port| port.name == name)?;
            Some((*uuid, port))
        })
    }

    /// What is wrong with a bridge's port, if anything.
    pub(super) fn fault(&self, bridge: &str, port: &str, number: Option<u32>) -> Option<String> {
        let interface = self.bridge(bridge).and_then(|(_, bridge)| {
            let (_, port) = self.port(bridge, port)?;
            self.interfaces.get(port.interfaces.first()?)
        });
        let Some(interface) = interface else {
            return Some("it is not in the database".to_owned());
        };
        if let Some(error) = &interface.error {
            return Some(error.clone());
        }
        match (interface.number, number) {
            (None | Some(-1), _) => Some("Open vSwitch did not open it".to_owned()),
            (Some(got), Some(wanted)) if got != i64::from(wanted) => {
                Some(format!("it got port number {got} instead of {wanted}"))
            }
            _ => None,
        }
    }

    /// Those of `names` that exist and have no connected controller.
    pub(super) fn unconnected<'a>(&self, names: &HashSet<&'a str>) -> Vec<(&'a str, Vec<Uuid>)> {
        let mut found: Vec<_> = self
            .bridges
            .values()
            .filter_map(|bridge| {
                let connected = bridge
                    .controllers
                    .iter()
                    .filter_map(|uuid| self.controllers.get(uuid))
                    .any(|controller| controller.is_connected);
                let name = names.get(bridge.name.as_str()).filter(|_| !connected)?;
                Some((*name, bridge.controllers.clone()))
            })
            .collect();
        found.sort_unstable_by_key(|(name, _)| *name);
        found
    }
}

/// Keeps the mirror up to date until the monitor or all readers end.
pub(super) async fn keep(mut monitor: Monitor, mirror: tokio::sync::watch::Sender<Mirror>) {
    loop {
        tokio::select! {
            event = monitor.next() => match event {
                Ok(event) => mirror.send_modify(|mirror| mirror.take(&event)),
                Err(error) => {
                    tracing::debug!(%error, "no longer following the switches");
                    return;
                }
            },
            () = mirror.closed() => return,
        }
    }
}
