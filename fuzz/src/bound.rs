//! How much memory may be in use.

/// Runs `work` on an input of `input` bytes and holds it to `times` of them, and `more` besides.
///
/// # Panics
/// When it had more memory in use at any time.
pub(crate) fn memory<T>(input: usize, times: usize, more: usize, work: impl FnOnce() -> T) -> T {
    let mut result = None;
    let used = allocation_counter::measure(|| result = Some(work()));
    let bound = (input * times + more) as u64;
    assert!(
        used.bytes_max <= bound,
        "{} bytes in use for an input of {input}; {bound} allowed",
        used.bytes_max
    );
    result.expect("the work was done")
}
