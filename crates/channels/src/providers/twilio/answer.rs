//! What an answer means.
use super::errors::{Meaning, meaning};
use crate::{Reason, commands::SendOutcome, machine::RefusalClass, providers::http};

/// The most of an answer that is read.
const CAP: usize = 64 * 1024;

/// The parts of an answer that are used; `queue_time` is a text of milliseconds.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Body {
    sid: Option<String>,
    queue_time: Option<serde_json::Value>,
    code: Option<u32>,
}

/// Nothing left this machine, so the same contact may be tried again.
pub(super) fn unsent(reason: &str) -> SendOutcome {
    SendOutcome::Refused {
        class: RefusalClass::Retry,
        reason: Reason::new(reason),
        retry_after_seconds: None,
    }
}

pub(super) async fn read(response: reqwest::Response) -> SendOutcome {
    let status = response.status().as_u16();
    let retry_after_seconds = http::retry_after(&response);
    let body: Body = serde_json::from_slice(&http::body(response, CAP).await).unwrap_or_default();
    judge(status, retry_after_seconds, body)
}

fn judge(status: u16, retry_after_seconds: Option<u32>, body: Body) -> SendOutcome {
    let reason = body.code.map_or_else(
        || Reason::new(&format!("http-{status}")),
        |code| Reason::new(&format!("twilio-{code}")),
    );
    let refused = |class| SendOutcome::Refused {
        class,
        reason: reason.clone(),
        retry_after_seconds,
    };
    match status {
        200..=299 => SendOutcome::Accepted {
            provider_ref: body.sid.filter(|sid| !sid.is_empty()),
            queue_seconds: body.queue_time.as_ref().map_or(0, queue_seconds),
            delivered: false,
        },
        // Never processed, whatever the body says.
        429 => refused(RefusalClass::Retry),
        408 | 500..=599 => SendOutcome::Unknown { reason },
        _ => match body.code.map(meaning) {
            Some(Meaning::Ambiguous) => SendOutcome::Unknown { reason },
            Some(Meaning::Refused(class)) => refused(class),
            // Not a code of the table: this channel, as it is configured, did not work.
            None => refused(RefusalClass::Step),
        },
    }
}

/// Milliseconds, as a text or a number, rounded up to seconds; at most an hour.
fn queue_seconds(value: &serde_json::Value) -> u32 {
    let millis = value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok())
        .unwrap_or(0);
    u32::try_from(millis.div_ceil(1_000)).unwrap_or(u32::MAX).min(3_600)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(code: u32) -> Body {
        Body {
            code: Some(code),
            ..Body::default()
        }
    }

    #[test]
    fn a_2xx_is_taken_even_if_its_body_can_t_be_read() {
        let taken = SendOutcome::Accepted {
            provider_ref: None,
            queue_seconds: 0,
            delivered: false,
        };
        assert_eq!(judge(201, None, Body::default()), taken);
    }

    #[test]
    fn the_queue_of_a_call_counts_in_whole_seconds() {
        for (value, seconds) in [
            ("\"1001\"", 2),
            ("0", 0),
            ("2000", 2),
            ("\"x\"", 0),
            ("null", 0),
            ("\"99999999999\"", 3_600),
        ] {
            assert_eq!(queue_seconds(&serde_json::from_str(value).unwrap()), seconds, "{value}");
        }
    }

    #[test]
    fn only_what_was_certainly_not_processed_is_refused() {
        assert!(matches!(
            judge(429, Some(3), body(20_429)),
            SendOutcome::Refused {
                class: RefusalClass::Retry,
                retry_after_seconds: Some(3),
                ..
            }
        ));
        for status in [408, 500, 502, 503, 504] {
            assert!(
                matches!(judge(status, None, Body::default()), SendOutcome::Unknown { .. }),
                "{status}"
            );
        }
        assert!(matches!(judge(400, None, body(20_500)), SendOutcome::Unknown { .. }));
        assert!(matches!(
            judge(400, None, body(21_211)),
            SendOutcome::Refused {
                class: RefusalClass::Target,
                ..
            }
        ));
        assert!(matches!(
            judge(401, None, body(20_003)),
            SendOutcome::Refused {
                class: RefusalClass::Step,
                ..
            }
        ));
        assert!(matches!(
            judge(302, None, Body::default()),
            SendOutcome::Refused {
                class: RefusalClass::Step,
                ..
            }
        ));
    }
}
