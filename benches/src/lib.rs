//! Side-by-side runs against peers and benches of the hot paths.
