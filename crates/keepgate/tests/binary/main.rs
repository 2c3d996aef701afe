//! The binary as a shell sees it: exit codes, three lines, and a whole life of the service.
#[cfg(test)]
mod exits;
#[cfg(test)]
mod life;
#[cfg(test)]
mod support;
