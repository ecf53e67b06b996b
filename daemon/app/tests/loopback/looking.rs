//! What viewers ask for: tiles, camera frames, statistics, scans, and how a series goes on.

use std::future::Future;

use blinkd::serve::grpc::acquisitions_client::AcquisitionsClient;
use blinkd::serve::grpc::preview_client::PreviewClient;
use blinkd::serve::grpc::scans_client::ScansClient;
use smlm::frame::StagePosition;
use smlm::series::Grid;
use tonic::Code;
use tonic::transport::Channel;
use wire::pb;

use crate::rig::{Rig, Sender, emitter, until};

struct Looked {
    rig: Rig,
    sender: Sender,
    runtime: tokio::runtime::Runtime,
    channel: Channel,
}

impl Looked {
    /// A daemon with so many frames, in tiles of so many.
    fn at(frames: u64, frames_per_tile: u32, change: impl Fn(&mut smlm::series::SeriesInfo)) -> Self {
        let rig = Rig::start(|_| ());
        let mut sender = rig.publisher(1);
        sender.frames_per_tile = frames_per_tile;
        sender.start(change);
        sender.send_changed(frames, on_stage);
        rig.settled(1, frames);
        Self::on(rig, sender)
    }

    fn on(rig: Rig, sender: Sender) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let url = rig.url();
        let channel = runtime.block_on(async { Channel::from_shared(url).unwrap().connect().await.unwrap() });
        Self { rig, sender, runtime, channel }
    }

    fn ask<T, A: Future<Output = Result<tonic::Response<T>, tonic::Status>>>(
        &self,
        question: impl FnOnce(Channel) -> A,
    ) -> Result<T, tonic::Status> {
        self.runtime.block_on(question(self.channel.clone())).map(tonic::Response::into_inner)
    }

    fn tiles(&self, request: pb::GetTilesRequest) -> Result<pb::GetTilesResponse, tonic::Status> {
        self.ask(|channel| async move { PreviewClient::new(channel).get_tiles(request).await })
    }

    fn frame(&self, request: pb::GetFrameRequest) -> Result<pb::CameraFrame, tonic::Status> {
        self.ask(|channel| async move { PreviewClient::new(channel).get_frame(request).await })
    }

    fn statistics(&self) -> pb::SeriesStatistics {
        let request = pb::GetStatisticsRequest::default();
        self.ask(|channel| async move { AcquisitionsClient::new(channel).get_statistics(request).await })
            .unwrap()
    }

    fn configure(&self, request: pb::ConfigureAcquisitionRequest) -> Result<pb::Acquisition, tonic::Status> {
        self.ask(
            |channel| async move { AcquisitionsClient::new(channel).configure_acquisition(request).await },
        )
    }

    fn scan(&self) -> pb::Scan {
        let request = pb::GetScanRequest::default();
        self.ask(|channel| async move { ScansClient::new(channel).get_scan(request).await }).unwrap()
    }
}

/// Tiles stand 5 µm apart along x of the stage.
fn on_stage(info: smlm::frame::FrameInfo) -> smlm::frame::FrameInfo {
    let x_um = 100.0 + 5.0 * f64::from(info.tile.index);
    smlm::frame::FrameInfo { stage: Some(StagePosition { x_um, ..StagePosition::default() }), ..info }
}

fn wanted(tiles: &[(i32, i32, u64)]) -> Vec<pb::WantedTile> {
    tiles.iter().map(|(x, y, version)| pb::WantedTile { x: *x, y: *y, version: *version }).collect()
}

