//! TIFF stacks: classic and BigTIFF, both byte orders, OME, ImageJ (also one directory for many frames), strips and
//! tiles, plain or compressed.
//!
//! In: a file. Out: a [`Stack`]. Frames that lie in one piece are read straight into the caller's buffer; all others
//! go through the `tiff` crate with its limits set. Never: colour, floats, palettes; never passes a file off as whole
//! that was cut short.

mod describe;
mod ifd;

use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use ::tiff::decoder::{Decoder, Limits};
use smlm::frame::{PixelType, Shape};

pub(super) use describe::add_micro_manager;
use describe::{Declared, declared};
use ifd::{Header, Ifd, tag};

use super::source::{Source, to_little_endian};
use super::stack::{
    MAX_FRAMES, Stack, StackError, StackMeta, StackOptions, check_read, check_shape, check_whole,
};

/// The beginning of a description that is read; OME-XML can be many MB, its `Pixels` element comes first.
const DESCRIPTION_BYTES: u64 = 256 << 10;

/// Where a frame's pixels are.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In one piece, uncompressed, at this offset.
    At(u64),
    /// In the directory of this number, to be decoded.
    Directory(u32),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Tiff {
    source: Source,
    big_endian: bool,
    geometry: Geometry,
    places: Vec<Place>,
    decoder: Option<Decoder<BufReader<File>>>,
    meta: StackMeta,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Geometry {
    shape: Shape,
    pixel_type: PixelType,
}

/// The frames found in a file, and whether the chain ended as it should.
struct Walk {
    places: Vec<Place>,
    geometry: Geometry,
    declared: Declared,
    /// The chain led out of the file, or a frame's pixels lie outside it.
    broken: bool,
}

/// Whether a file begins like a TIFF.
pub(super) fn looks_like(path: &Path) -> bool {
    Source::open(path).and_then(|mut source| Header::read(&mut source)).is_ok()
}

impl Tiff {
    pub(super) fn open(path: &Path, options: &StackOptions) -> Result<Self, StackError> {
        let mut source = Source::open(path)?;
        let header = Header::read(&mut source)?;
        let walk = walk(&mut source, header)?;
        let (whole, expected) = count(&source, &walk);
        let frames = check_whole(path, whole, expected, options)?;
        if frames > MAX_FRAMES {
            return Err(StackError::malformed(
                path,
                "number of frames",
                format!("{frames} is more than {MAX_FRAMES}"),
            ));
        }
        let planes = lay_out(&walk, frames);
        let places = one_channel(path, &walk.declared, planes, options)?;
        let Walk { geometry, declared: Declared { meta, .. }, .. } = walk;
        Ok(Self { source, big_endian: header.big_endian, geometry, places, decoder: None, meta })
    }

    fn frame_bytes(&self) -> usize {
        self.geometry.shape.pixels() * self.geometry.pixel_type.bytes()
    }

    fn decode(&mut self, directory: u32, into: &mut [u8]) -> Result<(), StackError> {
        let path = self.source.path();
        let bad = |cause: ::tiff::TiffError| {
            StackError::malformed(path, "compressed pixels", format!("directory {directory}: {cause}"))
        };
        if self.decoder.is_none() {
            let fail = |cause| StackError::Io { path: path.to_owned(), action: "opening", cause };
            let mut limits = Limits::default();
            limits.decoding_buffer_size = 2 * into.len() + (1 << 20);
            limits.intermediate_buffer_size = 2 * into.len() + (1 << 20);
            limits.ifd_value_size = 16 << 20;
            let reader = BufReader::new(File::open(path).map_err(fail)?);
            self.decoder = Some(Decoder::new(reader).map_err(bad)?.with_limits(limits));
        }
        let decoder = self.decoder.as_mut().expect("it was made just now");
        decoder.seek_to_image(directory as usize).map_err(bad)?;
        let layout = decoder.image_buffer_layout().map_err(bad)?;
        if layout.len != into.len() {
            let why = format!("directory {directory} decodes to {} bytes, not {}", layout.len, into.len());
            return Err(StackError::malformed(path, "compressed pixels", why));
        }
        decoder.read_image_bytes(into).map_err(bad)
    }
}

impl Stack for Tiff {
    fn shape(&self) -> Shape {
        self.geometry.shape
    }

    fn pixel_type(&self) -> PixelType {
        self.geometry.pixel_type
    }

    fn frames(&self) -> u64 {
        self.places.len() as u64
    }

    fn read(&mut self, index: u64, into: &mut [u8]) -> Result<(), StackError> {
        check_read(self.source.path(), (self.frames(), self.frame_bytes()), index, into.len())?;
        match self.places[index as usize] {
            Place::At(offset) => {
                self.source.read_at(offset, into)?;
                to_little_endian(into, self.geometry.pixel_type, self.big_endian);
            }
            Place::Directory(number) => {
                self.decode(number, into)?;
                // The decoder gives the machine's own order.
                to_little_endian(into, self.geometry.pixel_type, cfg!(target_endian = "big"));
            }
        }
        Ok(())
    }

    fn meta(&self) -> &StackMeta {
        &self.meta
    }
}

/// Follows the chain of directories from the first to the last, or to where it breaks.
fn walk(source: &mut Source, header: Header) -> Result<Walk, StackError> {
    if header.first == 0 {
        return Err(StackError::not(source.path(), "a TIFF without images; its writing was not finished"));
    }
    let Some(first) = header.ifd(source, header.first)? else {
        return Err(StackError::Short { path: source.path().to_owned(), whole: 0, expected: None });
    };
    let geometry = geometry(source, header, &first)?;
    let declared = describe_first(source, header, &first, geometry)?;
    let mut walk = Walk { places: Vec::new(), geometry, declared, broken: false };
    let mut seen = HashSet::from([header.first]);
    let (mut ifd, mut number) = (first, 0u32);
    loop {
        match place(source, header, &ifd, number, geometry)? {
            Seen::Frame(place) => walk.places.push(place),
            Seen::Thumbnail => {}
            Seen::Outside => walk.broken = true,
        }
        let next = ifd.next;
        if next == 0 || walk.broken {
            return Ok(walk);
        }
        if !seen.insert(next) || seen.len() as u64 > MAX_FRAMES {
            let why = format!("the chain of directories turns back or is longer than {MAX_FRAMES}");
            return Err(StackError::malformed(source.path(), "directory", why));
        }
        match header.ifd(source, next)? {
            Some(following) => (ifd, number) = (following, number + 1),
            None => walk.broken = true,
        }
        if walk.broken {
            return Ok(walk);
        }
    }
}

/// Whole frames that are there, and how many there should be (`None`: not known).
fn count(source: &Source, walk: &Walk) -> (u64, Option<u64>) {
    let found = walk.places.len() as u64;
    let bytes = (walk.geometry.shape.pixels() * walk.geometry.pixel_type.bytes()) as u64;
    match (start_of_run(walk, bytes), walk.declared.contiguous) {
        // One directory may stand for many frames; a broken chain may hide frames whose pixels are all there.
        (Some(start), Some(declared)) if declared > found && (found == 1 || walk.broken) => {
            let there = source.len().saturating_sub(start) / bytes;
            (there.min(declared), Some(declared))
        }
        (_, declared) if walk.broken => (found, declared.filter(|declared| *declared > found)),
        _ => (found, Some(found)),
    }
}

/// The offset of the first frame when all that were found follow each other without gaps.
fn start_of_run(walk: &Walk, bytes: u64) -> Option<u64> {
    let &Place::At(start) = walk.places.first()? else { return None };
    let follows =
        |(i, place): (usize, &Place)| matches!(place, Place::At(at) if *at == start + i as u64 * bytes);
    walk.places.iter().enumerate().all(follows).then_some(start)
}

fn lay_out(walk: &Walk, frames: u64) -> Vec<Place> {
    let bytes = (walk.geometry.shape.pixels() * walk.geometry.pixel_type.bytes()) as u64;
    match walk.places.first() {
        Some(&Place::At(start)) if frames > walk.places.len() as u64 => {
            (0..frames).map(|i| Place::At(start + i * bytes)).collect()
        }
        _ => walk.places[..walk.places.len().min(frames as usize)].to_vec(),
    }
}

/// A localization movie has one channel; of several, one must be named.
fn one_channel(
    path: &Path,
    declared: &Declared,
    planes: Vec<Place>,
    options: &StackOptions,
) -> Result<Vec<Place>, StackError> {
    let (channels, stride) = (declared.channels, declared.channel_stride.max(1));
    let period = channels.saturating_mul(stride);
    if channels <= 1 || !(planes.len() as u64).is_multiple_of(period) {
        return Ok(planes);
    }
    let chosen = options.chosen("channel").and_then(|value| value.parse::<u64>().ok());
    let Some(chosen) = chosen.filter(|chosen| *chosen < channels) else {
        let what = format!("a stack of {channels} channels without a choice");
        let remedy = "choose one by its number from 0 (channel=0)";
        return Err(StackError::Unsupported { path: path.to_owned(), what, remedy });
    };
    let keep = |plane: usize| (plane as u64 / stride) % channels == chosen;
    Ok(planes.into_iter().enumerate().filter(|(plane, _)| keep(*plane)).map(|(_, place)| place).collect())
}

fn describe_first(
    source: &mut Source,
    header: Header,
    ifd: &Ifd,
    geometry: Geometry,
) -> Result<Declared, StackError> {
    let text = header.text(source, ifd, tag::DESCRIPTION, DESCRIPTION_BYTES)?;
    let resolution = header.ratio(source, ifd, tag::X_RESOLUTION)?.filter(|n| n.is_finite() && *n > 0.0);
    let unit = header.value(source, ifd, tag::RESOLUTION_UNIT)?.unwrap_or(2);
    let mut said = declared(&text, geometry.shape.pixels() as u64, resolution.map(|n| (n, unit)));
    let json = header.text(source, ifd, tag::MICRO_MANAGER, DESCRIPTION_BYTES)?;
    add_micro_manager(&mut said.meta, &json);
    Ok(said)
}

/// Size and kind of a directory's pixels; everything that is not a camera's gray frame is refused here.
fn geometry(source: &mut Source, header: Header, ifd: &Ifd) -> Result<Geometry, StackError> {
    let path = source.path().to_owned();
    let mut value = |tag, default| Ok::<_, StackError>(header.value(source, ifd, tag)?.unwrap_or(default));
    let (samples, format, bits) =
        (value(tag::SAMPLES, 1)?, value(tag::SAMPLE_FORMAT, 1)?, value(tag::BITS, 1)?);
    let refuse = |what: String| {
        let remedy = "save it as gray unsigned 8 or 16 bit";
        Err(StackError::Unsupported { path: path.clone(), what, remedy })
    };
    let pixel_type = match (samples, format, bits) {
        (1, 1, 8) => PixelType::U8,
        (1, 1, 16) => PixelType::U16,
        (1, 3, _) => return refuse(format!("{bits}-bit floating point pixels")),
        (1, _, _) => return refuse(format!("{bits}-bit pixels of sample format {format}")),
        (n, _, _) => return refuse(format!("colour ({n} samples per pixel)")),
    };
    match value(tag::PHOTOMETRIC, 1)? {
        1 => {}
        0 => return refuse("an inverted image (white is zero)".into()),
        other => return refuse(format!("colour (photometric interpretation {other})")),
    }
    let shape = check_shape(&path, value(tag::WIDTH, 0)?, value(tag::HEIGHT, 0)?, pixel_type)?;
    Ok(Geometry { shape, pixel_type })
}

enum Seen {
    Frame(Place),
    /// A smaller copy of another image.
    Thumbnail,
    /// Its pixels end beyond the file.
    Outside,
}

/// Where the pixels of a directory are.
fn place(
    source: &mut Source,
    header: Header,
    ifd: &Ifd,
    number: u32,
    expected: Geometry,
) -> Result<Seen, StackError> {
    if header.value(source, ifd, tag::NEW_SUBFILE_TYPE)?.unwrap_or(0) & 1 == 1 && number > 0 {
        return Ok(Seen::Thumbnail);
    }
    let own = geometry(source, header, ifd)?;
    if own != expected {
        let why = format!("directory {number} is {own:?}, the first one {expected:?}; split the file");
        return Err(StackError::malformed(source.path(), "frame size", why));
    }
    let tiles = header.values(source, ifd, tag::TILE_OFFSETS)?;
    let is_tiled = tiles.is_some();
    let (offsets, sizes) = match is_tiled {
        true => (tiles, header.values(source, ifd, tag::TILE_BYTES)?),
        false => {
            let offsets = header.values(source, ifd, tag::STRIP_OFFSETS)?;
            (offsets, header.values(source, ifd, tag::STRIP_BYTES)?)
        }
    };
    let Some(offsets) = offsets.filter(|offsets| !offsets.is_empty()) else { return Ok(Seen::Outside) };
    let plain = header.value(source, ifd, tag::COMPRESSION)?.unwrap_or(1) == 1;
    let rows = header.value(source, ifd, tag::ROWS_PER_STRIP)?.unwrap_or(u64::MAX).max(1);
    if plain && !is_tiled && strips_touch(&offsets, rows, own) {
        let bytes = (own.shape.pixels() * own.pixel_type.bytes()) as u64;
        let inside = source.holds(offsets[0], bytes);
        return Ok(if inside { Seen::Frame(Place::At(offsets[0])) } else { Seen::Outside });
    }
    let sizes = sizes.unwrap_or_default();
    let inside = sizes.len() == offsets.len()
        && offsets.iter().zip(&sizes).all(|(offset, size)| source.holds(*offset, *size));
    Ok(if inside { Seen::Frame(Place::Directory(number)) } else { Seen::Outside })
}

/// Whether uncompressed strips follow each other, so that the frame is one piece.
fn strips_touch(offsets: &[u64], rows_per_strip: u64, geometry: Geometry) -> bool {
    let height = u64::from(geometry.shape.height);
    let strip =
        rows_per_strip.min(height) * u64::from(geometry.shape.width) * geometry.pixel_type.bytes() as u64;
    offsets.len() as u64 == height.div_ceil(rows_per_strip.min(height))
        && offsets.windows(2).all(|pair| pair[0].checked_add(strip) == Some(pair[1]))
}
