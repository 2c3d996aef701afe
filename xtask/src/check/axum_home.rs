//! axum only in api-gateway; the binary may run its server.

use super::tree::{Breach, Tree};

pub fn breaches(tree: &Tree) -> Vec<Breach> {
    let breaches = tree.packages.iter().flat_map(|package| {
        let foreign = package.dependencies.iter().filter(|dependency| {
            let http =
                dependency.name == "axum" || dependency.name.starts_with("axum-") || dependency.name.ends_with("-axum");
            http && !allowed(&package.name, &dependency.name)
        });
        foreign.map(|dependency| {
            let what = format!("depends on `{}`; HTTP belongs in keepgate-api-gateway", dependency.name);
            Breach::new(tree.dependency_at(package, &dependency.name), what)
        })
    });
    breaches.collect()
}

fn allowed(package: &str, dependency: &str) -> bool {
    package == "keepgate-api-gateway" || (package == "keepgate" && dependency == "axum-server")
}
