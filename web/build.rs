//! Tells cargo that the embedded page is an input of this crate.

fn main() {
    // A missing folder counts as changed, so the first build of the page is noticed as well.
    println!("cargo::rerun-if-changed=ui/dist");
    println!("cargo::rerun-if-changed=build.rs");
}
