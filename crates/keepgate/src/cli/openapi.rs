//! `keepgate openapi`, for `cargo xtask openapi`.
use crate::{
    exit::Exit,
    failure::{Failure, chain},
    terminal,
};

/// Prints the document that `/openapi.json` serves.
pub fn run() -> Result<Exit, Failure> {
    let document = keepgate_api_gateway::document_text();
    let document = document
        .map_err(|error| Failure::new(Exit::Failed, "can't write the document", chain(&error), "report this"))?;
    terminal::say(&document);
    Ok(Exit::Ok)
}
