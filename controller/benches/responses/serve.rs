//! Flowbed's learning switch, as `flowbed controller` runs it, in a process of its own.

use flowbed_controller::{Controller, apps};
use tokio::net::TcpListener;

use crate::{Result, peers};

pub fn run() -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = TcpListener::bind(peers::own_address()?).await?;
        let app = apps::by_name("learning-switch").ok_or("no learning switch")?;
        Controller::builder().app(app).start(listener).finished().await;
        Ok(())
    })
}
