//! `docs/security/brute-force.md` says what the code does.
#[cfg(test)]
mod page {
    use std::time::Duration;

    use keepgate_identity::{
        Cost,
        throttle::numbers::{self as n, Doubling, Leaky, Spray},
    };

    const PAGE: &str = include_str!("../../../docs/security/brute-force.md");

    fn span(time: Duration) -> String {
        match time.as_secs() {
            seconds if seconds % 86_400 == 0 && seconds > 86_400 => format!("{} days", seconds / 86_400),
            seconds if seconds % 3600 == 0 && seconds > 3600 => format!("{} h", seconds / 3600),
            seconds if seconds % 60 == 0 && seconds > 60 => format!("{} min", seconds / 60),
            seconds => format!("{seconds} s"),
        }
    }

    fn doubling(name: &str, key: &str, rule: &Doubling, end: &str) -> String {
        let (first, longest) = (span(rule.first), span(rule.longest));
        format!(
            "| {name} | {key} | {} | {first}, doubling | {longest}; at {} {end} |",
            rule.free, rule.closes_at
        )
    }

    fn leaky(name: &str, key: &str, rule: &Leaky) -> String {
        let doubles = if rule.block < rule.longest { ", doubling" } else { "" };
        let (drains, block, longest) = (span(rule.drains), span(rule.block), span(rule.longest));
        format!(
            "| {name} | {key} | {} failures, one more each {drains} | blocked {block}{doubles} | {longest} |",
            rule.burst
        )
    }

    fn spray(name: &str, rule: &Spray) -> String {
        let (window, block, longest) = (span(n::SPRAY_WINDOW), span(rule.block), span(rule.longest));
        format!(
            "| spraying, {name} | different accounts failed within {window} | {} | blocked {block}, doubling | {longest} |",
            rule.accounts
        )
    }

    #[test]
    fn the_table_holds_the_constants() {
        let rows = [
            doubling(
                "trusted",
                "account and device cookie, or account and session",
                &n::TRUSTED,
                "the cookie is worth nothing",
            ),
            doubling(
                "untrusted",
                "HMAC of the typed address, for all clients without a cookie",
                &n::UNTRUSTED,
                "the password path closes for these clients",
            ),
            leaky("address", "IPv4 /32, IPv6 /64", &n::ADDRESS),
            leaky("network", "IPv4 /24, IPv6 /48", &n::NETWORK),
            spray("address", &n::SPRAY_ADDRESS),
            spray("network", &n::SPRAY_NETWORK),
            format!(
                "| alarm | failures a minute, all together and of each tenant | {}, or mean and {} deviations of its own {} | nothing is free for clients without a cookie | {} |",
                n::ALARM_FLOOR,
                n::ALARM_SIGMAS,
                span(n::BASELINE),
                span(n::ALARM_LASTS)
            ),
            format!(
                "| hashing | passwords waiting for a core | {} | `503` and `Retry-After` | |",
                n::HASH_QUEUE
            ),
            format!(
                "| reset codes | HMAC of the typed address | {} | nothing is sent for {}, doubling | {} |",
                n::RECOVERY.burst,
                span(n::RECOVERY.block),
                span(n::RECOVERY.longest)
            ),
        ];
        let (_, table) = PAGE.split_once("<!-- numbers: begin -->").unwrap();
        let (table, _) = table.split_once("<!-- numbers: end -->").unwrap();
        let shown: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
        assert_eq!(shown, rows);
    }

    #[test]
    fn the_text_holds_the_other_numbers() {
        let text = PAGE.split_whitespace().collect::<Vec<_>>().join(" ");
        for said in [
            format!("counts once in {} minutes", n::REPEAT.as_secs() / 60),
            format!("`SameSite=Strict`, {})", span(n::DEVICE_LIFE)),
            format!("Argon2id, {} MiB, two passes", Cost::OWASP.memory_kib / 1024),
            format!("{} ever", n::UNTRUSTED.closes_at),
            format!("At {} failures only strangers'", n::UNTRUSTED.closes_at),
            format!("the floor of {} a minute", n::ALARM_FLOOR),
        ] {
            assert!(text.contains(&said), "{said}");
        }
        assert_eq!(Cost::OWASP.passes, 2);
    }
}
