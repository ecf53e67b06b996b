package org.micromanager.data;

/** Sees each image before it is stored. */
public interface Processor {
    default SummaryMetadata processSummaryMetadata(SummaryMetadata summary) {
        return summary;
    }

    void processImage(Image image, ProcessorContext context);

    default void cleanup(ProcessorContext context) {}
}
