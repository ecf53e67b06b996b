//! The card of a bundle that draws pictures.

use std::collections::BTreeMap;

use smlm::units::Nm;
use toml::Table;

use crate::card::fields::Fields;
use crate::card::read::{Identity, digests, identity, metrics, parse, sums};
use crate::card::{BadCard, Span};
use crate::painter::ESTIMATE_STEP;

/// In which unit a widefield image is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Widefield {
    /// 0 to 1 over the whole field of view.
    Fraction,
    /// As the camera gave it; the graph stretches each window.
    Adu,
}

/// What a bundle of the engine `a-net` promises.
#[derive(Clone, Debug, PartialEq)]
pub struct PictureCard {
    pub name: String,
    pub version: String,
    pub description: String,
    pub licence: String,
    pub model: String,
    pub sha256: BTreeMap<String, String>,
    /// Side of the graph's fixed window.
    pub window_px: u32,
    /// Neighbouring windows share so many pixels, over which they are blended.
    pub overlap_px: u32,
    /// Pixel of the counts and of the picture.
    pub pixel: Nm,
    pub mflop_per_px: f64,
    /// Structures that the network was trained for, and the switch's number of each.
    pub structures: BTreeMap<String, u32>,
    pub widefield: Widefield,
    /// How the model was made; free.
    pub training: Table,
    /// What it reached; free.
    pub metrics: Vec<Table>,
    pub golden: Option<GoldenFiles>,
}

/// Inputs with known pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct GoldenFiles {
    pub switch: f64,
    pub sha256: BTreeMap<String, String>,
}

const MAX_WINDOW_PX: u32 = 4096;

impl PictureCard {
    /// Reads `text`, the content of `file`; every problem at once.
    pub fn read(file: &str, text: &str) -> Result<Self, BadCard> {
        let mut rest = parse(file, text)?;
        let mut problems = Vec::new();
        let mut fields = Fields::of(&mut rest, "graphs", &mut problems);
        fields.choice("kind", &["picture"]);
        let model = fields.text("model");
        fields.choice("precision", &["fp32", "fp16"]);
        fields.finish();
        let sha256 = digests(&mut rest, &[&model], &mut problems);
        let network = network(&mut rest, &mut problems);
        let mut fields = Fields::of(&mut rest, "input", &mut problems);
        fields.choice("counts", &["localizations per pixel"]);
        let fraction = fields.choice("widefield", &["0 to 1", "adu"]) == "0 to 1";
        fields.finish();
        let training = Fields::of(&mut rest, "training", &mut problems).into_free();
        let metrics = metrics(&mut rest, &mut problems);
        let golden = golden(&mut rest, &mut problems);
        let Identity { name, version, description, licence } = identity(rest, "a-net", &mut problems);
        if !problems.is_empty() {
            return Err(BadCard { file: file.to_owned(), problems });
        }
        let widefield = if fraction { Widefield::Fraction } else { Widefield::Adu };
        Ok(Self {
            name,
            version,
            description,
            licence,
            model,
            sha256,
            widefield,
            training,
            metrics,
            golden,
            ..network
        })
    }

    /// The switch's number of a structure; of the only one where none is named.
    pub fn switch(&self, structure: &str) -> Option<f32> {
        let only = self.structures.values().next().filter(|_| self.structures.len() == 1);
        let number = if structure.is_empty() { only } else { self.structures.get(structure) };
        number.map(|number| *number as f32)
    }
}

/// The network's geometry, in a card that has nothing else yet.
fn network(rest: &mut Table, problems: &mut Vec<String>) -> PictureCard {
    let mut fields = Fields::of(rest, "network", problems);
    let window_px = fields.whole("window_px", 64, MAX_WINDOW_PX);
    let overlap_px = fields.whole("overlap_px", 0, MAX_WINDOW_PX / 2);
    if !(window_px as usize).is_multiple_of(ESTIMATE_STEP) || 2 * overlap_px >= window_px {
        fields.problem("window_px must be a multiple of 4 and more than twice overlap_px");
    }
    let pixel = Nm(fields.number("pixel_nm", Span { low: 1.0, high: 1000.0 }));
    let mflop_per_px = fields.number("mflop_per_px", Span { low: 0.0, high: 1e9 });
    let table = fields.table("structures");
    fields.finish();
    let mut fields = Fields::new("network.structures", table, problems);
    let names: Vec<String> = fields.keys().collect();
    let structures: BTreeMap<_, _> =
        names.into_iter().map(|name| (name.clone(), fields.whole(&name, 0, 1000))).collect();
    if structures.is_empty() {
        fields.problem("at least one structure is needed");
    }
    fields.finish();
    PictureCard {
        name: String::new(),
        version: String::new(),
        description: String::new(),
        licence: String::new(),
        model: String::new(),
        sha256: BTreeMap::new(),
        window_px,
        overlap_px,
        pixel,
        mflop_per_px,
        structures,
        widefield: Widefield::Fraction,
        training: Table::new(),
        metrics: Vec::new(),
        golden: None,
    }
}

fn golden(rest: &mut Table, problems: &mut Vec<String>) -> Option<GoldenFiles> {
    rest.contains_key("golden").then(|| {
        let mut fields = Fields::of(rest, "golden", problems);
        let switch = fields.number("switch", Span { low: 0.0, high: 1000.0 });
        let files = fields.table("sha256");
        fields.finish();
        GoldenFiles { switch, sha256: sums(Fields::new("golden.sha256", files, problems)) }
    })
}
