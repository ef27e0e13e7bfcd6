//! How true links are to their figures, measured natively: rates for TCP and UDP, delays, losses. Needs what a network
//! needs (root, or user namespaces).
//!
//! Rates are compared as they count: over whole Ethernet frames. Of a frame of 1514 bytes TCP has 1448 to give away, UDP
//! 1470 of 1512.

use std::time::Duration;

use flowbed::testbed::{
    Fabric, LinkDirection, Options, PingOptions, Rate, Testbed, ThroughputOptions, Topology, Transport,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const NETWORK: &str = "hosts = [{ name = 'h1' }, { name = 'h2' }]\n\
                       links = [{ a = 'h1', b = 'h2', shaped = true }]\n";

fn main() -> Result<()> {
    // `cargo test --benches` runs this too, and only wants to know that it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    flowbed::testbed::enter()?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let fabric = Fabric::create(None).await?;
        let topology = Topology::from_toml(NETWORK, "links.toml".as_ref())?;
        let testbed = Testbed::start(fabric, topology, Options { seed: 1, ..Options::default() }).await?;
        println!("{:<28} {:>14} {:>14} {:>9}", "link", "asked for", "measured", "off by");
        rates(&testbed).await?;
        delays(&testbed).await?;
        losses(&testbed).await?;
        testbed.stop().await?;
        Ok(())
    })
}

fn set(testbed: &Testbed, properties: &str) -> Result<()> {
    Ok(testbed.change_link(0, LinkDirection::Both, &format!("plain,{properties}").parse()?)?)
}

fn line(what: &str, asked: String, measured: String, off: String) {
    println!("{what:<28} {asked:>14} {measured:>14} {off:>9}");
}

async fn rates(testbed: &Testbed) -> Result<()> {
    for mbit in [1, 10, 100, 300, 500, 1000] {
        set(testbed, &format!("rate={mbit}mbit"))?;
        let rate = Rate::mbit(mbit);
        for (name, transport, frame, payload) in [
            ("TCP", Transport::Tcp, 1514.0, 1448.0),
            ("UDP", Transport::Udp { rate: Rate(rate.0 / 100 * 105) }, 1512.0, 1470.0),
        ] {
            // Slow links have a long queue to fill before they are steady.
            let options = ThroughputOptions {
                transport,
                duration: Duration::from_secs(if mbit == 1 { 20 } else { 5 }),
                warm_up: Duration::from_secs(1),
                ..ThroughputOptions::default()
            };
            let measured =
                testbed.throughput("h1", "h2", &options).await?.bits_per_second() / payload * frame / 1e6;
            let off = (measured / mbit as f64 - 1.0) * 100.0;
            line(
                &format!("rate, {name}"),
                format!("{mbit} Mbit/s"),
                format!("{measured:.3} Mbit/s"),
                format!("{off:+.2}%"),
            );
        }
    }
    Ok(())
}

async fn delays(testbed: &Testbed) -> Result<()> {
    for milliseconds in [0, 1, 5, 20, 100] {
        set(testbed, &format!("delay={milliseconds}ms"))?;
        let mut times = Vec::new();
        for _ in 0..50 {
            let report = testbed.ping_pair("h1", "h2", &PingOptions::default()).await?;
            times.extend(report.echoes().iter().filter_map(|echo| Some(echo.rtt?.as_secs_f64() * 1e3)));
        }
        times.sort_by(f64::total_cmp);
        let median = times.get(times.len() / 2).copied().unwrap_or(f64::NAN) / 2.0;
        let off = median - f64::from(milliseconds);
        line(
            "delay, one way (median)",
            format!("{milliseconds} ms"),
            format!("{median:.3} ms"),
            format!("{off:+.3} ms"),
        );
    }
    Ok(())
}

async fn losses(testbed: &Testbed) -> Result<()> {
    for percent in [0.5, 1.0, 5.0, 20.0] {
        set(testbed, &format!("loss={percent}"))?;
        let options = ThroughputOptions {
            transport: Transport::Udp { rate: Rate::mbit(50) },
            duration: Duration::from_secs(4),
            patience: Duration::from_secs(1),
            ..ThroughputOptions::default()
        };
        let measured = testbed.throughput("h1", "h2", &options).await?;
        let udp = measured.udp.ok_or("no UDP figures")?;
        let (sent, share) = (udp.sent as f64, percent / 100.0);
        // 99 % of the mass of a binomial distribution, by the normal one.
        let interval = 2.576 * (sent * share * (1.0 - share)).sqrt() / sent * 100.0;
        let off = udp.loss_percent() - percent;
        let verdict = if off.abs() <= interval { "within" } else { "OUTSIDE" };
        line(
            &format!("loss, {verdict} {interval:.2}%"),
            format!("{percent}%"),
            format!("{:.3}%", udp.loss_percent()),
            format!("{off:+.3}%"),
        );
    }
    Ok(())
}
