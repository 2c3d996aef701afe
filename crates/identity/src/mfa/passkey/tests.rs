//! Every check of the two ceremonies, each by what fails it; and an authenticator that nobody here wrote.
mod assertion;
mod forge;
mod judge;
mod parser;
mod registration;
