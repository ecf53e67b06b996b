//! Finished tiles of a scan are painted: pictures in files, reports for clients, and what a restart makes of them.

use std::path::{Path, PathBuf};

use blinkd::config::Config;
use blinkd::engines;
use blinkd::painting::{Kind, path};
use blinkd::serve::grpc::models_client::ModelsClient;
use blinkd::serve::grpc::preview_client::PreviewClient;
use blinkd::serve::grpc::scans_client::ScansClient;
use bytes::Bytes;
use smlm::frame::FrameInfo;
use smlm::series::{Channel, Grid, SeriesInfo};
use wire::files::ome_tiff::decode;
use wire::pb;

use crate::rig::{LIMIT, Rig, Sender, id, until};

const FRAMES: u32 = 30;
const PASS: u8 = 7;
const SCAN: u8 = 1;
const TILES: usize = 4;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../infer/tests/fixtures/tiny-picture")
}

/// False after saying that there is no ONNX Runtime.
fn can_run() -> bool {
    infer::forbid_telemetry();
    infer::runtime::load(None).inspect_err(|error| eprintln!("SKIPPED: {error}")).is_ok()
}

fn paints(config: &mut Config) {
    config.scan.a_net = fixture().display().to_string();
    config.model.provider = "cpu".into();
}

fn grid(info: &mut SeriesInfo) {
    info.grid = Some(Grid { rows: 2, columns: 2, overlap: None, snake: false });
    (info.expected_tiles, info.source) = (TILES as u32, "virtual".into());
}

fn begin(rig: &Rig) -> Sender {
    let mut sender = rig.publisher(SCAN);
    sender.frames_per_tile = FRAMES;
    sender.start(grid);
    sender
}

fn painted(rig: &Rig) -> usize {
    rig.series(SCAN).book().pictures.made.len()
}

fn records(rig: &Rig) -> usize {
    let text = std::fs::read_to_string(rig.folder(SCAN).join("scan/pictures.jsonl")).unwrap();
    text.lines().count()
}

fn scan(rig: &Rig) -> pb::Scan {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut client = ScansClient::connect(rig.url()).await.unwrap();
        client.get_scan(pb::GetScanRequest { series_id: id(SCAN).0.to_vec() }).await.unwrap().into_inner()
    })
}

fn picture(scan: &pb::Scan, tile: usize) -> pb::TilePicture {
    scan.tiles[tile].report.clone().and_then(|report| report.picture).expect("a picture is wanted")
}

/// Two bright lines in every tile but the last, which is dark.
fn send_pass(rig: &Rig) {
    let mut pass = rig.publisher(PASS);
    pass.frames_per_tile = 3;
    pass.start(|info| {
        grid(info);
        info.channel = Channel::Widefield;
    });
    for _ in 0..3 * TILES {
        let info: FrameInfo = pass.info();
        let width = info.shape.width as usize;
        let bright = info.tile.index < 3;
        let light = |at: usize| if bright && (at % width) % 32 / 3 == 5 { 1500 } else { 200u16 };
        let pixels: Bytes =
            (0..info.shape.pixels()).flat_map(|at| light(at).to_le_bytes()).collect::<Vec<u8>>().into();
        pass.publisher.send_lossless(&info, pixels, LIMIT).unwrap();
        pass.next += 1;
    }
    pass.publisher.flush(LIMIT).unwrap();
    pass.end();
    let series = rig.series(PASS);
    until("the pass is averaged", || series.door().account.processed() == 3 * TILES as u64);
}

