//! The client against a scripted server, in memory.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use serde_json::{Map, Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::frame::Splitter;
use super::{Client, Columns, Error, Operation, Options, RowUpdate, Scope, Uuid, Value};

const UUID: &str = "2f77b348-9768-4866-b761-89d5177ecdab";

/// The server's end of one connection.
struct Peer {
    stream: DuplexStream,
    buffer: BytesMut,
    splitter: Splitter,
}

impl Peer {
    async fn read(&mut self) -> Map<String, Json> {
        loop {
            if let Some(message) = self.splitter.next(&mut self.buffer).unwrap() {
                return message;
            }
            let count = self.stream.read_buf(&mut self.buffer).await.unwrap();
            assert_ne!(count, 0, "the client hung up");
        }
    }

    async fn write(&mut self, text: impl AsRef<[u8]>) {
        self.stream.write_all(text.as_ref()).await.unwrap();
    }

    /// Reads a request, checks its method, and answers it with `result`.
    async fn answer(&mut self, method: &str, result: Json) -> Json {
        let request = self.read().await;
        assert_eq!(request["method"], method);
        let reply = json!({"id": request["id"], "result": result, "error": null});
        self.write(reply.to_string()).await;
        request["params"].clone()
    }

    /// Reads until the client hangs up.
    async fn hung_up(&mut self) {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest).await;
    }
}

fn pipe() -> (DuplexStream, Peer) {
    let (ours, theirs) = duplex(4096);
    let peer = Peer { stream: theirs, buffer: BytesMut::new(), splitter: Splitter::new(1 << 20) };
    (ours, peer)
}

fn options() -> Options {
    let mut options = Options::new("db");
    options.max_message = 64 << 10;
    options
}

/// A client that will find these peers, one after the other.
async fn client_of<const N: usize>(options: Options) -> (Client, [Peer; N]) {
    let (mut streams, mut peers) = (VecDeque::new(), Vec::new());
    for _ in 0..N {
        let (ours, peer) = pipe();
        streams.push_back(ours);
        peers.push(peer);
    }
    let streams = Arc::new(Mutex::new(streams));
    let connect = move || {
        let next = streams.lock().unwrap().pop_front();
        async move { next.ok_or_else(|| io::ErrorKind::ConnectionRefused.into()) }
    };
    let client = Client::connect(connect, options).await.unwrap();
    (client, peers.try_into().unwrap_or_else(|_| unreachable!()))
}

fn select() -> Vec<Operation> {
    vec![Operation::select("Bridge")]
}

#[tokio::test(start_paused = true)]
async fn a_transaction_is_sent_as_the_rfc_has_it_and_read_back() {
    let (client, [mut peer]) = client_of(options()).await;
    let insert = Operation::insert("Bridge", [("name", Value::from("s1"))]).named("b");
    let (outcomes, params) = tokio::join!(
        client.transact(vec![insert]),
        peer.answer("transact", json!([{"uuid": ["uuid", UUID]}]))
    );
    assert_eq!(outcomes.unwrap()[0].uuid, Some(UUID.parse().unwrap()));
    assert_eq!(
        params,
        json!(["db", {"op": "insert", "table": "Bridge", "row": {"name": "s1"},
                      "uuid-name": "b"}])
    );
}

