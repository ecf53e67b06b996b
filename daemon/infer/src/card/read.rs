//! Reads a card's text.

use std::collections::BTreeMap;

use smlm::localize::{OutputScale, Rule};
use smlm::units::{Adu, Camera};
use toml::{Table, Value};

use super::fields::Fields;
use super::{BadCard, CHANNELS, Card, Golden, Graphs, Network, Psf, Range, SCHEMA, Span};
use crate::pixels::Scaling;

const ANY: Span = Span { low: -1e9, high: 1e9 };
const POSITIVE: Span = Span { low: 1e-9, high: 1e9 };
const NOT_NEGATIVE: Span = Span { low: 0.0, high: 1e9 };
const FRACTION: Span = Span { low: 0.0, high: 1.0 };

/// Most golden files and metrics entries that are read.
const MAX_ENTRIES: usize = 1000;

impl Card {
    /// Reads `text`, the content of `file`.
    pub fn read(file: &str, text: &str) -> Result<Self, BadCard> {
        let mut rest = parse(file, text)?;
        let mut problems = Vec::new();
        let (graphs, precision) = graphs(&mut rest, &mut problems);
        let sha256 = digests(&mut rest, &graphs.files(), &mut problems);
        let network = network(&mut rest, &graphs, &mut problems);
        let input = input(&mut rest, &mut problems);
        let output = output(&mut rest, &mut problems);
        let rule = rule(&mut rest, &mut problems);
        let range = range(&mut rest, &mut problems);
        let psf = psf(&mut rest, &mut problems);
        let training = Fields::of(&mut rest, "training", &mut problems).into_free();
        let metrics = metrics(&mut rest, &mut problems);
        let golden = golden(&mut rest, &mut problems);
        let Identity { name, version, description, licence } = identity(rest, "decode", &mut problems);
        if !problems.is_empty() {
            return Err(BadCard { file: file.to_owned(), problems });
        }
        Ok(Self {
            name,
            version,
            description,
            licence,
            graphs,
            precision,
            sha256,
            network,
            input,
            output,
            rule,
            range,
            psf,
            training,
            metrics,
            golden,
        })
    }
}

/// The text as a table, or the line where it is none.
pub(crate) fn parse(file: &str, text: &str) -> Result<Table, BadCard> {
    text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count().max(1));
        BadCard { file: file.to_owned(), problems: vec![format!("line {line}: {}", error.message())] }
    })
}

/// What a card says of itself, whatever its engine.
pub(crate) struct Identity {
    pub name: String,
    pub version: String,
    pub description: String,
    pub licence: String,
}

/// What is left once every table was taken.
pub(crate) fn identity(rest: Table, engine: &str, problems: &mut Vec<String>) -> Identity {
    let mut top = Fields::new("", rest, problems);
    if top.whole("schema", 0, u32::MAX) != SCHEMA as u32 {
        top.problem(&format!("schema must be {SCHEMA}; a newer card needs a newer blinkd"));
    }
    top.choice("engine", &[engine]);
    let (name, version) = (top.text("name"), top.text("version"));
    let (description, licence) = (top.text("description"), top.text("licence"));
    top.finish();
    Identity { name, version, description, licence }
}

/// The table `sha256`, which must name each of the model's `files`.
pub(crate) fn digests(
    rest: &mut Table,
    files: &[&str],
    problems: &mut Vec<String>,
) -> BTreeMap<String, String> {
    let sha256 = sums(Fields::of(rest, "sha256", problems));
    for name in files.iter().filter(|name| !name.is_empty() && !sha256.contains_key(**name)) {
        problems.push(format!("sha256.\"{name}\" is missing: the file's digest is needed"));
    }
    sha256
}

fn graphs(rest: &mut Table, problems: &mut Vec<String>) -> (Graphs, String) {
    let mut fields = Fields::of(rest, "graphs", problems);
    let graphs = match fields.choice("kind", &["split", "single"]).as_str() {
        "single" => Graphs::Single { model: fields.text("model") },
        _ => Graphs::Split { frame: fields.text("frame"), context: fields.text("context") },
    };
    let precision = fields.choice("precision", &["fp32", "fp16", "int8"]);
    fields.finish();
    (graphs, precision)
}

fn network(rest: &mut Table, graphs: &Graphs, problems: &mut Vec<String>) -> Network {
    let mut fields = Fields::of(rest, "network", problems);
    let network = Network {
        window_frames: fields.whole("window_frames", 1, 3),
        features: fields.whole("features", 0, 1024),
        halo_px: fields.whole("halo_px", 0, 1024),
        grid_px: fields.whole("grid_px", 1, 64),
        mflop_per_px: fields.number("mflop_per_px", NOT_NEGATIVE),
    };
    if network.window_frames == 2 {
        fields.problem("window_frames must be 1 or 3");
    }
    if matches!(graphs, Graphs::Split { .. }) && (network.window_frames != 3 || network.features == 0) {
        fields.problem("split graphs need window_frames = 3 and features of at least 1");
    }
    fields.finish();
    network
}

