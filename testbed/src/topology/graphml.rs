//! GraphML, as the Internet Topology Zoo publishes its networks.
//!
//! The Zoo (Knight, Nguyen, Falkner, Bowden, Roughan: The Internet Topology Zoo, IEEE JSAC 29(9), 2011) has the places
//! of most nodes (`Latitude`, `Longitude`) and the speeds of some links (`LinkSpeedRaw`, or in words). GraphML itself:
//! <http://graphml.graphdrawing.org/specification.html>.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use roxmltree::{Document, Node, ParsingOptions};

use super::shape::fits;
use super::units::{Rate, rate};
use super::validate::Culprit;
use super::{FileError, SwitchSpec, Topology};

/// Kilometres of the mean radius of the earth (IUGG).
const EARTH_RADIUS: f64 = 6371.0088;

/// Kilometres a second in fibre: light in vacuum by the group index of standard single-mode fibre at 1550 nm, 1.468
/// (ITU-T G.652).
const SPEED_IN_FIBRE: f64 = 299_792.458 / 1.468;

/// More than any file of the Zoo has by far.
const MOST_XML_NODES: u32 = 4_000_000;

/// A place in the text and what is wrong there.
type Fault = (usize, String);

impl Topology {
    /// Reads a network in GraphML, with `hosts` hosts on each node.
    ///
    /// The n-th node of the file (from 1) is the switch `s`n with datapath id n and the node's label; hosts are `h1` and
    /// so on, so that with one on each node `h`n is on `s`n. A link's delay is the great-circle distance between its
    /// nodes, where both have coordinates, at the speed of light in fibre (204,218 km/s); its rate is the link's speed,
    /// where the file tells it: `LinkSpeedRaw` in bits a second, `LinkSpeed` with `LinkSpeedUnits`, or a label such as
    /// `10 Gbps`, `OC-48` or `STM-16`. An edge from a node to itself is left out.
    ///
    /// `path` is for the errors.
    ///
    /// # Errors
    /// With line, column and what was expected there.
    pub fn from_graphml(text: &str, path: &Path, hosts: u32) -> Result<Self, FileError> {
        let fail = |line: u32, column: u32, what: String| FileError::Text {
            path: path.to_owned(),
            line: line as usize,
            column: column as usize,
            what,
        };
        let options =
            ParsingOptions { allow_dtd: false, nodes_limit: MOST_XML_NODES, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options).map_err(|error| {
            let at = error.pos();
            // The message repeats the place at its end.
            let what = error.to_string();
            fail(at.row, at.col, what.split(" at ").next().unwrap_or(&what).to_owned())
        })?;
        read(&document, hosts).map_err(|(offset, what)| {
            let at = document.text_pos_at(offset);
            fail(at.row, at.col, what)
        })
    }
}

fn read(document: &Document<'_>, hosts: u32) -> Result<Topology, Fault> {
    let root = document.root_element();
    if root.tag_name().name() != "graphml" {
        return Err((start(root), format!("expected <graphml>, found <{}>", root.tag_name().name())));
    }
    let graph = child(root, "graph").ok_or_else(|| (start(root), "it has no <graph>".to_owned()))?;
    if let Some(other) = graph.children().find(|node| matches!(node.tag_name().name(), "hyperedge" | "graph"))
    {
        return Err((start(other), format!("a <{}> cannot be made into a network", other.tag_name().name())));
    }
    let keys = Keys::new(root)?;
    let nodes: Vec<_> = elements(graph, "node").collect();
    let edges: Vec<_> = elements(graph, "edge").collect();
    let size = (nodes.len() as u64).saturating_mul(1 + u64::from(hosts));
    fits(size).and_then(|()| fits(edges.len() as u64)).map_err(|error| (start(graph), error.to_string()))?;

    let mut topology = Topology::default();
    let mut numbers = HashMap::new();
    let mut places = Vec::with_capacity(nodes.len());
    for (i, node) in nodes.iter().enumerate() {
        let id = attribute(*node, "id")?;
        if numbers.insert(id, i).is_some() {
            return Err((start(*node), format!("the id {id:?} is given to two nodes")));
        }
        let data = keys.data(*node);
        let mut switch = SwitchSpec::new(format!("s{}", i + 1));
        switch.label = data.text("label").filter(|label| !label.is_empty()).map(str::to_owned);
        topology.add_hosts_of(switch, hosts);
        let latitude = data.number("Latitude", 90.0)?;
        let longitude = data.number("Longitude", 180.0)?;
        places.push(latitude.zip(longitude));
    }
    let mut origins = Vec::with_capacity(edges.len());
    for edge in edges {
        let end = |name| {
            let id = attribute(edge, name)?;
            let unknown = || (start(edge), format!("the edge's {name} is {id:?}, which is no node's id"));
            numbers.get(id).copied().ok_or_else(unknown)
        };
        let (a, b) = (end("source")?, end("target")?);
        if a == b {
            continue;
        }
        topology.join(format!("s{}", a + 1), format!("s{}", b + 1));
        origins.push((topology.links.len() - 1, start(edge)));
        let Some(link) = topology.links.last_mut() else { continue };
        if let (Some(from), Some(to)) = (places[a], places[b]) {
            link.a_to_b.delay = delay(distance(from, to));
        }
        link.a_to_b.rate = keys.data(edge).speed()?.unwrap_or_default();
        link.b_to_a = link.a_to_b;
    }
    let place = |culprit| match culprit {
        Culprit::Switch(i) => nodes.get(i).map_or(0, |node| start(*node)),
        Culprit::Host(_) => start(graph),
        Culprit::Link(i) => origins.iter().find(|(link, _)| *link == i).map_or(0, |(_, offset)| *offset),
    };
    topology.check().map_err(|(culprit, error)| (place(culprit), error.to_string()))?;
    Ok(topology)
}

