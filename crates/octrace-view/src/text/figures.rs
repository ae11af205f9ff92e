//! Numbers as people read them: three digits or so, with their unit.

use super::Style;

/// `987`, `1.2k`, `48.2k`, `482k`, `1.23M`.
pub(crate) fn count(number: u64) -> String {
    let float = number as f64;
    match number {
        0..1_000 => number.to_string(),
        1_000..99_950 => format!("{:.1}k", float / 1e3),
        99_950..999_500 => format!("{:.0}k", float / 1e3),
        999_500..99_995_000 => format!("{:.2}M", float / 1e6),
        _ => format!("{:.0}M", float / 1e6),
    }
}

/// As [`count`], but nothing where there is nothing.
pub(crate) fn count_or_blank(number: u64) -> String {
    if number == 0 { String::new() } else { count(number) }
}

/// Every digit, in groups: `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `7 requests`, `1 request`.
pub(crate) fn many(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", grouped(number))
}

/// `$0.0031`, `$1.25`, `$480`; nothing where it is not known.
pub(crate) fn dollars(cost: Option<f64>) -> String {
    match cost {
        None => String::new(),
        Some(0.0) => "$0".to_owned(),
        Some(cost) if cost.abs() < 0.000_05 => "<$0.0001".to_owned(),
        Some(cost) if cost.abs() < 0.999_95 => format!("${cost:.4}"),
        Some(cost) if cost.abs() < 99.995 => format!("${cost:.2}"),
        Some(cost) if cost.abs() < 1e7 => format!("${cost:.0}"),
        Some(cost) => format!("${cost:.1e}"),
    }
}

/// `14ms`, `4.21s`, `42.1s`, `1m02s`, `1h02m`.
pub(crate) fn duration(micros: i64) -> String {
    let millis = micros.max(0).saturating_add(500) / 1_000;
    let seconds = millis / 1_000;
    match millis {
        0..1_000 => format!("{millis}ms"),
        1_000..9_995 => format!("{:.2}s", millis as f64 / 1e3),
        9_995..59_950 => format!("{:.1}s", millis as f64 / 1e3),
        59_950..3_600_000 => {
            let seconds = (millis + 500) / 1_000;
            format!("{}m{:02}s", seconds / 60, seconds % 60)
        }
        3_600_000..360_000_000 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// `512 B`, `1.2 kB`, `48 MB`.
pub(crate) fn bytes(number: u64) -> String {
    if number < 1_000 {
        return format!("{number} B");
    }
    let mut size = number as f64;
    let mut unit = "";
    for next in ["kB", "MB", "GB", "TB", "PB", "EB"] {
        if size < 999.5 {
            break;
        }
        size /= 1e3;
        unit = next;
    }
    if size < 9.95 { format!("{size:.1} {unit}") } else { format!("{size:.0} {unit}") }
}

/// In seconds.
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How long ago: `now`, `42s`, `5m`, `3h`, `6d`, then the date.
pub(crate) fn ago(at_us: i64, now_us: i64, style: &Style) -> String {
    let seconds = now_us.saturating_sub(at_us) / 1_000_000;
    match seconds {
        // The recorder's clock may be a little ahead of ours.
        -5..5 => "now".to_owned(),
        5..MINUTE => format!("{seconds}s"),
        MINUTE..HOUR => format!("{}m", seconds / MINUTE),
        HOUR..DAY => format!("{}h", seconds / HOUR),
        DAY..604_800 => format!("{}d", seconds / DAY),
        _ if style.format(at_us, "%Y") == style.format(now_us, "%Y") => {
            style.format(at_us, "%-d %b")
        }
        _ => style.format(at_us, "%b %Y"),
    }
}

/// When [`ago`] says something else than at `now_us`; µs since the Unix epoch, as all of these.
pub(crate) fn ages_at(at_us: i64, now_us: i64) -> i64 {
    const SECOND_US: i64 = 1_000_000;
    let step = match now_us.saturating_sub(at_us) / SECOND_US {
        ..5 => return at_us.saturating_add(5 * SECOND_US),
        5..MINUTE => SECOND_US,
        MINUTE..HOUR => MINUTE * SECOND_US,
        HOUR..DAY => HOUR * SECOND_US,
        _ => DAY * SECOND_US,
    };
    let age = now_us.saturating_sub(at_us);
    at_us.saturating_add((age / step).saturating_add(1).saturating_mul(step))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn figures_are_short() {
        let counts = [0, 999, 1_000, 48_249, 99_949, 99_950, 999_499, 999_500, 123_456_789];
        let counts = counts.map(count).join(" ");
        assert_eq!(counts, "0 999 1.0k 48.2k 99.9k 100k 999k 1.00M 123M");
        let costs = [0.0, 0.000_01, 0.000_591, 0.5, 1.25, 480.2].map(|cost| dollars(Some(cost)));
        assert_eq!(costs.join(" "), "$0 <$0.0001 $0.0006 $0.5000 $1.25 $480");
        let times =
            [0, 499, 14_000, 999_400, 999_500, 9_996_000, 59_949_000, 59_950_000, 3_720_000_000];
        let times = times.map(duration).join(" ");
        assert_eq!(times, "0ms 0ms 14ms 999ms 1.00s 10.0s 59.9s 1m00s 1h02m");
        let sizes = [0, 999, 1_000, 9_949, 9_951, 999_499, 999_500, 48_000_000].map(bytes);
        assert_eq!(sizes.join(" "), "0 B 999 B 1.0 kB 9.9 kB 10 kB 999 kB 1.0 MB 48 MB");
        assert_eq!([7, 999, 1_000, 1_234_567].map(grouped).join(" "), "7 999 1,000 1,234,567");
        let things = [0, 1, 1_000].map(|number| many(number, "chunk")).join(", ");
        assert_eq!(things, "0 chunks, 1 chunk, 1,000 chunks");
    }

    #[test]
    fn times_past_are_relative_for_a_week() {
        let now_us = 1_795_164_558_000_000;
        let ago = |seconds: i64| ago(now_us - seconds * 1_000_000, now_us, &Style::plain());
        let past = [-3, 3, 42, 300, 10_800, 518_400, 864_000, 60_000_000].map(ago).join(", ");
        assert_eq!(past, "now, now, 42s, 5m, 3h, 6d, 10 Nov, Dec 2024");
        assert_eq!(ago(-864_000), "30 Nov", "a clock that jumped is no reason to lie");
    }

    proptest! {
        #[test]
        fn an_age_is_the_same_until_it_changes(age_us in -3_000_000i64..500_000_000_000, share in 0.0..1.0f64) {
            let now_us = 1_795_164_558_000_000;
            let style = Style::plain();
            let at_us = now_us - age_us;
            let changes_us = ages_at(at_us, now_us);
            prop_assert!(changes_us > now_us);
            let meanwhile_us = now_us + ((changes_us - 1 - now_us) as f64 * share) as i64;
            prop_assert_eq!(ago(at_us, meanwhile_us, &style), ago(at_us, now_us, &style));
            prop_assert_ne!(ago(at_us, changes_us, &style), ago(at_us, now_us, &style));
        }

        #[test]
        fn any_number_fits_its_column(number: u64, signed: i64, cost: f64) {
            prop_assert!(count(number).len() <= 15);
            prop_assert!(bytes(number).len() <= 6, "{}", bytes(number));
            prop_assert!(duration(signed).len() <= 13, "{}", duration(signed));
            prop_assert!(dollars(Some(cost)).len() <= 12, "{}", dollars(Some(cost)));
            let _ = (ago(signed, i64::MAX, &Style::plain()), ages_at(signed, i64::MAX));
        }
    }
}
