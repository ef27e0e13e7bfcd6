//! Topologies in files, with errors that point at the line.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::validate::Culprit;
use super::{Event, FileError, HostSpec, LinkSpec, SwitchSpec, Topology};

/// More than the text of any network; bounds what a device file such as `/dev/zero` can take.
const MOST_BYTES: u64 = 64 << 20;

/// A topology, remembering where in the text each part stands.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    hosts: Vec<Spanned<HostSpec>>,
    #[serde(default)]
    switches: Vec<Spanned<SwitchSpec>>,
    #[serde(default)]
    links: Vec<Spanned<LinkSpec>>,
    #[serde(default)]
    events: Vec<Event>,
}

/// Whether a file holds GraphML, going by its name.
pub(super) fn is_graphml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("graphml"))
}

/// The text of a file that is not too large for one.
pub(super) fn read_text(path: &Path) -> Result<String, FileError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|source| FileError::Read { path: path.to_owned(), source })?;
    if bytes.len() as u64 > MOST_BYTES {
        let source = io::Error::new(io::ErrorKind::FileTooLarge, "it has more than 64 MiB");
        return Err(FileError::Read { path: path.to_owned(), source });
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        text_error(path, &String::from_utf8_lossy(valid), "this is not UTF-8".to_owned())
    })
}

impl Topology {
    /// Reads a file: GraphML where its name ends in `.graphml` ([`from_graphml`](Self::from_graphml), with a host on each
    /// node), else TOML:
    ///
    /// ```toml
    /// [[hosts]]
    /// name = "h1"
    /// ipv4 = "10.0.0.1/8"          # these three may be left out
    /// ipv6 = "fd00::1/64"
    /// mac = "00:00:00:00:00:01"
    /// interfaces = [{ port = 1, ipv4 = "10.0.2.254/24" }]  # what is said of h1-eth1 and so on; also ipv6 and mac
    /// routes = ["default via 10.0.0.254"]                  # as ip-route(8) takes them
    /// forward = true               # passes packets on between its interfaces
    /// limits = { cpu = 0.5, memory = "64M", pids = 20 }    # half of a core; see Limits
    ///
    /// [[switches]]
    /// name = "s1"
    /// dpid = "1"                   # hex digits; these four may be left out
    /// label = "Berlin"
    /// kind = "ovs"
    /// fail_mode = "secure"
    ///
    /// [[links]]
    /// a = "h1"
    /// b = "s1:3"                   # port 3
    /// rate = "10mbit"              # all that follows may be left out; see LinkProperties
    /// delay = "5ms"
    /// jitter = "1ms"
    /// distribution = "normal"      # or "uniform"
    /// loss = 0.5                   # percent, as the next but one and its followers
    /// loss_burst = 4               # frames
    /// duplicate = 0.1
    /// reorder = 0.1
    /// corrupt = 0.01
    /// queue = 100                  # frames
    /// a_to_b = { rate = "1mbit" }  # what is otherwise from a to b
    /// b_to_a = { loss = 0 }        # and back
    /// shaped = true                # its properties may change while it runs, even if it has none at first
    ///
    /// [[events]]                   # what happens by itself while it runs
    /// at = "2s"                    # or "2s..5s": the seed draws a time between
    /// do = "link h1 s1 down"       # see Change
    /// ```
    ///
    /// # Errors
    /// With the line, the column and what was expected there; also for a topology that
    /// contradicts itself.
    pub fn from_file(path: &Path) -> Result<Self, FileError> {
        let text = read_text(path)?;
        if is_graphml(path) {
            return Self::from_graphml(&text, path, 1);
        }
        Self::from_toml(&text, path)
    }

    /// [`from_file`](Self::from_file) for a text at hand; `path` is for the errors.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file).
    pub fn from_toml(text: &str, path: &Path) -> Result<Self, FileError> {
        let at = |offset: usize, what: String| {
            text_error(path, text.get(..offset.min(text.len())).unwrap_or(text), what)
        };
        let document: Document = toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            at(offset, error.message().replace('\n', ", "))
        })?;
        let start = |span: Range<usize>| span.start;
        let spans = |culprit| match culprit {
            Culprit::Host(i) => start(document.hosts[i].span()),
            Culprit::Switch(i) => start(document.switches[i].span()),
            Culprit::Link(i) => start(document.links[i].span()),
        };
        let topology = Topology {
            hosts: document.hosts.iter().map(|part| part.get_ref().clone()).collect(),
            switches: document.switches.iter().map(|part| part.get_ref().clone()).collect(),
            links: document.links.iter().map(|part| part.get_ref().clone()).collect(),
            events: document.events.clone(),
        };
        topology.check().map_err(|(culprit, error)| at(spans(culprit), error.to_string()))?;
        Ok(topology)
    }
}

