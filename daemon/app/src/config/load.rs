//! Reading a configuration: text in, a checked [`Config`] or every problem with its line out.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::{Config, Frames, Model, Picture, Ring, ScanTable, Serve, Store};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// From 1; `None` for settings from the command line.
    pub line: Option<usize>,
    pub text: String,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration {path}: {source}; give another with --config")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{path} cannot be used:\n{}", Lines(.problems))]
    Wrong { path: String, problems: Vec<Problem> },
}

struct Lines<'a>(&'a [Problem]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { "\n" };
            match problem.line {
                Some(line) => write!(f, "{separator}  line {line}: {}", problem.text)?,
                None => write!(f, "{separator}  {}", problem.text)?,
            }
        }
        Ok(())
    }
}

/// A configuration file is a page of text.
const MAX_BYTES: u64 = 1 << 20;

impl Config {
    /// Reads `path` (none: every default), then applies settings of the form `table.key=value`.
    pub fn load(path: Option<&Path>, settings: &[String]) -> Result<Self, ConfigError> {
        let Some(path) = path else { return Self::parse("", settings, "the command line") };
        let unreadable = |source| ConfigError::Unreadable { path: path.to_path_buf(), source };
        let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
        if bytes > MAX_BYTES {
            let text = format!("{bytes} bytes are no configuration: at most {MAX_BYTES} are read");
            let problems = vec![Problem { line: None, text }];
            return Err(ConfigError::Wrong { path: path.display().to_string(), problems });
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::parse(&text, settings, &path.display().to_string())
    }

    /// Parses text and settings; `name` is what errors call the text.
    pub fn parse(text: &str, settings: &[String], name: &str) -> Result<Self, ConfigError> {
        let wrong = |problems| ConfigError::Wrong { path: name.to_owned(), problems };
        let mut table: Table = toml::from_str(text).map_err(|e| {
            let line = e.span().map(|span| line_of(text, span.start));
            wrong(vec![Problem { line, text: e.message().to_owned() }])
        })?;
        let mut problems = Vec::new();
        for setting in settings {
            if let Err(text) = apply(&mut table, setting) {
                problems.push(Problem { line: None, text });
            }
        }
        let config = Self::from_table(table, text, &mut problems);
        config.check(text, &mut problems);
        if problems.is_empty() { Ok(config) } else { Err(wrong(problems)) }
    }

    fn from_table(mut table: Table, text: &str, problems: &mut Vec<Problem>) -> Self {
        let config = Self {
            frames: take(&mut table, "frames", text, problems),
            ring: take(&mut table, "ring", text, problems),
            camera: take(&mut table, "camera", text, problems),
            model: take(&mut table, "model", text, problems),
            gaussian: take(&mut table, "gaussian", text, problems),
            filter: take(&mut table, "filter", text, problems),
            widefield: take(&mut table, "widefield", text, problems),
            picture: take(&mut table, "picture", text, problems),
            preview: take(&mut table, "preview", text, problems),
            scan: take(&mut table, "scan", text, problems),
            store: take(&mut table, "store", text, problems),
            serve: take(&mut table, "serve", text, problems),
        };
        for key in table.keys() {
            let text_ = format!(
                "unknown table [{key}]: frames, ring, camera, model, gaussian, filter, widefield, picture, preview, scan, \
                 store and serve exist"
            );
            problems.push(Problem { line: find_line(text, key, ""), text: text_ });
        }
        config
    }

    /// What types cannot say.
    fn check(&self, text: &str, problems: &mut Vec<Problem>) {
        let mut need = |holds: bool, table: &str, key: &str, what: &str| {
            if !holds {
                let line = find_line(text, table, key);
                problems.push(Problem { line, text: format!("{table}.{key} {what}") });
            }
        };
        let Frames { endpoint, max_series, idle_close_s, .. } = &self.frames;
        need(
            endpoint.starts_with("tcp://") || endpoint.starts_with("ipc://"),
            "frames",
            "endpoint",
            "must start with tcp:// or ipc://",
        );
        need((1..=64).contains(max_series), "frames", "max_series", "must be 1 to 64");
        need(*idle_close_s >= 1, "frames", "idle_close_s", "must be at least 1 s");
        let Ring { mib, .. } = self.ring;
        need((1..=1 << 20).contains(&mib), "ring", "mib", "must be 1 to 1048576 MiB");
        let camera = &self.camera;
        need(
            camera.pixel_size_nm >= 1.0 && camera.pixel_size_nm <= 10_000.0,
            "camera",
            "pixel_size_nm",
            "must be 1 to 10000 nm",
        );
        need(camera.e_per_adu > 0.0, "camera", "e_per_adu", "must be above 0 electrons per count");
        need(camera.em_gain >= 1.0, "camera", "em_gain", "must be 1 or more");
        need(camera.qe > 0.0 && camera.qe <= 1.0, "camera", "qe", "must be above 0 and at most 1");
        let Model { max_batch, fake_window_frames, core_px, memory_mib, lanes, provider, rule, .. } =
            &self.model;
        need((1..=64).contains(max_batch), "model", "max_batch", "must be 1 to 64 frames");
        need([1, 3].contains(fake_window_frames), "model", "fake_window_frames", "must be 1 or 3");
        need((16..=16_384).contains(core_px), "model", "core_px", "must be 16 to 16384 px");
        need((16..=1 << 20).contains(memory_mib), "model", "memory_mib", "must be 16 to 1048576 MiB");
        need(*lanes <= 64, "model", "lanes", "must be 0 (one per core) to 64");
        need(
            ["auto", "tensorrt", "cuda", "cpu"].contains(&provider.as_str()),
            "model",
            "provider",
            "must be auto, tensorrt, cuda or cpu",
        );
        need(["paper", "raw"].contains(&rule.as_str()), "model", "rule", "must be paper or raw");
        if let Some((key, what)) = self.gaussian.problem() {
            need(false, "gaussian", key, &what);
        }
        need(
            self.widefield.skip_frames < smlm::widefield::MOST_FRAMES,
            "widefield",
            "skip_frames",
            "must be 0 to 63 frames",
        );
        let Picture { base_pixel_nm, max_mib, tick_ms, .. } = self.picture;
        need((0.5..=1000.0).contains(&base_pixel_nm), "picture", "base_pixel_nm", "must be 0.5 to 1000 nm");
        need(max_mib >= 16, "picture", "max_mib", "must be at least 16 MiB");
        need((10..=60_000).contains(&tick_ms), "picture", "tick_ms", "must be 10 to 60000 ms");
        let tick_ms = self.preview.a_net_tick_ms;
        need((100..=60_000).contains(&tick_ms), "preview", "a_net_tick_ms", "must be 100 to 60000 ms");
        let ScanTable { merge_nm, stage_error_um, mosaic_pixel_nm, finish, ref a_net, .. } = self.scan;
        need((0.0..=1000.0).contains(&merge_nm), "scan", "merge_nm", "must be 0 (never) to 1000 nm");
        need((0.1..=100.0).contains(&stage_error_um), "scan", "stage_error_um", "must be 0.1 to 100 um");
        need((1.0..=1000.0).contains(&mosaic_pixel_nm), "scan", "mosaic_pixel_nm", "must be 1 to 1000 nm");
        if let Some((key, what)) = self.scan.early_stop.problem() {
            need(false, "scan.early_stop", key, what);
        }
        need(
            finish || a_net.is_empty(),
            "scan",
            "a_net",
            "paints finished tiles: set finish = true, or leave it empty",
        );
        let Store { files, .. } = &self.store;
        for file in files {
            let known = ["parquet", "csv", "picasso", "png", "summary"].contains(&file.as_str());
            need(known, "store", "files", "may hold parquet, csv, picasso, png and summary only");
        }
        let Serve { listen, tls_certificate, tls_key, token_file, .. } = &self.serve;
        let guarded = [tls_certificate, tls_key, token_file].iter().all(|path| !path.as_os_str().is_empty());
        need(
            listen.ip().is_loopback() || guarded,
            "serve",
            "listen",
            "is not loopback: set tls_certificate, tls_key and token_file too, or use 127.0.0.1 and a tunnel",
        );
    }

    /// The configuration as it is in force, as TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).unwrap_or_else(|e| format!("# cannot be written: {e}\n"))
    }
}

