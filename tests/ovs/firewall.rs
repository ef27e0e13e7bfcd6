//! A firewall in front of an app that forwards.

use libtest_mimic::Failed;

use crate::flowbed::Place;

/// What no rule allows is denied, IPv6 among it.
const DEFAULT: &str = r#"
default = "deny"
[[rules]]
action = "allow"
match = "arp"
"#;
const NOT_H1_TO_H3: &str = r#"
[[rules]]
action = "deny"
match = "ip,nw_src=10.0.0.1,nw_dst=10.0.0.3"
"#;
const IPV4: &str = r#"
[[rules]]
action = "allow"
match = "ip"
"#;

/// Hosts of which no rule speaks reach each other, by flows that the app behind learned in its own table; h1 and h3 do
/// not, since one direction is denied. With the same rules in another order they do.
pub fn before_a_learning_switch(switch: &str) -> Result<(), Failed> {
    let place = Place::new();
    let (file, script) = (place.path().join("acl.toml"), place.path().join("script"));
    std::fs::write(&file, [DEFAULT, NOT_H1_TO_H3, IPV4].concat())?;
    std::fs::write(&script, "pingall\nflows\n")?;
    let run = |tests: &str| {
        let up = "up --topo linear,3";
        let apps = format!("--app acl-firewall={} --app learning-switch", file.display());
        place.run(&format!("{up} --switch {switch} {apps} --pre {} {tests}", script.display()))
    };
    let output = run("--test none");
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = ["h1 -> h2 X", "h2 -> h1 h3", "h3 -> X h2"];
    for line in lines {
        assert!(text.lines().any(|it| it.trim_end() == line), "\"{line}\" is not in: {text}");
    }
    let flows: Vec<&str> = text.lines().filter(|line| line.contains("actions=")).collect();
    let of_rules = flows.iter().filter(|flow| flow.contains("cookie=0xf10b00000000ac00")).count();
    let learned: Vec<&&str> = flows.iter().filter(|flow| flow.contains("dl_dst=00:00:00")).collect();
    assert_eq!(of_rules, 3 * 4, "{text}");
    assert!(!learned.is_empty() && learned.iter().all(|flow| flow.contains("table=1")), "{text}");
    let ipv6 = run("--test pingall6");
    assert!(!ipv6.status.success(), "{}", String::from_utf8_lossy(&ipv6.stdout));

    std::fs::write(&file, [DEFAULT, IPV4, NOT_H1_TO_H3].concat())?;
    let output = run("--test pingall");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("0% dropped (6/6 received)"), "{text}");
    place.assert_empty();
    Ok(())
}

/// What hosts say by themselves (IPv6) does not pass, so nobody is known when the first of them asks for another: its
/// broadcast goes round the ring and finds them all, at once after the start.
pub fn before_shortest_paths(switch: &str) -> Result<(), Failed> {
    let place = Place::new();
    let file = place.path().join("acl.toml");
    std::fs::write(&file, [DEFAULT, IPV4].concat())?;
    let apps = format!("--app acl-firewall={} --app shortest-path", file.display());
    for _ in 0..3 {
        let output = place.run(&format!("up --topo ring,4 --switch {switch} {apps} --test pingall"));
        let (text, errors) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && errors.is_empty(), "{text}{errors}");
        assert!(text.contains("0% dropped (12/12 received)"), "{text}");
    }
    place.assert_empty();
    Ok(())
}
