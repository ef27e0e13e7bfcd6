//! Flowbed's dashboard: a REST API, live events and the page that shows them.
//!
//! This crate owns what a browser may see ([`view`]) and what it may ask for ([`Command`]). Whoever runs a
//! network publishes views through a [`Publisher`] and obeys the commands; [`Server`] does the rest. Nothing
//! here reaches into a controller or a testbed.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use flowbed_web as web;
//!
//! let (publisher, feed) = web::feed();
//! let (commands, mut inbox) = tokio::sync::mpsc::channel(16);
//! let token = web::Token::generate()?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! println!("{}", web::url(listener.local_addr()?, &token));
//!
//! publisher.network(web::view::Network { name: "tree,2,2".into(), ..Default::default() });
//! tokio::spawn(async move {
//!     while let Some(web::Command::SetLink { id, reply, .. }) = inbox.recv().await {
//!         let _ = reply.send(Err(web::Refusal::NotControllable { id }));
//!     }
//! });
//! # let shutdown = async {};
//! web::Server::new(feed, commands, token).serve(listener, shutdown).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Security: everything asks for the token, checks the `Host` header (DNS rebinding) and, where a browser sends
//! one, the `Origin` header (requests forged by other sites). The REST API is described in `docs/api.md`.
#![forbid(unsafe_code)]

mod api;
pub mod collect;
mod command;
mod counters;
mod error;
mod events;
mod feed;
mod guard;
mod page;
mod server;
mod token;
pub mod view;

pub use command::{Command, Refusal};
pub use feed::{Feed, Publisher, feed};
pub use server::Server;
pub use token::{RandomError, Token, url};
