//! A report as the JSON object that `blinkd_models compare --json` makes too.
//!
//! In: a report. Out: an object; what the tables do not tell is left out. Never: a number that is not finite.

use serde_json::{Map, Value, json};
use smlm::metrics::{Bin, Calibration, Linearity, Report, Scores, Subpixel};

pub fn report(report: &Report) -> Value {
    let mut object = Map::new();
    object.insert("overall".into(), overall(&report.overall));
    if let Some(bins) = &report.by_photons {
        object.insert("by_photons".into(), bins.iter().map(photon_bin).collect());
    }
    object.insert("by_neighbours".into(), report.by_neighbours.iter().map(bin).collect());
    if let Some(axes) = &report.sigma {
        object.insert("sigma".into(), by_axis(axes.iter().map(calibration)));
    }
    if let Some(axes) = &report.subpixel {
        object.insert("subpixel".into(), by_axis(axes.iter().map(subpixel)));
    }
    if let Some(photons) = &report.photons {
        object.insert("photons".into(), linearity(photons));
    }
    if let Some(background) = &report.background {
        object.insert("background".into(), linearity(background));
    }
    Value::Object(object)
}

fn by_axis(values: impl Iterator<Item = Value>) -> Value {
    Value::Object(["x", "y", "z"].map(String::from).into_iter().zip(values).collect())
}

fn overall(s: &Scores) -> Value {
    let mut object = scores(s);
    object["rmse_volume_nm"] = s.rmse_volume_nm.into();
    object["bias_nm"] = json!(s.bias_nm);
    object["efficiency_lateral"] = s.efficiency_lateral.into();
    object["efficiency_axial"] = s.efficiency_axial.into();
    object["efficiency"] = s.efficiency.into();
    object
}

fn bin<T: Into<Value> + Copy>(bin: &Bin<T>) -> Value {
    let mut object = scores(&bin.scores);
    object["low"] = bin.low.into();
    object["high"] = bin.high.map_or(Value::Null, Into::into);
    object
}

/// What the whole table and a part of it have in common.
fn scores(s: &Scores) -> Value {
    json!({
        "true_positives": s.true_positives,
        "false_positives": s.false_positives,
        "false_negatives": s.false_negatives,
        "jaccard": s.jaccard,
        "precision": s.precision,
        "recall": s.recall,
        "rmse_lateral_nm": s.rmse_lateral_nm,
        "rmse_axial_nm": s.rmse_axial_nm,
    })
}

fn photon_bin(photons: &Bin<f64>) -> Value {
    let mut object = bin(photons);
    object["crlb_lateral_nm"] = photons.crlb_lateral_nm.into();
    object["crlb_axial_nm"] = photons.crlb_axial_nm.into();
    object["lateral_over_crlb"] = photons.lateral_over_crlb().into();
    object["axial_over_crlb"] = photons.axial_over_crlb().into();
    object
}

fn calibration(axis: &Calibration) -> Value {
    let bins = axis.bins.iter().map(
        |bin| json!({"predicted_nm": bin.predicted_nm, "measured_nm": bin.measured_nm, "count": bin.count}),
    );
    json!({
        "z_score_sd": axis.z_score_sd,
        "correlation": axis.correlation,
        "bins": bins.collect::<Value>(),
        "bin_correlation": axis.bin_correlation,
    })
}

fn subpixel(axis: &Subpixel) -> Value {
    json!({
        "histogram": axis.histogram,
        "rms_deviation": axis.rms_deviation,
        "expected_rms_deviation": axis.expected_rms_deviation,
        "bias_nm": axis.bias_nm,
    })
}

fn linearity(line: &Linearity) -> Value {
    let mut object = json!({
        "slope": line.slope,
        "intercept": line.intercept,
        "ratio_median": line.ratio_median,
    });
    if !line.bins.is_empty() {
        let bin = |bin: &smlm::metrics::LinearityBin| {
            json!({
                "low": bin.low,
                "high": bin.high,
                "true_mean": bin.true_mean,
                "found_mean": bin.found_mean,
                "count": bin.count,
            })
        };
        object["bins"] = line.bins.iter().map(bin).collect();
    }
    object
}
