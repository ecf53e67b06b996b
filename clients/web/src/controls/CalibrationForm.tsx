// How the camera's counts become photons. In: the series' calibration, or the configuration's. Out: another one, from the
// next frame on. Never: a number of the configuration replaced by a made-up one.

import type { Acquisition } from "../gen/blinkd/v1/acquisitions_pb";
import { Section } from "../shell/Rows";
import { useViewer } from "../shell/viewer";
import { configure } from "./configure";
import { Form } from "./Form";
import { CAMERA, cameraToml, configuredCamera, textOf } from "./fields";

/** A gain of 1 is none. */
const gainText = (gain: number | undefined) => (gain === 1 ? "" : textOf(gain));

export function CalibrationForm({ series }: { series: Acquisition }) {
  const viewer = useViewer();
  const { camera } = series;
  const configured = configuredCamera(viewer.daemon.status.value?.effectiveConfigToml ?? "");
  return (
    <Section title="Camera calibration">
      <p class="dim">{camera ? "As the publisher or a person set it." : "As the daemon's configuration says."}</p>
      <Form
        fields={CAMERA}
        action="Apply from the next frame"
        now={{
          offset_adu: textOf(camera ? camera.offsetAdu : (configured.offset_adu ?? 0)),
          e_per_adu: textOf(camera ? camera.ePerAdu : (configured.e_per_adu ?? 1)),
          em_gain: gainText(camera ? camera.emGain : configured.em_gain),
          spurious_e: textOf(camera ? camera.spuriousE : (configured.spurious_e ?? 0)),
          qe: textOf((camera ? camera.qe : configured.qe) || 1),
          read_noise_e: textOf(camera?.readNoiseE ?? 0),
        }}
        below={(values) => (
          <details>
            <summary>To make it permanent</summary>
            <p class="dim">Copy into the daemon's configuration; a calibration that the publisher sends comes first.</p>
            <pre>{cameraToml(values)}</pre>
          </details>
        )}
        onApply={(values) =>
          configure(
            viewer,
            series,
            {
              camera: {
                offsetAdu: values.offset_adu ?? 0,
                ePerAdu: values.e_per_adu ?? 1,
                spuriousE: values.spurious_e ?? 0,
                qe: values.qe ?? 1,
                readNoiseE: values.read_noise_e ?? 0,
                ...(values.em_gain === null ? {} : { emGain: values.em_gain }),
              },
            },
            "The calibration holds from the next frame on",
          )
        }
      />
    </Section>
  );
}
