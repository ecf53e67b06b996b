// How long the scale bar is. Pure.
// In: nm per pixel, room. Out: a length of 1, 2 or 5 times a power of ten. Never: a bar longer than the room.

export interface ScaleBar {
  readonly length_nm: number;
  readonly width_px: number;
}

export function scaleBar(nm_per_px: number, room_px: number): ScaleBar {
  const most_nm = nm_per_px * room_px;
  const power = 10 ** Math.floor(Math.log10(most_nm));
  // A hair of slack: 10^-1 * 2 must fit into 0.2.
  const step = [5, 2, 1].find((factor) => factor * power <= most_nm * (1 + 1e-9)) ?? 1;
  const length_nm = Number((step * power).toPrecision(6));
  return { length_nm, width_px: length_nm / nm_per_px };
}
