package org.micromanager;

import org.scijava.plugin.SciJavaPlugin;

/** What every plugin says of itself. */
public interface MMPlugin extends SciJavaPlugin {
    void setContext(Studio studio);

    String getName();

    String getHelpText();

    String getVersion();

    String getCopyright();
}
