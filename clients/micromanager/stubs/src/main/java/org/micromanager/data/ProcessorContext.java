package org.micromanager.data;

/** Where processed images go. */
public interface ProcessorContext {
    void outputImage(Image image);

    SummaryMetadata getSummaryMetadata();
}
