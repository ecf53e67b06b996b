//! How fast frames leave: `cargo run --release -p sim --example send_rate -- tcp://127.0.0.1:5766 2048 90 20`
//! (endpoint, side in pixels, frames per second or 0 for as fast as it goes, seconds). Prints the publisher's totals.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use sim::microscope::VirtualMicroscope;
use sim::publish::{Player, Playing, SystemClock};
use sim::settings::Settings;
use smlm::frame::Shape;
use wire::publisher::{Publisher, PublisherSettings};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, side, rate, seconds] = arguments.as_slice() else {
        return Err("four arguments are needed: ENDPOINT SIDE_PX FRAMES_PER_SECOND SECONDS".into());
    };
    let (side, rate, limit) = (side.parse()?, rate.parse()?, Duration::from_secs_f64(seconds.parse()?));
    let settings = Settings { shape: Shape { width: side, height: side }, ..Settings::default() };
    let mut publisher = Publisher::new(endpoint, PublisherSettings::default())?;
    let playing = Playing { bank: Some(16), ..Playing::default() };
    let microscope = VirtualMicroscope::new(settings)?;
    while !publisher.is_connected() {
        publisher.drive(Duration::from_millis(10));
    }
    let player = Player::new(microscope, playing, publisher)?;
    let begin = Instant::now();
    let (totals, line) = player.play(rate, &SystemClock, |_| {
        if begin.elapsed() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    line.finish().flush(Duration::from_secs(30))?;
    let took = begin.elapsed().as_secs_f64();
    let (captured, dropped) = (totals.captured, totals.dropped);
    println!("{captured} frames in {took:.2} s: {:.1} per second, {dropped} dropped", captured as f64 / took);
    Ok(())
}
