//! Permissions as types: sealed, uninhabited, one for each action.
use keepgate_kernel::Action;

mod sealed {
    pub trait Sealed {}
}

/// A permission is a type. No other crate can invent one.
pub trait Permission: sealed::Sealed + Send + Sync + 'static {
    /// The action it permits.
    const ACTION: Action;
}

macro_rules! permissions { ($($name:ident $text:literal $what:literal;)*) => {
    /// One type for each action, named alike.
    pub mod permissions {
        $(
            #[doc = concat!("May ", $what, ": `", $text, "`.")]
            #[derive(Debug)]
            pub enum $name {}
            impl super::sealed::Sealed for $name {}
            impl super::Permission for $name {
                const ACTION: super::Action = super::Action::$name;
            }
        )*
    }
} }
keepgate_kernel::for_each_action!(permissions);