fn take<T: DeserializeOwned + Default>(
    table: &mut Table,
    name: &str,
    text: &str,
    problems: &mut Vec<Problem>,
) -> T {
    let Some(value) = table.remove(name) else { return T::default() };
    value.try_into().unwrap_or_else(|e: toml::de::Error| {
        let message = e.message().to_owned();
        // An unknown key stands between back-ticks in the message, one of a wrong type in the lines below it.
        let told = e.to_string();
        let below = told.lines().find_map(|line| line.strip_prefix("in `"));
        let key = message.split('`').nth(1).or(below.and_then(|rest| rest.split('`').next()));
        let key = key.unwrap_or("").to_owned();
        problems.push(Problem { line: find_line(text, name, &key), text: format!("[{name}] {message}") });
        T::default()
    })
}

/// `table.key=value`; the value is TOML, or a bare word taken as text.
fn apply(table: &mut Table, setting: &str) -> Result<(), String> {
    let form = || format!("'{setting}' is no setting: write table.key=value");
    let (path, value) = setting.split_once('=').ok_or_else(form)?;
    let (sections, key) = path.trim().rsplit_once('.').ok_or_else(form)?;
    let parsed: Value = toml::from_str::<Table>(&format!("v = {value}"))
        .ok()
        .and_then(|mut t| t.remove("v"))
        .unwrap_or_else(|| Value::String(value.trim().to_owned()));
    let mut inner = table;
    for section in sections.split('.') {
        let entry = inner.entry(section.trim()).or_insert_with(|| Value::Table(Table::new()));
        inner = entry.as_table_mut().ok_or_else(form)?;
    }
    inner.insert(key.trim().to_owned(), parsed);
    Ok(())
}

