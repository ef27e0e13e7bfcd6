//! Captures, read by tshark.

use std::path::Path;
use std::process::Command;

use libtest_mimic::Failed;

use crate::flowbed::{Place, complaint};

/// What tshark reads of a capture: interface, direction and summary of each frame that `filter` lets through.
fn read(file: &Path, filter: &str) -> Vec<String> {
    let fields = ["frame.interface_name", "frame.packet_flags_direction", "_ws.col.Info", "frame.time_epoch"];
    let mut tshark = Command::new("tshark");
    tshark.args(["-n", "-r"]).arg(file).args(["-Y", filter, "-T", "fields"]);
    let output = tshark.args(fields.iter().flat_map(|field| ["-e", field])).output().expect("tshark starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// A capture of all interfaces from the first frame on has what hosts say by themselves when they come up, and each frame
/// of a ping at each of the four interfaces that it passes, there and back, in the order of time.
pub fn from_the_start() -> Result<(), Failed> {
    let place = Place::new();
    let (all, one) = (place.path().join("all.pcapng"), place.path().join("one.pcapng"));
    // Whether somebody has its link-local address is what an interface asks first (RFC 4862 §5.4).
    let script = place.path().join("script");
    std::fs::write(
        &script,
        "h1 until ip -6 addr show dev h1-eth0 | grep 'fe80.*link $'; do sleep 0.05; done\n",
    )?;
    let up = format!(
        "up --topo single,2 --switch bridge --capture {} --test pingpair --pre {}",
        all.display(),
        script.display()
    );
    let output = place.run(&format!("{up} --capture {}=h2-eth0", one.display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let echoes = read(&all, "icmp.type == 8 && ip.src == 10.0.0.1");
    let mut places: Vec<_> = echoes.iter().map(|line| line.split('\t').take(2).collect::<Vec<_>>()).collect();
    places.sort();
    let passed = [
        ["h1-eth0", "0x00000002"],
        ["h2-eth0", "0x00000001"],
        ["s1-eth1", "0x00000001"],
        ["s1-eth2", "0x00000002"],
    ];
    assert_eq!(places, passed, "{echoes:#?}");
    let times: Vec<f64> = echoes.iter().filter_map(|line| line.rsplit('\t').next()?.parse().ok()).collect();
    assert_eq!(times.len(), 4, "{echoes:#?}");
    let first = read(&all, "icmpv6.type == 135 && ipv6.src == ::");
    assert!(first.iter().any(|line| line.starts_with("h1-eth0\t0x00000002")), "{first:#?}");
    let of_one = read(&one, "icmp && ip.dst == 10.0.0.2");
    assert!(
        !of_one.is_empty() && of_one.iter().all(|line| line.starts_with("h2-eth0\t0x00000001")),
        "{of_one:#?}"
    );
    place.assert_empty();
    Ok(())
}

/// In the shell captures begin and end; VLAN tags stay, and the file is whole when its end has been said.
pub fn while_it_runs() -> Result<(), Failed> {
    let place = Place::new();
    let file = place.path().join("h2.pcapng");
    let script = place.path().join("script");
    let file_text = file.display();
    let tagged = "b'\\xff' * 6 + bytes([2, 0, 0, 0, 0, 1, 0x81, 0, 0, 7, 8, 6]) + bytes(46)";
    let send = format!(
        "import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('h1-eth0', 0)); s.send({tagged})"
    );
    let lines = format!(
        "capture {file_text} h2-eth0\ncaptures\nh1 python3 -c \"{send}\"\nh1 ping -c 2 -i 0.01 h2\n\
         capture stop {file_text}\ncaptures\npingall\n"
    );
    std::fs::write(&script, lines)?;
    let up = format!("up --topo single,2 --switch soft --app hub --pre {} --test none", script.display());
    let output = place.run(&up);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains(&format!("{file_text}: h2-eth0\n")), "{text}");
    let said = text.lines().find_map(|line| line.split_once(" frames in ")).expect("it says how many");
    assert_eq!(said.1, format!("{file_text}, 0 lost"));
    assert_eq!(read(&file, "frame").len().to_string(), said.0);
    assert_eq!(read(&file, "icmp.type == 8").len(), 2, "the pings behind its end are not in it");
    assert_eq!(read(&file, "vlan.id == 7").len(), 1);

    let wrong =
        complaint(&place.run(&format!("up --topo single,2 --switch bridge --capture {file_text}=h3-eth0")));
    assert!(wrong.contains("no interface named h3-eth0; there is h1-eth0, s1-eth1, h2-eth0"), "{wrong}");
    let twice = format!("up --topo single,2 --switch bridge --capture {file_text} --capture {file_text}");
    assert!(complaint(&place.run(&twice)).contains("is being written by another capture; name another file"));
    assert!(
        complaint(&place.run("up --switch bridge --capture /nowhere/x")).contains("cannot create /nowhere/x")
    );
    place.assert_empty();
    Ok(())
}
