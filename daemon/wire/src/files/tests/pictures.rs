//! PNG: pixels, physical size and text come back.

use crate::files::png::{PngError, PngNotes, encode_gray, encode_rgb, encode_rgb_with};

fn decode(png: &[u8]) -> (Vec<u8>, png::Info<'static>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    reader.finish().unwrap();
    (pixels, reader.info().clone())
}

#[test]
fn a_picture_comes_back_pixel_by_pixel_with_its_size_and_text() {
    let rgb: Vec<u8> = (0..3 * 31 * 7).map(|i| (i * 7 % 251) as u8).collect();
    let mut png = b"left over".to_vec();
    encode_rgb(31, 7, &rgb, &mut png).unwrap();
    let (pixels, info) = decode(&png);
    assert_eq!((pixels, info.width, info.height), (rgb.clone(), 31, 7));
    assert!(info.pixel_dims.is_none());

    let notes =
        PngNotes { pixel_nm: Some(10.0), text: vec![("Title".into(), "Zellkern, 10 nm, \u{3c3}".into())] };
    encode_rgb_with(31, 7, &rgb, &notes, &mut png).unwrap();
    let (pixels, info) = decode(&png);
    let per_metre = info.pixel_dims.unwrap();
    assert_eq!((pixels, per_metre.xppu, per_metre.yppu), (rgb, 100_000_000, 100_000_000));
    assert_eq!(info.utf8_text[0].get_text().unwrap(), "Zellkern, 10 nm, \u{3c3}");

    encode_gray(3, 1, &[0, 128, 255], &mut png).unwrap();
    assert_eq!(decode(&png).0, [0, 128, 255]);
}

#[test]
fn a_picture_of_the_wrong_size_is_refused() {
    let mut png = Vec::new();
    assert!(matches!(
        encode_rgb(2, 2, &[0; 11], &mut png),
        Err(PngError::WrongSize { needed: 12, given: 11, .. })
    ));
    assert!(matches!(encode_rgb(u32::MAX, u32::MAX, &[], &mut png), Err(PngError::WrongSize { .. })));
    assert!(encode_rgb(0, 0, &[], &mut png).is_err());
}
