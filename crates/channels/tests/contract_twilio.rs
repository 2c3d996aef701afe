//! Our notes on Twilio's API against its official description, where that is at hand.
#[cfg(test)]
mod notes {
    use std::{fs, path::Path};

    use serde_json::Value;

    fn read(path: &Path) -> Option<Value> {
        fs::read(path)
            .ok()
            .map(|bytes| serde_json::from_slice(&bytes).expect("a contract is JSON"))
    }

    /// The schema of an operation's form, with references followed.
    fn property<'a>(spec: &'a Value, path: &str, name: &str) -> Option<&'a Value> {
        let form =
            &spec["paths"][path]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"];
        let found = form["properties"].get(name)?;
        match found.get("$ref").and_then(Value::as_str) {
            Some(reference) => spec.pointer(reference.trim_start_matches('#')),
            None => Some(found),
        }
    }

    fn words(value: &Value) -> Vec<&str> {
        value
            .as_array()
            .map(|list| list.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default()
    }

    #[test]
    fn every_field_we_send_is_one_the_official_description_knows() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let ours = read(&root.join("contract/twilio.json")).expect("our own contract");
        let Some(official) = read(&root.join("../../../shared/contracts/twilio_api_v2010.trim.json")) else {
            println!("the official description is not here: nothing to compare with");
            return;
        };
        for (path, item) in ours["paths"].as_object().expect("paths") {
            assert!(official["paths"].get(path).is_some(), "{path}");
            let form = &item["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"];
            for (name, schema) in form["properties"].as_object().expect("properties") {
                let theirs =
                    property(&official, path, name).unwrap_or_else(|| panic!("{path}: `{name}` is not theirs"));
                assert_eq!(theirs["type"], schema["type"], "{name}");
                assert_eq!(words(&theirs["enum"]), words(&schema["enum"]), "{name}");
            }
            let their_form = &official["paths"][path]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
                ["schema"];
            for name in words(&their_form["required"]) {
                assert!(words(&form["required"]).contains(&name), "{path} needs `{name}`");
            }
        }
    }
}
