//! The shell and its scripts.

use std::process::Output;

use libtest_mimic::Failed;
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::LocalFlags;
use nix::unistd::Pid;

use crate::flowbed::Place;
use crate::terminal::Terminal;

/// Runs `flowbed up` on a Linux bridge with a script.
fn scripted(place: &Place, arguments: &str, script: &str) -> Output {
    let file = place.path().join("script");
    std::fs::write(&file, script).expect("written");
    place.run(&format!("up --switch bridge {arguments} --pre {}", file.display()))
}

pub fn host_commands_are_shell_commands() -> Result<(), Failed> {
    let place = Place::new();
    let file = place.path().join("written");
    let script = format!(
        "h1 sh -c \"echo hi there\"\nh1 echo a | tr a b; exit 0\nh2 echo h1 'h1  there' > {}\n",
        file.display()
    );
    let output = scripted(&place, "--topo single,2 --test none", &script);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("flowbed> ")).skip(1).collect();
    assert_eq!(lines, ["hi there", "b"], "a test that does nothing prints nothing");
    assert_eq!(std::fs::read_to_string(&file)?, "10.0.0.1 h1  there\n");
    Ok(())
}

pub fn lost_pings_fail_a_script() -> Result<(), Failed> {
    let place = Place::new();
    let output = scripted(&place, "--topo single,2 --test none", "pingall\n");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = scripted(&place, "--topo single,2 --test none", "link s1 h2 down\npingall\n");
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}

/// The first process of a flowbed's pid namespace.
fn init_of(flowbed: Pid) -> Pid {
    let tasks = std::fs::read_dir(format!("/proc/{flowbed}/task")).expect("it runs").flatten();
    let children =
        tasks.map(|task| std::fs::read_to_string(task.path().join("children")).unwrap_or_default());
    let children: Vec<String> = children.collect();
    let named = |pid: &&str| {
        std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default() == "flowbed-init\n"
    };
    let init = children.iter().flat_map(|pids| pids.split_whitespace()).find(named);
    Pid::from_raw(init.expect("it has an init").parse().expect("a pid"))
}

/// However it ends at the prompt or in a command, the terminal is as it was.
pub fn the_terminal_is_put_back() -> Result<(), Failed> {
    let cooked = LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG;
    type End = fn(&mut Terminal);
    let ends: [(&str, bool, End); 5] = [
        ("exit", true, |terminal| terminal.type_line("exit")),
        ("SIGTERM", true, |terminal| kill(terminal.pid(), Signal::SIGTERM).expect("ours")),
        ("SIGHUP", true, |terminal| kill(terminal.pid(), Signal::SIGHUP).expect("ours")),
        ("the network's death", false, |terminal| {
            kill(init_of(terminal.pid()), Signal::SIGKILL).expect("ours");
        }),
        ("SIGTERM in a command", true, |terminal| {
            // What is typed is shown as it is typed, so what the command prints must look different.
            terminal.type_line("h1 stty raw -echo; echo be''gun; sleep 1000");
            terminal.wait_for("begun");
            kill(terminal.pid(), Signal::SIGTERM).expect("ours");
        }),
    ];
    for (name, good, end) in ends {
        let place = Place::new();
        let mut terminal = Terminal::start(&place, "up --topo single,2 --switch bridge");
        assert!(!terminal.flags().contains(LocalFlags::ICANON), "at the prompt each key counts");
        end(&mut terminal);
        let status = terminal.flowbed.wait()?;
        assert_eq!(status.success(), good, "{name}: {status}: {}", terminal.shown);
        assert!(terminal.flags().contains(cooked), "{name}: {:?}", terminal.flags());
        place.assert_empty();
    }
    Ok(())
}
