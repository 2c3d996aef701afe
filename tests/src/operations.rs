//! The operations of `/openapi.json`.
use serde_json::Value;

use crate::Server;

/// One method of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// `GET`, `POST` …
    pub method: String,
    /// With its parameters in braces.
    pub path: String,
    /// `x-keepgate-action`.
    pub action: Option<String>,
    /// `x-keepgate-levels`.
    pub levels: Vec<u8>,
    /// `x-keepgate-api-keys`.
    pub keys: bool,
}

impl Operation {
    /// `GET /v1/me`.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

impl Server {
    /// Every operation that the document lists.
    pub async fn operations(&self) -> Vec<Operation> {
        let document = self.open("/openapi.json").await.expect(200).json();
        let paths = document["paths"].as_object().unwrap();
        let methods = |(path, item): (&String, &Value)| {
            let item = item.as_object().unwrap().clone();
            let path = path.clone();
            item.into_iter()
                .filter(|(method, _)| method != "parameters")
                .map(move |(method, operation)| Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    action: operation["x-keepgate-action"].as_str().map(str::to_owned),
                    levels: serde_json::from_value(operation["x-keepgate-levels"].clone()).unwrap_or_default(),
                    keys: operation["x-keepgate-api-keys"] == true,
                })
        };
        paths.iter().flat_map(methods).collect()
    }
}

/// A path with each parameter replaced by a well-formed value that names nothing.
pub fn placeholder(path: &str) -> String {
    let nobody = "00000000000000000000000000";
    [
        ("{session}", format!("ses_{nobody}")),
        ("{principal}", format!("usr_{nobody}")),
        ("{user}", format!("usr_{nobody}")),
        ("{factor}", format!("fac_{nobody}")),
        ("{key}", format!("key_{nobody}")),
        ("{tenant}", format!("ten_{nobody}")),
        ("{recipient}", format!("rcp_{nobody}")),
        ("{message}", format!("msg_{nobody}")),
        ("{sink}", format!("snk_{nobody}")),
        ("{webhook}", format!("whk_{nobody}")),
        ("{device}", format!("dev_{nobody}")),
        ("{service}", format!("svc_{nobody}")),
        ("{unit}", format!("unt_{nobody}")),
        ("{approval}", format!("apr_{nobody}")),
        ("{hold}", format!("hld_{nobody}")),
        ("{version}", "999999".to_owned()),
        ("{name}", "nowhere".to_owned()),
        ("{provider}", "nowhere".to_owned()),
        ("{token}", "00000000-0000-0000-0000-000000000000".to_owned()),
        ("{kind}", "status".to_owned()),
        ("{index}", "999999".to_owned()),
        ("{path}", "0/000".to_owned()),
    ]
    .iter()
    .fold(path.to_owned(), |path, (parameter, value)| {
        path.replace(parameter, value)
    })
}
