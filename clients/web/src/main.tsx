// Where the viewer begins. In: the page, the address it came from. Out: everything else. Never: a second of anything.

import { render } from "preact";
import { connect } from "./connection/transport";
import { Daemon } from "./daemon/daemon";
import { Picture } from "./picture/picture";
import { App } from "./shell/App";
import { listenToKeys } from "./shell/keys";
import { Ui } from "./shell/ui";
import "./styles/frame.css";
import "./styles/strip.css";
import "./styles/panel.css";
import "./styles/picture.css";
import "./styles/forms.css";
import "./styles/charts.css";
import "./styles/dialog.css";

const root = document.getElementById("viewer");
if (root) {
  const daemon = new Daemon(connect(location.origin));
  const viewer = { daemon, picture: new Picture(daemon), ui: new Ui() };
  render(<App viewer={viewer} />, root);
  listenToKeys(viewer);
  // A phone has no key to bring everything back.
  viewer.picture.taps.subscribe(() => {
    viewer.ui.bare.value = false;
  });
  daemon.start();
}
