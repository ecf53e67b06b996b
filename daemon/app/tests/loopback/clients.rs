//! Viewers can never slow the camera: clients that stop reading, many clients, too many clients.

use std::time::{Duration, Instant};

use blinkd::serve::grpc::localizations_client::LocalizationsClient;
use blinkd::serve::grpc::preview_client::PreviewClient;
use tonic::transport::Channel;
use wire::pb;

use crate::rig::{Rig, assert_emitters, id, until};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

async fn channel(rig: &Rig) -> Channel {
    Channel::from_shared(rig.url()).unwrap().connect().await.unwrap()
}

fn every_change() -> pb::SubscribePreviewRequest {
    pb::SubscribePreviewRequest { interval_ms: 20, ..pb::SubscribePreviewRequest::default() }
}

/// Sends at the daemon's pace and returns the seconds it took until all were processed.
fn record(rig: &Rig, number: u8, frames: u64) -> f64 {
    let mut sender = rig.publisher(number);
    let begin = Instant::now();
    sender.send(frames);
    let account = rig.settled(number, frames);
    let took = begin.elapsed().as_secs_f64();
    assert_eq!((account.processed(), account.lost_total()), (frames, 0));
    sender.end();
    rig.done(number);
    assert_emitters(&rig.journaled(number), 0..frames);
    took
}

#[test]
fn clients_that_stop_reading_change_neither_the_account_nor_the_rate() {
    const FRAMES: u64 = 4000;
    let rig = Rig::start(|config| {
        config.ring.mib = 64; // room for all of them: a slow machine must not look like a slow client
        config.model.fake_delay_ms = 0.2;
        config.serve.client_queue = 4;
    });
    let alone = record(&rig, 1, FRAMES);
    let runtime = runtime();
    let silent = runtime.block_on(async {
        let mut silent = Vec::new();
        for _ in 0..4 {
            let preview = PreviewClient::new(channel(&rig).await).subscribe_preview(every_change()).await;
            let request = pb::StreamLocalizationsRequest::default();
            let live = LocalizationsClient::new(channel(&rig).await).stream_localizations(request).await;
            silent.push((preview.unwrap(), live.unwrap())); // held, never read
        }
        silent
    });
    let watched = record(&rig, 2, FRAMES);
    // Two runs on a busy machine differ; a client that could hold up the path would stop it altogether.
    assert!(watched < 3.0 * alone + 1.0, "{watched} s with silent clients, {alone} s without");
    runtime.block_on(async move { drop(silent) });
    rig.stop();
}

#[test]
fn a_client_that_falls_behind_is_told_how_many_localizations_it_missed() {
    const FRAMES: u64 = 30_000;
    let rig = Rig::start(|config| {
        config.ring.mib = 256;
        config.serve.client_queue = 2;
    });
    let runtime = runtime();
    let mut stream = runtime.block_on(async {
        // A small window, so that little is on the way and the daemon's own queue decides.
        let channel = Channel::from_shared(rig.url()).unwrap().initial_stream_window_size(65_535);
        let channel = channel.initial_connection_window_size(65_535).connect().await.unwrap();
        let request = pb::StreamLocalizationsRequest::default();
        LocalizationsClient::new(channel).stream_localizations(request).await.unwrap().into_inner()
    });
    record(&rig, 1, FRAMES);
    let (mut got, mut lagged) = (0, 0);
    runtime.block_on(async {
        while got + lagged < FRAMES {
            let next = tokio::time::timeout(Duration::from_secs(20), stream.message()).await;
            let batch = next.unwrap_or_else(|_| panic!("{got} came, {lagged} lagged")).unwrap().unwrap();
            got += batch.frame.len() as u64;
            lagged += batch.lagged;
        }
    });
    assert_eq!(got + lagged, FRAMES, "every localization came or was told as missed");
    assert!(lagged > 0 && got > 0, "{got} came, {lagged} lagged");
    rig.stop();
}

#[test]
fn many_clients_see_the_same_picture_of_the_same_frames() {
    let rig = Rig::start(|_| ());
    let mut sender = rig.publisher(1);
    sender.send(200);
    rig.settled(1, 200);
    let runtime = runtime();
    runtime.block_on(async {
        let mut streams = Vec::new();
        for _ in 0..8 {
            let mut client = PreviewClient::new(channel(&rig).await);
            streams.push(client.subscribe_preview(every_change()).await.unwrap().into_inner());
        }
        let mut pictures = Vec::new();
        for stream in &mut streams {
            let update = stream.message().await.unwrap().unwrap();
            assert!(update.reset, "the first update begins anew");
            assert_eq!((update.true_for_seq, update.localizations), (199, 200));
            let tiles: Vec<_> =
                update.tiles.iter().map(|t| (t.level, t.tile_x, t.tile_y, t.png.clone())).collect();
            pictures.push(tiles);
        }
        assert!(!pictures[0].is_empty());
        assert!(pictures.iter().all(|tiles| *tiles == pictures[0]));
    });
    rig.stop();
}

#[test]
fn one_client_too_many_is_refused_and_the_place_of_one_that_left_is_free_again() {
    let rig = Rig::start(|config| {
        config.serve.max_clients = 3;
        config.picture.max_previews = 2;
    });
    let runtime = runtime();
    runtime.block_on(async {
        let channel = channel(&rig).await;
        let mut previews = PreviewClient::new(channel.clone());
        let mut live = LocalizationsClient::new(channel);
        let first = previews.subscribe_preview(every_change()).await.unwrap();
        let _second = previews.subscribe_preview(every_change()).await.unwrap();
        let refused = previews.subscribe_preview(every_change()).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted, "{refused}");
        assert!(refused.message().contains("max_previews"), "{refused}");
        let request = pb::StreamLocalizationsRequest::default;
        let _third = live.stream_localizations(request()).await.unwrap();
        let refused = live.stream_localizations(request()).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted, "{refused}");
        assert!(refused.message().contains("max_clients"), "{refused}");
        drop(first);
        let freed = async {
            while let Err(status) = live.stream_localizations(request()).await {
                assert_eq!(status.code(), tonic::Code::ResourceExhausted);
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(crate::rig::LIMIT, freed).await.expect("the place is free again");
    });
    rig.stop();
}

#[test]
fn a_live_client_gets_every_localization_of_the_series_it_asked_for() {
    let rig = Rig::start(|_| ());
    let runtime = runtime();
    let mut stream = runtime.block_on(async {
        let request = pb::StreamLocalizationsRequest {
            series_id: id(2).0.to_vec(),
            ..pb::StreamLocalizationsRequest::default()
        };
        let mut client = LocalizationsClient::new(channel(&rig).await);
        client.stream_localizations(request).await.unwrap().into_inner()
    });
    let mut senders = [rig.publisher(1), rig.publisher(2)];
    senders.iter_mut().for_each(|sender| sender.send(100));
    until("both are processed", || rig.account(1).processed() == 100 && rig.account(2).processed() == 100);
    let mut frames = Vec::new();
    runtime.block_on(async {
        while frames.len() < 100 {
            let batch = stream.message().await.unwrap().unwrap();
            assert_eq!((batch.series_id, batch.lagged), (id(2).0.to_vec(), 0));
            assert_eq!(batch.frame.len(), batch.sigma_x_px.len(), "columns are equally long");
            frames.extend(batch.frame);
        }
    });
    assert!(frames.into_iter().eq(0..100));
    rig.stop();
}
