//! Networks that paint pictures of localizations: found, opened, checked.
//!
//! In: a bundle's name or folder and a structure. Out: a painter that has its graph open, or a refusal with the remedy.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use infer::bundle::CARD;
use infer::painter::{self, GoldenDifference, PictureCard, read_picture_card};
use infer::{Painter, PictureBundle, ProviderSettings};

use super::{named, places, providers, runtime};
use crate::config::Model;

/// The engine's name in a card.
pub const ENGINE: &str = "a-net";
/// Threads inside the network: the others are the localizer's.
const THREADS: usize = 1;

/// Opens a bundle for one structure. `key`: the setting that names it.
pub fn open(model: &Model, bundle: &str, structure: &str, key: &str) -> anyhow::Result<Painter> {
    let folder = find(model, bundle).with_context(|| key.to_owned())?;
    let bundle = PictureBundle::open(&folder).with_context(|| key.to_owned())?;
    let settings = ProviderSettings { intra_threads: THREADS, ..providers(model)? };
    Painter::open(runtime(model)?, bundle, structure, &settings).with_context(|| key.to_owned())
}

/// A bundle by its folder or by its name.
pub fn find(model: &Model, bundle: &str) -> anyhow::Result<PathBuf> {
    named(model, bundle).with_context(|| {
        let names: Vec<String> = list(model).into_iter().map(|(_, card)| card.name).collect();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        format!("there is no bundle '{bundle}' that paints pictures; these exist: {known}. Give a folder, or set model.dir")
    })
}

/// Whether a folder's card says that it paints, however wrong the rest of it may be.
pub fn paints(folder: &Path) -> bool {
    let text = std::fs::read_to_string(folder.join(CARD)).unwrap_or_default();
    let table: toml::Table = text.parse().unwrap_or_default();
    table.get("engine").and_then(toml::Value::as_str) == Some(ENGINE)
}

/// Every bundle that paints and whose card can be read.
pub fn list(model: &Model) -> Vec<(PathBuf, PictureCard)> {
    let folders = places(model).into_iter().filter_map(|place| std::fs::read_dir(place).ok());
    let entries = folders.flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<_> = entries
        .filter(|folder| paints(folder))
        .filter_map(|folder| Some((folder.clone(), read_picture_card(&folder).ok()?)))
        .collect();
    found.sort_by(|a, b| a.1.name.cmp(&b.1.name));
    found
}

/// Draws the golden window of a bundle again.
pub fn check(model: &Model, folder: &Path) -> anyhow::Result<(Painter, Vec<GoldenDifference>)> {
    let card = read_picture_card(folder)?;
    let wanted = card.golden.as_ref().map(|golden| golden.switch);
    let structure = card.structures.iter().find(|(_, number)| Some(f64::from(**number)) == wanted);
    let structure = structure.map_or("", |(name, _)| name);
    let folder = folder.display().to_string();
    let mut painter = open(model, &folder, structure, "this bundle")?;
    let found = painter::check(&mut painter)?;
    Ok((painter, found))
}