#[test]
fn every_finished_tile_is_painted_and_judged_by_its_widefield() {
    if !can_run() {
        return;
    }
    let rig = Rig::start(|config| {
        config.store.files = vec!["summary".into()];
        paints(config);
    });
    send_pass(&rig);
    let mut sender = begin(&rig);
    sender.send(u64::from(FRAMES) + 1);
    until("the first tile is painted", || painted(&rig) == 1);
    assert_eq!(picture(&scan(&rig), 0).state(), pb::PictureState::Painted);
    sender.send(3 * u64::from(FRAMES) - 1);
    sender.end();
    until("all tiles are painted", || painted(&rig) == TILES);
    let said = scan(&rig);
    assert_eq!(said.tiles_painted, TILES as u32);
    for tile in 0..TILES {
        let about = picture(&said, tile);
        assert_eq!((about.state(), about.model.as_str()), (pb::PictureState::Painted, "tiny-picture 1"));
        assert_eq!(about.widefield_series_id, id(PASS).0);
        let read = |kind| {
            let bytes = std::fs::read(path(&rig.folder(SCAN), kind, tile as u32)).unwrap();
            decode(&bytes, 1 << 20).unwrap()
        };
        // 64 px of 100 nm.
        let (image, error, light) = (read(Kind::ANet), read(Kind::Error), read(Kind::Widefield));
        assert_eq!((image.width, image.height, error.width, light.height), (320, 320, 80, 320));
        assert!(image.values.iter().all(|value| (0.0..=1.0).contains(value)));
        let dark = tile == 3;
        assert_eq!(about.rsp.is_none(), dark, "{:?}", about.rsp);
        assert_eq!(error.values.iter().all(|value| *value == 0.0), dark);
        assert_eq!(about.reason.contains("nothing but noise"), dark, "{}", about.reason);
        // Nobody taught this network anything.
        assert_eq!(about.not_to_be_trusted, said.not_to_be_trusted.contains(&(tile as u32)));
        assert!((200.0..=1500.0).contains(&light.values[0]));
    }
    assert!(said.suspect.is_empty() && said.retake.is_empty(), "a warning asks for no tile again");
    until("it says so", || rig.folder(SCAN).join("scan/pictures.complete").exists());
    rig.stop();
}

fn layer(layer: pb::Layer) -> Option<pb::Look> {
    Some(pb::Look { layer: layer as i32, ..pb::Look::default() })
}

#[test]
fn viewers_see_the_painted_tiles_where_their_localizations_lie() {
    if !can_run() {
        return;
    }
    let rig = Rig::start(paints);
    send_pass(&rig);
    let mut sender = begin(&rig);
    sender.send(2 * u64::from(FRAMES) + 1);
    until("two tiles are painted", || painted(&rig) == 2);
    let file =
        |kind, tile| decode(&std::fs::read(path(&rig.folder(SCAN), kind, tile)).unwrap(), 1 << 20).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut client = PreviewClient::connect(rig.url()).await.unwrap().max_decoding_message_size(64 << 20);
        let series_id = id(SCAN).0.to_vec();
        // Level 1 is 20 nm; the second tile begins 6,400 nm beside the first: at pixel 320.
        let request = pb::GetTilesRequest {
            series_id: series_id.clone(),
            look: layer(pb::Layer::ANet),
            level: 1,
            tiles: [0, 1, 9].map(|x| pb::WantedTile { x, ..pb::WantedTile::default() }).to_vec(),
            values: true,
            ..pb::GetTilesRequest::default()
        };
        let said = client.get_tiles(request.clone()).await.unwrap().into_inner();
        let numbers = |tile: &pb::PictureTile| -> Vec<f32> {
            tile.values.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
        };
        assert_eq!(said.tiles.iter().map(|tile| tile.tile_x).collect::<Vec<_>>(), [0, 1]);
        let (first, second) = (file(Kind::ANet, 0), file(Kind::ANet, 1));
        let shown = [numbers(&said.tiles[0]), numbers(&said.tiles[1])];
        for (x, y) in [(3usize, 5usize), (250, 77), (300, 255), (320, 9), (511, 200)] {
            let whole = if x < 320 { first.values[y * 320 + x] } else { second.values[y * 320 + x - 320] };
            let found = shown[x / 256][y * 256 + x % 256];
            assert!((whole - found).abs() < 1e-4, "{x} {y}: {found}, not {whole}");
        }
        let legend = said.legend.unwrap();
        assert_eq!((legend.low, legend.high), (0.0, 1.0));
        let again = pb::GetTilesRequest {
            generation: said.generation,
            tone: said.tone,
            tiles: vec![pb::WantedTile { x: 0, y: 0, version: said.version }],
            ..request
        };
        assert!(
            client.get_tiles(again).await.unwrap().into_inner().tiles.is_empty(),
            "nothing was painted since"
        );
        let picture = pb::RenderPictureRequest {
            series_id: series_id.clone(),
            look: layer(pb::Layer::Widefield),
            format: pb::PictureFormat::OmeTiff as i32,
            pixel_size_nm: 80.0,
            ..pb::RenderPictureRequest::default()
        };
        let picture = client.render_picture(picture).await.unwrap().into_inner();
        let light = decode(&picture.png, 1 << 24).unwrap();
        assert_eq!(light.channel, "widefield in ADU");
        let ends = light.values.iter().fold((f32::MAX, 0.0f32), |(low, high), v| (low.min(*v), high.max(*v)));
        assert!(ends.0 >= 0.0 && ends.1 > 1000.0 && ends.1 <= 1500.0, "{ends:?}");
        let errors = pb::GetTilesRequest {
            series_id: series_id.clone(),
            look: layer(pb::Layer::ErrorMap),
            level: 3,
            tiles: vec![pb::WantedTile::default()],
            ..pb::GetTilesRequest::default()
        };
        let errors = client.get_tiles(errors).await.unwrap().into_inner();
        assert!(errors.tiles.len() == 1 && errors.tiles[0].png.starts_with(b"\x89PNG"));
        let follow =
            pb::SubscribePreviewRequest { series_id, look: layer(pb::Layer::ANet), ..Default::default() };
        let refused = client.subscribe_preview(follow).await.map(|_| ()).unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    });
    rig.stop();
}

