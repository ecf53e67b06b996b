//! A report for a person: each part in a sentence and an aligned table.
//!
//! In: a report. Out: text. Never: more digits than the numbers carry.

use std::path::Path;

use smlm::metrics::{Bin, Calibration, Linearity, Report, Scores, Subpixel};

pub fn report(report: &Report, found: &Path, truth: &Path) -> String {
    let s = &report.overall;
    let mut text = format!(
        "{} localizations of {} against {} emitters of {}\n\n",
        s.true_positives + s.false_positives,
        found.display(),
        s.true_positives + s.false_negatives,
        truth.display()
    );
    text += &overall(s);
    if let Some(bins) = &report.by_photons {
        text += &by_photons(bins);
    }
    text += &by_neighbours(&report.by_neighbours);
    if let Some(axes) = &report.sigma {
        text += &sigma(axes);
    }
    if let Some(axes) = &report.subpixel {
        text += &subpixel(axes);
    }
    for (name, unit, line) in
        [("Photons", "", &report.photons), ("Background", " photons per pixel", &report.background)]
    {
        if let Some(line) = line {
            text += &linearity(name, unit, line);
        }
    }
    text
}

/// `-` where there is nothing to state.
fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or("-".into(), |value| format!("{value:.digits$}"))
}

/// Columns aligned to the right, under a title.
fn table(title: &str, head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<String> = cells.zip(&widths).map(|(cell, &width)| format!("{cell:>width$}")).collect();
        format!("  {}\n", cells.join("  "))
    };
    let mut text = format!("\n{title}\n{}", line(&mut head.iter().copied()));
    rows.iter().for_each(|row| text += &line(&mut row.iter().map(String::as_str)));
    text
}

fn overall(s: &Scores) -> String {
    let nm = |value| format!("{} nm", number(value, 2));
    let mut rows = vec![
        ("true positives", s.true_positives.to_string()),
        ("false positives", s.false_positives.to_string()),
        ("false negatives", s.false_negatives.to_string()),
        ("JI", number(s.jaccard, 4)),
        ("precision", number(s.precision, 4)),
        ("recall", number(s.recall, 4)),
        ("r.m.s.e. lateral", nm(s.rmse_lateral_nm)),
    ];
    if s.rmse_axial_nm.is_some() {
        rows.push(("r.m.s.e. axial", nm(s.rmse_axial_nm)));
        rows.push(("r.m.s.e. volume", nm(s.rmse_volume_nm)));
        rows.push(("efficiency lateral", number(s.efficiency_lateral, 4)));
        rows.push(("efficiency axial", number(s.efficiency_axial, 4)));
    }
    rows.push(("efficiency", number(s.efficiency, 4)));
    let axes = if s.rmse_axial_nm.is_some() { 3 } else { 2 };
    let bias = s.bias_nm.map(|bias| bias[..axes].iter().map(|b| format!("{b:+.2}")).collect::<Vec<_>>());
    rows.push(("bias, found − true", bias.map_or("-".into(), |bias| format!("{} nm", bias.join("  ")))));
    rows.iter().map(|(name, value)| format!("{name:20} {value}\n")).collect()
}

fn by_photons(bins: &[Bin<f64>]) -> String {
    let bounded = bins.iter().any(|bin| bin.crlb_lateral_nm.is_some());
    let volume = bins.iter().any(|bin| bin.scores.rmse_axial_nm.is_some());
    let mut head = vec!["photons", "pairs", "JI", "precision", "recall", "lateral nm"];
    head.extend(bounded.then_some(["bound nm", "times"]).into_iter().flatten());
    head.extend(volume.then_some("axial nm"));
    head.extend((volume && bounded).then_some(["bound nm", "times"]).into_iter().flatten());
    let row = |bin: &Bin<f64>| {
        let mut cells = vec![match bin.high {
            Some(high) => format!("{:.0}–{high:.0}", bin.low),
            None => format!("from {:.0}", bin.low),
        }];
        cells.extend(scores(&bin.scores));
        if bounded {
            cells.extend([number(bin.crlb_lateral_nm, 1), number(bin.lateral_over_crlb(), 2)]);
        }
        if volume {
            cells.push(number(bin.scores.rmse_axial_nm, 1));
        }
        if volume && bounded {
            cells.extend([number(bin.crlb_axial_nm, 1), number(bin.axial_over_crlb(), 2)]);
        }
        cells
    };
    table("By photons", &head, &bins.iter().map(row).collect::<Vec<_>>())
}

