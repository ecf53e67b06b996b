//! Numbers as a person reads them at a glance: few digits, always with a unit.
//!
//! In: numbers of the API. Out: text. Never: a number whose unit has to be guessed.

/// 12 345
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Three digits that matter: 0.0123, 1.23, 12.3, 123, 12 300. A dash where there is no number.
pub fn short(value: f64) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    let sign = if value < 0.0 { "−" } else { "" };
    let size = value.abs();
    if size >= 999.5 {
        return format!("{sign}{}", count(size.round() as u64));
    }
    let digits = if size >= 1e-6 { (2 - size.log10().floor() as i32).clamp(0, 6) } else { 0 };
    format!("{sign}{size:.*}", digits as usize)
}

/// 50.0 fps
pub fn rate(fps: f64) -> String {
    format!("{} fps", if fps >= 100.0 { count(fps.round() as u64) } else { format!("{fps:.1}") })
}

/// Milliseconds below a second, else seconds.
pub fn latency(ms: f64) -> String {
    match ms {
        ms if !ms.is_finite() => "–".into(),
        ms if ms >= 1000.0 => format!("{} s", short(ms / 1000.0)),
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms => format!("{ms:.0} ms"),
    }
}

/// 45.2 GiB
pub fn bytes(value: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut size, mut unit) = (value as f64, 0);
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{} {}", short(size), UNITS[unit])
}

/// 12 s, 3 min 20 s, 2 h 5 min, 3 d 4 h.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "–".into();
    }
    let whole = seconds.max(0.0).round() as u64;
    let joined = |large: u64, large_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{large} {large_unit}"),
        small => format!("{large} {large_unit} {small} {small_unit}"),
    };
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => joined(whole / 60, "min", whole % 60, "s"),
        3600..86_400 => joined(whole / 3600, "h", whole % 3600 / 60, "min"),
        _ => joined(whole / 86_400, "d", whole % 86_400 / 3600, "h"),
    }
}

/// A length in the sample: nm, µm or mm.
pub fn length(nm: f64) -> String {
    match nm {
        nm if nm < 1e3 => format!("{} nm", tidy(nm)),
        nm if nm < 1e6 => format!("{} µm", tidy(nm / 1e3)),
        nm => format!("{} mm", tidy(nm / 1e6)),
    }
}

/// As [`short`], without zeros that say nothing: 5, not 5.00.
pub fn tidy(value: f64) -> String {
    let text = short(value);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// +12 or −3: with its sign.
pub fn signed(value: f64) -> String {
    let rounded = value.round();
    let sign = if rounded < 0.0 { "−" } else { "+" };
    format!("{sign}{}", count(rounded.abs() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_matter() {
        let cases =
            [(0.012_34, "0.0123"), (1.0, "1.00"), (12.34, "12.3"), (123.4, "123"), (12_345.0, "12 345")];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
        assert_eq!((short(0.0), short(-2.5), short(f64::NAN)), ("0".into(), "−2.50".into(), "–".into()));
        assert_eq!((count(1_234_567), count(999), count(0)), ("1 234 567".into(), "999".into(), "0".into()));
    }

    #[test]
    fn times_and_sizes_take_the_unit_a_person_would() {
        assert_eq!(
            [59.4, 200.0, 7500.0, 273_600.0].map(duration),
            ["59 s", "3 min 20 s", "2 h 5 min", "3 d 4 h"]
        );
        assert_eq!([3.21, 36.4, 1234.0].map(latency), ["3.2 ms", "36 ms", "1.23 s"]);
        assert_eq!([0, 1536, 48 << 30].map(bytes), ["0 B", "1.50 KiB", "48.0 GiB"]);
        assert_eq!([500.0, 5000.0, 2e6].map(length), ["500 nm", "5 µm", "2 mm"]);
        assert_eq!([49.96, 0.0, 770.4].map(rate), ["50.0 fps", "0.0 fps", "770 fps"]);
        assert_eq!([11.6, -3.4, 0.2].map(signed), ["+12", "−3", "+0"]);
    }
}
