use super::*;

/// A tile as it should be.
const GOOD: TileFacts = TileFacts {
    frames_expected: Some(1000),
    frames_processed: 1000,
    frames_lost: 0,
    localizations: 50_000,
    saturated_share: Some(1e-5),
    psf_sigma_px: Some(1.3),
    drift: Some(Nm(20.0)),
    frc: Some(Nm(40.0)),
    background: Some(Photons(15.0)),
};

/// Eight good tiles that differ a little.
fn neighbours() -> [TileFacts; 8] {
    std::array::from_fn(|i| {
        let part = 1.0 + 0.04 * (i as f64 - 3.5);
        TileFacts {
            localizations: (50_000.0 * part * part) as u64,
            psf_sigma_px: Some(1.3 * (1.0 + 0.1 * (part - 1.0))),
            frc: Some(Nm(40.0 / part)),
            background: Some(Photons(15.0 * part)),
            ..GOOD
        }
    })
}

fn judged(tile: TileFacts) -> Verdict {
    judge(&tile, &neighbours(), &Limits::default())
}

fn with_rate(localizations: u64) -> TileFacts {
    TileFacts { localizations, ..GOOD }
}

#[test]
fn a_tile_like_its_neighbours_is_not_suspect() {
    assert_eq!(judged(GOOD), Verdict::default());
    // Half or twice the cells are no fault.
    assert!(!judged(with_rate(25_000)).suspect() && !judged(with_rate(100_000)).suspect());
}

#[test]
fn each_fault_has_its_reason_in_numbers_and_words() {
    let faults: [(TileFacts, &str); 7] = [
        (TileFacts { frames_lost: 80, frames_processed: 920, ..GOOD }, "80 of 1000 frames were lost."),
        (
            with_rate(2000),
            "Only 2.0 localizations per frame were found, where most tiles next to it have 43.3 or more.",
        ),
        (
            TileFacts { saturated_share: Some(0.004), ..GOOD },
            "0.40 % of the pixels are saturated: lower the light or the gain.",
        ),
        (
            TileFacts { psf_sigma_px: Some(1.8), ..GOOD },
            "Emitters are 1.80 px wide (sigma), usual are 1.30 px: the tile is out of focus.",
        ),
        (
            TileFacts { drift: Some(Nm(140.0)), ..GOOD },
            "The sample drifted by 140 nm; more than 100 nm is too far.",
        ),
        (
            TileFacts { background: Some(Photons(60.0)), ..GOOD },
            "The background is 60.0 photons per pixel, in the tiles next to it 15.0.",
        ),
        (
            TileFacts { frc: Some(Nm(90.0)), ..GOOD },
            "The resolution is 90 nm, in the tiles next to it 40 nm.",
        ),
    ];
    for (tile, sentence) in faults {
        let verdict = judged(tile);
        let said: Vec<String> = verdict.reasons.iter().map(ToString::to_string).collect();
        assert_eq!(said, [sentence]);
        assert!(verdict.suspect());
    }
}

#[test]
fn every_fault_of_a_tile_is_told() {
    let tile = TileFacts { psf_sigma_px: Some(2.4), localizations: 900, frc: None, ..GOOD };
    let verdict = judged(tile);
    let names: Vec<&str> = verdict.reasons.iter().map(|reason| reason.as_str()).collect();
    assert_eq!((names, verdict.unknown), (vec!["too_few", "out_of_focus"], vec!["resolution"]));
}

#[test]
fn an_empty_region_is_not_suspect_for_being_empty() {
    let (nothing, limits) = (with_rate(0), Limits::default());
    // Nothing around it either.
    assert!(!judge(&nothing, &[with_rate(300); 8], &limits).suspect());
    // At the edge of the cells: three of eight neighbours are empty too.
    let mut edge = neighbours();
    edge[2..5].fill(with_rate(100));
    assert!(!judge(&nothing, &edge, &limits).suspect());
    // A hole in the midst of the cells is worth a look.
    let verdict = judge(&nothing, &neighbours(), &limits);
    assert!(matches!(verdict.reasons[..], [Reason::TooFew { found: 0.0, .. }]), "{verdict:?}");
}

#[test]
fn a_few_frames_are_too_few_to_miss_localizations_in() {
    let short = |n| TileFacts { frames_processed: 10, frames_expected: Some(10), localizations: n, ..GOOD };
    // 12 expected, 1 found: within five deviations of chance.
    assert!(!judge(&short(1), &[short(12); 8], &Limits::default()).suspect());
    assert!(judge(&short(20), &[short(200); 8], &Limits::default()).suspect());
}

#[test]
fn one_bad_neighbour_does_not_hide_a_bad_tile_nor_spoil_a_good_one() {
    let mut around = neighbours();
    around[0].psf_sigma_px = Some(3.0);
    let blurred = TileFacts { psf_sigma_px: Some(1.9), ..GOOD };
    assert!(judge(&blurred, &around, &Limits::default()).suspect());
    assert!(!judge(&GOOD, &around, &Limits::default()).suspect());
    // Three of eight that are broad are the sample's, not the tile's.
    around[..3].iter_mut().zip([1.6, 1.9, 2.2]).for_each(|(tile, sigma)| tile.psf_sigma_px = Some(sigma));
    around[3..].iter_mut().zip([1.1, 1.3, 1.5, 1.7, 1.9]).for_each(|(t, sigma)| t.psf_sigma_px = Some(sigma));
    assert!(!judge(&blurred, &around, &Limits::default()).suspect());
}

#[test]
fn what_is_not_known_is_said_and_makes_nothing_suspect() {
    let bare = TileFacts { frames_processed: 10, ..TileFacts::default() };
    let verdict = judge(&bare, &[], &Limits::default());
    let all = ["number of localizations", "saturation", "focus", "drift", "background", "resolution"];
    assert_eq!((verdict.suspect(), verdict.unknown), (false, all.to_vec()));
    let nothing = judge(&TileFacts::default(), &[], &Limits::default());
    assert_eq!((nothing.suspect(), nothing.unknown.len()), (false, 7));
}

#[test]
fn without_neighbours_the_expected_psf_decides_the_focus() {
    let limits = Limits { psf_sigma_px: Some(1.3), ..Limits::default() };
    let blurred = TileFacts { psf_sigma_px: Some(1.7), ..GOOD };
    let expected = [Reason::OutOfFocus { sigma_px: 1.7, usual_px: 1.3 }];
    assert_eq!(judge(&blurred, &[], &limits).reasons, expected);
    assert!(!judge(&GOOD, &[], &limits).suspect());
}

#[test]
fn a_tile_that_never_came_has_lost_its_frames() {
    let nothing = TileFacts { frames_expected: Some(1000), ..TileFacts::default() };
    let verdict = judge(&nothing, &neighbours(), &Limits::default());
    assert_eq!(verdict.reasons, [Reason::FramesLost { lost: 1000, expected: 1000 }]);
}

#[test]
fn the_factor_decides_among_neighbours_that_agree() {
    let alike = [GOOD; 8];
    let with = |sigma| TileFacts { psf_sigma_px: Some(sigma), ..GOOD };
    assert!(!judge(&with(1.3 * 1.19), &alike, &Limits::default()).suspect());
    assert!(judge(&with(1.3 * 1.21), &alike, &Limits::default()).suspect());
}
