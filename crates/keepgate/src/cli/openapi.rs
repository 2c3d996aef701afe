//! x
use crate::{exit::Exit, failure::Failure};
pub fn run() -> Result<Exit, Failure> { Ok(Exit::Ok) }
