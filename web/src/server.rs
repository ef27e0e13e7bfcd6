//! The server: routes, locks and headers put together.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::header::{
    CACHE_CONTROL, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use crate::command::Command;
use crate::error::ApiError;
use crate::feed::Feed;
use crate::guard::{Guard, Intruder};
use crate::token::Token;
use crate::{api, page};

/// How long open connections may take to end after the shutdown began.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// The dashboard's server.
#[derive(Debug)]
pub struct Server {
    feed: Feed,
    commands: mpsc::Sender<Command>,
    token: Token,
    names: Vec<String>,
}

/// What the routes share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) feed: Feed,
    pub(crate) commands: mpsc::Sender<Command>,
    guard: Guard,
    closing: watch::Sender<bool>,
}

/// Lets an event stream notice that the server shuts down.
pub(crate) struct Closing(watch::Receiver<bool>);

impl Closing {
    /// Returns when the shutdown began, or when the server is gone. May be cancelled.
    pub(crate) async fn wait(&mut self) {
        // Without a sender nobody serves any more, which is the same news.
        let _ = self.0.wait_for(|closing| *closing).await;
    }
}

impl Shared {
    pub(crate) fn closing(&self) -> Closing {
        Closing(self.closing.subscribe())
    }
}

impl Server {
    /// A server that shows `feed` to whoever knows `token`, and hands what they ask for to `commands`. A request is
    /// refused while `commands` is full.
    pub fn new(feed: Feed, commands: mpsc::Sender<Command>, token: Token) -> Self {
        Self { feed, commands, token, names: Vec::new() }
    }

    /// Accepts requests made for a host `name` too, without port, beside `localhost` and the server's address: for
    /// a server that others reach by a name.
    #[must_use]
    pub fn allow_host(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// The routes of a server that listens on `addr`, for those who serve them in their own way.
    pub fn router(self, addr: SocketAddr) -> Router {
        self.routes(addr).0
    }

    fn routes(self, addr: SocketAddr) -> (Router, Arc<Shared>) {
        let shared = Arc::new(Shared {
            feed: self.feed,
            commands: self.commands,
            guard: Guard::new(addr, self.names, self.token),
            closing: watch::Sender::new(false),
        });
        let router = Router::new()
            .nest("/api/v1", api::router())
            .fallback(other)
            .layer(middleware::from_fn_with_state(Arc::clone(&shared), lock))
            .layer(middleware::map_response(harden))
            .with_state(Arc::clone(&shared));
        (router, shared)
    }

    /// Serves until `shutdown` is done. Event streams are then told so, and all connections have two seconds to end.
    ///
    /// # Errors
    /// Where the listener does not know its address.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let (router, shared) = self.routes(listener.local_addr()?);
        let mut closing = shared.closing();
        let signal = async move {
            shutdown.await;
            shared.closing.send_replace(true);
        };
        let overdue = async {
            closing.wait().await;
            tokio::time::sleep(SHUTDOWN_GRACE).await;
        };
        tokio::select! {
            served = async { axum::serve(listener, router).with_graceful_shutdown(signal).await } => served,
            () = overdue => Ok(()),
        }
    }
}

#[derive(Deserialize)]
struct Entry {
    token: Option<String>,
}

/// Checks each request before any route sees it, and takes the token from the address that flowbed printed.
async fn lock(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let guard = &shared.guard;
    let is_api = is_api(request.uri().path());
    if !is_api && request.uri().path() == "/" {
        let entry = Query::<Entry>::try_from_uri(request.uri()).ok();
        if let Some(token) = entry.and_then(|Query(entry)| entry.token) {
            return match guard.admit_site(request.uri(), request.headers()) {
                Ok(()) if guard.admits_token(&token) => enter(guard),
                Ok(()) => page::turned_away(Intruder::Token),
                Err(intruder) => page::turned_away(intruder),
            };
        }
    }
    match guard.admit(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(intruder) if is_api => explain(intruder).into_response(),
        Err(intruder) => page::turned_away(intruder),
    }
}

fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

/// Keeps the token in a cookie and takes it out of the address bar.
fn enter(guard: &Guard) -> Response {
    let cookie =
        HeaderValue::from_str(&guard.set_cookie()).expect("a cookie of digits and letters is a header value");
    let headers = [
        (SET_COOKIE, cookie),
        (LOCATION, HeaderValue::from_static("/")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

fn explain(intruder: Intruder) -> ApiError {
    match intruder {
        Intruder::Token => ApiError::Unauthorized,
        Intruder::Host => ApiError::Forbidden(
            "the Host header does not name this server: use the address that flowbed printed".into(),
        ),
        Intruder::Origin => ApiError::Forbidden(
            "the Origin header names another site: only the dashboard's own page may ask".into(),
        ),
    }
}

/// What is not API: the page's files.
async fn other(request: Request) -> Response {
    let path = request.uri().path();
    if is_api(path) {
        return ApiError::UnknownPath(path.to_owned()).into_response();
    }
    match *request.method() {
        Method::GET | Method::HEAD => page::file(path).unwrap_or_else(page::unknown),
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

/// Headers that each answer has.
async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
