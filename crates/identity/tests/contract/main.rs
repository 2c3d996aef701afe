//! What the ports and services promise, on both adapters, and what the database refuses even to wrong SQL.
#[cfg(test)]
mod access;
#[cfg(test)]
mod api_keys;
#[cfg(test)]
mod authenticator;
#[cfg(test)]
mod enrolments;
#[cfg(test)]
mod front_desk;
#[cfg(test)]
mod genesis;
#[cfg(test)]
mod homes;
#[cfg(test)]
mod imported_keys;
#[cfg(test)]
mod key_terms;
#[cfg(test)]
mod mails;
#[cfg(test)]
mod passwords;
#[cfg(test)]
mod principals;
#[cfg(test)]
mod resets;
#[cfg(test)]
mod revocations;
#[cfg(test)]
mod second_factors;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod short_passwords;
#[cfg(test)]
mod signing_keys;
#[cfg(test)]
mod stale_view;
#[cfg(test)]
mod support;
#[cfg(test)]
mod throttle;
#[cfg(test)]
mod walls;
