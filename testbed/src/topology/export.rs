//! A topology as text: for other programs, for people, for drawing.

use std::fmt::Write;

use super::plan::PlannedLink;
use super::{Endpoint, Plan, Topology, TopologyError};

impl Topology {
    /// The same network with everything said that follows from the rest: ports, addresses, datapath ids.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn filled(&self) -> Result<Topology, TopologyError> {
        let Plan { links, switches, .. } = self.plan()?;
        let mut filled = self.clone();
        for (i, host) in filled.hosts.iter_mut().enumerate() {
            (host.ipv4, host.ipv6) = (Some(host.address(i)), Some(host.ipv6_address(i)));
            host.mac = Some(host.mac_address(i));
        }
        for (switch, planned) in filled.switches.iter_mut().zip(&switches) {
            switch.dpid = Some(planned.dpid);
        }
        for (link, PlannedLink { ends: [a, b], .. }) in filled.links.iter_mut().zip(&links) {
            link.a = Endpoint::at(a.node_name.as_str(), a.port);
            link.b = Endpoint::at(b.node_name.as_str(), b.port);
        }
        Ok(filled)
    }

    /// As a file that [`from_file`](Self::from_file) reads.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a topology has nothing that TOML cannot say")
    }

    /// As a JSON object with the same keys as the TOML file.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a topology has nothing that JSON cannot say")
    }

    /// As a graph for Graphviz (`dot(1)`): switches are boxes, hosts ellipses, ports stand at the ends of the edges,
    /// what a link does beside it.
    #[must_use]
    pub fn to_dot(&self) -> String {
        let mut dot = String::from("graph network {\n");
        let mut line = |text: std::fmt::Arguments<'_>| {
            writeln!(dot, "  {text};").expect("a String takes whatever is written");
        };
        for host in &self.hosts {
            line(format_args!("{}", quoted(&host.name)));
        }
        for switch in &self.switches {
            let label = match &switch.label {
                Some(label) => format!("{}\n{label}", switch.name),
                None => switch.name.clone(),
            };
            line(format_args!("{} [shape=box, label={}]", quoted(&switch.name), quoted(&label)));
        }
        for link in &self.links {
            let mut attributes = Vec::new();
            for (key, end) in [("taillabel", &link.a), ("headlabel", &link.b)] {
                attributes.extend(end.port.map(|port| format!("{key}=\"{port}\"")));
            }
            let does = match (link.a_to_b == link.b_to_a, link.is_shaped()) {
                (_, false) => None,
                (true, true) => Some(link.a_to_b.to_string()),
                (false, true) => Some(format!("-> {}\n<- {}", link.a_to_b, link.b_to_a)),
            };
            attributes.extend(does.map(|does| format!("label={}", quoted(&does))));
            let ends = (quoted(&link.a.node), quoted(&link.b.node));
            line(format_args!("{} -- {} [{}]", ends.0, ends.1, attributes.join(", ")));
        }
        dot.push_str("}\n");
        dot
    }
}

/// A double-quoted string of the DOT language, in which a line break is `\n`.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_is_exported_is_the_same_network() {
        let mut topology = Topology::torus(3, 3, 2).unwrap();
        topology.links[0].a_to_b.queue = 7;
        topology.links[1] = topology.links[1].clone().with(&"bw=10,delay=1.5ms,loss=0.25".parse().unwrap());
        topology.switches[0].label = Some("New \"York\"".into());
        let change = "link s1x1 s1x2 delay=1ms".parse().unwrap();
        topology.events.push(super::super::Event { at: "2s..5s".parse().unwrap(), change });
        let filled = topology.filled().unwrap();
        assert_eq!(filled.filled().unwrap(), filled);
        assert_eq!(Topology::from_toml(&filled.to_toml(), Path::new("t.toml")).unwrap(), filled);
        assert_eq!(serde_json::from_value::<Topology>(filled.to_json()).unwrap(), filled);
        let plans = [&topology, &filled].map(|topology| {
            let Plan { hosts, switches, links, .. } = topology.plan().unwrap();
            format!("{hosts:?} {switches:?} {links:?}")
        });
        assert_eq!(plans[0], plans[1]);
    }

    #[test]
    fn dot_has_ports_labels_and_properties() {
        let mut topology = Topology::minimal();
        topology.switches[0].label = Some("New \"York\"".into());
        topology.links[1] = topology.links[1].clone().with(&"delay=5ms".parse().unwrap());
        let expected = r#"graph network {
  "h1";
  "h2";
  "s1" [shape=box, label="s1\nNew \"York\""];
  "h1" -- "s1" [taillabel="0", headlabel="1"];
  "h2" -- "s1" [taillabel="0", headlabel="2", label="delay=5ms"];
}
"#;
        assert_eq!(topology.filled().unwrap().to_dot(), expected);
    }
}
