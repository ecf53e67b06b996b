//! The limits of the frame stream. What is beyond is counted and dropped before memory is reserved for it.

/// Part 0 of a frame, protobuf or JSON; a header has about 140 bytes in protobuf.
pub const FRAME_PART0_BYTES: usize = 64 * 1024;
/// Part 0 of a control message: a series start may carry its summary metadata.
pub const CONTROL_PART0_BYTES: usize = 1024 * 1024;
/// Rows or columns of a frame.
pub const SIDE_PX: u32 = 16_384;
/// Pixels of a frame, unpacked: 16,384 x 16,384 of 16 bits.
pub const PIXELS_BYTES: usize = 512 * 1024 * 1024;
/// Part 1 as sent: incompressible pixels grow by less than 1/255 in LZ4 and Zstandard.
pub const PART1_BYTES: usize = PIXELS_BYTES + PIXELS_BYTES / 255 + 1024;
/// Origin of a ROI on the sensor.
pub const ROI_ORIGIN_PX: u32 = 1 << 20;
/// Binning of a camera.
pub const BINNING: u32 = 64;
/// Rows or columns of a scan.
pub const GRID_SIDE: u32 = 1 << 14;
/// Number of a tile in the order of acquisition.
pub const TILE_INDEX: u32 = 1 << 24;
/// A name: of a series, a camera, a publisher.
pub const NAME_BYTES: usize = 4096;
/// Size of a pixel in the sample plane, nm.
pub const PIXEL_SIZE_NM: f64 = 1e6;
/// Numbers of frames and images: they survive a signed 64-bit column.
pub const COUNT: u64 = 1 << 63;

/// The most bytes that part 1 of a frame of `pixels_bytes` may have when it is packed.
pub const fn packed_bytes(pixels_bytes: usize) -> usize {
    pixels_bytes + pixels_bytes / 255 + 1024
}