impl Topology {
    fn add_hosts_of(&mut self, switch: SwitchSpec, hosts: u32) {
        let name = switch.name.clone();
        self.switches.push(switch);
        self.add_hosts(&name, hosts);
    }
}

fn start(node: Node<'_, '_>) -> usize {
    node.range().start
}

fn child<'a, 'input>(parent: Node<'a, 'input>, name: &'static str) -> Option<Node<'a, 'input>> {
    elements(parent, name).next()
}

fn elements<'a, 'input>(
    parent: Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    parent.children().filter(move |node| node.tag_name().name() == name)
}

fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Result<&'a str, Fault> {
    let missing = || (start(node), format!("the <{}> has no {name}", node.tag_name().name()));
    node.attribute(name).ok_or_else(missing)
}

/// What the document's keys are called: (`node` or `edge`, its name) of each id.
struct Keys<'a>(HashMap<&'a str, &'a str>);

impl<'a> Keys<'a> {
    fn new(root: Node<'a, '_>) -> Result<Self, Fault> {
        let key = |node| Ok((attribute(node, "id")?, node.attribute("attr.name").unwrap_or_default()));
        Ok(Self(elements(root, "key").map(key).collect::<Result<_, Fault>>()?))
    }

    fn data<'input>(&self, owner: Node<'a, 'input>) -> Data<'a, 'input> {
        let entries = elements(owner, "data").filter_map(|data| {
            let name = self.0.get(data.attribute("key")?)?;
            Some((*name, data))
        });
        Data(entries.collect())
    }
}

/// What a node or an edge says of itself.
struct Data<'a, 'input>(HashMap<&'a str, Node<'a, 'input>>);

impl<'a> Data<'a, '_> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.get(name)?.text().map(str::trim)
    }

    /// A number whose amount is `most` at most.
    fn number(&self, name: &str, most: f64) -> Result<Option<f64>, Fault> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = text.parse::<f64>().ok().filter(|number| number.abs() <= most);
        match number {
            Some(number) => Ok(Some(number)),
            None => {
                let at = self.0.get(name).map_or(0, |node| start(*node));
                Err((at, format!("{text:?} is no {name}; expected a number from {} to {most}", -most)))
            }
        }
    }

    fn speed(&self) -> Result<Option<Rate>, Fault> {
        if let Some(bits) = self.number("LinkSpeedRaw", 1e18)? {
            return Ok(rate(bits, 1));
        }
        let in_units = self.text("LinkSpeed").zip(self.text("LinkSpeedUnits"));
        let from_units = in_units.and_then(|(number, unit)| labelled(&format!("{number}{unit}bps")));
        let words = ["LinkLabel", "LinkType"];
        Ok(from_units.or_else(|| words.iter().find_map(|word| labelled(self.text(word)?))))
    }
}

/// The speed that a label tells, as the Zoo's labels do: `10 Gbps`, `622Mbps`, `OC-192c`, `STM-16`.
fn labelled(label: &str) -> Option<Rate> {
    let label = label.to_ascii_lowercase();
    // Multiples of 51.84 and of 155.52 Mbit/s (ANSI T1.105, ITU-T G.707).
    for (prefix, bits) in [("oc-", 51_840_000), ("oc", 51_840_000), ("stm-", 155_520_000)] {
        if let Some(level) = label.strip_prefix(prefix) {
            let level: u32 = level.trim_end_matches('c').parse().ok()?;
            return rate(level.into(), bits);
        }
    }
    let digits = label.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let number: f64 = label[..digits].parse().ok()?;
    let factor = match label[digits..].trim().trim_end_matches("/s").trim_end_matches("ps") {
        "kb" | "kbit" => 1_000,
        "mb" | "mbit" => 1_000_000,
        "gb" | "gbit" => 1_000_000_000,
        "tb" | "tbit" => 1_000_000_000_000,
        _ => return None,
    };
    rate(number, factor)
}

/// Kilometres between two places (latitude, longitude in degrees) on the earth as a sphere: the haversine formula.
fn distance(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (latitude_a, latitude_b) = (a.0.to_radians(), b.0.to_radians());
    let north = ((latitude_b - latitude_a) / 2.0).sin().powi(2);
    let east = ((b.1 - a.1).to_radians() / 2.0).sin().powi(2);
    let haversine = north + latitude_a.cos() * latitude_b.cos() * east;
    2.0 * EARTH_RADIUS * haversine.clamp(0.0, 1.0).sqrt().asin()
}

