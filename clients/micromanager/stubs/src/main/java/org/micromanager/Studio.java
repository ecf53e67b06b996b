package org.micromanager;

import mmcorej.CMMCore;
import org.micromanager.data.DataManager;

/** The way into Micro-Manager. */
public interface Studio {
    LogManager logs();

    CMMCore core();

    UserProfile profile();

    DataManager data();
}