/// What is wrong behind the text `before`.
fn text_error(path: &Path, before: &str, what: String) -> FileError {
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    FileError::Text {
        path: path.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Topology, FileError> {
        Topology::from_toml(text, Path::new("net.toml"))
    }

    const NETWORK: &str = r#"
[[hosts]]
name = "h1"
ipv4 = "10.1.0.1/16"
mac = "02:00:00:00:00:09"

[[hosts]]
name = "h2"

[[switches]]
name = "core"
dpid = "ff"
kind = "bridge"
fail_mode = "standalone"

[[links]]
a = "h1"
b = "core:7"

[[links]]
a = "core"
b = "h2:1"
"#;

    #[test]
    fn a_file_says_all_that_a_value_can() {
        let topology = read(NETWORK).unwrap();
        assert_eq!(topology.links[0].b.port, Some(7));
        assert_eq!(topology.switches[0].datapath_id().unwrap().0, 255);
        let text = toml::to_string(&topology).unwrap();
        assert_eq!(read(&text).unwrap(), topology);
    }

    #[test]
    fn a_link_may_differ_each_way() {
        let text = r#"
            hosts = [{ name = "h1" }, { name = "h2", ipv6 = "fd00::99/64" }]
            links = [
                { a = "h1", b = "h2", delay = "20ms", rate = "8mbit", b_to_a = { rate = "1mbit", loss = 0.5 } },
                { a = "h1", b = "h2", shaped = true },
                { a = "h1", b = "h2" },
            ]
        "#;
        let topology = read(text).unwrap();
        assert_eq!(topology.links[0].a_to_b.to_string(), "rate=8mbit,delay=20ms");
        assert_eq!(topology.links[0].b_to_a.to_string(), "rate=1mbit,delay=20ms,loss=0.5%");
        let shaped: Vec<_> = topology.links.iter().map(LinkSpec::is_shaped).collect();
        assert_eq!(shaped, [true, true, false]);
        assert_eq!(read(&topology.to_toml()).unwrap(), topology);
    }

    #[test]
    fn errors_point_at_the_place() {
        let cases = [
            (
                "[[hosts]]\nname = \"h1\"\nip = 3\n",
                "net.toml:3:1: unknown field `ip`, expected one of `name`, `ipv4`, `ipv6`, `mac`, `interfaces`, `routes`, `forward`, `limits`",
            ),
            (
                "[[hosts]]\nname = \"h1\"\nipv4 = \"10.0.0.1\"\n",
                "net.toml:3:8: \"10.0.0.1\" is no IPv4 address; expected one with its prefix length, such as 10.0.0.1/8",
            ),
            (
                "[[hosts]]\nname = \"h1\"\n\n[[links]]\na = \"h1\"\nb = \"s1\"\n",
                "net.toml:4:1: link h1 - s1 names s1, which is neither a host nor a switch",
            ),
            (
                "[[switches]]\nname = \"s1\"\nkind = \"hub\"\n",
                "net.toml:3:8: unknown variant `hub`, expected one of `auto`, `ovs`, `bridge`, `soft`",
            ),
            ("[[links]]\na = \"h1\"\n", "net.toml:1:1: missing field `b`"),
            (
                "[[links]]\na = \"h1\"\nb = \"h2\"\ndelay = \"5\"\n",
                "net.toml:4:9: \"5\" is no time; expected a number and s, ms, us or ns, such as 5ms, a day at most",
            ),
            (
                "[[links]]\na = \"h1\"\nb = \"h2\"\na_to_b = { loss = 101 }\n",
                "net.toml:4:19: 101 is no share; expected a number from 0 to 100",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).unwrap_err().to_string(), expected);
        }
        let syntax = read("[[hosts]\n").unwrap_err().to_string();
        assert!(syntax.starts_with("net.toml:1:9: "), "{syntax}");
    }
}
