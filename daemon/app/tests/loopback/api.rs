//! The services, asked by the clients that tonic generates.

use blinkd::serve::grpc::acquisitions_client::AcquisitionsClient;
use blinkd::serve::grpc::localizations_client::LocalizationsClient;
use blinkd::serve::grpc::preview_client::PreviewClient;
use tonic::transport::Channel;
use tonic::{Code, Streaming};
use wire::pb;

use crate::rig::{Rig, Sender, emitter, id, until};

/// A daemon that has processed 100 frames in tiles of 40, and a channel to it.
struct Recorded {
    rig: Rig,
    sender: Sender,
    runtime: tokio::runtime::Runtime,
    channel: Channel,
}

fn recorded() -> Recorded {
    let rig = Rig::start(|_| ());
    let mut sender = rig.publisher(1);
    sender.frames_per_tile = 40;
    sender.start(|info| {
        info.name = "cell 1".into();
        info.source = "loopback test".into();
    });
    sender.send(100);
    rig.settled(1, 100);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let channel =
        runtime.block_on(async { Channel::from_shared(rig.url()).unwrap().connect().await.unwrap() });
    Recorded { rig, sender, runtime, channel }
}

fn get(number: u8) -> pb::GetAcquisitionRequest {
    pb::GetAcquisitionRequest { series_id: id(number).0.to_vec(), without_tiles: false }
}

#[test]
fn acquisitions_are_listed_and_described_with_their_tiles() {
    let Recorded { rig, runtime, channel, .. } = recorded();
    runtime.block_on(async {
        let mut client = AcquisitionsClient::new(channel);
        let list =
            client.list_acquisitions(pb::ListAcquisitionsRequest::default()).await.unwrap().into_inner();
        assert_eq!(list.acquisitions.len(), 1);
        let one = client.get_acquisition(get(1)).await.unwrap().into_inner();
        assert_eq!((one.name.as_str(), one.source.as_str()), ("cell 1", "loopback test"));
        assert_eq!((one.localizations, one.next_seq, one.width_px), (100, 100, 64));
        assert_eq!(one.state(), pb::SeriesState::Receiving);
        let account = one.account.unwrap();
        assert_eq!((account.received, account.processed, account.waiting), (100, 100, 0));
        assert!(account.lost.is_empty() && account.missing.is_empty());
        let frames: Vec<_> = one.tiles.iter().map(|t| t.account.as_ref().unwrap().processed).collect();
        assert_eq!(frames, [40, 40, 20]);
        assert_eq!(one.tiles.iter().map(|t| t.localizations).sum::<u64>(), 100);
        let newest = client.get_acquisition(pb::GetAcquisitionRequest::default()).await.unwrap();
        assert_eq!(newest.into_inner().series_id, id(1).0);
        let short = pb::GetAcquisitionRequest { without_tiles: true, ..get(1) };
        assert_eq!(client.get_acquisition(short).await.unwrap().into_inner().tiles, []);
        let unknown = client.get_acquisition(get(77)).await.unwrap_err();
        assert_eq!(unknown.code(), Code::NotFound);
        let short =
            pb::GetAcquisitionRequest { series_id: vec![1, 2, 3], ..pb::GetAcquisitionRequest::default() };
        assert_eq!(client.get_acquisition(short).await.unwrap_err().code(), Code::InvalidArgument);
        let status = client.get_status(pb::GetStatusRequest {}).await.unwrap().into_inner();
        assert_eq!((status.model.as_str(), status.frame_endpoint), ("fake", rig.endpoint.clone()));
        assert!(status.effective_config_toml.contains("fake_window_frames = 3"));
        assert!(status.memory_budget_bytes > 0 && status.disk_free_bytes > 0 && !status.disk_full);
    });
    rig.stop();
}

#[test]
fn a_watch_shows_what_changes_and_only_the_tiles_that_did() {
    let Recorded { rig, mut sender, runtime, channel } = recorded();
    runtime.block_on(async {
        let mut client = AcquisitionsClient::new(channel);
        let watch =
            |series: u8| pb::WatchAcquisitionRequest { series_id: id(series).0.to_vec(), interval_ms: 50 };
        let unknown = client.watch_acquisition(watch(77)).await.unwrap_err();
        assert_eq!(unknown.code(), Code::NotFound);
        let mut stream = client.watch_acquisition(watch(1)).await.unwrap().into_inner();
        let first = stream.message().await.unwrap().unwrap();
        assert_eq!(first.tiles.len(), 3, "all at first");
        let second = stream.message().await.unwrap().unwrap();
        assert!(second.tiles.is_empty(), "nothing has changed");
        sender.send(20);
        let mut changed = std::collections::BTreeSet::new();
        loop {
            let now = stream.message().await.unwrap().unwrap();
            changed.extend(now.tiles.iter().map(|t| t.tile_index));
            if now.account.unwrap().processed == 120 {
                break;
            }
        }
        assert_eq!(changed.into_iter().collect::<Vec<_>>(), [2]);
    });
    rig.stop();
}

