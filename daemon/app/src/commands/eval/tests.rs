//! The object of `blinkd eval --json` against the one of the training package, on the same tables.

use std::path::PathBuf;

use clap::Parser;
use serde_json::Value;

use super::*;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../clients/conformance/eval")
}

fn read_json(name: &str) -> Value {
    let path = folder().join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

/// The options of a case of `settings.json`, by way of the command line.
fn options(case: &Value) -> Options {
    let file = |key: &str| folder().join(case[key].as_str().unwrap()).display().to_string();
    let mut line = vec!["eval".into(), file("localizations"), "--truth".into(), file("truth")];
    line.extend(["--pixel-size-nm".into(), case["pixel_size_nm"].to_string()]);
    line.extend(["--background".into(), case["background"].to_string()]);
    let (kind, values) = case["psf"].as_str().unwrap().split_once(',').unwrap();
    line.extend(["--psf".into(), kind.to_owned()]);
    for (name, value) in values.split(',').map(|pair| pair.split_once('=').unwrap()) {
        let name = name.replace('_', "-");
        let option = if name == "sigma-nm" { "--psf-sigma-nm".into() } else { format!("--{name}") };
        line.extend([option, value.to_owned()]);
    }
    line.extend(case["volume"].as_bool().unwrap().then(|| "--volume".to_owned()));
    Line::parse_from(line).options
}

/// Every difference, by its place in the object.
fn differences(place: &str, got: &Value, expected: &Value, found: &mut Vec<String>) {
    match (got, expected) {
        (Value::Object(a), Value::Object(b)) => {
            let (mut own, mut theirs): (Vec<_>, Vec<_>) = (a.keys().collect(), b.keys().collect());
            own.sort();
            theirs.sort();
            if own != theirs {
                found.push(format!("{place}: keys {own:?} are not {theirs:?}"));
            }
            b.iter().for_each(|(key, value)| differences(&format!("{place}.{key}"), &a[key], value, found));
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let values = a.iter().zip(b).enumerate();
            values.for_each(|(at, (a, b))| differences(&format!("{place}[{at}]"), a, b, found));
        }
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            if (a - b).abs() > 1e-6 * b.abs() + 1e-9 {
                found.push(format!("{place}: {a} is not {b}"));
            }
        }
        _ if got == expected => {}
        _ => found.push(format!("{place}: {got} is not {expected}")),
    }
}

#[test]
fn every_number_is_that_of_the_training_package() {
    let cases = read_json("settings.json");
    for case in cases.as_array().unwrap() {
        let said = json::report(&evaluate(&options(case)).map_err(said).unwrap());
        let mut found = Vec::new();
        differences("", &said, &read_json(case["expected"].as_str().unwrap()), &mut found);
        assert!(found.is_empty(), "{}:\n{}", case["expected"], found.join("\n"));
    }
    assert_eq!(cases.as_array().unwrap().len(), 2);
}

fn said(failure: Failure) -> String {
    match failure {
        Failure::Usage(text) | Failure::Loss(text) | Failure::Misfit(text) => text,
        Failure::Error(error) => format!("{error:#}"),
    }
}

#[test]
fn the_report_in_words_has_a_line_for_each_part() {
    let cases = read_json("settings.json");
    let options = options(&cases[1]);
    let report = evaluate(&options).map_err(said).unwrap();
    let text = words::report(&report, &options.localizations, &options.truth);
    for part in [
        "JI ",
        "By photons",
        "By true neighbours",
        "Predicted σ",
        "σ of z",
        "Place in the pixel",
        "Background",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    // The first line names the files.
    assert!(text.lines().skip(1).all(|line| line.chars().count() < 130), "{text}");
}

#[test]
fn what_a_bound_needs_and_was_not_given_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let (dark, bright) = (dir.path().join("dark.csv"), dir.path().join("bright.csv"));
    std::fs::write(&dark, "frame,x [nm],y [nm]\n1,10,10\n").unwrap();
    std::fs::write(&bright, "frame,x [nm],y [nm],intensity [photon]\n1,10,10,900\n").unwrap();
    let refusal = |truth: &std::path::Path, more: &[&str]| {
        let truth = truth.display().to_string();
        let line = ["eval", &truth, "--truth", &truth].into_iter().chain(more.iter().copied());
        said(evaluate(&Line::parse_from(line).options).err().unwrap())
    };
    let sized = ["--pixel-size-nm", "100", "--psf-sigma-nm", "130"];
    assert!(refusal(&bright, &["--psf-sigma-nm", "130"]).contains("--pixel-size-nm"));
    assert!(refusal(&bright, &sized).contains("--background"));
    assert!(refusal(&dark, &[&sized[..], &["--background", "5"]].concat()).contains("no photons"));
    assert!(refusal(&bright, &["--psf", "astigmatic", "--psf-sigma-nm", "1"]).contains("--focus-nm"));
    assert!(refusal(&bright, &["--focus-nm", "200"]).contains("--psf astigmatic"));
    assert!(refusal(&bright, &["--psf", "gaussian"]).contains("--psf-sigma-nm"));
    assert!(refusal(&bright, &["--qe", "1.5"]).contains("--qe is 1.5"));
}
