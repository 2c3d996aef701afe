//! The caller of a context, raised through what the context shows of it.
use keepgate_kernel::Level;
use keepgate_policy::{OpContext, Standing};

fn raise(context: &mut OpContext) {
    context.principal().standing = Standing::Level(Level::GlobalAdmin); //~ E0594
}

fn main() {}