#[test]
fn a_filter_set_during_the_recording_takes_effect_and_leaves_the_past_alone() {
    let Recorded { rig, mut sender, runtime, channel } = recorded();
    let mut client = AcquisitionsClient::new(channel);
    let filter = pb::LocalizationFilter { photons_min: Some(1e9), ..pb::LocalizationFilter::default() };
    let mut configure = |filter| {
        let request =
            pb::ConfigureAcquisitionRequest { filter, ..pb::ConfigureAcquisitionRequest::default() };
        runtime.block_on(client.configure_acquisition(request)).unwrap().into_inner()
    };
    assert_eq!(configure(Some(filter)).filter, Some(filter));
    sender.send(50);
    rig.settled(1, 150);
    assert_eq!(rig.series(1).exit().localizations, 100, "nothing is that bright");
    assert_eq!(configure(None).filter, Some(filter), "what is absent stays");
    configure(Some(pb::LocalizationFilter::default()));
    sender.send(50);
    rig.settled(1, 200);
    assert_eq!(rig.series(1).exit().localizations, 150);
    rig.stop();
}

#[test]
fn a_client_can_stop_a_series_and_later_frames_are_refused() {
    let Recorded { rig, mut sender, runtime, channel } = recorded();
    let mut client = AcquisitionsClient::new(channel);
    let request = pb::StopAcquisitionRequest { series_id: id(1).0.to_vec() };
    let stopped = runtime.block_on(client.stop_acquisition(request)).unwrap().into_inner();
    assert_ne!(stopped.state(), pb::SeriesState::Receiving);
    assert_eq!(rig.done(1), "stopped by a client");
    sender.send(10);
    let account = rig.settled(1, 110);
    assert_eq!(crate::rig::lost(&account), [("series_closed", 10)]);
    assert_eq!(rig.journaled(1).len(), 100);
    rig.stop();
}

#[test]
fn a_client_can_stop_a_series_of_which_no_frame_has_come() {
    let rig = Rig::start(|_| ());
    let mut sender = rig.publisher(1);
    sender.start(|_| ());
    let series = rig.series(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut client = AcquisitionsClient::connect(rig.url()).await.unwrap();
        client.stop_acquisition(pb::StopAcquisitionRequest::default()).await.unwrap();
    });
    until("it is done", || matches!(series.door().state, blinkd::live::State::Done(_)));
    rig.stop();
}

/// Pixels of a PNG that are not black.
fn bright(png: &[u8]) -> (u32, u32, usize) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
    (info.width, info.height, bytes.chunks_exact(3).filter(|rgb| **rgb != [0, 0, 0]).count())
}

/// Base pixels with a localization: the emitters' places are all different, and so are their pixels.
fn places() -> usize {
    (0..100).map(emitter).collect::<std::collections::BTreeSet<_>>().len()
}

fn histogram() -> Option<pb::Look> {
    Some(pb::Look { rendering: pb::Rendering::Histogram as i32, ..pb::Look::default() })
}

#[test]
fn preview_tiles_are_pictures_with_every_localization_and_grow() {
    let Recorded { rig, mut sender, runtime, channel } = recorded();
    runtime.block_on(async {
        let request = pb::SubscribePreviewRequest {
            look: histogram(),
            interval_ms: 20,
            ..pb::SubscribePreviewRequest::default()
        };
        let mut client = PreviewClient::new(channel);
        let mut stream = client.subscribe_preview(request).await.unwrap().into_inner();
        let first = stream.message().await.unwrap().unwrap();
        assert_eq!((first.localizations, first.true_for_seq, first.reset), (100, 99, true));
        assert_eq!(first.pixel_size_nm, 10.0);
        let mut drawn = 0;
        for tile in &first.tiles {
            let (width, height, pixels) = bright(&tile.png);
            assert_eq!((width, height), (first.tile_px, first.tile_px));
            drawn += pixels;
        }
        assert_eq!(drawn, places());
        sender.send(1);
        let next = stream.message().await.unwrap().unwrap();
        assert_eq!((next.localizations, next.true_for_seq, next.reset), (101, 100, false));
        assert_eq!(next.tiles.len(), 1, "only the tile that changed");
    });
    rig.stop();
}

