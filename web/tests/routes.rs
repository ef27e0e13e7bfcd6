//! Each route, as a browser and as a program see it.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use flowbed_web::view::{
    Attachment, Controller, ControllerKind, Dpid, End, Flow, FlowTable, Host, Link, LinkState, Network, Port,
    PortCounters, PortTable, Switch, SwitchKind,
};
use flowbed_web::{Command, Publisher, Refusal, Server, Token, feed};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tower::ServiceExt;

const HOST: &str = "127.0.0.1:8080";

struct Dashboard {
    router: Router,
    publisher: Publisher,
    commands: mpsc::Receiver<Command>,
    token: Token,
}

fn dashboard() -> Dashboard {
    let (publisher, feed) = feed();
    let (sender, commands) = mpsc::channel(1);
    let token = Token::generate().expect("random bytes");
    let addr: SocketAddr = HOST.parse().expect("an address");
    let router = Server::new(feed, sender, token.clone()).router(addr);
    Dashboard { router, publisher, commands, token }
}

fn switch(number: u32) -> Switch {
    Switch {
        name: format!("s{number}"),
        dpid: Dpid(number.into()),
        connected: true,
        kind: SwitchKind::Ovs,
        ports: vec![Port {
            number: 1,
            name: format!("s{number}-eth1"),
            mac: "02:00:00:00:00:01".into(),
            up: true,
        }],
    }
}

fn network() -> Network {
    let end = |node: &str, port| End { node: node.into(), port, interface: format!("{node}-eth1") };
    let link = |id: &str, controllable| Link {
        id: id.into(),
        a: end("h1", None),
        b: end("s1", Some(1)),
        state: LinkState::Up,
        controllable,
    };
    Network {
        name: "tree,1,2".into(),
        controller: Some(Controller {
            kind: ControllerKind::Flowbed,
            address: "tcp:127.0.0.1:6653".into(),
            apps: vec!["learning-switch".into()],
        }),
        switches: vec![switch(1), switch(2)],
        hosts: vec![Host {
            name: "h1".into(),
            mac: "02:00:00:00:00:11".into(),
            ipv4: vec!["10.0.0.1".into()],
            ipv6: vec!["fd00::1".into()],
            attached: Some(Attachment { switch: "s1".into(), port: 1 }),
        }],
        links: vec![link("h1:s1", true), link("found", false)],
    }
}

fn flows(dpid: u64) -> FlowTable {
    FlowTable {
        dpid: Dpid(dpid),
        flows: vec![Flow {
            table: 0,
            priority: 1,
            cookie: 0x1f,
            matches: "dl_dst=02:00:00:00:00:11".into(),
            actions: "output:1".into(),
            packets: 7,
            bytes: 686,
            duration_s: 2.5,
            idle_timeout_s: 60,
            hard_timeout_s: 0,
        }],
    }
}

fn ports(dpid: u64) -> PortTable {
    let counters = PortCounters { number: 1, rx_packets: 7, ..PortCounters::default() };
    PortTable { dpid: Dpid(dpid), ports: vec![counters] }
}

impl Dashboard {
    async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.expect("routes do not fail")
    }

    fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, HOST)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.as_str()))
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(self.send(self.request("GET", path).body(Body::empty()).expect("a request")).await).await
    }

    async fn post(&self, path: &str, body: &str) -> (StatusCode, Value) {
        let request = self.request("POST", path).body(Body::from(body.to_owned())).expect("a request");
        read(self.send(request).await).await
    }
}

async fn read(response: Response<Body>) -> (StatusCode, Value) {
    let status = response.status();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, serde_json::from_slice(&body).expect("JSON"))
}

async fn page(response: Response<Body>) -> String {
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(body.to_vec()).expect("text")
}

fn from_browser(path: &str, extra: &[(header::HeaderName, &str)]) -> Request<Body> {
    let mut request = Request::builder().uri(path).header(header::HOST, HOST);
    for (name, value) in extra {
        request = request.header(name, *value);
    }
    request.body(Body::empty()).expect("a request")
}

