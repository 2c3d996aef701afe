//! What the audit log promises, on both adapters and against those who own the database.
#[cfg(test)]
mod append;
#[cfg(test)]
mod archives;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod cosigned;
mod format;
#[cfg(test)]
mod integrator;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod meta;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod read;
#[cfg(test)]
mod search;
#[cfg(test)]
mod signer;
#[cfg(test)]
mod sinks;
#[cfg(test)]
#[path = "../../examples/stock.rs"]
#[expect(dead_code, reason = "its `main` is for people")]
mod stock;
#[cfg(test)]
mod support;
#[cfg(test)]
mod together;
#[cfg(test)]
mod verify;
#[cfg(test)]
mod witness;