#[test]
fn a_region_is_rendered_on_request_and_absurd_wishes_are_refused() {
    let Recorded { rig, runtime, channel, .. } = recorded();
    runtime.block_on(async {
        let mut client = PreviewClient::new(channel);
        let whole = pb::RenderPictureRequest { look: histogram(), ..pb::RenderPictureRequest::default() };
        let picture = client.render_picture(whole.clone()).await.unwrap().into_inner();
        let (width, height, pixels) = bright(&picture.png);
        assert_eq!((width, height), (picture.width_px, picture.height_px));
        assert_eq!((width, height, picture.pixel_size_nm), (640, 640, 10.0), "the camera's field");
        assert_eq!((pixels, picture.localizations), (places(), 100));
        let region = |x_max_nm, pixel_size_nm| pb::RenderPictureRequest {
            viewport: Some(pb::Viewport { x_min_nm: 0.0, y_min_nm: 0.0, x_max_nm, y_max_nm: 3200.0 }),
            pixel_size_nm,
            ..whole.clone()
        };
        let half = client.render_picture(region(3200.0, 20.0)).await.unwrap().into_inner();
        assert_eq!((half.width_px, half.height_px, half.pixel_size_nm), (160, 160, 20.0));
        for absurd in [region(-1.0, 10.0), region(f64::NAN, 10.0), region(3200.0, -5.0)] {
            let refused = client.render_picture(absurd).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
        }
        let huge = client.render_picture(region(1e12, 10.0)).await.unwrap_err();
        assert_eq!(huge.code(), Code::FailedPrecondition, "{huge}");
    });
    rig.stop();
}

async fn frames(mut stream: Streaming<pb::LocalizationBatch>) -> Vec<(u32, u32)> {
    let mut frames = Vec::new();
    while let Some(batch) = stream.message().await.unwrap() {
        frames.extend(batch.frame.into_iter().zip(batch.tile));
    }
    frames
}

#[test]
fn a_query_gives_the_frames_and_the_tile_that_were_asked_for() {
    let Recorded { rig, runtime, channel, .. } = recorded();
    runtime.block_on(async {
        let mut client = LocalizationsClient::new(channel);
        let all = pb::QueryLocalizationsRequest::default();
        let asked = [
            (all.clone(), 0..100),
            (pb::QueryLocalizationsRequest { tile_index: Some(1), ..all.clone() }, 40..80),
            (pb::QueryLocalizationsRequest { first_frame: 37, last_frame: 42, ..all.clone() }, 37..43),
            (pb::QueryLocalizationsRequest { first_frame: 90, tile_index: Some(2), ..all.clone() }, 90..100),
            (pb::QueryLocalizationsRequest { first_frame: 500, ..all.clone() }, 0..0),
        ];
        for (request, expected) in asked {
            let got = frames(client.query_localizations(request).await.unwrap().into_inner()).await;
            assert!(got.into_iter().eq(expected.clone().map(|frame| (frame, frame / 40))), "{expected:?}");
        }
        let dim = pb::LocalizationFilter { photons_max: Some(1.0), ..pb::LocalizationFilter::default() };
        let none = pb::QueryLocalizationsRequest { filter: Some(dim), ..all };
        assert!(frames(client.query_localizations(none).await.unwrap().into_inner()).await.is_empty());
    });
    rig.stop();
}

#[test]
fn exports_are_written_during_the_recording_and_never_outside_the_series_folder() {
    let Recorded { rig, runtime, channel, .. } = recorded();
    runtime.block_on(async {
        let mut client = LocalizationsClient::new(channel);
        let formats = [
            (pb::TableFormat::Parquet, "parquet"),
            (pb::TableFormat::ThunderstormCsv, "csv"),
            (pb::TableFormat::PicassoHdf5, "hdf5"),
        ];
        for (format, ending) in formats {
            let request = |name: &str| pb::ExportLocalizationsRequest {
                format: format as i32,
                file_name: name.into(),
                ..pb::ExportLocalizationsRequest::default()
            };
            let done = client.export_localizations(request("so far")).await.unwrap().into_inner();
            let path = std::path::Path::new(&done.path);
            assert_eq!(path, rig.folder(1).join(format!("so far.{ending}")));
            assert_eq!(done.localizations, 100);
            // Picasso's table has a second file beside it.
            let length = path.metadata().unwrap().len();
            assert!((length..length + 4096).contains(&done.bytes), "{} of {length}", done.bytes);
            for evil in ["../x", "/tmp/x", "a/b", "..", ".hidden", "x\\y"] {
                let refused = client.export_localizations(request(evil)).await.unwrap_err();
                assert_eq!(refused.code(), Code::InvalidArgument, "{evil}: {refused}");
            }
        }
        let csv = std::fs::read_to_string(rig.folder(1).join("so far.csv")).unwrap();
        assert_eq!(csv.lines().count(), 101);
    });
    rig.stop();
}
