//! What a person at the dashboard sees.

use libtest_mimic::Failed;
use nix::sys::signal::Signal;

use crate::chrome::browse;
use crate::flowbed::{Place, Running};
use crate::page::Page;

/// A network with a dashboard, and the dashboard's address.
struct Watched {
    place: Place,
    running: Running,
    address: String,
}

impl Watched {
    fn up() -> Watched {
        let place = Place::new();
        let running =
            place.up("--topo tree,2,2 --switch ovs --app learning-switch --web 127.0.0.1:0 --name lab");
        let address = running
            .printed
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .expect("flowbed prints the dashboard's address")
            .to_owned();
        Watched { place, running, address }
    }

    /// Pings from a host, as a person in another terminal does; whether all came back.
    fn ping(&self, from: &str, arguments: &str) -> bool {
        self.place.run(&format!("exec {from} -- ping -W 2 -i 0.05 {arguments}")).status.success()
    }

    fn browse<F: Future<Output = ()>>(&self, test: impl FnOnce(Page) -> F) -> Result<(), Failed> {
        browse(&self.address, async |page| {
            page.wait_for("connection", "live").await;
            page.wait("switches-connected", |text| text.starts_with("3/3")).await;
            test(page.clone()).await;
            assert_eq!(page.console_errors().await, Vec::<String>::new());
        })
    }
}

pub fn network() -> Result<(), Failed> {
    let watched = Watched::up();
    watched.browse(async |page| {
        page.wait_for("network-name", "lab (tree,2,2)").await;
        page.wait("controller", |text| text.starts_with("learning-switch")).await;
        let picture = page.label("topology").await;
        for part in ["3 switches", "4 hosts", "6 links"] {
            assert!(picture.contains(part), "{picture}");
        }
        for (host, attached) in
            [("1", "s2 port 1"), ("2", "s2 port 2"), ("3", "s3 port 1"), ("4", "s3 port 2")]
        {
            page.wait_for(&format!("host-h{host}-mac"), &format!("00:00:00:00:00:0{host}")).await;
            page.wait(&format!("host-h{host}-addresses"), |text| text.starts_with(&format!("10.0.0.{host}")))
                .await;
            page.wait_for(&format!("host-h{host}-attached"), attached).await;
        }
        // Ends are named with their ports.
        let links = page.text("links-table").await.expect("a table");
        for ends in ["s1 port 1 s2 port 3 up", "s1 port 2 s3 port 3 up"] {
            assert!(links.contains(ends), "{links}");
        }
        assert_eq!(links.matches(" up ").count(), 6, "{links}");
        page.click("switch-s2").await;
        page.wait_for("switch-title", "Switch s2").await;
        page.wait("switch-dpid", |text| text.ends_with("02")).await;
        for port in 1..=3 {
            page.wait(&format!("port-{port}"), |text| text.contains(&format!("s2-eth{port}"))).await;
        }
    })
}

pub fn flows() -> Result<(), Failed> {
    let watched = Watched::up();
    watched.browse(async |page| {
        page.mark().await;
        page.click("switch-s2").await;
        page.wait_flows("the table-miss rule", |flows| {
            flows.iter().any(|flow| flow.priority == "0" && flow.actions.contains("CONTROLLER")).then_some(())
        })
        .await;
        assert!(watched.ping("h1", "-c 3 10.0.0.4"));
        let learned = |flows: &[crate::page::Flow]| {
            let there = flows.iter().find(|flow| flow.match_.contains("dl_dst=00:00:00:00:00:04"))?;
            (there.match_.contains("dl_src=00:00:00:00:00:01") && there.actions.contains("output:3"))
                .then_some(there.packets)
        };
        let before = page.wait_flows("the flow from h1 to h4", learned).await;
        assert!(watched.ping("h1", "-c 40 10.0.0.4"));
        page.wait_flows("its packets are counted", |flows| learned(flows).filter(|now| *now >= before + 30))
            .await;
        page.wait("port-1-rx-packets", |text| crate::page::number(text) >= 43).await;
        assert!(page.is_marked().await, "it was never loaded again");
        if let Some(file) = std::env::var_os("FLOWBED_SCREENSHOT") {
            std::fs::write(file, page.screenshot().await).expect("written");
        }
    })
}

pub fn links() -> Result<(), Failed> {
    let watched = Watched::up();
    watched.browse(async |page| {
        page.mark().await;
        assert!(watched.ping("h1", "-c 1 10.0.0.2"));
        let link = "link-s2-eth1--h1-eth0";
        page.click(&format!("{link}-toggle")).await;
        page.wait_for(&format!("{link}-state"), "down").await;
        page.wait("links-summary", |text| text.contains('1')).await;
        assert!(!watched.ping("h1", "-c 1 10.0.0.2"));
        page.click(&format!("{link}-toggle")).await;
        page.wait_for(&format!("{link}-state"), "up").await;
        assert!(watched.ping("h1", "-c 1 10.0.0.2"));
        // From a terminal.
        let change = |state| {
            let output = watched.place.run(&format!("exec h2 -- ip link set h2-eth0 {state}"));
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        let link = "link-s2-eth2--h2-eth0";
        change("down");
        page.wait_for(&format!("{link}-state"), "down").await;
        change("up");
        page.wait_for(&format!("{link}-state"), "up").await;
        assert!(page.is_marked().await, "it was never loaded again");
    })
}

pub fn wrong_token() -> Result<(), Failed> {
    let watched = Watched::up();
    let (address, _) = watched.address.split_once("token=").expect("the address has a token");
    browse(&format!("{address}token=wrong"), async |page| {
        let text = page.everything().await;
        assert!(text.contains("needs its token"), "{text}");
        for secret in ["h1", "10.0.0", "s1"] {
            assert!(!text.contains(secret), "{text}");
        }
    })
}

pub fn stop() -> Result<(), Failed> {
    let mut watched = Watched::up();
    let address = watched.address.clone();
    browse(&address, async |page| {
        page.wait_for("connection", "live").await;
        watched.running.signal(Signal::SIGTERM);
        assert!(watched.running.wait());
        page.wait("connection", |text| text == "stopped" || text == "reconnecting").await;
    })
}
