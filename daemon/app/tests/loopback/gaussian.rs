//! The engine that needs no bundle, in the whole daemon: found by its fits, offered and described to clients.

use blinkd::serve::grpc::models_client::ModelsClient;
use wire::pb;

use crate::rig::{LIMIT, Rig, assert_emitters, emitter};

/// A spot of 2,000 counts and σ = 1.3 px around the frame's emitter, on 20 counts above the camera's zero.
fn spot(seq: u64, width: u32, height: u32) -> Vec<u8> {
    let (x, y) = emitter(seq);
    let light = |column: u32, row: u32| {
        let square = (f64::from(column) - f64::from(x)).powi(2) + (f64::from(row) - f64::from(y)).powi(2);
        120.0 + 188.0 * (-0.5 * square / 1.69).exp()
    };
    let places = (0..height).flat_map(|row| (0..width).map(move |column| (column, row)));
    places.flat_map(|(column, row)| (light(column, row).round() as u16).to_le_bytes()).collect()
}

#[test]
fn fits_reach_the_journal_without_a_bundle() {
    let rig = Rig::start(|config| config.model.bundle = "gaussian".into());
    let mut sender = rig.publisher(1);
    for seq in 0..30 {
        let info = sender.info();
        let pixels = spot(seq, info.shape.width, info.shape.height);
        sender.publisher.send_lossless(&info, pixels.into(), LIMIT).unwrap();
        sender.next += 1;
    }
    sender.end();
    rig.settled(1, 30);
    rig.done(1);
    let found = rig.journaled(1);
    assert_emitters(&found, 0..30);
    assert!(found.iter().all(|l| (l.photons - 2000.0).abs() < 100.0 && l.sigma_x_px < 0.05), "{found:?}");
    assert_eq!((rig.live.engine().model.as_str(), rig.live.engine().provider.as_str()), ("gaussian", "cpu"));
}

#[test]
fn clients_are_told_of_it_and_load_it() {
    let rig = Rig::start(|_| ());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut client = ModelsClient::connect(rig.url()).await.unwrap();
        let listed = client.list_models(pb::ListModelsRequest {}).await.unwrap().into_inner().models;
        assert!(listed.iter().any(|model| model.name == "gaussian" && model.engine == "gaussian"));
        let name = || "gaussian".to_owned();
        let described = client.describe_model(pb::DescribeModelRequest { name: name() }).await.unwrap();
        assert!(described.into_inner().card_toml.contains("threshold_factor = 1.25"));
        assert!(
            client.check_model(pb::CheckModelRequest { name: name() }).await.is_err(),
            "nothing to check"
        );
        let loaded = client.load_model(pb::LoadModelRequest { name: name() }).await.unwrap().into_inner();
        assert!(loaded.loaded && loaded.provider == "cpu", "{loaded:?}");
        let astigmatic = pb::LoadModelRequest { name: "gaussian-astigmatic".into() };
        let refused = client.load_model(astigmatic).await.unwrap_err();
        assert!(refused.message().contains("[gaussian.astigmatism]"), "{refused}");
    });
}