fn line_of(text: &str, byte: usize) -> usize {
    text.as_bytes().iter().take(byte).filter(|&&b| b == b'\n').count() + 1
}

/// The line of `key` in `[table]`, or in a table within it; of the table when the key is not there.
fn find_line(text: &str, table: &str, key: &str) -> Option<usize> {
    let mut inside = false;
    let mut header = None;
    for (i, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            let here = line.trim_matches(['[', ']']).trim();
            inside = here.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
            header = if here == table { Some(i + 1) } else { header };
        } else if inside && !key.is_empty() && line.split('=').next().is_some_and(|k| k.trim() == key) {
            return Some(i + 1);
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_given_is_every_default() {
        assert_eq!(Config::parse("", &[], "t").expect("defaults are valid"), Config::default());
    }

    #[test]
    fn all_problems_are_reported_at_once_with_their_lines() {
        let text = "[frames]\nendpoint = \"udp://x\"\n[camera]\nqe = 7\nbogus = 1\n[colour]\nx = 1\n\n\
            [picture]\ntick_ms = \"slow\"\n";
        let error = Config::parse(text, &["ring.mib=0".into()], "bad.toml").expect_err("five problems");
        let said = error.to_string();
        for part in [
            "line 2: frames.endpoint",
            "line 5: [camera]",
            "line 6: unknown table [colour]",
            "line 10: [picture]",
            "ring.mib",
        ] {
            assert!(said.contains(part), "{part} not in\n{said}");
        }
    }

    #[test]
    fn settings_win_over_the_file() {
        let config =
            Config::parse("[ring]\nmib = 64\n", &["ring.mib=128".into(), "model.bundle=fake".into()], "t")
                .expect("valid");
        assert_eq!((config.ring.mib, config.model.bundle.as_str()), (128, "fake"));
    }

    #[test]
    fn no_tile_ends_early_unless_a_target_is_set() {
        assert_eq!(Config::default().scan.early_stop.targets(), None);
        let text = "[scan]\ndrift = false\n[scan.early_stop]\ntarget_frc_nm = 45\n";
        let config = Config::parse(text, &["scan.early_stop.least_frames=300".into()], "t").expect("valid");
        let targets = config.scan.early_stop.targets().expect("a target is set");
        assert_eq!((targets.frc.map(|nm| nm.0), targets.localizations), (Some(45.0), None));
        assert_eq!((targets.least_frames, targets.every_frames, config.scan.drift), (300, 500, false));
        let said = |text: &str| Config::parse(text, &[], "t").expect_err("refused").to_string();
        let frc = said("[scan]\n[scan.early_stop]\nleast_frames = 7\ntarget_frc_nm = 5\n");
        assert!(frc.contains("line 4: scan.early_stop.target_frc_nm must be 20 to 1000 nm"), "{frc}");
        let bogus = said("[scan]\n[scan.early_stop]\nbogus = 5\n");
        assert!(bogus.contains("line 3: [scan]"), "{bogus}");
    }

    #[test]
    fn what_finds_no_spot_is_told_by_its_key_and_line() {
        let said = |text: &str| Config::parse(text, &[], "t").expect_err("refused").to_string();
        let radius = said("[gaussian]\nthreshold_factor = 1.5\nradius_px = 9\n");
        assert!(radius.contains("line 3: gaussian.radius_px must be 2 to 7 px"), "{radius}");
        let curve = "{ w0_px = 1.3, c_nm = 0, d_nm = 400 }";
        let flat = format!("[gaussian.astigmatism]\nz_min_nm = 5\nz_max_nm = -5\nx = {curve}\ny = {curve}\n");
        assert!(said(&flat).contains("gaussian.astigmatism the calibrated range"), "{}", said(&flat));
        let missing = said("[gaussian.astigmatism]\nz_min_nm = -5\n");
        assert!(missing.contains("missing field"), "{missing}");
    }

    #[test]
    fn listening_beyond_loopback_without_a_token_is_refused() {
        let error = Config::parse("[serve]\nlisten = \"0.0.0.0:5767\"\n", &[], "t").expect_err("refused");
        assert!(error.to_string().contains("not loopback"));
    }

    #[test]
    fn the_effective_configuration_can_be_read_back() {
        let config = Config::default();
        assert_eq!(Config::parse(&config.to_toml(), &[], "t").expect("own words"), config);
    }

    #[test]
    fn the_shipped_files_load_and_the_reference_says_the_defaults() {
        let reference = include_str!("../../reference.toml");
        assert_eq!(Config::parse(reference, &[], "reference.toml").expect("loads"), Config::default());
        Config::parse(include_str!("../../minimal.toml"), &[], "minimal.toml").expect("loads");
    }
}
