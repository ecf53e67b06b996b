package org.micromanager.data;

import org.micromanager.MMPlugin;
import org.micromanager.PropertyMap;

/** A plugin of the on-the-fly processor pipeline. */
public interface ProcessorPlugin extends MMPlugin {
    ProcessorConfigurator createConfigurator(PropertyMap settings);

    ProcessorFactory createFactory(PropertyMap settings);
}
