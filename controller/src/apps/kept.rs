//! Apps that are nothing but what a file says and a few things that are known: their flows follow from that.

use std::path::Path;

use openflow::DatapathId;

use super::config::{Config, FileApp, Tables};
use super::file::FileError;
use crate::{App, AppResult, DeclareError, Desired, Keeper, Network, NetworkEvent, Switch};

/// What a file says, of which a switch's flows follow.
pub trait Rules: Send + Sync + Sized + 'static {
    /// Reads a file's text; `path` is for the errors.
    ///
    /// # Errors
    /// With the line, the column and what was expected there.
    fn from_toml(text: &str, path: &Path) -> Result<Self, FileError>;

    /// All that the switch is to have from the app.
    ///
    /// # Errors
    /// Where `tables` are none.
    fn desired(&self, switch: DatapathId, network: &Network, tables: Tables)
    -> Result<Desired, DeclareError>;

    /// Whether what a switch is to have may follow from a change of the network.
    fn follows(change: &NetworkEvent) -> bool {
        let _ = change;
        false
    }
}

/// Holds switches to what follows from rules.
#[derive(Debug)]
pub struct Kept<R> {
    config: Config<R>,
    tables: Tables,
    keeper: Option<Keeper>,
}

impl<R: Rules> Kept<R> {
    /// By these rules, in the app's own tables.
    pub fn new(config: Config<R>, tables: Tables) -> Kept<R> {
        Kept { config, tables, keeper: None }
    }

    fn desired(&self, switch: &Switch) -> Result<Desired, DeclareError> {
        self.config.get().desired(switch.id(), switch.network(), self.tables)
    }
}

impl<R: Rules> FileApp for Kept<R> {
    type Settings = R;

    fn read(text: &str, path: &Path) -> Result<R, FileError> {
        R::from_toml(text, path)
    }

    fn make(config: Config<R>, tables: Tables) -> Kept<R> {
        Kept::new(config, tables)
    }
}

impl<R: Rules> App for Kept<R> {
    async fn ready(&mut self, switch: &Switch) -> AppResult {
        self.keeper = Some(Keeper::start(switch, self.desired(switch)?).await?);
        Ok(())
    }

    async fn network(&mut self, switch: &Switch, change: &NetworkEvent) -> AppResult {
        if let Some(keeper) = self.keeper.as_ref().filter(|_| R::follows(change)) {
            keeper.want(self.desired(switch)?);
        }
        Ok(())
    }

    async fn reload(&mut self, switch: &Switch) -> AppResult {
        match &self.keeper {
            Some(keeper) => keeper.want(self.desired(switch)?),
            // The switch had refused something.
            None => self.ready(switch).await?,
        }
        Ok(())
    }
}
