//! ONNX Runtime: which library is loaded, from where, and the one environment of the process.
//!
//! In: an optional setting, the environment, the places where set-up puts the library. Out: [`Runtime`], or
//! an error that lists every place looked at. Never: a download (that is `cargo xtask setup`), the library's
//! own search, which panics when it finds nothing.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use ort::environment::Environment;

/// The version that set-up fetches and tests run with.
pub const ONNXRUNTIME_VERSION: &str = "1.31.1";
/// Libraries from 1.`this` on are accepted.
pub const OLDEST_MINOR: u32 = ort::MINOR_VERSION;

const SWITCH: &str = "ORT_DISABLE_TELEMETRY";
const PATH_VARIABLE: &str = "ORT_DYLIB_PATH";

/// The library that runs the networks. One per process, for as long as the process lives.
#[derive(Debug)]
pub struct Runtime {
    pub library: PathBuf,
    /// `1.minor`.
    pub minor: u32,
    pub(crate) environment: Environment,
}

/// Why there is no ONNX Runtime.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[must_use]
pub enum RuntimeError {
    #[error(
        "no ONNX Runtime 1.{OLDEST_MINOR} or newer was found; run `cargo xtask setup`, or name the library in model.onnxruntime or {PATH_VARIABLE}. Looked at: {}", .looked_at.join("; ")
    )]
    NotFound { looked_at: Vec<String> },
    #[error(
        "{source_of_path} names {path}, which {problem}; ONNX Runtime 1.{OLDEST_MINOR} or newer is needed. Correct it, or remove it and run `cargo xtask setup`"
    )]
    Named { source_of_path: &'static str, path: String, problem: String },
    #[error(
        "{SWITCH} is not set, so ONNX Runtime would report to its vendor; call forbid_telemetry at the start of main, or set it (to 0 if you want that)"
    )]
    Talkative,
    #[error("ONNX Runtime from {path} does not start: {message}")]
    Start { path: String, message: String },
    #[error("ONNX Runtime is loaded from {loaded} already; a process cannot change to {asked}, restart it")]
    Loaded { loaded: String, asked: String },
}

/// Tells ONNX Runtime not to report to its vendor. Call it as the first statement of `main`.
///
/// The published Linux libraries contain a telemetry client that is on by default and that
/// `with_telemetry(false)` does not silence; only the environment variable does.
pub fn forbid_telemetry() {
    if std::env::var_os(SWITCH).is_none() {
        // SAFETY: the caller runs this before any other thread exists, so nobody reads the environment now.
        unsafe { std::env::set_var(SWITCH, "1") };
    }
}

/// Where set-up puts the library: `$XDG_CACHE_HOME` or `~/.cache`, `/blinkd/onnxruntime/<version>`.
pub fn cache_dir() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    Some(cache.join("blinkd").join("onnxruntime").join(ONNXRUNTIME_VERSION))
}

/// Loads the library on the first call; later calls return the same one.
///
/// `named` is the setting: a library, or a folder that holds one.
pub fn load(named: Option<&Path>) -> Result<&'static Runtime, RuntimeError> {
    static LOADED: OnceLock<Runtime> = OnceLock::new();
    static LOADING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = LOADED.get() {
        return match named {
            Some(path) if library_in(path).is_some_and(|path| path != runtime.library) => {
                let (loaded, asked) = (runtime.library.display().to_string(), path.display().to_string());
                Err(RuntimeError::Loaded { loaded, asked })
            }
            _ => Ok(runtime),
        };
    }
    let (library, minor) =
        find(named, std::env::var_os(PATH_VARIABLE).map(PathBuf::from).as_deref(), &places(), &names())?;
    let start = |message: String| RuntimeError::Start { path: library.display().to_string(), message };
    let builder = ort::init_from(&library).map_err(|error| start(error.to_string()))?;
    let environment = builder.with_name("blinkd").with_telemetry(false).build();
    let environment = environment.map_err(|error| start(error.to_string()))?;
    Ok(LOADED.get_or_init(|| Runtime { library, minor, environment }))
}

/// The library to load and its minor version. What is named must be right; elsewhere the first right one wins,
/// in `places` and then among the system's libraries with `plain` names.
fn find(
    named: Option<&Path>,
    variable: Option<&Path>,
    places: &[PathBuf],
    plain: &[String],
) -> Result<(PathBuf, u32), RuntimeError> {
    for (source_of_path, path) in [("model.onnxruntime", named), (PATH_VARIABLE, variable)] {
        let Some(path) = path.filter(|path| !path.as_os_str().is_empty()) else { continue };
        let library = library_in(path).unwrap_or_else(|| path.to_owned());
        return judge(&library).map(|minor| (library, minor)).map_err(|problem| RuntimeError::Named {
            source_of_path,
            path: path.display().to_string(),
            problem,
        });
    }
    let mut looked_at = Vec::new();
    for place in places {
        let Some(library) = library_in(place) else {
            looked_at.push(format!("{}: none", place.display()));
            continue;
        };
        match judge(&library) {
            Ok(minor) => return Ok((library, minor)),
            Err(problem) => looked_at.push(format!("{} {problem}", library.display())),
        }
    }
    for name in plain.iter().map(Path::new) {
        match ort::util::probe(name) {
            Some(minor) if minor >= OLDEST_MINOR => return Ok((name.to_owned(), minor)),
            Some(minor) => looked_at.push(format!("{} of the system is version 1.{minor}", name.display())),
            None => looked_at.push(format!("{} of the system: none", name.display())),
        }
    }
    Err(RuntimeError::NotFound { looked_at })
}

