// What can be changed while it runs. In: the series as it is. Out: requests, the dangerous ones after a question.
// Never: a change that the daemon refused shown as done.

import { isOpen } from "../daemon/daemon";
import { nameOf } from "../daemon/series";
import type { Acquisition } from "../gen/blinkd/v1/acquisitions_pb";
import { SeriesState } from "../gen/blinkd/v1/acquisitions_pb";
import { Section } from "../shell/Rows";
import { act, useViewer } from "../shell/viewer";
import { short } from "../units/format";
import { CalibrationForm } from "./CalibrationForm";
import { configure } from "./configure";
import { Form } from "./Form";
import { FILTER, THRESHOLDS, textOf } from "./fields";
import { ModelSection } from "./ModelSection";

export function ControlsPanel() {
  const { daemon } = useViewer();
  const series = daemon.acquisition.value;
  return (
    <>
      {series ? (
        <>
          <SeriesControls series={series} />
          <FilterForm series={series} />
          <ThresholdForm series={series} />
          <CalibrationForm series={series} />
        </>
      ) : (
        <p class="dim">No series yet: filters, thresholds and calibration belong to one.</p>
      )}
      <ModelSection />
    </>
  );
}

function SeriesControls({ series }: { series: Acquisition }) {
  const viewer = useViewer();
  const open = isOpen(series);
  const stop = async () => {
    const yes = await viewer.ui.ask({
      title: `Stop ${nameOf(series)}?`,
      text: (
        <p>Frames that have come are still processed; later ones are refused and counted. It cannot be opened again.</p>
      ),
      action: "Stop the series",
    });
    if (!yes) return;
    const request = () => viewer.daemon.api.acquisitions.stopAcquisition({ seriesId: series.seriesId });
    await act(viewer, request, () => "The series is stopped");
  };
  const pause = async () => {
    if (!series.paused) {
      const yes = await viewer.ui.ask({
        title: "Pause processing?",
        text: <p>Frames then wait in the ring. Once it is full they are lost, by its policy.</p>,
        action: "Pause",
      });
      if (!yes) return;
    }
    await configure(
      viewer,
      series,
      { paused: !series.paused },
      series.paused ? "Processing goes on" : "Processing is paused",
    );
  };
  return (
    <Section title="Series">
      <div class="buttons">
        <button type="button" disabled={!open} onClick={() => void pause()}>
          {series.paused ? "Resume processing" : "Pause processing"}
        </button>
        <button
          type="button"
          class="danger"
          disabled={series.state !== SeriesState.RECEIVING}
          onClick={() => void stop()}
        >
          Stop the series
        </button>
      </div>
      {!open && <p class="dim">This series has ended.</p>}
    </Section>
  );
}

function FilterForm({ series }: { series: Acquisition }) {
  const viewer = useViewer();
  const filter = series.filter;
  return (
    <Section title="Filter of localizations">
      <Form
        fields={FILTER}
        action="Apply from now on"
        now={{
          sigma_lateral_max_px: textOf(filter?.sigmaLateralMaxPx),
          sigma_z_max_nm: textOf(filter?.sigmaZMaxNm),
          photons_min: textOf(filter?.photonsMin),
          photons_max: textOf(filter?.photonsMax),
          probability_min: textOf(filter?.probabilityMin),
        }}
        check={({ photons_min, photons_max }) =>
          photons_min !== null && photons_max !== null && photons_min >= photons_max
            ? "Photons at least must be smaller than photons at most"
            : ""
        }
        below={({ sigma_lateral_max_px }) =>
          sigma_lateral_max_px !== null && series.pixelSizeXNm > 0 ? (
            <p class="dim">
              σ of {short(sigma_lateral_max_px)} px is {short(sigma_lateral_max_px * series.pixelSizeXNm)} nm here.
            </p>
          ) : null
        }
        onApply={(values) =>
          configure(
            viewer,
            series,
            {
              filter: present({
                sigmaLateralMaxPx: values.sigma_lateral_max_px,
                sigmaZMaxNm: values.sigma_z_max_nm,
                photonsMin: values.photons_min,
                photonsMax: values.photons_max,
                probabilityMin: values.probability_min,
              }),
            },
            "The filter holds from now on; what was localized before stays",
          )
        }
      />
    </Section>
  );
}

/** Without what is not there. */
function present<K extends string>(values: Record<K, number | null>): Partial<Record<K, number>> {
  const kept = Object.entries(values).filter(([, value]) => value !== null);
  return Object.fromEntries(kept) as Partial<Record<K, number>>;
}

function ThresholdForm({ series }: { series: Acquisition }) {
  const viewer = useViewer();
  const { thresholds } = series;
  if (!thresholds) return null;
  return (
    <Section title="Thresholds of the probability map">
      <Form
        fields={THRESHOLDS}
        action="Apply from now on"
        now={{
          candidate: textOf(thresholds.candidate),
          second: textOf(thresholds.second),
          accept: textOf(thresholds.accept),
        }}
        onApply={({ candidate, second, accept }) =>
          configure(
            viewer,
            series,
            { thresholds: { candidate: candidate ?? 0, second: second ?? 0, accept: accept ?? 0 } },
            "The thresholds hold from now on",
          )
        }
      />
    </Section>
  );
}
