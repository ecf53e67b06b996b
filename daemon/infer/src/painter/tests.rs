use super::*;
use crate::testing::runtime;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-picture")
}

fn text() -> String {
    std::fs::read_to_string(fixture().join(CARD)).unwrap()
}

/// `None` after saying that there is no ONNX Runtime.
fn painter(structure: &str) -> Option<Result<Painter, PainterError>> {
    let runtime = runtime()?;
    let settings = ProviderSettings { require: Some(Provider::Cpu), ..ProviderSettings::default() };
    Some(Painter::open(runtime, PictureBundle::open(&fixture()).unwrap(), structure, &settings))
}

#[test]
fn the_golden_window_is_drawn_as_by_the_trainer() {
    let Some(painter) = painter("") else { return };
    let mut painter = painter.unwrap();
    let found = check(&mut painter).unwrap();
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(GoldenDifference::passes), "{found:?}");
}

#[test]
fn a_structure_that_was_not_trained_for_is_refused_with_those_that_were() {
    let Some(painter) = painter("mitochondria") else { return };
    let error = painter.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("knows no structure 'mitochondria'") && error.contains("filaments"), "{error}");
}

#[test]
fn a_missing_widefield_is_not_a_dark_one() {
    let Some(painter) = painter("filaments") else { return };
    let mut painter = painter.unwrap();
    let side = painter.window_px();
    let counts = vec![1.0; side * side];
    let without = painter.paint(&counts, None).unwrap();
    let dark = painter.paint(&counts, Some(&vec![0.0; side * side])).unwrap();
    assert_ne!(without.picture, dark.picture);
}

#[test]
fn a_window_of_another_size_is_refused() {
    let Some(painter) = painter("") else { return };
    let mut painter = painter.unwrap();
    let error = painter.paint(&[0.0; 10], None).unwrap_err();
    assert!(matches!(error, PainterError::Window { found: 10, side: 64 }), "{error}");
}

#[test]
fn a_card_of_a_picture_bundle_names_every_problem_at_once() {
    let wrong =
        text().replace("window_px = 64", "window_px = 65").replace("engine = \"a-net\"", "engine = \"b\"");
    let error = PictureCard::read("card.toml", &wrong).unwrap_err();
    assert!(error.problems.len() >= 2, "{error}");
    assert!(error.to_string().contains("window_px") && error.to_string().contains("engine"), "{error}");
}

#[test]
fn the_only_structure_needs_no_name_and_one_of_several_does() {
    let card = PictureCard::read("card.toml", &text()).unwrap();
    assert_eq!(card.switch(""), Some(0.0));
    let several = text().replace("filaments = 0", "filaments = 0, nuclear_pores = 1");
    let card = PictureCard::read("card.toml", &several).unwrap();
    assert_eq!((card.switch(""), card.switch("nuclear_pores")), (None, Some(1.0)));
}
