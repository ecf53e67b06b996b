// What the first frames say of microscope, sample and camera. In: the daemon's estimate. Out: a table with deviations.
// Never: a number without its deviation, a gap without its reason.

import type { Estimate, Measured } from "../gen/blinkd/v1/acquisitions_pb";
import { type Row, Rows, Section } from "../shell/Rows";
import { short, words } from "../units/format";

function measured(value: Measured | undefined, unit: string): string | null {
  if (!value) return null;
  return `${short(value.value)} ± ${short(value.sd)}${unit && `\u202f${unit}`}`;
}

export function EstimateSection({ estimate }: { estimate: Estimate }) {
  const title = `What ${estimate.frames} frames say`;
  if (estimate.trouble) {
    return (
      <Section title={title}>
        <p class="dim">{estimate.trouble}</p>
      </Section>
    );
  }
  const known: [string, string | null][] = [
    ["PSF", estimate.psfShape || null],
    ["PSF σ", measured(estimate.psfSigmaNm, "nm")],
    ["photons per frame", measured(estimate.photons, "")],
    ["background", measured(estimate.backgroundPhotons, "photons/px")],
    ["density", measured(estimate.densityPerUm2, "/µm²")],
    ["on-time", measured(estimate.onTimeFrames, "frames")],
    ["read noise", measured(estimate.readNoiseE, "e⁻")],
    ["gain", measured(estimate.transferAdu, "ADU/e⁻")],
  ];
  const rows = known.flatMap(([name, value]): Row[] => (value === null ? [] : [{ name, value }]));
  const unknown = Object.entries(estimate.missing);
  return (
    <Section title={title}>
      <Rows rows={rows} />
      {estimate.doubts.map((doubt) => (
        <p key={doubt} class="dim">
          {doubt}
        </p>
      ))}
      {unknown.length > 0 && (
        <details>
          <summary>Not known</summary>
          <Rows rows={unknown.map(([name, value]) => ({ name: words(name), value }))} />
        </details>
      )}
    </Section>
  );
}
