//! The rules of the product, each on the real binary: a service of its own for each test.
#![cfg(test)]

mod api_keys;
mod audit;
mod audit_cli;
mod audit_coverage;
mod authority;
mod delivery;
mod delivery_faults;
mod disk_full;
mod every_operation;
mod failure;
mod first_start;
mod http;
mod identity;
mod isolation;
mod judges;
mod matrix;
mod messages;
mod messages_limits;
mod messages_rules;
mod permissions;
mod revocation;
mod revocation_faults;
mod scim;
mod secrecy;
mod signing_keys;
mod sso;
mod sso_attacks;
mod start_refused;
mod stream;
mod tokens;
mod two_people;
mod units;
mod walls;
mod webhooks;