#[test]
fn the_growing_picture_is_painted_while_somebody_looks_and_no_frame_waits_for_it() {
    if !can_run() {
        return;
    }
    let rig = Rig::start(|config| {
        config.preview.a_net = fixture().display().to_string();
        config.preview.a_net_tick_ms = 100;
        config.model.provider = "cpu".into();
    });
    let mut sender = rig.publisher(SCAN);
    sender.start(|_| ());
    sender.send(50);
    rig.settled(SCAN, 50);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ask = |level: u32, has: Option<&pb::GetTilesResponse>| {
        let request = pb::GetTilesRequest {
            series_id: id(SCAN).0.to_vec(),
            look: layer(pb::Layer::ANet),
            level,
            tiles: vec![pb::WantedTile { version: has.map_or(0, |has| has.version), ..Default::default() }],
            generation: has.map_or(0, |has| has.generation),
            tone: has.and_then(|has| has.tone),
            values: true,
        };
        runtime.block_on(async {
            let mut client = PreviewClient::connect(rig.url()).await.unwrap();
            client.get_tiles(request).await.map(tonic::Response::into_inner)
        })
    };
    let mut shown = ask(1, None).unwrap();
    until("it is painted", || {
        shown = ask(1, None).unwrap();
        shown.tiles.len() == 1 && shown.left.is_empty()
    });
    let first = shown.tiles[0].values.clone();
    let numbers = first.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap()));
    assert!(
        numbers.clone().all(|value| (0.0..=1.0).contains(&value)) && numbers.clone().any(|value| value > 0.0)
    );
    // All of it, whoever paints meanwhile.
    sender.send(400);
    let account = rig.settled(SCAN, 450);
    assert_eq!((account.processed(), account.lost_total()), (450, 0));
    let mut again = shown.clone();
    until("it is painted anew", || {
        again = ask(1, Some(&shown)).unwrap();
        again.tiles.len() == 1
    });
    assert!(again.version > shown.version && again.tiles[0].values != first);
    let finer = ask(0, None).unwrap();
    assert_eq!(finer.tiles.len(), 1, "made of what is painted");
    let coarse = ask(9, None).unwrap_err();
    assert!(
        coarse.code() == tonic::Code::FailedPrecondition && coarse.message().contains("80 nm"),
        "{coarse}"
    );
    drop(sender.publisher);
    rig.stop();
}

#[test]
fn a_layer_that_does_not_exist_is_refused_with_what_is_missing() {
    let rig = Rig::start(|_| ());
    let mut sender = begin(&rig);
    sender.send(u64::from(FRAMES) + 1);
    rig.settled(SCAN, u64::from(FRAMES) + 1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut client = PreviewClient::connect(rig.url()).await.unwrap();
        for (of, missing) in [
            (pb::Layer::ANet, "scan.a_net"),
            (pb::Layer::ErrorMap, "widefield pass"),
            (pb::Layer::Widefield, "WIDEFIELD"),
        ] {
            let request = pb::GetTilesRequest {
                series_id: id(SCAN).0.to_vec(),
                look: layer(of),
                ..pb::GetTilesRequest::default()
            };
            let refused = client.get_tiles(request).await.unwrap_err();
            assert_eq!(refused.code(), tonic::Code::FailedPrecondition);
            assert!(refused.message().contains(missing), "{}", refused.message());
        }
    });
    rig.stop();
}

