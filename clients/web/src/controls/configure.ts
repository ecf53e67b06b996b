// Changes how a running series goes on. In: what changes. Out: the series as the daemon has it now, and a notice.
// Never: a change that the daemon refused shown as done.

import type { Acquisition } from "../gen/blinkd/v1/acquisitions_pb";
import { act, type Viewer } from "../shell/viewer";

export const configure = (
  viewer: Viewer,
  series: Acquisition,
  change: Omit<
    Parameters<Viewer["daemon"]["api"]["acquisitions"]["configureAcquisition"]>[0],
    "seriesId" | "$typeName"
  >,
  done: string,
) =>
  act(
    viewer,
    async () => {
      const now = await viewer.daemon.api.acquisitions.configureAcquisition({ ...change, seriesId: series.seriesId });
      viewer.daemon.show(now);
    },
    () => done,
  );
