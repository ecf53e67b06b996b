package org.micromanager.data;

import org.micromanager.PropertyMap;

/** The window behind the button "Configure". */
public interface ProcessorConfigurator {
    void showGUI();

    void cleanup();

    PropertyMap getSettings();
}
