// What every component may reach.
// In: the daemon, the picture, the shell, made once in main. Out: a hook. Never: a second one of them.

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { said } from "../connection/transport";
import type { Daemon } from "../daemon/daemon";
import type { Picture } from "../picture/picture";
import type { Ui } from "./ui";

export interface Viewer {
  readonly daemon: Daemon;
  readonly picture: Picture;
  readonly ui: Ui;
}

export const ViewerContext = createContext<Viewer | null>(null);

export function useViewer(): Viewer {
  const viewer = useContext(ViewerContext);
  if (!viewer) throw new Error("a component outside of the viewer");
  return viewer;
}

/** Does something to the daemon and says how it went, in the daemon's words where it refused. */
export async function act<T>(viewer: Viewer, work: () => Promise<T>, done: (answer: T) => string): Promise<T | null> {
  try {
    const answer = await work();
    viewer.ui.say(done(answer));
    viewer.daemon.refresh();
    return answer;
  } catch (error) {
    viewer.ui.say(said(error), true);
    return null;
  }
}
