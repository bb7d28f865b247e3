//! The designs, parts and application are embedded: a change in one of them must build the crate again.

fn main() {
    for folder in ["designs", "parts", "app"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
