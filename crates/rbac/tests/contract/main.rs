//! What the ports promise, on both adapters.
#[cfg(test)]
mod approvals;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod support;
#[cfg(test)]
mod units;
