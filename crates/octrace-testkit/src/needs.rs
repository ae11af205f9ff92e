//! What a process needs, as Linux tells of it in `/proc`: for benchmarks.

use std::{fs, time::Duration};

use anyhow::Context;

/// What a process has needed so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    /// Processor time in user mode and in the kernel, of all its threads, those that have ended too, and of those
    /// of its children that it has waited for. The system tells it in hundredths of a second.
    pub cpu: Duration,
    /// Resident memory now, in bytes: its own and that of files which are mapped, such as its program. 0 in a
    /// process that is ending.
    pub resident: u64,
    /// The most that it ever had, in bytes; 0 in a process that is ending.
    pub peak: u64,
}

impl Needs {
    /// Of a process that lives, or that nobody has waited for yet.
    ///
    /// # Errors
    /// When there is no such process, or no `/proc`.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let read = |name: &str| {
            fs::read_to_string(format!("/proc/{pid}/{name}"))
                .with_context(|| format!("no /proc/{pid}/{name}"))
        };
        let cpu = spent(&read("stat")?).context("/proc has another form here")?;
        let status = read("status")?;
        let memory = |name| memory(&status, name).unwrap_or_default();
        Ok(Self { cpu, resident: memory("VmRSS"), peak: memory("VmHWM") })
    }
}

/// How long the threads that a process has now have worked, to the nanosecond.
///
/// # Errors
/// As [`Needs::of`].
pub fn worked(pid: u32) -> anyhow::Result<Duration> {
    let mut sum = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        // One that ends at this moment has no say.
        let Ok(stat) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        let worked = stat.split(' ').next().context("no time")?.parse()?;
        sum += Duration::from_nanos(worked);
    }
    Ok(sum)
}

fn spent(stat: &str) -> Option<Duration> {
    // The second field is the name in parentheses and may contain anything; the third is the first of these.
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11..15)?.iter().map(|field| field.parse::<u64>().ok());
    Some(Duration::from_millis(10 * ticks.sum::<Option<u64>>()?))
}

/// A line of `status`, in bytes.
fn memory(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_this_process_needs_is_told() {
        let needs = Needs::of(std::process::id()).unwrap();
        assert!(needs.peak >= needs.resident && needs.resident > 1 << 20, "{needs:?}");
        assert!(worked(std::process::id()).unwrap() > Duration::ZERO);
        assert!(Needs::of(u32::MAX).is_err());
    }

    #[test]
    fn all_that_was_spent_is_counted() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 0 0 0 100 20 3 4 20 0 1 0 5 6 7";
        assert_eq!(spent(stat), Some(Duration::from_millis(1_270)));
        assert_eq!(spent("7 (a) S"), None);
        assert_eq!(memory("VmPeak:\t 9 kB\nVmRSS:\t    2 kB\n", "VmRSS"), Some(2_048));
    }
}
