//! Flow tables and port counters, asked of the switches while somebody watches.

use std::collections::HashSet;
use std::time::Duration;

use controller::{Controller, Switch};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use openflow::session::RequestError;
use openflow::{FlowStats, FlowStatsRequest, PortNo, PortStats};
use tokio::time::{Instant, sleep_until};
use tracing::debug;

use crate::feed::Publisher;
use crate::view;

/// How often a switch is asked.
const POLL: Duration = Duration::from_secs(1);

/// Asks every switch once a second while somebody watches, until it is dropped. A switch has one question at a time:
/// one that answers late, or not at all, is asked less often, and holds up no other.
pub(crate) async fn publish(controller: &Controller, publisher: &Publisher) {
    let mut asked = HashSet::new();
    let mut answers = FuturesUnordered::new();
    let mut next = Instant::now();
    loop {
        let round = async {
            sleep_until(next).await;
            publisher.watched().await;
        };
        tokio::select! {
            () = round => {
                for switch in controller.switches() {
                    if asked.insert(switch.id()) {
                        answers.push(async move {
                            ask(&switch, publisher).await;
                            switch.id()
                        });
                    }
                }
                next = Instant::now() + POLL;
            }
            Some(id) = answers.next() => {
                asked.remove(&id);
            }
        }
    }
}

/// Publishes what a switch answers, each table as it comes.
async fn ask(switch: &Switch, publisher: &Publisher) {
    let dpid = view::Dpid(switch.id().0);
    let silent = |what: &str, error: RequestError| debug!(%dpid, what, %error, "the switch does not tell");
    let flows = async {
        match switch.flow_stats(FlowStatsRequest::all()).await {
            Ok(flows) => publisher.flows(view::FlowTable { dpid, flows: flows.iter().map(flow).collect() }),
            Err(error) => silent("flows", error),
        }
    };
    let ports = async {
        match switch.port_stats(PortNo::ANY).await {
            Ok(mut ports) => {
                ports.sort_by_key(|port| port.port);
                publisher.ports(view::PortTable { dpid, ports: ports.iter().map(counters).collect() });
            }
            Err(error) => silent("ports", error),
        }
    };
    tokio::join!(flows, ports);
}

fn flow(flow: &FlowStats) -> view::Flow {
    view::Flow {
        table: flow.table.0,
        priority: flow.priority,
        cookie: flow.cookie,
        matches: flow.match_.to_string(),
        actions: flow.instructions.to_string(),
        packets: flow.packet_count,
        bytes: flow.byte_count,
        duration_s: flow.age.to_duration().as_secs_f64(),
        idle_timeout_s: flow.idle_timeout,
        hard_timeout_s: flow.hard_timeout,
    }
}

fn counters(port: &PortStats) -> view::PortCounters {
    view::PortCounters {
        number: port.port.0,
        rx_packets: port.rx_packets,
        tx_packets: port.tx_packets,
        rx_bytes: port.rx_bytes,
        tx_bytes: port.tx_bytes,
        rx_dropped: port.rx_dropped,
        tx_dropped: port.tx_dropped,
        rx_errors: port.rx_errors,
        tx_errors: port.tx_errors,
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use openflow::session::{Config, Event, Session};
    use openflow::{
        Body, DatapathId, Features, MultipartBody, MultipartReply, MultipartRequest as Request, Port,
    };
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::feed::{Update, feed};

    /// What a switch does when it is asked for statistics.
    #[derive(Clone, Copy, PartialEq)]
    enum Manner {
        Answers,
        Mute,
    }

    /// Connects a switch with the ports 7 and 1.
    fn connect(controller: &Controller, id: u64, manner: Manner) {
        let (mut stream, theirs) = tokio::io::duplex(1 << 16);
        controller.attach(theirs, format!("switch {id}"));
        tokio::spawn(async move {
            let mut session = Session::new(Config::switch(), Instant::now().into_std());
            let mut input = BytesMut::new();
            loop {
                while let Some(event) = session.next_event(Instant::now().into_std(), &mut input) {
                    if let Event::Message(message) = event
                        && let Some(body) = answer(id, manner, &message.body)
                    {
                        session.reply(message.xid, &body).expect("open");
                    }
                }
                let output = session.output().split();
                if stream.write_all(&output).await.is_err()
                    || stream.read_buf(&mut input).await.unwrap_or(0) == 0
                {
                    return;
                }
            }
        });
    }

    fn answer(id: u64, manner: Manner, asked: &Body) -> Option<Body> {
        let body = match asked {
            Body::FeaturesRequest => {
                return Some(Body::FeaturesReply(Features {
                    datapath_id: DatapathId(id),
                    n_buffers: 0,
                    n_tables: 1,
                    auxiliary_id: 0,
                    capabilities: Default::default(),
                }));
            }
            Body::BarrierRequest => return Some(Body::BarrierReply),
            Body::MultipartRequest(Request::PortDesc) => {
                MultipartBody::PortDesc(vec![Port { number: PortNo(1), ..Port::default() }])
            }
            Body::MultipartRequest(Request::PortStats(_)) if manner == Manner::Answers => {
                let port = |number| PortStats { port: PortNo(number), ..PortStats::default() };
                MultipartBody::PortStats(vec![port(7), port(1)])
            }
            Body::MultipartRequest(Request::Flow(_)) if manner == Manner::Answers => {
                MultipartBody::Flow(Vec::new())
            }
            _ => return None,
        };
        Some(Body::MultipartReply(MultipartReply::last(body)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_mute_switch_holds_up_no_other() {
        let controller = Controller::builder().start_without_listener();
        connect(&controller, 1, Manner::Answers);
        connect(&controller, 2, Manner::Mute);
        controller
            .wait_ready(&[DatapathId(1), DatapathId(2)], Duration::from_secs(10))
            .await
            .expect("both are there");
        let (publisher, feed) = feed();
        let mut watcher = feed.watch().expect("room");
        tokio::spawn(async move { publish(&controller, &publisher).await });
        let begin = Instant::now();
        let mut tables = Vec::new();
        while tables.len() < 20 {
            let ports = watcher.next().await.into_iter().filter(|update| update.name == "ports");
            tables.extend(ports.map(|Update { json, .. }| json));
        }
        // The clock is virtual: it moves when all wait.
        let took = begin.elapsed();
        assert!(took <= POLL * 20, "20 tables of the switch that answers took {took:?}");
        for table in tables {
            assert!(table.contains("\"dpid\":\"0000000000000001\""), "{table}");
            assert!(table.find("\"number\":1,") < table.find("\"number\":7,"), "by number: {table}");
        }
    }
}
