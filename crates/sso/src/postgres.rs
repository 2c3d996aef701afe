//! The ports in PostgreSQL: the schema `sso`.
mod accounts;
mod logins;
mod providers;