fn values(tile: &pb::PictureTile) -> Vec<f32> {
    tile.values.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

#[test]
fn a_viewer_gets_the_tiles_it_asks_for_and_later_only_those_that_changed() {
    let mut looked = Looked::at(100, 0, |_| ());
    let all = wanted(&[
        (0, 0, 0),
        (1, 0, 0),
        (2, 0, 0),
        (0, 1, 0),
        (1, 1, 0),
        (2, 1, 0),
        (0, 2, 0),
        (1, 2, 0),
        (2, 2, 0),
    ]);
    let request = pb::GetTilesRequest { tiles: all, values: true, ..pb::GetTilesRequest::default() };
    let first = looked.tiles(request.clone()).unwrap();
    let sum: f32 = first.tiles.iter().flat_map(values).sum();
    assert_eq!((sum, first.localizations, first.true_for_seq, first.reset), (100.0, 100, 99, true));
    assert_eq!((first.base_pixel_nm, first.tile_px, first.left.len()), (10.0, 256, 0));
    let bounds = first.bounds.unwrap();
    assert_eq!((bounds.x_max_nm, bounds.y_max_nm), (6400.0, 6400.0), "the camera's field");
    let have = first.tiles.iter().map(|tile| pb::WantedTile {
        x: tile.tile_x,
        y: tile.tile_y,
        version: first.version,
    });
    let again = pb::GetTilesRequest {
        tiles: have.collect(),
        generation: first.generation,
        tone: first.tone,
        ..request
    };
    assert_eq!(looked.tiles(again.clone()).unwrap().tiles.len(), 0, "nothing has changed");
    looked.sender.send(1);
    looked.rig.settled(1, 101);
    let changed = looked.tiles(again).unwrap();
    let (x, y) = emitter(100);
    let place = |px: u32| (px * 100 + 50) as i32 / 2560;
    let which: Vec<_> = changed.tiles.iter().map(|tile| (tile.tile_x, tile.tile_y)).collect();
    assert_eq!((which, changed.reset), (vec![(place(x), place(y))], false));
    looked.rig.stop();
}

#[test]
fn tiles_are_pictures_with_a_legend_and_too_many_are_refused() {
    let looked = Looked::at(20, 0, |_| ());
    let request =
        pb::GetTilesRequest { level: 2, tiles: wanted(&[(0, 0, 0)]), ..pb::GetTilesRequest::default() };
    let drawn = looked.tiles(request).unwrap();
    assert_eq!(&drawn.tiles[0].png[1..4], b"PNG");
    let legend = drawn.legend.unwrap();
    assert_eq!(
        (legend.unit.as_str(), legend.low, legend.rgb.len()),
        ("localizations per pixel", 0.0, 3 * 64)
    );
    assert_eq!(legend.high, drawn.tone.unwrap().white);
    let many = pb::GetTilesRequest { tiles: wanted(&[(0, 0, 0); 257]), ..pb::GetTilesRequest::default() };
    assert_eq!(looked.tiles(many).unwrap_err().code(), Code::InvalidArgument);
    let unknown = pb::GetTilesRequest { series_id: vec![9; 16], ..pb::GetTilesRequest::default() };
    assert_eq!(looked.tiles(unknown).unwrap_err().code(), Code::NotFound);
    looked.rig.stop();
}

#[test]
fn a_snapshot_as_ome_tiff_holds_every_localization() {
    let looked = Looked::at(50, 0, |_| ());
    let request = pb::RenderPictureRequest {
        pixel_size_nm: 10.0,
        format: pb::PictureFormat::OmeTiff as i32,
        ..pb::RenderPictureRequest::default()
    };
    let picture = looked
        .ask(|channel| async move { PreviewClient::new(channel).render_picture(request).await })
        .unwrap();
    assert_eq!((picture.width_px, picture.height_px, picture.pixel_size_nm), (640, 640, 10.0));
    let mut decoder = tiff::decoder::Decoder::new(std::io::Cursor::new(&picture.png)).unwrap();
    let tiff::decoder::DecodingResult::F32(pixels) = decoder.read_image().unwrap() else {
        panic!("not floats")
    };
    assert_eq!(pixels.iter().sum::<f32>(), 50.0);
    looked.rig.stop();
}

#[test]
fn a_camera_frame_comes_with_what_was_found_in_it() {
    let mut looked = Looked::at(10, 0, |_| ());
    let asked = looked.frame(pb::GetFrameRequest::default());
    assert_eq!(asked.unwrap().seq, 9, "the last one before the pause");
    looked.sender.send(1);
    looked.rig.settled(1, 11);
    let frame = looked.frame(pb::GetFrameRequest::default()).unwrap();
    let (x, y) = emitter(10);
    assert_eq!((frame.seq, frame.width_px, frame.shrunk_by, frame.localized), (10, 64, 1, true));
    assert_eq!((frame.x_px[0].round() as u32, frame.y_px[0].round() as u32), (x, y));
    let newer = pb::GetFrameRequest { newer_than_seq: Some(10), ..pb::GetFrameRequest::default() };
    assert!(looked.frame(newer).unwrap().png.is_empty(), "there is none");
    looked.sender.end();
    looked.rig.done(1);
    let last = looked.frame(pb::GetFrameRequest::default()).unwrap();
    assert_eq!((last.seq, &last.png[1..4]), (10, &b"PNG"[..]), "the last one stays");
    looked.rig.stop();
}

#[test]
fn statistics_count_every_localization_of_the_series() {
    let looked = Looked::at(100, 40, |_| ());
    let counted = looked.statistics();
    assert_eq!((counted.localizations, counted.true_for_seq), (100, 99));
    let photons = counted.histograms.iter().find(|h| h.quantity == "photons").unwrap();
    assert_eq!(photons.counts.iter().sum::<u64>(), 100);
    assert_eq!(photons.edges.len(), photons.counts.len() + 1);
    let course = counted.course.unwrap();
    assert_eq!((course.frames.iter().sum::<u32>(), course.frames_per_bin), (100, 1));
    assert_eq!(counted.recent.unwrap().localizations, vec![1; 100]);
    assert!(counted.drift.unwrap().missing.contains("scan"));
    looked.rig.stop();
}

#[test]
fn a_paused_series_lets_its_frames_wait_and_goes_on_without_loss() {
    let mut looked = Looked::at(10, 0, |_| ());
    let paused = |paused| pb::ConfigureAcquisitionRequest {
        paused: Some(paused),
        ..pb::ConfigureAcquisitionRequest::default()
    };
    assert!(looked.configure(paused(true)).unwrap().paused);
    looked.sender.send(20);
    until("all have come", || looked.rig.account(1).received() == 30);
    assert!(looked.rig.account(1).processed() <= 11, "one may have been on its way");
    assert!(!looked.configure(paused(false)).unwrap().paused);
    looked.rig.settled(1, 30);
    assert_eq!(looked.rig.series(1).exit().localizations, 30);
    looked.rig.stop();
}

#[test]
fn a_daemon_that_stops_processes_what_a_pause_held_back() {
    let mut looked = Looked::at(10, 0, |_| ());
    let pause =
        pb::ConfigureAcquisitionRequest { paused: Some(true), ..pb::ConfigureAcquisitionRequest::default() };
    looked.configure(pause).unwrap();
    looked.sender.send(20);
    until("all have come", || looked.rig.account(1).received() == 30);
    let stopped = looked.rig.stop();
    assert_eq!(stopped.journaled(1).len(), 30);
}

#[test]
fn a_camera_or_thresholds_that_make_no_sense_are_refused_with_the_remedy() {
    let looked = Looked::at(10, 0, |_| ());
    let camera = pb::CameraCalibration { e_per_adu: -1.0, qe: 0.9, ..pb::CameraCalibration::default() };
    let wrong = pb::ConfigureAcquisitionRequest {
        camera: Some(camera),
        ..pb::ConfigureAcquisitionRequest::default()
    };
    let refused = looked.configure(wrong).unwrap_err();
    assert!(refused.code() == Code::InvalidArgument && refused.message().contains("e_per_adu"), "{refused}");
    let thresholds = pb::Thresholds { candidate: 0.3, second: 1.6, accept: 0.7 };
    let wrong = pb::ConfigureAcquisitionRequest {
        thresholds: Some(thresholds),
        ..pb::ConfigureAcquisitionRequest::default()
    };
    assert_eq!(looked.configure(wrong).unwrap_err().code(), Code::InvalidArgument);
    let camera = pb::CameraCalibration { e_per_adu: 0.5, qe: 0.9, ..pb::CameraCalibration::default() };
    let right = pb::ConfigureAcquisitionRequest {
        camera: Some(camera),
        ..pb::ConfigureAcquisitionRequest::default()
    };
    assert_eq!(looked.configure(right).unwrap().camera, Some(camera));
    looked.rig.stop();
}

#[test]
fn the_tiles_of_a_scan_lie_side_by_side_in_its_picture_also_after_a_restart() {
    let grid = |info: &mut smlm::series::SeriesInfo| {
        info.grid = Some(Grid { rows: 1, columns: 4, overlap: None, snake: false });
        info.pixel_size = Some(smlm::units::PixelSize::square(smlm::units::Nm(100.0)));
    };
    let looked = Looked::at(80, 40, grid);
    let corners = |scan: &pb::Scan| {
        let tiles = scan.tiles.iter().filter_map(|tile| tile.tile.as_ref());
        tiles.map(|tile| (tile.tile_index, tile.corner_x_nm.round())).collect::<Vec<_>>()
    };
    let scan = looked.scan();
    assert_eq!(corners(&scan), [(0, 0.0), (1, 5000.0), (2, 10_000.0), (3, 15_000.0)]);
    assert_eq!((scan.tiles_by_state["planned"], scan.tiles_by_state["acquiring"]), (2, 1));
    let width = |looked: &Looked| {
        let bounds = looked.tiles(pb::GetTilesRequest::default()).unwrap().bounds.unwrap();
        bounds.x_max_nm - bounds.x_min_nm
    };
    assert_eq!(width(&looked), 11_400.0);
    let Looked { rig, sender, .. } = looked;
    drop(sender);
    let rig = rig.stop().start_again();
    let sender = rig.publisher(1);
    let again = Looked::on(rig, sender);
    assert_eq!((corners(&again.scan())[1], width(&again)), ((1, 5000.0), 11_400.0));
    assert_eq!(again.statistics().localizations, 80);
    again.rig.stop();
}

#[test]
fn tiles_that_somebody_wants_again_are_listed_for_whoever_drives_the_scan() {
    let looked = Looked::at(80, 40, |_| ());
    let request = |tiles: &[u32], withdraw| pb::RequestRetakesRequest {
        series_id: Vec::new(),
        tiles: tiles.to_vec(),
        withdraw,
    };
    let ask = |request| {
        looked.ask(|channel| async move { ScansClient::new(channel).request_retakes(request).await })
    };
    assert_eq!(ask(request(&[0], false)).unwrap().retake, [0]);
    assert_eq!(looked.scan().retake, [0]);
    assert_eq!(ask(request(&[9], false)).unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(ask(request(&[0], true)).unwrap().retake, [0; 0]);
    let list = looked
        .ask(|channel| async move { ScansClient::new(channel).list_scans(pb::ListScansRequest {}).await });
    assert_eq!(list.unwrap().scans.len(), 1);
    looked.rig.stop();
}

#[test]
fn a_recording_of_an_earlier_run_is_listed_and_drawn_again() {
    let mut looked = Looked::at(100, 40, |info| info.name = "yesterday".into());
    looked.sender.end();
    looked.rig.done(1);
    let Looked { rig, sender, .. } = looked;
    drop(sender);
    let rig = rig.stop().start_again();
    let account = rig.series(1).door().account;
    assert_eq!((account.received(), account.processed(), account.waiting()), (100, 100, 0));
    let sender = rig.publisher(2);
    let mut again = Looked::on(rig, sender);
    let old = |request: pb::GetTilesRequest| pb::GetTilesRequest {
        series_id: vec![1; 16],
        values: true,
        ..request
    };
    let mut tiles = wanted(&(0..9).flat_map(|x| (0..3).map(move |y| (x, y, 0))).collect::<Vec<_>>());
    let (mut sum, mut answers) = (0.0, 0);
    let drawn = loop {
        let drawn =
            again.tiles(old(pb::GetTilesRequest { tiles, ..pb::GetTilesRequest::default() })).unwrap();
        sum += drawn.tiles.iter().flat_map(values).sum::<f32>();
        answers += 1;
        if drawn.left.is_empty() {
            break drawn;
        }
        tiles = drawn.left;
    };
    assert!(sum == 100.0 && answers > 1, "{sum} in {answers} answers: what does not fit is asked for again");
    assert_eq!((drawn.localizations, drawn.true_for_seq), (100, 99));
    assert_eq!(again.statistics().localizations, 100);
    again.sender.send(5);
    again.rig.settled(2, 5);
    assert_eq!(again.statistics().localizations, 5, "the newest series is the one that comes now");
    again.rig.stop();
}
