//! A network that fails: the provider that takes over is told of, and frames that nobody could process are marked.

use std::sync::Arc;
use std::time::Duration;

use blinkd::estimating::SampleOutlet;
use blinkd::live::{EngineStatus, Live, Series};
use blinkd::localizer::{Localizer, Settings, ToLocalizer, ToPicture};
use blinkd::store::ring::{self, Policy, RingSettings};
use blinkd::widefield::Outlet;
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use infer::engine::About;
use infer::{Engine, EngineError, Output, WindowRef};
use smlm::frame::{FrameId, FrameInfo, Seq, Shape};
use smlm::localization::Filter;
use smlm::localize::{OutputScale, Rule};
use smlm::series::SeriesInfo;
use smlm::units::{Camera, Nm, PixelSize};

use crate::rig::{SHAPE, id};

/// Changes to another provider at frame 5 and fails altogether at frame 9.
struct Faltering(About);

impl Engine for Faltering {
    fn about(&self) -> &About {
        &self.0
    }

    fn warm_up(&mut self, _: Shape) -> Result<(), EngineError> {
        Ok(())
    }

    fn run(
        &mut self,
        windows: &[WindowRef<'_>],
        emit: &mut dyn FnMut(usize, Output<'_>),
    ) -> Result<(), EngineError> {
        for (at, window) in windows.iter().enumerate() {
            match window.this.key.seq.0 {
                5 => {
                    self.0.attempts.push("CUDA: out of memory".into());
                    self.0.provider = "CPUExecutionProvider".into();
                }
                9 => {
                    return Err(EngineError::Run {
                        bundle: "faltering".into(),
                        provider: self.0.provider.clone(),
                        message: "no".into(),
                    });
                }
                _ => {}
            }
            emit(at, Output::Found(&[]));
        }
        Ok(())
    }
}

/// A localizer with twelve frames in its ring, which is closed behind them, and where its messages go.
fn faltering(dir: &std::path::Path) -> (Localizer, Receiver<ToPicture>) {
    let settings = RingSettings { dir: dir.into(), bytes: 64 * 8192, policy: Policy::Lossless };
    let (mut writer, reader) = ring::create(&settings, id(1), 8192).unwrap();
    for seq in 0..12 {
        let id = FrameId { series: id(1), seq: Seq(seq) };
        writer.reserve(&FrameInfo { id, shape: SHAPE, ..FrameInfo::default() }).unwrap();
        writer.commit(1);
    }
    let live = Arc::new(Live::new());
    live.set_engine(EngineStatus { provider: "CUDAExecutionProvider".into(), ..EngineStatus::default() });
    let series = Arc::new(Series::new(SeriesInfo { id: id(1), ..SeriesInfo::default() }, Filter::default()));
    let (inbox_of, inbox) = bounded(4);
    let (_ring_bell, bell) = bounded(1);
    let (out, picture) = bounded(64);
    let (_give_back, spare) = bounded(1);
    let (room, _room) = bounded(1);
    let (_load, engines) = bounded(1);
    inbox_of.send(ToLocalizer::Open { series, reader, done_through: None }).unwrap();
    inbox_of.send(ToLocalizer::Close { series: id(1), why: "completed".into() }).unwrap();
    drop((inbox_of, writer));
    let about = About {
        name: "faltering".into(),
        version: "1".into(),
        window_frames: 1,
        max_batch: 1,
        provider: "CUDAExecutionProvider".into(),
        placement: String::new(),
        attempts: Vec::new(),
        halo_px: 0,
        grid_px: 1,
    };
    let localizer = Localizer {
        settings: Settings {
            rule: Rule::default(),
            scale: OutputScale { photons: 1.0, z_nm: 1.0, background: 1.0 },
            camera: Camera::IDENTITY,
            max_batch: 1,
            idle_flush: Duration::from_millis(10),
            pixel_range_nm: None,
            looks: true,
        },
        samples: SampleOutlet {
            wanted: false,
            pixel_size: PixelSize::square(Nm(100.0)),
            card: None,
            jobs: bounded(1).0,
        },
        means: Outlet {
            store: dir.into(),
            skip_frames: 2,
            pixel_size: PixelSize::square(Nm(100.0)),
            jobs: bounded(1).0,
        },
        engine: Box::new(Faltering(about)),
        engines,
        live,
        inbox,
        bell,
        out,
        spare,
        room,
        lanes: Vec::new(),
        attempts: 0,
    };
    (localizer, picture)
}

#[test]
fn a_provider_that_fails_in_the_middle_is_told_of_and_lost_frames_are_marked() {
    let dir = tempfile::tempdir().unwrap();
    let (localizer, picture) = faltering(dir.path());
    let live = localizer.live.clone();
    localizer.run(); // ends by itself: nothing will come any more
    let status = live.engine();
    assert_eq!(status.provider, "CPUExecutionProvider");
    assert_eq!(status.attempts, ["CUDA: out of memory"]);
    let mut failed = Vec::new();
    let mut frames = 0;
    let mut closed = false;
    for message in picture.try_iter() {
        match message {
            ToPicture::Batch(batch) => {
                frames += batch.frames.len();
                failed.extend(batch.failed.then(|| batch.frames[0].id.seq.0));
            }
            ToPicture::Close { ring, .. } => {
                closed = true;
                ring.remove().unwrap(); // comes with the end, behind the last batch
            }
            ToPicture::Open { .. } | ToPicture::Described { .. } => assert_eq!(frames, 0),
        }
    }
    assert_eq!((frames, failed, closed), (12, vec![9], true));
}

#[test]
fn a_network_that_fails_because_the_process_ends_loses_no_frame() {
    let dir = tempfile::tempdir().unwrap();
    let (localizer, picture) = faltering(dir.path());
    localizer.live.leave_as_it_is();
    // It stands still at the failure until the process is gone.
    std::thread::spawn(move || localizer.run());
    let mut done = Vec::new();
    loop {
        match picture.recv_timeout(Duration::from_millis(500)) {
            Ok(ToPicture::Batch(batch)) => {
                assert!(!batch.failed, "frame {} is marked as lost", batch.frames[0].id.seq.0);
                done.push(batch.frames[0].id.seq.0);
            }
            Ok(ToPicture::Close { .. }) => panic!("the series is closed with frames in its ring"),
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => panic!("the localizer ended"),
        }
    }
    assert_eq!(done, (0..9).collect::<Vec<_>>());
}