fn by_neighbours(bins: &[Bin<u32>]) -> String {
    let row = |bin: &Bin<u32>| {
        let mut cells = vec![match bin.high {
            Some(high) if high == bin.low => high.to_string(),
            Some(high) => format!("{}–{high}", bin.low),
            None => format!("{} or more", bin.low),
        }];
        cells.extend(scores(&bin.scores));
        cells.push(number(bin.scores.rmse_axial_nm, 1));
        cells
    };
    let head = ["neighbours", "pairs", "JI", "precision", "recall", "lateral nm", "axial nm"];
    table("By true neighbours within 500 nm", &head, &bins.iter().map(row).collect::<Vec<_>>())
}

/// Pairs, JI, precision, recall, lateral error.
fn scores(s: &Scores) -> [String; 5] {
    [
        s.true_positives.to_string(),
        number(s.jaccard, 3),
        number(s.precision, 3),
        number(s.recall, 3),
        number(s.rmse_lateral_nm, 1),
    ]
}

fn sigma(axes: &[Calibration]) -> String {
    let row = |(name, axis): (&str, &Calibration)| {
        vec![
            name.to_owned(),
            number(axis.z_score_sd, 3),
            number(axis.correlation, 3),
            number(axis.bin_correlation, 3),
        ]
    };
    let rows: Vec<_> = ["x", "y", "z"].into_iter().zip(axes).map(row).collect();
    let mut text = table(
        "Predicted σ: s.d. of error/σ (1 is right, above 1 promises too much) and correlation with the errors",
        &["axis", "error/σ", "of each", "of ten bins"],
        &rows,
    );
    for (name, axis) in ["x", "y", "z"].into_iter().zip(axes) {
        let row = |bin: &smlm::metrics::CalibrationBin| {
            vec![number(Some(bin.predicted_nm), 2), number(Some(bin.measured_nm), 2), bin.count.to_string()]
        };
        let rows: Vec<_> = axis.bins.iter().map(row).collect();
        text += &table(
            &format!("σ of {name}, in bins of equal count"),
            &["predicted nm", "measured nm", "pairs"],
            &rows,
        );
    }
    text
}

fn subpixel(axes: &[Subpixel; 2]) -> String {
    let row = |(name, axis): (&str, &Subpixel)| {
        let worst = axis.bias_nm.iter().flatten().map(|bias| bias.abs()).max_by(f64::total_cmp);
        vec![
            name.to_owned(),
            number(axis.rms_deviation, 3),
            number(axis.expected_rms_deviation, 3),
            number(worst, 2),
        ]
    };
    let rows: Vec<_> = ["x", "y"].into_iter().zip(axes).map(row).collect();
    table(
        "Place in the pixel, in 20 parts: deviation from an even spread, and the largest mean error of a part",
        &["axis", "deviation", "by chance", "bias nm"],
        &rows,
    )
}

fn linearity(name: &str, unit: &str, line: &Linearity) -> String {
    let sign = |b: f64| if b < 0.0 { "−" } else { "+" };
    let intercept = line.intercept.map_or("-".into(), |b| format!("{} {:.1}{unit}", sign(b), b.abs()));
    let (slope, ratio) = (number(line.slope, 3), number(line.ratio_median, 3));
    let mut text = format!("\n{name}: found = {slope} · true {intercept}; median of found / true {ratio}\n");
    if !line.bins.is_empty() {
        let row = |bin: &smlm::metrics::LinearityBin| {
            let range = match bin.high {
                Some(high) => format!("{:.0}–{high:.0}", bin.low),
                None => format!("from {:.0}", bin.low),
            };
            vec![range, bin.count.to_string(), number(bin.true_mean, 0), number(bin.found_mean, 0)]
        };
        let rows: Vec<_> = line.bins.iter().map(row).collect();
        text += &table("Photons, by the true ones", &["true", "pairs", "mean true", "mean found"], &rows);
    }
    text
}
