//! What the ports promise, on both adapters.
#[cfg(test)]
mod cases;
#[cfg(test)]
mod directories;
#[cfg(test)]
mod links;
#[cfg(test)]
mod scim_tokens;
#[cfg(test)]
mod support;