#[tokio::test]
async fn without_the_token_nothing_is_told() {
    let dashboard = dashboard();
    dashboard.publisher.network(network());
    for path in ["/api/v1/network", "/api/v1/events", "/api/v1/nonsense", "/api/nonsense"] {
        let (status, body) = read(dashboard.send(from_browser(path, &[])).await).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(body["error"]["code"], "unauthorized", "{path}");
    }
    for path in ["/", "/app.js", "/?token=", "/?token=0123456789"] {
        let response = dashboard.send(from_browser(path, &[])).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert!(response.headers().get(header::SET_COOKIE).is_none(), "{path}");
        assert!(page(response).await.contains("address that flowbed printed"), "{path}");
    }
    let wrong = from_browser("/api/v1/network", &[(header::AUTHORIZATION, "Bearer 0123456789")]);
    assert_eq!(dashboard.send(wrong).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_printed_address_opens_the_page_by_a_cookie() {
    let dashboard = dashboard();
    dashboard.publisher.network(network());
    let address = format!("/?token={}", dashboard.token.as_str());
    let entered = dashboard.send(from_browser(&address, &[])).await;
    assert_eq!(entered.status(), StatusCode::SEE_OTHER);
    assert_eq!(entered.headers()[header::LOCATION], "/");
    let cookie = entered.headers()[header::SET_COOKIE].to_str().expect("text").to_owned();
    assert!(cookie.starts_with("flowbed-8080="), "{cookie}");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");

    let pair = cookie.split(';').next().expect("a pair");
    let opened = dashboard.send(from_browser("/", &[(header::COOKIE, pair)])).await;
    assert_eq!(opened.status(), StatusCode::OK);
    assert!(page(opened).await.contains("<html"));
    let (status, body) =
        read(dashboard.send(from_browser("/api/v1/network", &[(header::COOKIE, pair)])).await).await;
    assert_eq!((status, &body["name"]), (StatusCode::OK, &json!("tree,1,2")));
}

#[tokio::test]
async fn other_names_and_other_sites_are_turned_away_even_with_the_token() {
    let dashboard = dashboard();
    let bearer = format!("Bearer {}", dashboard.token.as_str());
    let rebound = Request::builder()
        .uri("/api/v1/network")
        .header(header::HOST, "evil.example:8080")
        .header(header::AUTHORIZATION, &bearer);
    let (status, body) = read(dashboard.send(rebound.body(Body::empty()).expect("a request")).await).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::FORBIDDEN, &json!("forbidden")));

    let path = format!("/?token={}", dashboard.token.as_str());
    let rebound = Request::builder().uri(path).header(header::HOST, "evil.example:8080");
    let response = dashboard.send(rebound.body(Body::empty()).expect("a request")).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(response.headers().get(header::SET_COOKIE).is_none());

    for (method, path) in [("POST", "/api/v1/links/h1:s1"), ("GET", "/api/v1/events")] {
        let foreign = dashboard.request(method, path).header(header::ORIGIN, "http://evil.example");
        let response =
            dashboard.send(foreign.body(Body::from(r#"{"state":"down"}"#)).expect("a request")).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{method} {path}");
    }
}

#[tokio::test]
async fn the_network_is_told_whole_and_in_parts() {
    let dashboard = dashboard();
    let (status, body) = dashboard.get("/api/v1/network").await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("no_network")));

    dashboard.publisher.network(network());
    let (status, whole) = dashboard.get("/api/v1/network").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(whole["controller"]["apps"], json!(["learning-switch"]));
    assert_eq!(
        whole["links"][0],
        json!({
            "id": "h1:s1", "state": "up", "controllable": true,
            "a": {"node": "h1", "port": null, "interface": "h1-eth1"},
            "b": {"node": "s1", "port": 1, "interface": "s1-eth1"},
        })
    );
    for part in ["switches", "hosts", "links"] {
        assert_eq!(dashboard.get(&format!("/api/v1/{part}")).await, (StatusCode::OK, whole[part].clone()));
    }
    assert_eq!(whole["switches"][0]["dpid"], "0000000000000001");
    assert_eq!(whole["hosts"][0]["attached"], json!({"switch": "s1", "port": 1}));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let dashboard = dashboard();
    dashboard.publisher.network(network());
    let endless = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let request = dashboard.request("POST", "/api/v1/links/s1:1").body(endless).expect("a request");
    let (status, body) = read(dashboard.send(request).await).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::REQUEST_TIMEOUT, &json!("slow_body")));
}

