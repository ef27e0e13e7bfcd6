//! Networks that change while they run, under a learning switch.

use libtest_mimic::Failed;

use crate::flowbed::{Place, complaint};

/// What comes while the network runs has its controller as the others do; a line that cannot be done fails the run.
pub fn from_the_shell(switch: &str) -> Result<(), Failed> {
    let place = Place::new();
    let script = place.path().join("script.flowbed");
    let lines = "add switch s2\nadd link s1 s2\nadd host h3\nadd link h3 s2 delay=2ms\npingall\n\
                 delete host h2\nadd host h4\nadd link h4 s1\nmove h4 s1 s2\npingall\nnodes\n\
                 switch s2 stop\nswitch s2 start\npingall\n";
    std::fs::write(&script, lines)?;
    let up = format!("up --topo single,2 --switch {switch} --app learning-switch --pre {}", script.display());
    let output = place.run(&format!("{up} --test pingall"));
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(printed.matches("*** Results: 0% dropped (6/6 received)").count(), 4, "{printed}");
    assert!(printed.contains("h1 h3 h4 s1 s2"), "{printed}");
    std::fs::write(&script, "delete host h9\n")?;
    let told = complaint(&place.run(&format!("{up} --test none")));
    assert!(told.contains("no host named h9; there is h1, h2"), "{told}");
    place.assert_empty();
    Ok(())
}
