//! Cards: a good one is read whole, a bad one is refused with everything that is wrong, a camera outside its range too.

use smlm::units::{Nm, PixelSize};

use super::*;

const GOOD: &str = include_str!("../../tests/fixtures/tiny-split/card.toml");

fn card() -> Card {
    Card::read("card.toml", GOOD).unwrap()
}

fn problems(text: &str) -> Vec<String> {
    Card::read("models/x/card.toml", text).unwrap_err().problems
}

#[test]
fn a_good_card_is_read_whole() {
    let card = card();
    assert_eq!(card.graphs.files(), ["frame.onnx", "context.onnx"]);
    assert_eq!(card.network.grid_px, 4);
    assert_eq!(card.rule, Rule::Paper { candidate: 0.3, second: 0.6, accept: 0.7 });
    assert_eq!(card.sha256.len(), 2);
}

#[test]
fn every_problem_is_reported_at_once_with_file_and_field() {
    let text = GOOD
        .replace("grid_px = 4", "grid_px = 0\ngird = 3")
        .replace("unit = \"photons\"", "unit = \"adu\"")
        .replace("candidate = 0.3", "candidate = nan")
        .replace("pixel_size_nm = [80.0, 160.0]", "pixel_size_nm = [160.0, 80.0]")
        .replace("schema = 1", "schema = 7")
        .replace("licence = \"MIT\"\n", "");
    let error = Card::read("models/x/card.toml", &text).unwrap_err();
    let said = error.to_string();
    assert!(said.starts_with("models/x/card.toml: "), "{said}");
    for field in [
        "network.grid_px",
        "network.gird: the key is unknown",
        "input.unit",
        "postprocess.candidate",
        "range.pixel_size_nm",
        "schema must be 1",
        "licence is missing",
    ] {
        assert!(said.contains(field), "{field}: {said}");
    }
    assert_eq!(error.problems.len(), 7, "{said}");
}

#[test]
fn a_text_that_is_not_toml_is_refused_with_its_line() {
    assert!(
        problems("schema = 1\nname = ")[0].starts_with("line 2"),
        "{:?}",
        problems("schema = 1\nname = ")
    );
    assert!(problems("").len() > 10);
}

#[test]
fn a_file_name_that_leaves_the_folder_is_refused() {
    for name in ["../frame.onnx", "/etc/passwd", "a/b.onnx", "c:x", ".hidden"] {
        let text = GOOD.replace("frame.onnx", name);
        assert!(problems(&text).iter().any(|problem| problem.contains("plain name")), "{name}");
    }
}

#[test]
fn outputs_in_another_order_are_refused() {
    let text = GOOD.replace("\"p\", \"photons\"", "\"photons\", \"p\"");
    assert!(problems(&text)[0].contains("output.channels"));
}

#[test]
fn a_camera_outside_the_range_is_refused_with_reason_and_the_nearest_bundle() {
    let fine = card();
    let mut coarse = card();
    coarse.name = "coarse".to_owned();
    coarse.range.pixel_size_nm = Span { low: 150.0, high: 300.0 };
    let mut coarser = coarse.clone();
    coarser.name = "coarser".to_owned();
    coarser.range.pixel_size_nm = Span { low: 170.0, high: 600.0 };
    let setup =
        Setup { psf_sigma_nm: Some(900.0), ..Setup::of_pixel_size(PixelSize { x: Nm(200.0), y: Nm(120.0) }) };
    let known = [&fine, &coarser, &coarse];
    let misfit = check_fit(&fine, &setup, &known, false).unwrap_err();
    assert_eq!(misfit.reasons.len(), 2, "{misfit}");
    assert!(
        misfit.to_string().contains("pixel width is 200 nm where it was trained for 80 to 160"),
        "{misfit}"
    );
    assert!(misfit.nearest.contains("None of the known bundles fits"), "{misfit}");
    let setup = Setup::of_pixel_size(PixelSize::square(Nm(200.0)));
    let misfit = check_fit(&fine, &setup, &known, false).unwrap_err();
    assert!(misfit.nearest.contains("'coarse' fits"), "{misfit}");
    assert_eq!(check_fit(&fine, &setup, &known, true).unwrap().len(), 1);
    assert_eq!(check_fit(&coarse, &setup, &known, false).unwrap(), Vec::<String>::new());
}