#[tokio::test(start_paused = true)]
async fn counters_are_told_switch_by_switch() {
    let dashboard = dashboard();
    dashboard.publisher.network(network());
    dashboard.publisher.flows(flows(1));
    dashboard.publisher.ports(ports(1));
    let (status, body) = dashboard.get("/api/v1/switches/0000000000000001/flows").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["flows"][0]["cookie"], "0x1f");
    assert_eq!(body["flows"][0]["match"], "dl_dst=02:00:00:00:00:11");
    let (status, body) = dashboard.get("/api/v1/switches/0000000000000001/ports").await;
    assert_eq!((status, &body["ports"][0]["rx_packets"]), (StatusCode::OK, &json!(7)));

    for (dpid, expected, code) in [
        ("0000000000000002", StatusCode::SERVICE_UNAVAILABLE, "no_counters"),
        ("0000000000000009", StatusCode::NOT_FOUND, "unknown_switch"),
        ("s1", StatusCode::BAD_REQUEST, "bad_dpid"),
    ] {
        let (status, body) = dashboard.get(&format!("/api/v1/switches/{dpid}/flows")).await;
        assert_eq!((status, body["error"]["code"].as_str()), (expected, Some(code)), "{dpid}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_in_json() {
    let dashboard = dashboard();
    for (method, path, expected) in [
        ("GET", "/api/v1/nonsense", StatusCode::NOT_FOUND),
        ("GET", "/api/v2/network", StatusCode::NOT_FOUND),
        ("GET", "/api", StatusCode::NOT_FOUND),
        ("DELETE", "/api/v1/network", StatusCode::METHOD_NOT_ALLOWED),
        ("GET", "/api/v1/links/h1:s1", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let request = dashboard.request(method, path).body(Body::empty()).expect("a request");
        let (status, body) = read(dashboard.send(request).await).await;
        assert_eq!(status, expected, "{method} {path}");
        assert!(body["error"]["message"].as_str().is_some_and(|text| text.contains("docs/api.md")));
    }
    let request = dashboard.request("GET", "/nonsense").body(Body::empty()).expect("a request");
    let response = dashboard.send(request).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert!(page(response).await.contains("no such page"));
}

#[tokio::test]
async fn a_link_is_set_by_whoever_owns_the_network() {
    let mut dashboard = dashboard();
    dashboard.publisher.network(network());
    let commands = std::mem::replace(&mut dashboard.commands, mpsc::channel(1).1);
    let owner = tokio::spawn(obey(commands));
    let (status, body) = dashboard.post("/api/v1/links/h1:s1", r#"{"state":"down"}"#).await;
    assert_eq!((status, body), (StatusCode::OK, json!({"id": "h1:s1", "state": "down"})));
    let (status, body) = dashboard.post("/api/v1/links/h1%3As1", r#"{"state":"up"}"#).await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert_eq!(body["error"]["message"], "could not change link \"h1:s1\": the interface is gone");

    for (path, body, expected, code) in [
        ("/api/v1/links/none", r#"{"state":"up"}"#, StatusCode::NOT_FOUND, "unknown_link"),
        ("/api/v1/links/found", r#"{"state":"up"}"#, StatusCode::CONFLICT, "not_controllable"),
        ("/api/v1/links/h1:s1", r#"{"state":"sideways"}"#, StatusCode::BAD_REQUEST, "bad_body"),
        ("/api/v1/links/h1:s1", r#"{"state":"up","x":1}"#, StatusCode::BAD_REQUEST, "bad_body"),
        ("/api/v1/links/h1:s1", "", StatusCode::BAD_REQUEST, "bad_body"),
    ] {
        let (status, answer) = dashboard.post(path, body).await;
        assert_eq!((status, answer["error"]["code"].as_str()), (expected, Some(code)), "{path} {body}");
    }
    let huge = dashboard.request("POST", "/api/v1/links/h1:s1").body(Body::from(vec![b' '; 1 << 20]));
    let (status, _) = read(dashboard.send(huge.expect("a request")).await).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    drop(dashboard);
    assert_eq!(owner.await.expect("no panic"), [LinkState::Down, LinkState::Up]);
}

/// Takes links down, but can't take them up.
async fn obey(mut commands: mpsc::Receiver<Command>) -> Vec<LinkState> {
    let mut seen = Vec::new();
    while let Some(command) = commands.recv().await {
        let Command::SetLink { id, state, reply } = command else {
            continue;
        };
        seen.push(state);
        let refusal = Refusal::Failed { id, reason: "the interface is gone".into() };
        let outcome = if state == LinkState::Down { Ok(()) } else { Err(refusal) };
        reply.send(outcome).expect("the request waits");
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_does_not_answer_is_not_waited_for_without_end() {
    let dashboard = dashboard();
    dashboard.publisher.network(network());
    let link = "/api/v1/links/h1:s1";
    let (status, body) = dashboard.post(link, r#"{"state":"down"}"#).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::GATEWAY_TIMEOUT, &json!("timeout")));
    let (status, body) = dashboard.post(link, r#"{"state":"down"}"#).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("busy")));
}

/// Reads frames until the stream has said `count` events; gives their names and data.
async fn events(body: &mut Body, count: usize) -> Vec<(String, Value)> {
    let mut text = String::new();
    while text.matches("data: ").count() < count || !text.ends_with("\n\n") {
        let frame = body.frame().await.expect("the stream goes on").expect("no error");
        let data = frame.into_data().expect("data");
        text.push_str(std::str::from_utf8(&data).expect("text"));
    }
    let event = |part: &str| {
        let field = |name: &str| part.lines().find_map(|line| line.strip_prefix(name));
        let data = serde_json::from_str(field("data: ")?).expect("JSON");
        Some((field("event: ")?.to_owned(), data))
    };
    text.split("\n\n").filter_map(event).collect()
}

#[tokio::test]
async fn the_event_stream_starts_with_the_present_and_follows() {
    let dashboard = dashboard();
    dashboard.publisher.network(network());
    dashboard.publisher.flows(flows(1));
    let request = dashboard.request("GET", "/api/v1/events").header(header::ORIGIN, format!("http://{HOST}"));
    let response = dashboard.send(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    assert!(dashboard.publisher.has_watchers());
    let mut body = response.into_body();
    let present = events(&mut body, 2).await;
    assert_eq!((present[0].0.as_str(), &present[0].1["name"]), ("network", &json!("tree,1,2")));
    assert_eq!((present[1].0.as_str(), &present[1].1["flows"][0]["packets"]), ("flows", &json!(7)));

    dashboard.publisher.ports(ports(2));
    let news = events(&mut body, 1).await;
    assert_eq!((news[0].0.as_str(), &news[0].1["dpid"]), ("ports", &json!("0000000000000002")));
    drop(body);
    assert!(!dashboard.publisher.has_watchers(), "a browser that left is not counted");
}

#[tokio::test]
async fn a_server_that_stops_tells_its_watchers() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (publisher, feed) = feed();
    publisher.network(network());
    let token = Token::generate().expect("random bytes");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("an address");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = Server::new(feed, mpsc::channel(1).0, token.clone());
    let serving = tokio::spawn(server.serve(listener, async {
        let _ = stopped.await;
    }));

    let mut stream = tokio::net::TcpStream::connect(addr).await.expect("a connection");
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nHost: {addr}\r\nAuthorization: Bearer {}\r\n\r\n",
        token.as_str()
    );
    stream.write_all(request.as_bytes()).await.expect("written");
    publisher.watched().await;
    stop.send(()).expect("the server runs");
    let mut text = String::new();
    tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut text))
        .await
        .expect("the stream ends")
        .expect("read");
    assert!(text.contains("event: stopped"), "{text}");
    serving.await.expect("no panic").expect("served");
}
