//! The population: same seed, same bytes; real places; nobody real.
