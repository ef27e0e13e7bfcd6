//! The REST API, version 1; `docs/api.md` describes it for those who call it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, OriginalUri, Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::command::{Command, Refusal};
use crate::error::ApiError;
use crate::events;
use crate::feed::Kind;
use crate::server::Shared;
use crate::view::{Dpid, Host, Link, LinkState, Network, Switch};

/// No request has a longer body.
const MAX_BODY_BYTES: usize = 4096;
/// How long a request's body may take to come.
const BODY_PATIENCE: Duration = Duration::from_secs(10);
/// How old counters may be that are given without asking the switch anew.
const COUNTER_AGE: Duration = Duration::from_secs(2);
/// How long a request waits for new counters before it takes older ones.
const COUNTER_PATIENCE: Duration = Duration::from_secs(3);
/// How long a request waits for a command to be carried out.
const COMMAND_PATIENCE: Duration = Duration::from_secs(10);

/// Everything below `/api/v1`.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/network", get(network))
        .route("/switches", get(switches))
        .route("/switches/{dpid}/flows", get(flows))
        .route("/switches/{dpid}/ports", get(ports))
        .route("/hosts", get(hosts))
        .route("/links", get(links))
        .route("/links/{id}", post(set_link))
        .route("/events", get(events::stream))
        .method_not_allowed_fallback(wrong_method)
        .fallback(unknown_path)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

pub(crate) async fn unknown_path(OriginalUri(uri): OriginalUri) -> ApiError {
    ApiError::UnknownPath(uri.path().to_owned())
}

async fn wrong_method(OriginalUri(uri): OriginalUri) -> ApiError {
    ApiError::Method(uri.path().to_owned())
}

fn fresh<T: Serialize>(view: &T) -> Response {
    ([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(view)).into_response()
}

fn current(shared: &Shared) -> Result<Arc<Network>, ApiError> {
    shared.feed.network().ok_or(ApiError::NoNetwork)
}

async fn network(State(shared): State<Arc<Shared>>) -> Result<Response, ApiError> {
    current(&shared).map(|network| fresh::<Network>(&network))
}

async fn switches(State(shared): State<Arc<Shared>>) -> Result<Response, ApiError> {
    current(&shared).map(|network| fresh::<Vec<Switch>>(&network.switches))
}

async fn hosts(State(shared): State<Arc<Shared>>) -> Result<Response, ApiError> {
    current(&shared).map(|network| fresh::<Vec<Host>>(&network.hosts))
}

async fn links(State(shared): State<Arc<Shared>>) -> Result<Response, ApiError> {
    current(&shared).map(|network| fresh::<Vec<Link>>(&network.links))
}

async fn flows(State(shared): State<Arc<Shared>>, Path(dpid): Path<String>) -> Result<Response, ApiError> {
    table(&shared, Kind::Flows, &dpid).await
}

async fn ports(State(shared): State<Arc<Shared>>, Path(dpid): Path<String>) -> Result<Response, ApiError> {
    table(&shared, Kind::Ports, &dpid).await
}

async fn table(shared: &Shared, kind: Kind, dpid: &str) -> Result<Response, ApiError> {
    let dpid: Dpid = dpid.parse()?;
    let network = current(shared)?;
    let switch = network.switches.iter().find(|switch| switch.dpid == dpid);
    let switch = switch.ok_or_else(|| ApiError::UnknownSwitch(dpid.to_string()))?;
    // A switch that is away can't answer: what it said last is all there is.
    let patience = if switch.connected { COUNTER_PATIENCE } else { Duration::ZERO };
    let json = shared.feed.recent(kind, dpid, COUNTER_AGE, patience).await;
    let json = json.ok_or_else(|| ApiError::NoTable(switch.name.clone()))?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, json.to_string()).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkChange {
    state: LinkState,
}

#[derive(Serialize)]
struct LinkChanged {
    id: String,
    state: LinkState,
}

async fn read_body(request: Request) -> Result<Bytes, ApiError> {
    match tokio::time::timeout(BODY_PATIENCE, Bytes::from_request(request, &())).await {
        Ok(body) => body.map_err(|error| ApiError::Unreadable(error.status(), error.body_text())),
        Err(_) => Err(ApiError::Slow(BODY_PATIENCE.as_secs())),
    }
}

async fn set_link(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let body = read_body(request).await?;
    let LinkChange { state } =
        serde_json::from_slice(&body).map_err(|error| ApiError::Body(error.to_string()))?;
    let network = current(&shared)?;
    match network.links.iter().find(|link| link.id == id) {
        None => return Err(Refusal::UnknownLink { id }.into()),
        Some(link) if !link.controllable => return Err(Refusal::NotControllable { id }.into()),
        Some(_) => {}
    }
    let (reply, outcome) = oneshot::channel();
    let command = Command::SetLink { id: id.clone(), state, reply };
    shared.commands.try_send(command).map_err(|error| match error {
        mpsc::error::TrySendError::Full(_) => ApiError::Busy,
        mpsc::error::TrySendError::Closed(_) => ApiError::Stopping,
    })?;
    match tokio::time::timeout(COMMAND_PATIENCE, outcome).await {
        Ok(Ok(Ok(()))) => Ok(fresh(&LinkChanged { id, state })),
        Ok(Ok(Err(refusal))) => Err(refusal.into()),
        Ok(Err(_)) => Err(ApiError::Stopping),
        Err(_) => Err(ApiError::Late(COMMAND_PATIENCE.as_secs())),
    }
}