fn input(rest: &mut Table, problems: &mut Vec<String>) -> Scaling {
    let mut fields = Fields::of(rest, "input", problems);
    fields.choice("unit", &["photons"]);
    let scaling = Scaling {
        offset_photons: fields.number("offset", ANY),
        scale_photons: fields.number("scale", POSITIVE),
    };
    fields.finish();
    scaling
}

fn output(rest: &mut Table, problems: &mut Vec<String>) -> OutputScale {
    let mut fields = Fields::of(rest, "output", problems);
    fields.exactly("channels", &CHANNELS);
    fields.choice("axes", &["decode"]);
    let scale = OutputScale {
        photons: fields.number("photons_scale", POSITIVE) as f32,
        z_nm: fields.number("z_scale_nm", NOT_NEGATIVE) as f32,
        background: fields.number("background_scale", POSITIVE) as f32,
    };
    fields.finish();
    scale
}

fn rule(rest: &mut Table, problems: &mut Vec<String>) -> Rule {
    let mut fields = Fields::of(rest, "postprocess", problems);
    let candidate = fields.number("candidate", FRACTION) as f32;
    let second = fields.number("second", FRACTION) as f32;
    let accept = fields.number("accept", FRACTION) as f32;
    fields.finish();
    Rule::Paper { candidate, second, accept }
}

fn range(rest: &mut Table, problems: &mut Vec<String>) -> Range {
    let mut fields = Fields::of(rest, "range", problems);
    let range = Range {
        pixel_size_nm: fields.span("pixel_size_nm"),
        psf_sigma_nm: fields.span("psf_sigma_nm"),
        photons: fields.span("photons"),
        background_photons: fields.span("background_photons"),
        density_per_um2: fields.span("density_per_um2"),
        z_nm: fields.span("z_nm"),
    };
    fields.finish();
    range
}

/// Older cards have the kind alone.
fn psf(rest: &mut Table, problems: &mut Vec<String>) -> Psf {
    let mut fields = Fields::of(rest, "psf", problems);
    let psf = Psf {
        kind: fields.text("kind"),
        sigma_nm: fields.span_or_absent("sigma_nm"),
        focus_nm: fields.span_or_absent("focus_nm"),
        depth_nm: fields.span_or_absent("depth_nm"),
        file: fields.text_or_absent("file"),
        sha256: fields.text_or_absent("sha256"),
    };
    if psf.kind == "gaussian" && (psf.focus_nm.is_some() || psf.depth_nm.is_some()) {
        fields.problem("focus_nm and depth_nm are of an astigmatic PSF; a gaussian one has neither");
    }
    fields.finish();
    psf
}

pub(crate) fn metrics(rest: &mut Table, problems: &mut Vec<String>) -> Vec<Table> {
    let entries = match rest.remove("metrics") {
        None => return Vec::new(),
        Some(Value::Array(entries)) if entries.len() <= MAX_ENTRIES => entries,
        Some(_) => {
            problems.push(format!("[[metrics]] must be at most {MAX_ENTRIES} tables"));
            return Vec::new();
        }
    };
    let tables = entries.into_iter().map(|entry| match entry {
        Value::Table(table) => table,
        _ => {
            problems.push("[[metrics]] holds something that is not a table".to_owned());
            Table::new()
        }
    });
    tables.collect()
}

fn golden(rest: &mut Table, problems: &mut Vec<String>) -> Option<Golden> {
    rest.contains_key("golden").then(|| {
        let mut fields = Fields::of(rest, "golden", problems);
        let (camera, files) = (fields.table("camera"), fields.table("sha256"));
        fields.finish();
        let mut fields = Fields::new("golden.camera", camera, problems);
        let camera = Camera {
            offset: Adu(fields.number("offset_adu", ANY)),
            e_per_adu: fields.number("e_per_adu", POSITIVE),
            qe: fields.number("qe", Span { low: 1e-6, high: 1.0 }),
            em_gain: fields.number_or_absent("em_gain", POSITIVE),
            spurious_e: fields.number_or_absent("spurious", NOT_NEGATIVE).unwrap_or(0.0),
        };
        fields.finish();
        Golden { camera, sha256: sums(Fields::new("golden.sha256", files, problems)) }
    })
}

/// File names and digests. A name may not leave the folder that it stands for.
pub(crate) fn sums(mut fields: Fields<'_>) -> BTreeMap<String, String> {
    let names: Vec<String> = fields.keys().take(MAX_ENTRIES).collect();
    let mut sums = BTreeMap::new();
    for name in names {
        let sum = fields.text(&name).to_ascii_lowercase();
        if sum.len() != 64 || !sum.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            fields.problem(&format!("\"{name}\" must be the 64 hexadecimal digits of a SHA-256"));
        }
        if !is_plain(&name) {
            fields.problem(&format!("\"{name}\" must be the plain name of a file in the bundle's folder"));
        }
        sums.insert(name, sum);
    }
    fields.finish();
    sums
}

/// One name, without separators, drive letters, or a way up.
pub(super) fn is_plain(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    !name.is_empty() && name.len() <= 128 && name.chars().all(allowed) && !name.starts_with('.')
}
