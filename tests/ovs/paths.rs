//! Shortest paths over a network with loops.

use libtest_mimic::Failed;

use crate::flowbed::Place;

/// Three switches in a ring, a host at each, and a second link between two of them.
const RING: &str = r#"
hosts = [
    { name = "h1", ipv4 = "10.0.0.1/24" },
    { name = "h2", ipv4 = "10.0.0.2/24" },
    { name = "h3", ipv4 = "10.0.0.3/24" },
]
switches = [{ name = "s1" }, { name = "s2" }, { name = "s3" }]
links = [
    { a = "h1", b = "s1:1" },
    { a = "h2", b = "s2:1" },
    { a = "h3", b = "s3:1" },
    { a = "s1:2", b = "s2:2" },
    { a = "s2:3", b = "s3:3" },
    { a = "s3:4", b = "s1:4" },
]
"#;

/// What waits until the ways are there: it ends with the first answer.
const REACHED: &str = "h1 ping -c 1 -w 10 h2\nh2 ping -c 1 -w 10 h3\nh3 ping -c 1 -w 10 h1\n";

/// Every pair reaches each other over the ring, and still does when a link of it is down.
pub fn around_a_failed_link(switch: &str) -> Result<(), Failed> {
    let place = Place::new();
    let (file, script) = (place.path().join("ring.toml"), place.path().join("script"));
    std::fs::write(&file, RING)?;
    std::fs::write(&script, format!("{REACHED}pingall\nlink s1 s2 down\n{REACHED}pingall\nflows\n"))?;
    let output = place.run(&format!(
        "up --file {} --switch {switch} --app shortest-path --pre {} --test pingall",
        file.display(),
        script.display()
    ));
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{error}");
    let good = text.matches("0% dropped (6/6 received)").count();
    assert_eq!(good, 3, "{text}{error}");
    // What was learned leads over s3 now: nothing uses the link that is down.
    let learned: Vec<&str> = text.lines().filter(|line| line.contains("dl_dst=")).collect();
    assert!(!learned.is_empty(), "{text}");
    assert!(!learned.iter().any(|flow| flow.ends_with("output:2")), "{learned:#?}");
    place.assert_empty();
    Ok(())
}
