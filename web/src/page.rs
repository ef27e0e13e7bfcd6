//! The page itself, and the pages that stand in for it.

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use rust_embed::Embed;

use crate::guard::Intruder;

/// What `npm run build` in `web/ui` made; empty if it was not run before this crate was compiled.
#[derive(Embed)]
#[folder = "ui/dist"]
#[allow_missing = true]
struct Dist;

/// Nothing from anywhere but this server, and no inline code: what a switch or host calls itself stays text.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// For the stand-ins, which are constants of this file without scripts.
const NOTICE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// A file of the page by its path (`/` for the page), or `None` if there is no such file.
pub(crate) fn file(path: &str) -> Option<Response> {
    let name = match path.trim_start_matches('/') {
        "" => "index.html",
        name => name,
    };
    match Dist::get(name) {
        Some(found) => {
            let kind = content_type(name);
            Some(respond(StatusCode::OK, kind, PAGE_POLICY, Body::from(found.data)))
        }
        None if name == "index.html" => Some(unbuilt()),
        None => None,
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json" | "map") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Says how to build the page, where it was not built.
fn unbuilt() -> Response {
    notice(
        StatusCode::OK,
        "The dashboard's page is not built",
        "This flowbed was compiled without its page; the network and the REST API work all the same. To get the \
         page, run <code>npm ci &amp;&amp; npm run build</code> in <code>web/ui</code> (Node 18 or newer), then \
         <code>cargo build</code> again. <code>make demo</code> does all that by itself.",
    )
}

/// Says to a person why a request was turned away.
pub(crate) fn turned_away(intruder: Intruder) -> Response {
    match intruder {
        Intruder::Token => notice(
            StatusCode::UNAUTHORIZED,
            "This dashboard needs its token",
            "Take the whole address that flowbed printed when it started, with <code>?token=</code> and what \
             follows. The token is new at each start, so an address from an earlier run opens nothing.",
        ),
        Intruder::Host | Intruder::Origin => notice(
            StatusCode::FORBIDDEN,
            "This address does not open the dashboard",
            "The request was made for another server's name, or by another site's page. Open the address that \
             flowbed printed when it started.",
        ),
    }
}

/// There is no such page.
pub(crate) fn unknown() -> Response {
    notice(
        StatusCode::NOT_FOUND,
        "There is no such page",
        "The dashboard is at <a href=\"/\">the start page</a>, the API below <code>/api/v1</code>.",
    )
}

fn notice(status: StatusCode, title: &'static str, text: &'static str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} - Flowbed</title>\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><style>{NOTICE_STYLE}</style>\
         </head><body><main><p class=\"brand\">Flowbed</p><h1>{title}</h1><p>{text}</p></main></body></html>"
    );
    respond(status, "text/html; charset=utf-8", NOTICE_POLICY, Body::from(html))
}

const NOTICE_STYLE: &str = ":root{color-scheme:light dark}body{margin:0;min-height:100vh;display:grid;\
    place-items:center;font:16px/1.6 system-ui,sans-serif;background:light-dark(#f4f6f8,#10151b);\
    color:light-dark(#1c2733,#dbe4ec)}main{max-width:34rem;margin:2rem;padding:2rem 2.5rem;border-radius:12px;\
    background:light-dark(#fff,#181f27);border:1px solid light-dark(#dde3e9,#2a343f)}.brand{margin:0;\
    font-weight:650;color:light-dark(#0b7a75,#4fd1c5)}h1{font-size:1.35rem;margin:.3rem 0 .8rem}p{margin:0}\
    code{font:.9em ui-monospace,monospace;background:light-dark(#eef2f5,#232d37);padding:.1em .35em;\
    border-radius:4px}";

fn respond(status: StatusCode, kind: &'static str, policy: &'static str, body: Body) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        // The page is small and comes over loopback: better anew than from another flowbed's time.
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn text(response: Response) -> String {
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a body");
        String::from_utf8(bytes.to_vec()).expect("text")
    }

    #[tokio::test]
    async fn an_unbuilt_page_says_how_to_build_it() {
        let page = text(unbuilt()).await;
        assert!(page.contains("npm ci") && page.contains("npm run build") && page.contains("web/ui"));
    }

    #[tokio::test]
    async fn the_start_page_is_always_there_and_nothing_outside_it() {
        let start = file("/").expect("a page");
        assert_eq!(start.status(), StatusCode::OK);
        assert!(text(start).await.contains("<html"));
        for path in ["/../Cargo.toml", "/%2e%2e/package.json", "/no-such-file.js"] {
            assert!(file(path).is_none(), "{path}");
        }
    }
}
