//! Writes `clients/conformance/vectors.json`. A difference is a change of the protocol: review it as one.

mod vectors;

fn main() -> std::io::Result<()> {
    let path = vectors::path();
    std::fs::write(&path, vectors::text())?;
    println!("wrote {}", path.display());
    Ok(())
}
