//! Recorded files of other programs, compared with what Python reads from them.

use super::{all_frames, data, frame};
use crate::files::npy::{read_f32, read_u16};
use crate::files::stack::{StackOptions, open_stack, open_stack_with};
use crate::files::tables::{ReadOptions, read_all, read_emitters};
use smlm::units::{Nm, PixelSize};

/// Name, frames, height, width, sum of all pixels:
/// `a = tifffile.imread(name); print(a.shape, a.astype('u8').sum())`; for .dax and .raw
/// `numpy.fromfile(name, '>u2')` (Picasso's .raw: `'<u2'`); for the folder the ten sums added.
const STACKS: [(&str, u64, u32, u32, u64); 12] = [
    ("3densestorm/calibration.tif", 81, 32, 32, 20_139_953),
    ("3densestorm/tubulins.tif", 400, 70, 70, 338_421_341),
    ("bstore/HeLaS_53BP1_A647_WF1_MMStack_Pos0.ome.tif", 1, 914, 914, 113_296_610),
    ("deep-storm/ArtificialDataset_demo1.tif", 20, 64, 64, 33_176_473),
    ("deep-storm/bundled-tubes-001-180.tif", 180, 64, 64, 224_399_704),
    ("deepstorm3d/tetrapod/01.tif", 1, 332, 492, 8_318_919),
    ("deepstorm3d/tetrapod", 10, 332, 492, 79_111_989),
    ("locan/images.tif", 5, 128, 128, 42_815_655),
    ("storm-analysis/test.dax", 10, 256, 256, 104_584_071),
    ("storm-analysis/test_300x200.dax", 10, 200, 300, 93_132_733),
    ("picasso/testdata.raw", 100, 32, 32, 26_137_655),
    ("ndtiff/ndtiff3.2_monochrome", 128, 64, 64, 1_389_236_224),
];

#[test]
fn recorded_stacks_read_as_python_reads_them() {
    for (name, frames, height, width, expected) in STACKS {
        let Some(path) = data(name) else { continue };
        let mut stack = open_stack(&path).unwrap();
        assert_eq!(
            (stack.frames(), stack.shape().height, stack.shape().width),
            (frames, height, width),
            "{name}"
        );
        let sum: u64 = all_frames(&mut *stack).into_iter().map(u64::from).sum();
        assert_eq!(sum, expected, "{name}");
    }
}

#[test]
fn single_pixels_stand_where_python_finds_them() {
    // `a = tifffile.imread(name); a[7, 3, 5], a[-1, -1, -1]`; `numpy.fromfile(dax, '>u2')[:3]`
    if let Some(path) = data("deep-storm/bundled-tubes-001-180.tif") {
        let mut stack = open_stack(&path).unwrap();
        assert_eq!(frame(&mut *stack, 0)[..4], [131, 147, 128, 145]);
        assert_eq!((frame(&mut *stack, 7)[3 * 64 + 5], frame(&mut *stack, 179)[64 * 64 - 1]), (131, 158));
    }
    if let Some(path) = data("storm-analysis/test.dax") {
        assert_eq!(frame(&mut *open_stack(&path).unwrap(), 0)[..3], [144, 157, 149]);
    }
}

#[test]
fn recordings_say_their_pixel_size_and_exposure() {
    for (name, pixel_size_nm, exposure_ms) in [
        ("bstore/HeLaS_53BP1_A647_WF1_MMStack_Pos0.ome.tif", Some(108.0), None),
        ("deep-storm/ArtificialDataset_demo1.tif", Some(100.0), None),
        ("picasso/testdata.raw", Some(160.0), Some(300.0)),
    ] {
        let Some(path) = data(name) else { continue };
        let stack = open_stack(&path).unwrap();
        assert_eq!(
            (stack.meta().pixel_size_nm, stack.meta().exposure_ms),
            (pixel_size_nm, exposure_ms),
            "{name}"
        );
    }
}

#[test]
fn a_recorded_ndtiff_with_two_channels_gives_each() {
    // `a = tifffile.imread(part); a.shape == (8, 2, 16, 64, 64); a.astype('u8').sum((0, 2, 3, 4))`
    let Some(path) = data("ndtiff/ndtiff3.2_multichannel") else { return };
    let mut sum = 0;
    for channel in ["DAPI", "FITC"] {
        let select = vec![("channel".to_owned(), channel.to_owned())];
        let options = StackOptions { select, ..StackOptions::default() };
        let mut stack = open_stack_with(&path, &options).unwrap();
        assert_eq!(stack.frames(), 128);
        sum += all_frames(&mut *stack).into_iter().map(u64::from).sum::<u64>();
    }
    assert_eq!(sum, 2_778_472_448);
    assert!(open_stack(&path).is_err());
}

