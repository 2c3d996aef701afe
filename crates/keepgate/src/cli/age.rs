//! Ages on the command line: a number and one of `s`, `m`, `h`, `d`.
use std::time::Duration;

/// `90s`, `15m`, `24h`, `7d`.
///
/// # Errors
/// Says what it wants.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wanted = || "a number and s, m, h or d, such as 15m".to_owned();
    let unit = text.chars().last().ok_or_else(wanted)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wanted()),
    };
    let number = text
        .strip_suffix(unit)
        .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    let number: u64 = number.and_then(|number| number.parse().ok()).ok_or_else(wanted)?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit() {
        assert_eq!(parse("15m"), Ok(Duration::from_mins(15)));
        assert_eq!(parse("7d"), Ok(Duration::from_hours(7 * 24)));
        for wrong in [
            "",
            "m",
            "15",
            "-1m",
            "1.5h",
            "1 h",
            "99999999999999999999s",
            "18446744073709551615d",
            "1é",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
