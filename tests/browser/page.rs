//! What a person reads on the dashboard, and what they click.

use std::time::{Duration, Instant};

use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::{Client, Locator};
use serde_json::Value;

use crate::chrome::ConsoleLog;
use crate::flowbed::PATIENCE;

/// The page in the browser. Elements are named by their `data-testid`.
#[derive(Clone, Debug)]
pub struct Page {
    client: Client,
}

impl Page {
    pub fn new(client: Client) -> Page {
        Page { client }
    }

    async fn element(&self, id: &str) -> Result<Element, CmdError> {
        self.client.find(Locator::Css(&format!("[data-testid=\"{id}\"]"))).await
    }

    /// What an element says now, in one line; `None` where there is none.
    pub async fn text(&self, id: &str) -> Option<String> {
        let text = self.element(id).await.ok()?.text().await.ok()?;
        Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// All that the page says.
    pub async fn everything(&self) -> String {
        let body = self.client.find(Locator::Css("body")).await.expect("a page has a body");
        body.text().await.expect("a body has a text")
    }

    /// Waits until an element says something that pleases, and returns it.
    pub async fn wait(&self, id: &str, pleases: impl Fn(&str) -> bool) -> String {
        let mut last = None;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            last = self.text(id).await;
            if let Some(text) = last.take_if(|text| pleases(text)) {
                return text;
            }
            pause().await;
        }
        panic!("{id} still says {last:?}; the page:\n{}", self.everything().await)
    }

    /// Waits until an element says just this.
    pub async fn wait_for(&self, id: &str, text: &str) {
        self.wait(id, |it| it == text).await;
    }

    pub async fn click(&self, id: &str) {
        self.element(id).await.expect(id).click().await.expect(id);
    }

    /// What a screen reader says of an element.
    pub async fn label(&self, id: &str) -> String {
        let label = self.element(id).await.expect(id).attr("aria-label").await.expect(id);
        label.unwrap_or_else(|| panic!("{id} has no label"))
    }

    /// The rows of the flow table: match, actions, packets. Read in one go, as rows come and go.
    pub async fn flows(&self) -> Vec<Flow> {
        let script = "return [...document.querySelectorAll('[data-testid=\"flow\"]')].map(row => \
            ['flow-priority', 'flow-match', 'flow-actions', 'flow-packets'].map(id => \
            row.querySelector(`[data-testid=\"${id}\"]`).innerText.trim()))";
        let rows = self.client.execute(script, Vec::new()).await.expect("a script of ours");
        let rows: Vec<[String; 4]> = serde_json::from_value(rows).expect("four texts a row");
        rows.into_iter()
            .map(|[priority, match_, actions, packets]| Flow {
                priority,
                match_,
                actions,
                packets: number(&packets),
            })
            .collect()
    }

    /// Waits until the flow table pleases, and returns what the choice found in it.
    pub async fn wait_flows<T>(&self, what: &str, choose: impl Fn(&[Flow]) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let flows = self.flows().await;
            if let Some(found) = choose(&flows) {
                return found;
            }
            assert!(Instant::now() < deadline, "{what}: {flows:#?}");
            pause().await;
        }
    }

    /// Marks the page; the mark is gone when it is loaded again.
    pub async fn mark(&self) {
        self.client.execute("window.markedByTest = true", Vec::new()).await.expect("a script of ours");
    }

    /// Whether it is the page that was marked: it has not been loaded again since.
    pub async fn is_marked(&self) -> bool {
        let marked = self.client.execute("return window.markedByTest === true", Vec::new()).await;
        marked.expect("a script of ours") == Value::Bool(true)
    }

    /// Lines on the browser's console that speak of an error.
    pub async fn console_errors(&self) -> Vec<String> {
        let log = self.client.issue_cmd(ConsoleLog).await.expect("chromedriver keeps a log");
        let lines = log.as_array().cloned().unwrap_or_default();
        lines
            .iter()
            .filter(|line| line["level"] == "SEVERE")
            .map(|line| line["message"].to_string())
            .collect()
    }

    pub async fn screenshot(&self) -> Vec<u8> {
        self.client.screenshot().await.expect("a picture")
    }
}

/// A row of the flow table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    pub priority: String,
    pub match_: String,
    pub actions: String,
    pub packets: u64,
}

/// A number as the page writes it: `1,070`.
pub fn number(text: &str) -> u64 {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("\"{text}\" is no number"))
}

/// Between two looks at the page, which announces nothing to a driver.
async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}