#[test]
fn tiles_that_were_not_painted_are_after_a_restart_and_none_twice() {
    if !can_run() {
        return;
    }
    let rig = Rig::start(|_| ());
    let mut sender = begin(&rig);
    sender.send(2 * u64::from(FRAMES) + 1);
    until("two tiles are finished", || rig.series(SCAN).book().len() == 2);
    assert!(scan(&rig).tiles[0].report.as_ref().unwrap().picture.is_none(), "none is wanted");
    let rig = rig.stop().start_again_with(paints);
    until("both are painted", || painted(&rig) == 2);
    let about = picture(&scan(&rig), 1);
    assert!(about.widefield_series_id.is_empty() && about.reason.contains("no widefield"), "{about:?}");
    assert!(about.rsp.is_none() && about.error.is_none() && !about.not_to_be_trusted);
    assert!(!path(&rig.folder(SCAN), Kind::Error, 1).exists());
    let before = rig.series(SCAN).book().pictures.made.clone();
    let rig = rig.stop().start_again();
    until("both are known again", || painted(&rig) == 2);
    let mut sender = Sender { next: sender.next, frames_per_tile: FRAMES, ..rig.publisher(SCAN) };
    sender.send(2 * u64::from(FRAMES) - 1);
    sender.end();
    until("all tiles are painted", || painted(&rig) == TILES);
    assert_eq!(records(&rig), TILES);
    let after = rig.series(SCAN).book().pictures.made.clone();
    assert!(before.iter().all(|(tile, report)| after.get(tile) == Some(report)));
    rig.stop();
}

#[test]
fn a_tile_in_which_nothing_was_found_is_black() {
    if !can_run() {
        return;
    }
    let rig = Rig::start(|config| {
        paints(config);
        config.filter.photons_min = Some(1e9);
    });
    let mut sender = begin(&rig);
    sender.send(u64::from(FRAMES) + 1);
    until("the first tile is painted", || painted(&rig) == 1);
    assert_eq!(picture(&scan(&rig), 0).state(), pb::PictureState::Empty);
    let bytes = std::fs::read(path(&rig.folder(SCAN), Kind::ANet, 0)).unwrap();
    assert!(decode(&bytes, 1 << 20).unwrap().values.iter().all(|value| *value == 0.0));
    rig.stop();
}

#[test]
fn a_picture_that_cannot_be_written_is_told_and_harms_no_other() {
    if !can_run() {
        return;
    }
    let rig = Rig::start(paints);
    let mut sender = begin(&rig);
    sender.send(1);
    until("its folder is there", || rig.folder(SCAN).is_dir());
    std::fs::create_dir_all(path(&rig.folder(SCAN), Kind::ANet, 0).join("in the way")).unwrap();
    sender.send(2 * u64::from(FRAMES));
    until("the second tile is painted", || painted(&rig) == 1);
    let said = scan(&rig);
    let (first, second) = (picture(&said, 0), picture(&said, 1));
    assert_eq!((first.state(), second.state()), (pb::PictureState::Failed, pb::PictureState::Painted));
    assert!(first.reason.contains("tile-0.ome.tif"), "{}", first.reason);
    rig.stop();
}

#[test]
fn a_structure_that_the_network_does_not_know_is_refused_at_the_start_with_those_it_knows() {
    if !can_run() {
        return;
    }
    let mut config = Config::default();
    paints(&mut config);
    let open = |name: &str, structure: &str| {
        let opened = engines::painter::open(&config.model, name, structure, "scan.a_net");
        format!("{:#}", opened.map(|_| ()).unwrap_err())
    };
    let said = open(&config.scan.a_net, "mitochondria");
    assert!(
        said.starts_with("scan.a_net") && said.contains("mitochondria") && said.contains("filaments"),
        "{said}"
    );
    let said = open("decode-2d-lite-of-nobody", "filaments");
    assert!(said.contains("a-net-filaments-lite"), "{said}");
}

#[test]
fn the_network_that_paints_is_listed_and_can_be_checked() {
    if !can_run() {
        return;
    }
    let rig = Rig::start(|config| {
        config.model.dir = fixture().parent().unwrap().to_owned();
        config.scan.a_net = "tiny-picture".into();
        config.model.provider = "cpu".into();
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut client = ModelsClient::connect(rig.url()).await.unwrap();
        let all = client.list_models(pb::ListModelsRequest {}).await.unwrap().into_inner().models;
        let found = all.iter().find(|model| model.name == "tiny-picture").unwrap();
        assert_eq!((found.engine.as_str(), found.loaded), ("a-net", true));
        let name = || "tiny-picture".to_owned();
        let described = client.describe_model(pb::DescribeModelRequest { name: name() }).await.unwrap();
        assert!(described.into_inner().card_toml.contains("window_px"));
        let checked = client.check_model(pb::CheckModelRequest { name: name() }).await.unwrap().into_inner();
        assert!(checked.passed && checked.report.lines().count() == 3, "{}", checked.report);
        let refused = client.load_model(pb::LoadModelRequest { name: name() }).await.unwrap_err();
        assert!(refused.message().contains("scan.a_net"), "{}", refused.message());
    });
    rig.stop();
}
