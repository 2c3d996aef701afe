//! A directory's group that stands for the platform.
use keepgate_kernel::Level;
use keepgate_policy::MappedLevel;

fn everything() -> MappedLevel {
    MappedLevel(Level::GlobalAdmin) //~ E0423
}

fn main() {}
