//! Fetching ONNX Runtime: the wheel from PyPI, pinned by version and digest, into the cache where the daemon looks.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools;

/// The version that `infer::ONNXRUNTIME_VERSION` names; a test holds the two together.
pub const VERSION: &str = "1.31.1";
/// SHA-256 of the wheels for CPython 3.11; the library inside does not depend on Python.
const WHEELS: [(&str, &str); 2] = [
    ("x86_64", "5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f"),
    ("aarch64", "da05378364c44d4407e463982d2bf8d5e4cfea873283757e48beeb41df97b7f3"),
];

/// Unpacks the libraries and the licences of a wheel, flat, into a folder.
const UNPACK: &str = "\
import pathlib, sys, zipfile
wheel, to = sys.argv[1], pathlib.Path(sys.argv[2])
to.mkdir(parents=True, exist_ok=True)
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        leaf = name.rsplit('/', 1)[-1]
        if leaf.startswith('libonnxruntime') or leaf in ('LICENSE', 'ThirdPartyNotices.txt'):
            (to / leaf).write_bytes(archive.read(name))
";

/// Where the daemon looks (`infer::runtime::cache_dir`).
fn cache() -> Result<PathBuf, String> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    Ok(cache.ok_or("neither XDG_CACHE_HOME nor HOME names a folder")?.join("blinkd").join("onnxruntime"))
}

/// The library, fetched if it is not there yet.
pub fn run() -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        eprintln!("ONNX Runtime: ORT_DYLIB_PATH names {}", Path::new(&path).display());
        return Ok(path.into());
    }
    let home = cache()?;
    let library = home.join(VERSION).join(format!("libonnxruntime.so.{VERSION}"));
    if library.is_file() {
        return Ok(library);
    }
    if std::env::var_os("BLINKD_NO_FETCH").is_some() {
        return Err(format!("BLINKD_NO_FETCH is set and {} is not there", library.display()));
    }
    fetch(&home).map_err(|error| {
        format!(
            "{error}\nONNX Runtime {VERSION} could not be fetched. Without a network: put \
             libonnxruntime.so.{VERSION} into {}, or set ORT_DYLIB_PATH to it.",
            home.join(VERSION).display()
        )
    })?;
    eprintln!("ONNX Runtime {VERSION}: {}", library.display());
    Ok(library)
}

fn fetch(home: &Path) -> Result<(), String> {
    let machine = std::env::consts::ARCH;
    let digest = WHEELS.iter().find(|(arch, _)| *arch == machine).map(|(_, digest)| *digest);
    let digest = digest.ok_or(format!("there is no pinned wheel for {machine}"))?;
    // Beside its place, so that the last step is one rename.
    let work = home.join(format!("fetch-{}", std::process::id()));
    let trouble = |path: &Path| {
        let path = path.to_owned();
        move |e: std::io::Error| format!("{}: {e}", path.display())
    };
    std::fs::create_dir_all(&work).map_err(trouble(&work))?;
    let fetched = fetch_into(&work, machine, digest).and_then(|()| {
        let place = home.join(VERSION);
        if place.exists() {
            std::fs::remove_dir_all(&place).map_err(trouble(&place))?; // half a fetch of earlier times
        }
        std::fs::rename(work.join("unpacked"), &place).map_err(trouble(&place))
    });
    let _ = std::fs::remove_dir_all(&work); // what is left is only what pip downloaded
    fetched
}

fn fetch_into(work: &Path, machine: &str, digest: &str) -> Result<(), String> {
    let pinned = work.join("pinned.txt");
    std::fs::write(&pinned, format!("onnxruntime=={VERSION} --hash=sha256:{digest}\n"))
        .map_err(|e| e.to_string())?;
    let venv = work.join("venv");
    tools::run(Command::new("python3").args(["-m", "venv"]).arg(&venv)).map_err(|e| {
        format!("{e}\nPython 3 with its venv module is needed: on Debian, apt install python3-venv")
    })?;
    let python = venv.join("bin").join("python");
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--require-hashes"]);
    pip.args(["--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp"]);
    for tag in ["28", "27", "17"] {
        pip.arg("--platform").arg(format!("manylinux_2_{tag}_{machine}"));
    }
    tools::run(pip.arg("-d").arg(work).arg("-r").arg(&pinned))?;
    let wheel = std::fs::read_dir(work)
        .map_err(|e| e.to_string())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|ending| ending == "whl"))
        .ok_or("pip brought no wheel")?;
    tools::run(Command::new(&python).args(["-c", UNPACK]).arg(&wheel).arg(work.join("unpacked")))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_daemon_looks_for_the_version_that_is_fetched() {
        let source = include_str!("../../infer/src/runtime.rs");
        assert!(source.contains(&format!("ONNXRUNTIME_VERSION: &str = \"{}\"", super::VERSION)));
    }
}
