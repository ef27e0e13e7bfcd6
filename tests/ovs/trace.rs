//! `flowbed trace` on networks that are up, and on switches that listen.

use std::process::Command;

use libtest_mimic::Failed;

use crate::flowbed::{Place, complaint};

/// What an app has installed is followed from switch to switch, with the links as they are; from another process, and in
/// the network's own shell.
pub fn running(switch: &str) -> Result<(), Failed> {
    let place = Place::new();
    let up = format!("up --detach --topo linear,2 --switch {switch} --app learning-switch --name lab");
    let started = place.run(&up);
    assert!(started.status.success(), "{started:?}");
    let pings = place.run("shell pingall");
    assert!(String::from_utf8_lossy(&pings.stdout).contains("(2/2 received)"), "{pings:?}");
    let way = String::from_utf8(place.run("trace h1 icmp --to h2").stdout)?;
    for part in [
        " 0. in_port=1,dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:00:02, priority 1\n    output:2\n",
        "     -> port 2: s2, port 2\n",
        "s2, port 2 (from s1)\n",
        "\ngets to: h2\n",
    ] {
        assert!(way.contains(part), "{part}\n---\n{way}");
    }
    let shown = String::from_utf8(place.run("shell trace h1 icmp h2").stdout)?;
    assert_eq!(shown.trim(), way.trim());
    let (_, object) = place.run_json("trace --name lab h1 udp --to h2");
    assert_eq!(object["deliveries"][0]["host"], "h2", "{object:#}");

    let down = place.run("shell link s1 s2 down");
    assert!(down.status.success(), "{down:?}");
    let (_, object) = place.run_json("trace h1 icmp --to h2");
    assert!(object["deliveries"].as_array().is_some_and(Vec::is_empty), "{object:#}");
    let wrong = complaint(&place.run("trace h9 icmp"));
    assert!(wrong.contains("there is no host named h9; there is h1, h2"), "{wrong}");
    assert!(place.run("down lab").status.success());
    let gone = complaint(&place.run("trace h1 icmp"));
    assert!(gone.contains("flowbed up"), "it says what to do: {gone}");
    Ok(())
}

/// Flows, groups that lead to others and meters that somebody else has put into Open vSwitch are read from its management
/// sockets, by the network itself and by whoever asks a switch.
pub fn somebody_elses() -> Result<(), Failed> {
    let place = Place::new();
    let _running = place.up("--topo linear,2 --switch ovs --controller none");
    let network: serde_json::Value = serde_json::from_slice(&place.run("inspect").stdout)?;
    let folder = network["ovs_rundir"].as_str().ok_or("the folder of its sockets")?;
    let bridge = |name: &str| format!("unix:{folder}/{name}.mgmt");
    for (command, switch, rule) in [
        ("add-group", "s1", "group_id=9,type=indirect,bucket=actions=output:2"),
        ("add-group", "s1", "group_id=1,type=all,bucket=actions=dec_ttl,group:9"),
        ("add-meter", "s1", "meter=3,pktps,bands=type=drop,rate=5"),
        ("add-flow", "s1", "cookie=0x2a,ip,in_port=1,actions=meter:3,group:1"),
        ("add-flow", "s2", "priority=7,udp,tp_dst=53,actions=output:1"),
    ] {
        let done =
            Command::new("ovs-ofctl").args(["-O", "OpenFlow13", command, &bridge(switch), rule]).output()?;
        assert!(done.status.success(), "{rule}: {}", String::from_utf8_lossy(&done.stderr));
    }
    let way = String::from_utf8(place.run("trace h1 udp,tp_dst=53 --to h2").stdout)?;
    for part in [
        " 0. ip,in_port=1, priority 32768, cookie 0x2a\n    meter:3\n     -> meter 3 lets it pass\n    group:1\n",
        "     -> group 1, bucket 0\n    dec_ttl\n    group:9\n     -> group 9, bucket 0\n    output:2\n",
        " 0. udp,tp_dst=53, priority 7\n    output:1\n     -> port 1: h2\n",
        "\ngets to: h2\n",
    ] {
        assert!(way.contains(part), "{part}\n---\n{way}");
    }
    let live = format!("trace --topo linear,2 --live s1={} --live s2={}", bridge("s1"), bridge("s2"));
    let asked = String::from_utf8(place.run(&format!("{live} h1 udp,tp_dst=53 --to h2")).stdout)?;
    assert_eq!(asked, way);
    let silent = complaint(&place.run(&format!("trace --live s1=unix:{folder}/nobody h1 arp")));
    assert!(silent.contains("s1 does not tell its rules: "), "{silent}");
    Ok(())
}
