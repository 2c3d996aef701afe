//! OCSF 1.6 events (schema.ocsf.io), one a line.
use data_encoding::HEXLOWER;
use keepgate_kernel::{Outcome, PrincipalKind};
use serde_json::{Value, json};

use crate::Entry;

/// The class and activity of an action.
struct Class {
    uid: u32,
    activity: u32,
    /// The name of the activity in that class.
    name: &'static str,
}

const fn class(uid: u32, activity: u32, name: &'static str) -> Class {
    Class { uid, activity, name }
}

const AUTHENTICATION: u32 = 3002;
const ACCOUNT_CHANGE: u32 = 3001;
const USER_ACCESS: u32 = 3005;
const ENTITY_MANAGEMENT: u32 = 3004;
const API_ACTIVITY: u32 = 6003;

/// By the dotted name, so that actions of later and earlier versions find a class too.
fn classify(action: &str) -> Class {
    let (area, verb) = action.split_once('.').unwrap_or((action, ""));
    match (area, verb) {
        ("auth", "login" | "authenticate") => class(AUTHENTICATION, 1, "Logon"),
        ("auth", "logout") | ("session", "revoke") => class(AUTHENTICATION, 2, "Logoff"),
        ("auth", _) => class(AUTHENTICATION, 99, "Other"),
        ("user", "create") => class(ACCOUNT_CHANGE, 1, "Create"),
        ("user", "delete") => class(ACCOUNT_CHANGE, 6, "Delete"),
        ("user", "update") => class(USER_ACCESS, 99, "Other"),
        ("message" | "stream" | "audit" | "attempt" | "delivery" | "provider", _) => crud(API_ACTIVITY, verb),
        (_, "list" | "read") => class(API_ACTIVITY, 2, "Read"),
        _ => crud(ENTITY_MANAGEMENT, verb),
    }
}

/// The four activities that entity management and API activity share.
fn crud(uid: u32, verb: &str) -> Class {
    match verb {
        "create" | "issue" | "accept" | "genesis" => class(uid, 1, "Create"),
        "list" | "read" | "log" | "export" | "open" => class(uid, 2, "Read"),
        "update" | "put" | "rotate" => class(uid, 3, "Update"),
        "delete" | "revoke" => class(uid, 4, "Delete"),
        _ => class(uid, 99, "Other"),
    }
}

pub(super) fn line(origin: &str, entry: &Entry) -> String {
    format!("{}\n", event(origin, entry))
}

fn event(origin: &str, entry: &Entry) -> Value {
    let leaf = &entry.leaf;
    let class = classify(&leaf.action);
    let (severity_id, severity) = match leaf.outcome {
        Outcome::Done => (1, "Informational"),
        Outcome::Refused => (2, "Low"),
        Outcome::Failed => (3, "Medium"),
    };
    let (status_id, status) = if leaf.outcome == Outcome::Done {
        (1, "Success")
    } else {
        (2, "Failure")
    };
    let millis = leaf.recorded_at.timestamp_millis();
    let mut event = json!({
        "activity_id": class.activity,
        "activity_name": class.name,
        "category_uid": class.uid / 1000,
        "class_uid": class.uid,
        "type_uid": class.uid * 100 + class.activity,
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "time": millis,
        "actor": { "user": user(entry) },
        "src_endpoint": endpoint(entry),
        "metadata": {
            "version": "1.6.0",
            "product": { "name": "Keepgate", "vendor_name": "Keepgate" },
            "uid": leaf.id.to_string(),
            "sequence": entry.index,
            "tenant_uid": leaf.tenant.to_string(),
            "logged_time": millis,
            "log_name": origin,
            "correlation_uid": leaf.request.to_string(),
        },
        "unmapped": {
            "action": leaf.action,
            "entity": leaf.entity,
            "leaf_hash": HEXLOWER.encode(&entry.leaf_hash),
            "time_quality": leaf.time_quality.as_str(),
        },
    });
    if let (Some(reason), Some(object)) = (&leaf.reason, event.as_object_mut()) {
        object.insert("status_detail".to_owned(), json!(reason));
    }
    add_class_fields(&mut event, &class, entry);
    event
}

/// What each class demands beyond the base event.
fn add_class_fields(event: &mut Value, class: &Class, entry: &Entry) {
    let leaf = &entry.leaf;
    let fields = match class.uid {
        ENTITY_MANAGEMENT => json!({ "entity": { "uid": leaf.entity, "name": leaf.entity } }),
        API_ACTIVITY => json!({ "api": { "operation": leaf.action, "request": { "uid": leaf.request.to_string() } } }),
        USER_ACCESS => json!({ "user": { "uid": leaf.entity }, "privileges": ["level"] }),
        ACCOUNT_CHANGE => json!({ "user": { "uid": leaf.entity } }),
        // The schema wants the service or the address that was logged in to.
        _ => json!({ "user": user(entry), "service": { "name": "Keepgate" } }),
    };
    if let (Some(event), Value::Object(fields)) = (event.as_object_mut(), fields) {
        event.extend(fields);
    }
}

fn user(entry: &Entry) -> Value {
    let actor = entry.leaf.actor;
    // 1 user, 3 system, 4 service; a device has no number of its own.
    let (number, name) = match actor.kind() {
        PrincipalKind::User => (1, "User"),
        PrincipalKind::System => (3, "System"),
        PrincipalKind::Service => (4, "Service"),
        PrincipalKind::Device => (99, "Device"),
    };
    json!({ "uid": actor.to_string(), "type_id": number, "type": name })
}

fn endpoint(entry: &Entry) -> Value {
    match &entry.source {
        Some(source) => json!({ "ip": source.value }),
        None => json!({ "name": "unknown" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keepgate_kernel::Action;

    #[test]
    fn every_action_has_a_class_of_the_schema() {
        for action in Action::ALL {
            let class = classify(action.as_str());
            assert!([3001, 3002, 3004, 3005, 6003].contains(&class.uid), "{action}");
            assert!((1..=6).contains(&class.activity) || class.activity == 99, "{action}");
        }
    }

    #[test]
    fn the_five_kinds_of_operation_find_their_class() {
        let of = |action: &str| (classify(action).uid, classify(action).activity);
        assert_eq!(of("auth.login"), (3002, 1));
        assert_eq!(of("auth.logout"), (3002, 2));
        assert_eq!(of("user.create"), (3001, 1));
        assert_eq!(of("user.update"), (3005, 99));
        assert_eq!(of("apikey.issue"), (3004, 1));
        assert_eq!(of("route.put"), (3004, 3));
        assert_eq!(of("webhook.delete"), (3004, 4));
        assert_eq!(of("recipient.read"), (6003, 2));
        assert_eq!(of("message.accept"), (6003, 1));
        assert_eq!(of("retired.thing"), (3004, 99));
    }
}