/// Name, first frame, rows, then sums: frame from 0, x nm, y nm, photons.
/// `r = numpy.genfromtxt(name, delimiter=',', skip_header=1); len(r), r.sum(0)`; frames minus rows times first frame.
type Csv = (&'static str, u32, usize, u64, f64, f64, f64);
const CSV: [Csv; 5] = [
    (
        "deep-storm/bundled-tubes-001-180-truth.csv",
        1,
        40_387,
        3_642_906 - 40_387,
        127_853_370.310_17,
        130_546_729.427_97,
        0.0,
    ),
    (
        "deep-storm/positions_demo1.csv",
        1,
        4_956,
        52_391 - 4_956,
        15_874_469.389_43,
        15_992_680.096_21,
        11_151_026.714_44,
    ),
    (
        "colicoords/storm_table.csv",
        1,
        37_529,
        33_283_009 - 37_529,
        423_235_163.942_09,
        508_464_660.137_47,
        122_941_791.998_05,
    ),
    (
        "bstore/MT0.N1.LD-AS-Exp_Localizations.csv",
        0,
        18_948,
        189_578_370,
        55_094_120.975,
        56_794_432.21,
        79_674_632.819,
    ),
    (
        "locan/Thunderstorm_dstorm_data.csv",
        1,
        19,
        2_000 * 19,
        187_151.371_303,
        338_997.568_932,
        37_075.955_714,
    ),
];

#[test]
fn tables_of_other_programs_read_as_python_reads_them() {
    for (name, first_frame, rows, frames, x, y, photons) in CSV {
        let Some(path) = data(name) else { continue };
        let options = ReadOptions { first_frame, ..ReadOptions::default() };
        let (truth, _) = read_emitters(&path, &options).unwrap();
        assert_eq!(truth.len(), rows, "{name}");
        assert_eq!(truth.iter().map(|row| u64::from(row.at.frame)).sum::<u64>(), frames, "{name}");
        let sum = |value: &dyn Fn(usize) -> f64| (0..rows).map(value).sum::<f64>();
        let close =
            |a: f64, b: f64| assert!((a - b).abs() <= 1e-9 * b.abs() + 1e-3, "{name}: {a} is not {b}");
        close(sum(&|i| truth[i].at.x_nm), x);
        close(sum(&|i| truth[i].at.y_nm), y);
        close(sum(&|i| truth[i].photons.unwrap_or(0.0)), photons);

        let pixel_size = Some(PixelSize::square(Nm(100.0)));
        let (rows, info) = read_all(&path, &ReadOptions { pixel_size, ..options }).unwrap();
        assert_eq!((info.rows, info.bad_rows, info.three_d), (rows.len() as u64, 0, false));
        let corner_x: f64 = rows.iter().map(|row| (f64::from(row.x_px) + 0.5) * 100.0).sum();
        assert!((corner_x - x).abs() < 1e-6 * x, "{name}");
    }
}

#[test]
fn a_table_counted_from_zero_is_not_taken_for_one_counted_from_one() {
    let Some(path) = data("bstore/MT0.N1.LD-AS-Exp_Localizations.csv") else { return };
    let text = read_emitters(&path, &ReadOptions::default()).unwrap_err().to_string();
    assert!(text.contains("row 2, column 'frame': 0 is not a frame counted from 1"), "{text}");
}

#[test]
fn a_picasso_table_reads_as_h5py_reads_it() {
    // `l = h5py.File(name)['locs'][...]; len(l), l['frame'].sum(), l['x'].astype('f8').sum(), …`
    let Some(path) = data("picasso/testdata_locs.hdf5") else { return };
    let (rows, info) = read_all(&path, &ReadOptions::default()).unwrap();
    assert_eq!((rows.len(), info.three_d), (564, false));
    assert_eq!(info.pixel_size, Some(PixelSize::square(Nm(130.0))));
    assert_eq!(rows.iter().map(|row| u64::from(row.frame)).sum::<u64>(), 299_526);
    let sum = |value: fn(&smlm::localization::Localization) -> f32| {
        rows.iter().map(|row| f64::from(value(row))).sum::<f64>()
    };
    for (mine, python) in [
        (sum(|row| row.x_px), 8_946.962_852_001),
        (sum(|row| row.y_px), 8_643.698_488_712),
        (sum(|row| row.photons), 8_346_186.076_172),
        (sum(|row| row.sigma_x_px), 6.590_294_856),
    ] {
        assert!((mine - python).abs() < 1e-6 * python, "{mine} is not {python}");
    }
    assert_eq!((rows[0].frame, rows[0].x_px, rows[0].y_px), (11, 5.618_027, 5.306_421_8));
}

#[test]
fn an_insight_list_lies_on_the_bright_pixels_of_its_stack() {
    let (Some(list), Some(dax)) =
        (data("storm-analysis/test_300x200_olist.bin"), data("storm-analysis/test_300x200.dax"))
    else {
        return;
    };
    let (rows, _) = read_all(&list, &ReadOptions::default()).unwrap();
    assert_eq!(rows.len(), 1000);
    // numpy: r['x'].sum() - 1000, pixel centres of the list begin at 1
    let x: f64 = rows.iter().map(|row| f64::from(row.x_px)).sum();
    assert!((x - (148_117.631_832 - 1000.0)).abs() < 0.1, "{x}");
    let pixels = all_frames(&mut *open_stack(&dax).unwrap());
    let at = |frame: u32, x: f32, y: f32| {
        pixels[(frame as usize * 200 + y.round() as usize) * 300 + x.round() as usize]
    };
    let under: f64 =
        rows.iter().map(|row| f64::from(at(row.frame, row.x_px, row.y_px))).sum::<f64>() / 1000.0;
    // numpy: d[fr - 1, rint(y - 1), rint(x - 1)].mean(), against a mean of 155 everywhere
    assert!((under - 582.535).abs() < 1e-6, "{under}");
}

#[test]
fn a_camera_calibration_reads_as_numpy_reads_it() {
    // `numpy.load(name).sum((1, 2)) == [0, 65536, 65536]`
    let Some(path) = data("storm-analysis/calib.npy") else { return };
    let array = read_f32(&path, 1 << 20).unwrap();
    assert_eq!(array.shape, [3, 256, 256]);
    let sums: Vec<f32> = array.values.chunks(256 * 256).map(|plane| plane.iter().sum()).collect();
    assert_eq!(sums, [0.0, 65_536.0, 65_536.0]);
    assert!(read_f32(&path, 1000).unwrap_err().to_string().contains("more than the 1000 values"));
    assert!(read_u16(&path, 1 << 20).unwrap_err().to_string().contains("type 'f8'"));
}
