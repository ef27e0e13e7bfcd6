//! `flowbed test --engine ovs`: scenarios with real packets.

use std::path::Path;

use libtest_mimic::Failed;
use serde_json::Value;

use crate::flowbed::Place;

pub fn examples() -> Result<(), Failed> {
    let place = Place::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/scenarios");
    let (good, ran) = place.run_json(&format!("test --engine ovs {}", folder.display()));
    for scenario in ran["scenarios"].as_array().ok_or("scenarios")? {
        assert_eq!(scenario["verdict"], "passed", "{scenario:#}");
    }
    assert!(good && ran["scenarios"].as_array().is_some_and(|all| all.len() >= 8));
    place.assert_empty();
    Ok(())
}

/// Rewriting, groups, packets to the controller, rules that change, links that fail; and expectations of which every
/// second is wrong.
const WRONG: &str = r#"
topology = "linear,2,2"
[rules.s1]
groups = "group_id=1,type=all,bucket=actions=output:2,bucket=actions=dec_ttl,output:3"
flows = '''
priority=9,arp actions=FLOOD
priority=8,icmp actions=CONTROLLER:65535
priority=5,in_port=1,udp actions=group:1
priority=5,in_port=1,tcp actions=set_field:02:00:00:00:00:07->eth_dst,push_vlan:0x8100,set_field:4196->vlan_vid,3
priority=5,in_port=2,tcp actions=drop
'''
[rules.s2]
flows = '''
arp actions=FLOOD
udp actions=set_field:99->udp_dst,1
ip,dl_vlan=100 actions=pop_vlan,set_field:10.9.9.9->ip_dst,2
'''
[[steps]]
from = "h1s1"
to = "h1s2"
packet = "arp"
expect = ["h2s1", "h1s2"]
[[steps]]
from = "h1s1"
to = "h1s2"
packet = "icmp,icmp_type=8"
payload = "to the controller"
expect = ["controller"]
[[steps]]
from = "h1s1"
to = "h1s2"
packet = "icmp"
expect = []
[[steps]]
from = "h1s1"
to = "h1s2"
packet = "udp,tp_src={n},tp_dst=1"
length = 1400
count = 20
expect = ["h2s1", { at = "h1s2", with = "nw_ttl=63,tp_dst=99" }]
[[steps]]
from = "h1s1"
to = "h1s2"
packet = "udp,tp_src={n},tp_dst=1"
count = 3
expect = ["h2s1", { at = "h1s2", with = "nw_ttl=64,tp_dst=99" }]
[[steps]]
from = "h1s1"
to = "h1s2"
packet = "tcp,tp_dst=1"
payload = "odd"
expect = [{ at = "h2s2", with = "dl_dst=02:00:00:00:00:07,nw_dst=10.9.9.9" }]
[[steps]]
from = "h1s1"
to = "h1s2"
packet = "tcp,tp_dst=1"
expect = [{ at = "h1s2", match = "tcp" }]
[[steps]]
from = "h2s1"
to = "h1s2"
packet = "tcp,tp_dst=1"
expect = []
[[steps]]
dump = "s1"
is = ""
[[steps]]
do = "link s1 s2 down"
[[steps]]
from = "h1s1"
to = "h1s2"
packet = "udp,tp_dst=1"
expect = ["h2s1", { at = "h1s2", any = true }]
[[steps]]
do = "link s1 s2 up"
[[steps]]
switch = "s2"
flows = "delete udp\nudp actions=2"
[[steps]]
from = "h1s1"
to = "h1s2"
packet = "udp,tp_dst=1"
expect = ["h2s1", { at = "h2s2", with = "nw_ttl=63" }]
[[steps]]
switch = "s2"
flows = "delete"
[[steps]]
from = "h1s1"
to = "h1s2"
packet = "udp,tp_dst=1"
expect = ["h2s1"]
[[steps]]
switch = "s1"
flows = "udp actions=group:77"
"#;

/// What fails, and with which words, but for the ways, which only a model knows.
fn complaints(scenario: &Value) -> Vec<(String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let steps = scenario["steps"].as_array().cloned().unwrap_or_default();
    let of_step = |step: &Value| {
        let failures = step["failures"].as_array().cloned().unwrap_or_default();
        (text(&step["name"]), failures.iter().map(|failure| text(&failure["what"])).collect())
    };
    steps.iter().map(of_step).collect()
}

pub fn verdicts() -> Result<(), Failed> {
    let place = Place::new();
    let file = place.path().join("wrong.toml");
    std::fs::write(&file, WRONG)?;
    let run = |engine: &str| {
        let (good, ran) = place.run_json(&format!("test --engine {engine} {}", file.display()));
        assert!(!good, "{ran:#}");
        complaints(&ran["scenarios"][0])
    };
    let (soft, ovs) = (run("soft"), run("ovs"));
    let failed = soft.iter().filter(|(_, failures)| !failures.is_empty()).count();
    assert_eq!(failed, 7, "{soft:#?}");
    for (soft, ovs) in soft.iter().zip(&ovs) {
        // Each switch has its own words for why it refuses.
        let cut = |(name, all): &(String, Vec<String>)| -> (String, Vec<String>) {
            let cut = |what: &String| what.split(" refuses ").next().unwrap_or_default().to_owned();
            (name.clone(), all.iter().map(cut).collect())
        };
        assert_eq!(cut(soft), cut(ovs));
    }
    assert_eq!(soft.len(), ovs.len());
    // Rules that the switch refuses are told before anything of Open vSwitch is left.
    place.assert_empty();
    Ok(())
}
