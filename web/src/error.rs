//! Refusals of the server, as a program or a person reads them.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::command::Refusal;
use crate::view::DpidError;

/// Why the API does not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("{0}")]
    Forbidden(String),
    #[error(
        "the token is missing or wrong: send the one that flowbed printed, as \"Authorization: Bearer TOKEN\""
    )]
    Unauthorized,
    #[error("there is no {0} in the API: docs/api.md lists what there is")]
    UnknownPath(String),
    #[error("{0} does not take this method: docs/api.md lists what there is")]
    Method(String),
    #[error("no network has been published yet: try again in a moment")]
    NoNetwork,
    #[error(transparent)]
    Dpid(#[from] DpidError),
    #[error("there is no switch with datapath id {0}: GET /api/v1/switches lists them")]
    UnknownSwitch(String),
    #[error("switch {0} has not told its counters yet: try again when it is connected")]
    NoTable(String),
    #[error("the request's body is not understood: {0}")]
    Body(String),
    #[error("the request's body did not come within {0} seconds")]
    Slow(u64),
    #[error("the request's body could not be read: {1}")]
    Unreadable(StatusCode, String),
    #[error(transparent)]
    Command(#[from] Refusal),
    #[error("more requests are waiting than the network can carry out: try again in a moment")]
    Busy,
    #[error("too many watch already: close another dashboard")]
    Crowded,
    #[error("flowbed is shutting down")]
    Stopping,
    #[error("the network did not answer within {0} seconds")]
    Late(u64),
}

#[derive(Serialize)]
struct Body {
    error: Description,
}

#[derive(Serialize)]
struct Description {
    code: &'static str,
    message: String,
}

impl ApiError {
    fn parts(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::UnknownPath(_) => (StatusCode::NOT_FOUND, "unknown_path"),
            Self::Method(_) => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::NoNetwork => (StatusCode::SERVICE_UNAVAILABLE, "no_network"),
            Self::Dpid(_) => (StatusCode::BAD_REQUEST, "bad_dpid"),
            Self::UnknownSwitch(_) => (StatusCode::NOT_FOUND, "unknown_switch"),
            Self::NoTable(_) => (StatusCode::SERVICE_UNAVAILABLE, "no_counters"),
            Self::Body(_) => (StatusCode::BAD_REQUEST, "bad_body"),
            Self::Slow(_) => (StatusCode::REQUEST_TIMEOUT, "slow_body"),
            Self::Unreadable(status, _) => (*status, "unreadable_body"),
            Self::Command(Refusal::UnknownLink { .. }) => (StatusCode::NOT_FOUND, "unknown_link"),
            Self::Command(Refusal::NotControllable { .. }) => (StatusCode::CONFLICT, "not_controllable"),
            Self::Command(Refusal::Failed { .. }) => (StatusCode::BAD_GATEWAY, "failed"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Self::Crowded => (StatusCode::SERVICE_UNAVAILABLE, "too_many_watchers"),
            Self::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            Self::Late(_) => (StatusCode::GATEWAY_TIMEOUT, "timeout"),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code) = self.parts();
        let body = Body { error: Description { code, message: self.to_string() } };
        let mut response = (status, Json(body)).into_response();
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