/// The minor version of a library, or what is wrong with it.
fn judge(library: &Path) -> Result<u32, String> {
    if !library.is_file() {
        return Err("does not exist".to_owned());
    }
    match ort::util::probe(library) {
        Some(minor) if minor >= OLDEST_MINOR => Ok(minor),
        Some(minor) => Err(format!("is version 1.{minor}")),
        None => Err("is not an ONNX Runtime library that this machine can load".to_owned()),
    }
}

/// Folders that may hold the library, in the order of preference.
fn places() -> Vec<PathBuf> {
    let mut places = Vec::new();
    let executable = std::env::current_exe().ok();
    if let Some(folder) = executable.as_deref().and_then(Path::parent) {
        places.push(folder.to_owned());
        places.push(folder.join("..").join("lib").join("blinkd"));
    }
    places.extend(cache_dir());
    places
}

/// File names of the library, the pinned version first.
fn names() -> [String; 3] {
    if cfg!(target_os = "windows") {
        ["onnxruntime.dll".to_owned(), "onnxruntime.dll".to_owned(), "onnxruntime.dll".to_owned()]
    } else if cfg!(target_os = "macos") {
        let pinned = format!("libonnxruntime.{ONNXRUNTIME_VERSION}.dylib");
        [pinned, "libonnxruntime.1.dylib".to_owned(), "libonnxruntime.dylib".to_owned()]
    } else {
        let pinned = format!("libonnxruntime.so.{ONNXRUNTIME_VERSION}");
        [pinned, "libonnxruntime.so.1".to_owned(), "libonnxruntime.so".to_owned()]
    }
}

/// `path` itself when it is a file, the library inside it when it is a folder.
fn library_in(path: &Path) -> Option<PathBuf> {
    if path.is_file() {
        return Some(path.to_owned());
    }
    names().into_iter().map(|name| path.join(name)).find(|library| library.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_library_names_every_place_and_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = ["libonnxruntime-that-nobody-has.so".to_owned()];
        let text = find(None, None, &[folder.path().to_owned()], &nowhere).unwrap_err().to_string();
        assert!(text.contains("nobody-has.so of the system: none"), "{text}");
        assert!(text.contains("cargo xtask setup"), "{text}");
        assert!(text.contains(&folder.path().display().to_string()), "{text}");
    }

    #[test]
    fn a_named_library_that_is_something_else_is_refused_and_not_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("libonnxruntime.so.1");
        std::fs::write(&file, b"not a library").unwrap();
        let error = find(Some(&file), None, &[], &[]).unwrap_err();
        assert!(matches!(&error, RuntimeError::Named { source_of_path: "model.onnxruntime", .. }), "{error}");
        let error = find(None, Some(&folder.path().join("nothing.so")), &[], &[]).unwrap_err();
        assert!(error.to_string().contains("does not exist"), "{error}");
        assert!(error.to_string().contains(PATH_VARIABLE), "{error}");
    }

    #[test]
    fn a_folder_is_searched_for_the_pinned_name_first() {
        let folder = tempfile::tempdir().unwrap();
        let [pinned, major, _] = names();
        std::fs::write(folder.path().join(&major), b"").unwrap();
        assert_eq!(library_in(folder.path()), Some(folder.path().join(&major)));
        std::fs::write(folder.path().join(&pinned), b"").unwrap();
        assert_eq!(library_in(folder.path()), Some(folder.path().join(&pinned)));
    }

    /// A library that says it is ONNX Runtime `version`, and nothing else.
    fn pretender(folder: &Path, version: &str) -> Option<PathBuf> {
        let source = format!(
            "struct base {{ const void *(*api)(unsigned); const char *(*version)(void); }};\n\
             static const void *api(unsigned v) {{ (void)v; return 0; }}\n\
             static const char *version(void) {{ return \"{version}\"; }}\n\
             static const struct base b = {{ api, version }};\n\
             const struct base *OrtGetApiBase(void) {{ return &b; }}\n"
        );
        let (from, to) = (folder.join("pretender.c"), folder.join(&names()[1]));
        std::fs::write(&from, source).unwrap();
        let compiled =
            std::process::Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&to, &from]).status();
        match compiled {
            Ok(status) if status.success() => Some(to),
            other => {
                eprintln!("SKIPPED: no C compiler makes a library here: {other:?}");
                None
            }
        }
    }

    #[test]
    fn another_version_is_refused_with_its_place_and_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let Some(library) = pretender(folder.path(), "1.19.2") else { return };
        let error = find(Some(&library), None, &[], &[]).unwrap_err().to_string();
        assert!(error.contains("is version 1.19"), "{error}");
        assert!(error.contains("cargo xtask setup"), "{error}");
        let error = find(None, None, &[folder.path().to_owned()], &[]).unwrap_err().to_string();
        assert!(error.contains(&format!("{} is version 1.19", library.display())), "{error}");
    }

    #[test]
    fn the_first_right_library_wins_over_wrong_ones_before_it() {
        let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let Some(_) = pretender(old.path(), "1.20.0") else { return };
        let Some(right) = pretender(new.path(), "1.99.0") else { return };
        let places = [old.path().to_owned(), new.path().to_owned()];
        assert_eq!(find(None, None, &places, &[]), Ok((right, 99)));
    }
}
