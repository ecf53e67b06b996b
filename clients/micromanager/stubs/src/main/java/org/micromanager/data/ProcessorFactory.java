package org.micromanager.data;

/** Makes a processor for each acquisition. */
public interface ProcessorFactory {
    Processor createProcessor();
}
