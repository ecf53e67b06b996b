//! What a simulated frame costs, and how crowded each structure is: `cargo run --release -p sim --example
//! frame_rate`. With a folder as argument it also leaves a frame of each structure there (16-bit PGM).

use std::io::Write;
use std::time::Instant;

use sim::camera::CameraModel;
use sim::crowding::Crowding;
use sim::microscope::VirtualMicroscope;
use sim::optics::Psf;
use sim::settings::Settings;
use sim::structure::Structure;
use sim::truth::FrameTruth;
use smlm::frame::Shape;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("camera      side   ms/frame    ns/px  emitters");
    for (name, camera) in [("sCMOS", CameraModel::SCMOS), ("SMLM 2016", CameraModel::SMLM_2016)] {
        for (side, frames) in [(128, 200), (512, 30), (2048, 3)] {
            let shape = Shape { width: side, height: side };
            let settings = Settings { shape, camera, ..Settings::default() };
            let mut microscope = VirtualMicroscope::new(settings)?;
            let (mut counts, mut truth) = (Vec::new(), FrameTruth::default());
            microscope.next_frame(&mut counts, &mut truth);
            // The least of five: other programs on the machine only add to it.
            let mut least = f64::INFINITY;
            for _ in 0..5 {
                let start = Instant::now();
                for _ in 0..frames {
                    let _ = microscope.next_frame(&mut counts, &mut truth);
                }
                least = least.min(start.elapsed().as_secs_f64() * 1e3 / f64::from(frames));
            }
            let (ns, emitters) = (least * 1e6 / shape.pixels() as f64, truth.emitters.len());
            println!("{name:10} {side:5} {least:10.3} {ns:8.1} {emitters:9}");
        }
    }
    crowding()
}

fn crowding() -> Result<(), Box<dyn std::error::Error>> {
    println!("\nstructure      per µm²  nearest, median   within 250 nm   within 500 nm   others in 500 nm");
    println!("               visible  here  uniform nm  here  uniform   here  uniform   here  uniform");
    let stripes = Structure::Stripes { distance_nm: 50.0, pitch_nm: 1000.0 };
    let all = [
        ("uniform", Structure::Uniform),
        ("mesh", Structure::MESH),
        ("microtubules", Structure::MICROTUBULES),
        ("pores", Structure::PORES),
        ("stripes", stripes),
    ];
    for (name, structure) in all {
        let settings = Settings { structure, psf: Psf::Gaussian { sigma_nm: 135.0 }, ..Settings::default() };
        let mut microscope = VirtualMicroscope::new(settings.clone())?;
        let (mut counts, mut frames) = (Vec::new(), Vec::new());
        for _ in 0..300 {
            let mut truth = FrameTruth::default();
            microscope.next_frame(&mut counts, &mut truth);
            frames.push(truth);
        }
        let (Some(here), Some(uniform)) =
            (Crowding::of(&settings, &frames), Crowding::if_uniform(&settings, &frames))
        else {
            continue;
        };
        println!(
            "{name:13} {:8.3} {:6.0} {:6.0}     {:8.3} {:6.3} {:9.3} {:6.3} {:9.2} {:6.2}",
            here.per_um2,
            here.median_nm,
            uniform.median_nm,
            here.within_250_nm,
            uniform.within_250_nm,
            here.within_500_nm,
            uniform.within_500_nm,
            here.neighbours_500_nm,
            uniform.neighbours_500_nm
        );
        if let Some(folder) = std::env::args().nth(1) {
            let path = std::path::Path::new(&folder).join(format!("{name}.pgm"));
            let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
            writeln!(file, "P5 {} {} 65535", settings.shape.width, settings.shape.height)?;
            counts.iter().try_for_each(|count| file.write_all(&count.to_be_bytes()))?;
            let places = std::path::Path::new(&folder).join(format!("{name}.csv"));
            let mut csv = sim::truth::TruthCsv::new(std::fs::File::create(places)?, settings.pixel_size)?;
            frames.iter().try_for_each(|truth| csv.write(truth))?;
        }
    }
    Ok(())
}
