//! Captures on a running network.

use std::collections::HashMap;
use std::path::Path;
use std::sync::PoisonError;

use crate::capture::{Capture, CaptureReport, CaptureSpec, Tap};
use crate::construction::interface_index;
use crate::error::Error;
use crate::sandbox::NetNs;
use crate::testbed::Testbed;
use crate::topology::{Node, Plan};

impl Testbed {
    /// Writes what passes interfaces from now on to a file, in both directions, until [`end_capture`](Self::end_capture) or
    /// the network's end. Interfaces that come later do not belong to it.
    ///
    /// # Errors
    /// [`Error::Unknown`], with the interfaces there are; [`Error::Unavailable`] where the file is being written already;
    /// [`Error::System`] where it cannot be made.
    pub async fn capture(&self, spec: CaptureSpec) -> Result<(), Error> {
        let network = self.network();
        let hosts: Vec<NetNs> = network.hosts.iter().map(|host| host.namespace.clone()).collect();
        let taps = taps(&network.plan, &spec.interfaces, self.fabric.namespace(), &hosts)?;
        let spec = spec.absolute();
        if self.captures().iter().any(|known| known.file == spec.file) {
            return Err(twice(&spec));
        }
        let start = tokio::task::spawn_blocking(move || Capture::start(spec, taps));
        let capture = start.await.map_err(|_| Error::Ended)??;
        self.captures.lock().unwrap_or_else(PoisonError::into_inner).push(capture);
        Ok(())
    }

    /// Ends the capture to this file; what has passed until now is in it.
    ///
    /// # Errors
    /// [`Error::Unknown`], with the files being written; [`Error::System`] where not all could be written.
    pub async fn end_capture(&self, file: &Path) -> Result<CaptureReport, Error> {
        let capture = {
            let mut captures = self.captures.lock().unwrap_or_else(PoisonError::into_inner);
            let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
            let at = captures.iter().position(|capture| capture.spec().file == file);
            let known = || captures.iter().map(|capture| capture.spec().file.display().to_string()).collect();
            let Some(at) = at else {
                let name = file.display().to_string();
                return Err(Error::Unknown { kind: "capture", name, known: known() });
            };
            captures.remove(at)
        };
        tokio::task::spawn_blocking(|| capture.end()).await.map_err(|_| Error::Ended)?
    }

    /// What is being captured.
    #[must_use]
    pub fn captures(&self) -> Vec<CaptureSpec> {
        let captures = self.captures.lock().unwrap_or_else(PoisonError::into_inner);
        captures.iter().map(|capture| capture.spec().clone()).collect()
    }
}

/// Begins captures of a network that is being made. Blocks.
pub(crate) fn from_the_start(
    specs: &[CaptureSpec],
    plan: &Plan,
    fabric: &NetNs,
    hosts: &[NetNs],
) -> Result<Vec<Capture>, Error> {
    let mut captures: Vec<Capture> = Vec::with_capacity(specs.len());
    for spec in specs {
        let spec = spec.clone().absolute();
        if captures.iter().any(|known| known.spec().file == spec.file) {
            return Err(twice(&spec));
        }
        let taps = taps(plan, &spec.interfaces, fabric, hosts)?;
        captures.push(Capture::start(spec, taps)?);
    }
    Ok(captures)
}

fn twice(spec: &CaptureSpec) -> Error {
    Error::Unavailable {
        what: format!("{} is being written by another capture", spec.file.display()),
        remedy: "name another file".to_owned(),
    }
}

/// The interfaces of a plan with these names, each where it is; all, if none is named.
fn taps(plan: &Plan, names: &[String], fabric: &NetNs, hosts: &[NetNs]) -> Result<Vec<Tap>, Error> {
    let ends = plan.links.iter().flat_map(|link| {
        link.ends.iter().enumerate().map(|(side, end)| (end, interface_index(link.number, side)))
    });
    let tap = |(end, index): (&crate::topology::PlannedEnd, u32)| {
        let namespace = match end.node {
            Node::Host(host) => hosts[host].clone(),
            Node::Switch(_) => fabric.clone(),
        };
        Tap { name: end.name.clone(), index, namespace }
    };
    if names.is_empty() {
        return Ok(ends.map(tap).collect());
    }
    let known: HashMap<&str, _> = ends.clone().map(|place| (place.0.name.as_str(), place)).collect();
    let find = |name: &String| match known.get(name.as_str()) {
        Some(place) => Ok(tap(*place)),
        None => Err(Error::Unknown {
            kind: "interface",
            name: name.clone(),
            known: ends.clone().map(|(end, _)| end.name.clone()).collect(),
        }),
    };
    names.iter().map(find).collect()
}
