//! Finished tiles of a scan are painted: pictures in files, reports for clients, and what a restart makes of them.

use std::path::{Path, PathBuf};

use blinkd::config::Config;
use blinkd::engines;
use blinkd::painting::{Kind, path};
use blinkd::serve::grpc::models_client::ModelsClient;
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
