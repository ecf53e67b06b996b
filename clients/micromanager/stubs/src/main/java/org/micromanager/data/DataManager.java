package org.micromanager.data;

/** The pipelines and data of a Studio. */
public interface DataManager {
    void notifyPipelineChanged();
}
