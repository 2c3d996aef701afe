//! `chronyc -c tracking`.
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use async_trait::async_trait;
use tokio::process::Command;

use super::{ClockReading, ClockSource};

/// It answers from memory; a chronyd that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(2);
/// Where it is installed. A search path is not asked: whoever could change it could tell the time.
const PLACES: [&str; 3] = ["/usr/bin/chronyc", "/usr/local/bin/chronyc", "/usr/sbin/chronyc"];

/// chronyd on this machine.
#[derive(Debug, Clone)]
pub struct ChronyClock {
    program: Option<PathBuf>,
}

impl Default for ChronyClock {
    fn default() -> Self {
        let found = PLACES.iter().map(Path::new).find(|path| path.exists());
        Self {
            program: found.map(Path::to_owned),
        }
    }
}

impl ChronyClock {
    /// Asks this program instead of the installed one.
    #[must_use]
    pub const fn at(program: PathBuf) -> Self {
        Self { program: Some(program) }
    }
}

#[async_trait]
impl ClockSource for ChronyClock {
    async fn reading(&self) -> Option<ClockReading> {
        let mut asked = Command::new(self.program.as_ref()?);
        asked.args(["-n", "-c", "tracking"]).env_clear();
        asked.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let out = tokio::time::timeout(PATIENCE, asked.output()).await.ok()?.ok()?;
        if !out.status.success() {
            return None;
        }
        parse(std::str::from_utf8(&out.stdout).ok()?)
    }
}

/// Fields of a tracking report: 4 the offset of the system's clock, 10 root delay, 11 root dispersion, all in seconds; 13 leap status.
/// The error is at most |offset| + dispersion + delay / 2 (RFC 5905 section 11.2: root distance).
fn parse(line: &str) -> Option<ClockReading> {
    let fields: Vec<&str> = line.trim_end().split(',').collect();
    let seconds = |nth: usize| fields.get(nth)?.parse::<f64>().ok().filter(|value| value.is_finite());
    let bound = seconds(4)?.abs() + seconds(11)?.abs() + seconds(10)?.abs() / 2.0;
    let leap = *fields.get(13)?;
    Some(ClockReading {
        source: "chrony",
        disciplined: matches!(leap, "Normal" | "Insert second" | "Delete second"),
        bound_us: u64::try_from(Duration::try_from_secs_f64(bound).ok()?.as_micros()).unwrap_or(u64::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tracking_report_is_read() {
        let synced = "C0A80105,192.0.2.5,3,1767323045.123456789,-0.000012000,0.000003,0.000040,-1.234,0.001,0.050,0.001200000,0.000300000,64.2,Normal\n";
        let reading = parse(synced).unwrap();
        assert_eq!((reading.disciplined, reading.bound_us), (true, 912));
        let lost = "00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,1.000000000,1.000000000,0.0,Not synchronised\n";
        let reading = parse(lost).unwrap();
        assert_eq!((reading.disciplined, reading.bound_us), (false, 1_500_000));
        for bad in [
            "",
            "506 Cannot talk to daemon",
            "a,b,c,d,NaN,f,g,h,i,j,1,1,0,Normal",
            "a,b,c,d,0,f,g,h,i,j,1,1,0",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn a_program_that_fails_says_or_is_nothing_gives_no_reading() {
        for program in ["/bin/false", "/bin/true", "/nonexistent/chronyc"] {
            assert_eq!(ChronyClock::at(program.into()).reading().await, None, "{program}");
        }
    }
}
