//! Each mistake gets an error that names it and what to do.

use crate::flowbed::{Place, complaint, json};

/// Every one of `words` is in what `flowbed arguments` complains.
fn assert_complains(arguments: &str, words: &[&str]) {
    let place = Place::new();
    let complaint = complaint(&place.run(arguments));
    for word in words {
        assert!(
            complaint.contains(word),
            "\"{word}\" is not in the answer to `flowbed {arguments}`: {complaint}"
        );
    }
    place.assert_empty();
}

#[test]
fn unknown_words_are_answered_with_the_known_ones() {
    assert_complains("up --test none --topo star,3", &["star", "single", "linear", "tree"]);
    assert_complains("up --test none --topo tree,2,2,2", &["tree,2,2,2"]);
    assert_complains("up --test none --topo single,x", &["single,x"]);
    assert_complains("up --test none --topo single,0", &["single,0"]);
    assert_complains("up --test none --app learning", &["learning", "learning-switch", "hub"]);
    assert_complains("up --test none --switch cisco", &["cisco", "ovs", "bridge"]);
    assert_complains("up --test pingsome", &["pingsome", "pingall", "pingpair", "iperf"]);
    assert_complains("up --test none --controller 127.0.0.1:6653", &["tcp:HOST:PORT"]);
    assert_complains("up --test none --app hub --controller none", &["--app", "--controller"]);
    assert_complains("up --test none --web here", &["here"]);
}

/// Bytes of a file are answered with `net.toml:`, this place and every one of `words`.
fn assert_file_complains(bytes: impl AsRef<[u8]>, at: &str, words: &[&str]) {
    let place = Place::new();
    let file = place.path().join("net.toml");
    std::fs::write(&file, bytes).expect("written");
    let complaint = complaint(&place.run(&format!("up --test none --file {}", file.display())));
    for word in words.iter().chain(&[format!("/net.toml:{at}: ").as_str()]) {
        assert!(complaint.contains(word), "\"{word}\" is not in: {complaint}");
    }
}

#[test]
fn a_bad_file_is_answered_with_line_and_column() {
    assert_file_complains("hosts = [{ name = 'h1' }\n", "1:25", &["array"]);
    assert_file_complains("\n\nhosts = [{ nme = 'h1' }]\n", "3:12", &["nme", "name"]);
    assert_file_complains("hosts = [{ name = 'h1', ipv4 = '10.0.0.300/8' }]\n", "1:32", &["10.0.0.300/8"]);
    assert_file_complains("hosts = [{ name = 'h1' }]\nlinks = [{ a = 'h1', b = 's9' }]\n", "2:10", &["s9"]);
    assert_file_complains("hosts = [{ name = 'h1' }, { name = 'h1' }]\n", "1:27", &["h1"]);
    assert_file_complains("\nswitches = [{ name = 's1', dpid = '0' }]\n", "2:13", &["s1", "`dpid`"]);
    assert_file_complains(b"hosts = [\n  { name = '\xc3\xa4\xff' }]\n", "2:14", &["UTF-8"]);
    let place = Place::new();
    assert!(complaint(&place.run("up --test none --file /nonexistent.toml")).contains("/nonexistent.toml"));
}

#[test]
fn a_bad_file_of_an_app_is_answered_with_line_and_column() {
    let place = Place::new();
    let file = place.path().join("acl.toml");
    std::fs::write(&file, "default = 'deny'\n[[rules]]\naction = 'allow'\nmatch = 'tcp,tp_dts=80'\n")
        .expect("written");
    let file = file.display();
    let at = format!("{file}:4:14: unknown field");
    for command in ["up --test none", "controller --listen 127.0.0.1:0"] {
        let firewall = format!("{command} --app acl-firewall={file}");
        assert_complains(&format!("{firewall} --app hub"), &[&at, "did you mean \"tp_dst\"?"]);
        assert_complains(&format!("{command} --app hub={file}"), &["hub takes no file"]);
        assert_complains(&format!("{command} --app acl-firewall"), &["acl-firewall=FILE"]);
        assert_complains(&format!("{command} --app hub --app acl-firewall={file}"), &["before hub"]);
    }
    assert_complains("up --test none --app acl-firewall=/nonexistent.toml --app hub", &["/nonexistent.toml"]);
}

#[test]
fn devices_are_not_read_without_end() {
    assert_complains("up --test none --pre /dev/zero", &["/dev/zero", "1 MiB"]);
    assert_complains("up --test none --file /dev/zero", &["/dev/zero", "64 MiB"]);
    assert_complains("up --test none --app acl-firewall=/dev/zero --app hub", &["/dev/zero", "16 MiB"]);
}

#[test]
fn a_mistake_is_in_the_json_object_too() {
    let place = Place::new();
    let (good, result) = json(place.run("up --topo star,3 --test none --json"));
    assert!(!good && result["passed"] == false, "{result}");
    assert!(result["error"].as_str().is_some_and(|error| error.contains("star")), "{result}");
}

#[test]
fn help_offers_only_what_there_is() {
    let place = Place::new();
    let help = place.run("up --help");
    let help = String::from_utf8_lossy(&help.stdout);
    for kind in ["ovs", "soft", "bridge"] {
        assert!(help.contains(&format!("- {kind}:")), "{help}");
    }
}

#[test]
fn without_a_network_there_is_nothing_to_enter() {
    assert_complains("exec h1 -- true", &["flowbed up"]);
    assert_complains("exec --name lab h1 -- true", &["lab"]);
    let place = Place::new();
    let listed = place.run("ls");
    assert!(listed.status.success());
    assert_eq!(String::from_utf8_lossy(&listed.stdout), "no network is up\n");
    let cleaned = place.run("clean");
    assert_eq!(String::from_utf8_lossy(&cleaned.stdout), "nothing to sweep\n");
}

#[test]
fn a_port_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    assert_complains(&format!("controller --listen {address}"), &[&address, "--listen"]);
}

#[test]
fn log_directives_are_checked() {
    let place = Place::new();
    let output = place.flowbed("ls").env("RUST_LOG", "flowbed=loud").output().expect("flowbed starts");
    assert!(complaint(&output).contains("RUST_LOG=flowbed_controller=debug"));
}

#[test]
fn an_address_to_listen_on_has_a_port() {
    assert_complains("controller --listen foo", &["foo", "ADDRESS:PORT"]);
    assert_complains("up --web 127.0.0.1 --test none", &["127.0.0.1", "ADDRESS:PORT"]);
}

#[test]
fn a_bridge_has_no_controller() {
    assert_complains("up --switch bridge --app hub --test none", &["bridge", "--switch ovs"]);
    assert_complains("up --switch bridge --controller tcp:127.0.0.1:1 --test none", &["bridge"]);
}

#[test]
fn a_reader_that_went_away_is_an_error_not_a_panic() {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a device that is full");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_flowbed"))
        .arg("doctor")
        .stdout(full)
        .output()
        .expect("flowbed starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.contains("cannot write to standard output"), "{complaint}");
    assert_eq!(output.status.code(), Some(1), "{complaint}");
}
