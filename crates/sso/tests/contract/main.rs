//! What the ports promise, on both adapters.
#[cfg(test)]
mod cases;
#[cfg(test)]
mod support;