#[tokio::test(start_paused = true)]
async fn probes_are_answered_and_unknown_methods_refused() {
    let (_client, [mut peer]) = client_of(options()).await;
    peer.write(r#"{"id":"echo","method":"echo","params":[1]}{"id":7,"method":"steal","params":[]}"#).await;
    peer.write(r#"{"id":null,"method":"whatever","params":null}{"id":99,"result":1,"error":null}"#).await;
    assert_eq!(Json::Object(peer.read().await), json!({"id": "echo", "result": [1], "error": null}));
    assert_eq!(peer.read().await["error"], "unknown method");
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_says_why() {
    let (client, [mut peer]) = client_of(options()).await;
    let script = async {
        let id = peer.read().await["id"].clone();
        let error = json!({"error": "unknown database", "details": "db"});
        let reply = json!({"id": id, "result": null, "error": error});
        peer.write(reply.to_string()).await;
    };
    let (result, ()) = tokio::join!(client.transact(select()), script);
    assert_eq!(result.unwrap_err().to_string(), "the database server refused transact: unknown database: db");
}

#[tokio::test(start_paused = true)]
async fn a_message_in_single_bytes_arrives_whole() {
    let (client, [mut peer]) = client_of(options()).await;
    let script = async {
        let id = peer.read().await["id"].clone();
        let reply = json!({"id": id, "result": [{"rows": [{"name": "}\"{"}]}], "error": null});
        for byte in reply.to_string().bytes() {
            peer.write([byte]).await;
            tokio::task::yield_now().await;
        }
    };
    let (outcomes, ()) = tokio::join!(client.transact(select()), script);
    assert_eq!(outcomes.unwrap()[0].rows[0]["name"].as_str(), Some("}\"{"));
}

/// Whatever ends a connection, the request under way says so and the next one goes through.
#[tokio::test(start_paused = true)]
async fn after_garbage_oversize_and_hang_ups_the_client_connects_again() {
    let oversize = format!("{{\"a\":\"{}", "x".repeat(100 << 10));
    for (text, why) in [
        ("HTTP/1.1 400 Bad Request", "does not start"),
        ("{\"id\":1,]}", "not JSON"),
        ("{\"id\":1,\"result\":[{\"ro", "closed the connection"),
        (oversize.as_str(), "longer than"),
    ] {
        let (client, [mut first, mut second]) = client_of(options()).await;
        let script = async move {
            first.read().await;
            // The oversized one is cut off in the middle.
            let _ = first.stream.write_all(text.as_bytes()).await;
        };
        let (result, ()) = tokio::join!(client.transact(select()), script);
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Disconnected { .. }), "{error}");
        assert!(error.to_string().contains(why), "{error}");
        // Refused until the connection is back, which the first probe shows.
        second.read().await;
        second.write("{\"id\":\"probe\"}").await;
        let (result, _) =
            tokio::join!(client.transact(select()), second.answer("transact", json!([{"rows": []}])));
        assert_eq!(result.unwrap()[0].rows.len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_probed_and_left() {
    let mut options = options();
    options.request_timeout = Duration::from_secs(60);
    let interval = options.probe_interval;
    let (client, [mut peer]) = client_of(options).await;
    let started = tokio::time::Instant::now();
    let script = async {
        assert_eq!(peer.read().await["method"], "transact");
        assert_eq!(peer.read().await["method"], "echo");
        peer.hung_up().await;
    };
    let (result, ()) = tokio::join!(client.transact(select()), script);
    assert!(matches!(result, Err(Error::Disconnected { .. })));
    assert!(started.elapsed() <= interval * 2 + Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_no_answer_and_hurts_nobody() {
    let mut options = options();
    options.request_timeout = Duration::from_secs(1);
    let (client, [mut peer]) = client_of(options).await;
    let error = client.transact(select()).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    peer.answer("transact", json!([{"rows": []}])).await;
    let (result, _) = tokio::join!(client.echo(), peer.answer("echo", json!([])));
    result.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_monitor_tells_all_then_changes_and_all_again_on_a_new_connection() {
    let (client, [mut first, mut second]) = client_of(options()).await;
    let uuid: Uuid = UUID.parse().unwrap();
    let initial = |name: &str| json!({"Bridge": {UUID: {"new": {"name": name}}}});
    let (monitor, params) = tokio::join!(
        client.monitor([Columns::of("Bridge", ["name"])]),
        first.answer("monitor", initial("s1"))
    );
    let mut monitor = monitor.unwrap();
    let number = params[1].clone();
    assert_eq!(params[2], json!({"Bridge": [{"columns": ["name"]}]}));
    let event = monitor.next().await.unwrap();
    assert_eq!(event.scope, Scope::Everything);

    let change = json!({"Bridge": {UUID: {"old": {"name": "s1"}, "new": {"name": "s2"}}}});
    let update = json!({"id": null, "method": "update", "params": [number, change]});
    first.write(update.to_string()).await;
    let event = monitor.next().await.unwrap();
    assert_eq!(event.scope, Scope::Changes);
    assert!(matches!(event.tables["Bridge"][&uuid], RowUpdate::Modified { .. }));

    drop(first);
    second.answer("monitor", initial("s3")).await;
    let event = monitor.next().await.unwrap();
    assert_eq!(event.scope, Scope::Everything);
    let row = event.tables["Bridge"][&uuid].row().unwrap();
    assert_eq!(row["name"].as_str(), Some("s3"));

    // Nobody watches any more: the next update is answered with a cancellation.
    drop(monitor);
    let gone = json!({"Bridge": {UUID: {"old": {"name": "s3"}}}});
    let update = json!({"id": null, "method": "update", "params": [number, gone]});
    second.write(update.to_string()).await;
    assert_eq!(second.read().await["method"], "monitor_cancel");
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_finds_changes_merged() {
    let (client, [mut peer]) = client_of(options()).await;
    let (monitor, params) =
        tokio::join!(client.monitor([Columns::all("T")]), peer.answer("monitor", json!({})));
    let mut monitor = monitor.unwrap();
    monitor.next().await.unwrap();
    for round in 0..1000 {
        let change = json!({"T": {UUID: {"old": {"n": round}, "new": {"n": round + 1}}}});
        let update = json!({"id": null, "method": "update", "params": [params[1], change]});
        peer.write(update.to_string()).await;
    }
    // The echo comes after them: when it is answered, all have been taken.
    peer.write(r#"{"id":"echo","method":"echo","params":[]}"#).await;
    peer.read().await;
    let event = monitor.next().await.unwrap();
    let [update] = event.tables["T"].values().collect::<Vec<_>>()[..] else { panic!("one row") };
    let RowUpdate::Modified { old, new } = update else { panic!("modified") };
    assert_eq!((old["n"].as_integer(), new["n"].as_integer()), (Some(0), Some(1000)));
}

#[tokio::test(start_paused = true)]
async fn an_ended_client_ends_its_monitors() {
    let (client, [mut peer]) = client_of(options()).await;
    let (monitor, _) = tokio::join!(client.monitor([Columns::all("T")]), peer.answer("monitor", json!({})));
    let mut monitor = monitor.unwrap();
    monitor.next().await.unwrap();
    drop(client);
    assert!(matches!(monitor.next().await, Err(Error::Ended)));
    peer.hung_up().await;
}

#[tokio::test(start_paused = true)]
async fn no_server_at_first_is_an_error() {
    let connect = || async { Err::<DuplexStream, _>(io::ErrorKind::NotFound.into()) };
    let error = Client::connect(connect, options()).await.unwrap_err();
    assert!(matches!(error, Error::Connect(_)));
}
