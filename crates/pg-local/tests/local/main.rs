//! The private cluster against the real server: the one in `KEEPGATE_TEST_PG_BIN`, or what the machine has.

#[cfg(test)]
mod cluster;
#[cfg(test)]
mod support;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod survival;
