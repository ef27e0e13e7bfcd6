//! Figures of several runs.

use std::fmt;

/// Seconds of each run.
#[derive(Clone, Debug, Default)]
pub struct Series(Vec<f64>);

impl Series {
    pub fn add(&mut self, seconds: f64) {
        let at = self.0.partition_point(|it| *it < seconds);
        self.0.insert(at, seconds);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The middle one; the lower of the two in the middle.
    pub fn median(&self) -> f64 {
        self.0[(self.0.len() - 1) / 2]
    }
}

/// `0.44 (0.43 to 0.47)`
impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("–"),
            [only] => write!(f, "{only:.2}"),
            [least, .., most] => write!(f, "{:.2} ({least:.2} to {most:.2})", self.median()),
        }
    }
}
