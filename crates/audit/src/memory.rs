//! The log in memory: the same promises as in PostgreSQL, gone with the process.
mod append;
mod table;