#[test]
fn no_damaged_card_panics() {
    // Every prefix, and every line taken out: a poor man's fuzzer, the same each time.
    for end in (0..GOOD.len()).step_by(7).filter(|end| GOOD.is_char_boundary(*end)) {
        let _ = Card::read("card.toml", &GOOD[..end]);
    }
    let lines: Vec<&str> = GOOD.lines().collect();
    for out in 0..lines.len() {
        let text: Vec<&str> =
            lines.iter().enumerate().filter(|(at, _)| *at != out).map(|(_, line)| *line).collect();
        if !lines[out].trim().is_empty() {
            let read = Card::read("card.toml", &text.join("\n"));
            let free = ["seed", "[training]", "[golden]", "camera", "sha256 =", "[[metrics]]", "ji"];
            assert!(read.is_err() || free.iter().any(|free| lines[out].starts_with(free)), "{}", lines[out]);
        }
    }
}

#[test]
fn a_card_may_say_how_its_psf_is_shaped_and_an_old_one_need_not() {
    assert_eq!(
        (card().psf.kind.as_str(), card().psf.depth_nm, card().psf.astigmatic()),
        ("gaussian", None, Some(false))
    );
    let shaped = "kind = \"astigmatic\"\nsigma_nm = [110.0, 160.0]\nfocus_nm = [150.0, 250.0]\ndepth_nm = [350.0, 450.0]";
    let psf = Card::read("card.toml", &GOOD.replace("kind = \"gaussian\"", shaped)).unwrap().psf;
    assert_eq!(psf.focus_nm, Some(Span { low: 150.0, high: 250.0 }));
    assert_eq!(psf.astigmatic(), Some(true));
    let measured = "kind = \"spline\"\nfile = \"bead.mat\"\nsha256 = \"ab\"";
    let psf = Card::read("card.toml", &GOOD.replace("kind = \"gaussian\"", measured)).unwrap().psf;
    assert_eq!((psf.file.as_deref(), psf.astigmatic()), (Some("bead.mat"), None));
    let wrong = problems(
        &GOOD.replace("kind = \"gaussian\"", "kind = \"gaussian\"\nfocus_nm = [2.0, 1.0]\nfocsu = 1"),
    );
    assert_eq!(wrong.len(), 3, "{wrong:?}");
}

#[test]
fn a_round_psf_and_an_astigmatic_one_do_not_fit_each_other() {
    let round = card();
    let mut astigmatic = card();
    astigmatic.psf.kind = "astigmatic".to_owned();
    let setup = |astigmatism| Setup { astigmatism, ..Setup::of_pixel_size(PixelSize::square(Nm(100.0))) };
    let said = |card: &Card, shape| reasons(card, &setup(Some(shape))).join("; ");
    assert!(
        said(&round, Astigmatism::AlongAxes).contains("is astigmatic where it was trained for a round one")
    );
    assert!(
        said(&round, Astigmatism::AlongDiagonals)
            .contains("is astigmatic where it was trained for a round one")
    );
    assert!(said(&astigmatic, Astigmatism::None).contains("is round where"));
    assert!(said(&astigmatic, Astigmatism::AlongDiagonals).contains("along the camera's diagonals"));
    assert_eq!(said(&round, Astigmatism::None) + &said(&astigmatic, Astigmatism::AlongAxes), "");
    for unknown in [&round, &astigmatic] {
        assert_eq!(reasons(unknown, &setup(None)), Vec::<String>::new());
    }
    let misfit = Setup { psf_sigma_nm: Some(212.345_67), ..setup(None) };
    assert_eq!(reasons(&round, &misfit), ["PSF sigma is 212.35 nm where it was trained for 100 to 200"]);
}