/// To the microsecond: 200 m of fibre, finer than anybody's coordinates.
fn delay(kilometres: f64) -> Duration {
    let microseconds = (kilometres / SPEED_IN_FIBRE * 1e6).round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "half the equator takes 0.1 s"
    )]
    Duration::from_micros(microseconds as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABILENE: &str = include_str!("../../tests/topology_zoo/Abilene.graphml");
    const GEANT: &str = include_str!("../../tests/topology_zoo/Geant2012.graphml");

    fn read(text: &str, hosts: u32) -> Result<Topology, FileError> {
        Topology::from_graphml(text, Path::new("net.graphml"), hosts)
    }

    fn link<'a>(topology: &'a Topology, a: &str, b: &str) -> &'a super::super::LinkSpec {
        topology.links.iter().find(|link| link.a.node == a && link.b.node == b).unwrap()
    }

    #[test]
    fn abilene_has_its_cities_distances_and_speeds() {
        let abilene = read(ABILENE, 1).unwrap();
        assert_eq!((abilene.switches.len(), abilene.hosts.len(), abilene.links.len()), (11, 11, 11 + 14));
        assert_eq!(abilene.switches[0].label.as_deref(), Some("New York"));
        assert_eq!(abilene.links[0].a.node, "h1");
        // New York - Chicago: 1144.4 km by the geodesic calculators, 5.6 ms of fibre; OC-192 is 9.95328 Gbit/s.
        let hop = link(&abilene, "s1", "s2").a_to_b;
        assert!((5_590..5_620).contains(&hop.delay.as_micros()), "{:?}", hop.delay);
        assert_eq!(hop.rate, Rate(9_953_280_000));
        assert_eq!(hop, link(&abilene, "s1", "s2").b_to_a);
        assert_eq!(read(ABILENE, 0).unwrap().hosts.len(), 0);
        assert_eq!(read(ABILENE, 2).unwrap().links[3].a.node, "h4");
    }

    #[test]
    fn links_have_the_speeds_that_the_file_tells() {
        let geant = read(GEANT, 1).unwrap();
        assert_eq!((geant.switches.len(), geant.links.len()), (40, 40 + 61));
        assert_eq!(link(&geant, "s1", "s35").a_to_b.rate, Rate(2_500_000_000));
        assert_eq!(link(&geant, "s1", "s2").a_to_b.rate, Rate::UNLIMITED);
        for (label, bits) in [
            ("10 Gbps", 10_000_000_000),
            ("622Mbps", 622_000_000),
            ("OC-48", 2_488_320_000),
            ("STM-16", 2_488_320_000),
            ("64kbit/s", 64_000),
        ] {
            assert_eq!(labelled(label), Some(Rate(bits)), "{label}");
        }
        for label in ["SDH", "e59", ">=2 Gbps", "OC-", "10", "Ethernet", ""] {
            assert_eq!(labelled(label), None, "{label}");
        }
    }

    #[test]
    fn errors_point_at_the_place() {
        let graph = |inside: &str| {
            format!(
                "<graphml><key id='d0' attr.name='Latitude' for='node'/>\n<graph>\n{inside}\n</graph></graphml>"
            )
        };
        let cases = [
            ("<graphml><graph></graphml>".to_owned(), "1:17: "),
            ("<svg/>".to_owned(), "1:1: expected <graphml>, found <svg>"),
            ("<graphml/>".to_owned(), "1:1: it has no <graph>"),
            (graph("<node/>"), "3:1: the <node> has no id"),
            (graph("<node id='a'/>\n <node id='a'/>"), "4:2: the id \"a\" is given to two nodes"),
            (
                graph("<node id='a'/><edge source='a' target='b'/>"),
                "3:15: the edge's target is \"b\", which is no node's id",
            ),
            (
                graph("<node id='a'><data key='d0'>91</data></node>"),
                "3:14: \"91\" is no Latitude; expected a number from -90 to 90",
            ),
            (graph("<node id='a'/><hyperedge/>"), "3:15: a <hyperedge> cannot be made into a network"),
            ("<!DOCTYPE x [<!ENTITY e 'x'>]><graphml/>".to_owned(), "1:1: "),
        ];
        for (text, expected) in cases {
            let error = read(&text, 1).unwrap_err().to_string();
            assert!(error.starts_with(&format!("net.graphml:{expected}")), "{error}");
        }
    }

    #[test]
    fn deep_nesting_and_loops_do_no_harm() {
        let deep = "<a>".repeat(200_000);
        assert!(read(&deep, 1).is_err());
        let closed =
            format!("<graphml><graph>{}{}</graph></graphml>", "<a>".repeat(100_000), "</a>".repeat(100_000));
        // Whether it is too deep or holds no node: either way it ends.
        assert!(read(&closed, 1).map_or(true, |topology| topology.switches.is_empty()));
        let own = "<graphml><graph><node id='a'/><edge source='a' target='a'/></graph></graphml>";
        assert_eq!(read(own, 0).unwrap().links.len(), 0);
    }
}
