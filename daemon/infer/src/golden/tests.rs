//! Golden sets: the shipped ones pass, a wrong model or table does not.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::crew::Alone;
use crate::decode::DecodeSettings;
use crate::testing::runtime;

/// The shipped bundles, or a word that they are not there.
fn shipped() -> Vec<Bundle> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../onnx-models");
    let names = ["decode-2d-lite", "decode-2d-lite-single"];
    let folders =
        names.map(|name| models.join(name)).into_iter().filter(|folder| folder.join("card.toml").exists());
    let bundles: Vec<Bundle> = folders.map(|folder| Bundle::open(&folder).unwrap()).collect();
    if bundles.is_empty() {
        eprintln!("SKIPPED: no bundle in {}", models.display());
    }
    bundles
}

#[test]
fn shipped_bundles_still_find_what_their_reference_found() {
    let Some(runtime) = runtime() else { return };
    for bundle in shipped().into_iter().filter(|bundle| bundle.card.golden.is_some()) {
        for core_px in [512, 24] {
            let settings = DecodeSettings { core_px, ..DecodeSettings::default() };
            let mut engine = Decode::new(runtime, bundle.clone(), settings, Arc::new(Alone)).unwrap();
            let report = check(&mut engine).unwrap();
            assert!(report.passes(), "core of {core_px} px: {report:#?}");
            assert!(report.cases.iter().all(|case| case.expected > 0 && case.windows > 2), "{report:#?}");
            eprintln!("{report:?}");
        }
    }
}

#[test]
fn a_wrong_model_does_not_pass() {
    let Some(runtime) = runtime() else { return };
    for mut bundle in shipped().into_iter().filter(|bundle| bundle.card.golden.is_some()) {
        bundle.card.input.offset_photons += 5.0;
        let settings = DecodeSettings::default();
        let mut engine = Decode::new(runtime, bundle, settings, Arc::new(Alone)).unwrap();
        let report = check(&mut engine).unwrap();
        assert!(!report.passes(), "{report:#?}");
    }
}

#[test]
fn a_table_with_nan_or_without_a_column_is_refused_with_its_place() {
    assert_eq!(table("frame,x_px,y_px\n"), Err("column 'photons' is missing".to_owned()));
    let text = "frame,x_px,y_px,photons\n0,1,2,3\n0,1,nan,3\n";
    assert_eq!(table(text), Err("line 3: 'nan' is not a finite number".to_owned()));
    assert_eq!(table("photons,frame,y_px,x_px\n5,1,2,3\n\n").unwrap()[0].x_px, 3.0);
}

#[test]
fn each_emitter_has_one_partner_at_most() {
    let at = |x_px: f32| Localization { x_px, photons: 100.0, ..Localization::default() };
    let two = [at(1.0), at(1.0002)];
    assert_eq!(unmatched(&two, &two), (0, 0));
    assert_eq!(unmatched(&two, &[at(1.0)]), (1, 0));
    assert_eq!(unmatched(&[at(1.0)], &two), (0, 1));
    assert_eq!(unmatched(&[at(1.0)], &[at(1.002)]), (1, 1));
    assert_eq!(unmatched(&[at(1.0)], &[Localization { frame: 1, ..at(1.0) }]), (1, 1));
}
