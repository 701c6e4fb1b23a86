//! `hedui-adapter`.
fn main() {}
