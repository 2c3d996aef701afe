//! The ports in PostgreSQL: the schema `sso`.
mod accounts;
mod directory_groups;
mod links;
mod logins;
mod providers;
mod scim_tokens;
