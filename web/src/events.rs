//! The event stream: the current state at once, then whatever is new.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;

use crate::error::ApiError;
use crate::feed::{Update, Watcher};
use crate::server::{Closing, Shared};

/// Short enough for proxies and for a browser that lost its network.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How soon a browser shall try again after it lost the stream.
const RETRY: Duration = Duration::from_secs(1);

/// `GET /api/v1/events`.
pub(crate) async fn stream(
    State(shared): State<Arc<Shared>>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let watcher = shared.feed.watch().ok_or(ApiError::Crowded)?;
    let tail = Tail { watcher, closing: shared.closing(), pending: VecDeque::new(), stage: Stage::Opening };
    let events = unfold(tail, |mut tail| async { tail.next().await.map(|event| (Ok(event), tail)) });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Tail {
    watcher: Watcher,
    closing: Closing,
    pending: VecDeque<Update>,
    stage: Stage,
}

enum Stage {
    Opening,
    Following,
    Ended,
}

impl Tail {
    async fn next(&mut self) -> Option<Event> {
        match self.stage {
            Stage::Opening => {
                self.stage = Stage::Following;
                // A browser calls the stream open when it gets its first bytes, which must not wait for news.
                return Some(Event::default().retry(RETRY).comment("flowbed"));
            }
            Stage::Ended => return None,
            Stage::Following => {}
        }
        loop {
            if let Some(update) = self.pending.pop_front() {
                return Some(Event::default().event(update.name).data(&*update.json));
            }
            tokio::select! {
                biased;
                () = self.closing.wait() => {
                    self.stage = Stage::Ended;
                    return Some(Event::default().event("stopped").data("{}"));
                }
                updates = self.watcher.next() => self.pending.extend(updates),
            }
        }
    }
}
