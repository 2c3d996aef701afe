//! A judge of OCSF events: the schema's own export, turned into JSON Schema by people who wrote neither.
use std::path::PathBuf;

use super::{installed, missing, pip};

/// The schema in all its versions, and who checks against it.
const OCSF: &str = "ocsf-json-schema==1.2.0";
const JSON_SCHEMA: &str = "jsonschema==4.26.0";

/// Where the judge's packages are; `None`, with a word, where there is no Python for it.
pub async fn ocsf_schema() -> Option<PathBuf> {
    let packages = installed(OCSF, "ocsf_json_schema", |aside| pip(aside, &[OCSF, JSON_SCHEMA])).await;
    if packages.is_none() {
        missing(OCSF);
    }
    packages
}
